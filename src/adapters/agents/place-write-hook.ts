import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AgentOrder, RolePermissions } from '../../core/agent.ts';
import type { WriteHookRules } from '../../core/write-rules.ts';
import { makePrivateFolder } from '../../files/in-place.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { packagedFile } from './packaged-file.ts';
import { ProviderError } from './provider-error.ts';

/** Whether the role may not write everything. */
export const hasWriteRules = ({ allowWrites, denyWrites }: RolePermissions): boolean =>
  allowWrites !== undefined || denyWrites.length > 0;

/**
 * Puts the hook in front of the agent's file tools into its folder, with the role's rules; nothing where it has none.
 * Copied, so that agents outlive an update or a removal of this package. `programDirs`: see WriteHookRules. Gives the
 * variables it needs beside TMOPS_AGENT_DIR. Rejects with a ProviderError when this installation has no such hook.
 */
export async function placeWriteHook(
  order: AgentOrder,
  programDirs: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const { agentDir, permissions } = order;
  if (!hasWriteRules(permissions)) return {};
  await makePrivateFolder(agentDir);
  const rules = await rulesOf(order, programDirs);
  await writeWhole(join(agentDir, 'write-rules.json'), `${JSON.stringify(rules, null, 2)}\n`);
  await writeWhole(join(agentDir, 'write-hook.mjs'), await readFile(hookProgram()));
  await writeWhole(join(agentDir, 'write-hook.sh'), await readFile(packagedFile('write-hook.sh')));
  return { TMOPS_NODE: process.execPath };
}

async function rulesOf(
  { role, cwd, workspaceRoot, runDir, permissions }: AgentOrder,
  programDirs: readonly string[],
): Promise<WriteHookRules> {
  const { allowWrites = null, denyWrites } = permissions;
  // A run's folder is `<feature>/runs/<run>`, and may be named by the link that leads to it.
  const featureDir = dirname(dirname(await realpath(runDir).catch(() => runDir)));
  return { role, worktree: cwd, workspaceRoot, featureDir, programDirs, allow: allowWrites, deny: denyWrites };
}

function hookProgram(): string {
  const program = join(dirname(dirname(packagedFile('write-hook.sh'))), 'dist', 'write-hook.js');
  if (existsSync(program)) return program;
  throw new ProviderError({
    reason: 'command-missing',
    sentence: `The hook in front of writes is not there: ${program}.`,
    hint: 'Build it with `npm run build`.',
  });
}
