import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { claudeConfigDir, claudeConfigFile } from '../adapters/agents/claude-files.ts';
import { trustState } from '../adapters/agents/claude-trust.ts';
import { examine, type ExamineOptions } from '../adapters/machine/examine.ts';
import { readInstallers } from '../adapters/machine/installers.ts';
import type { OutputOf } from '../app/table.ts';
import type { ProblemView } from '../app/views.ts';
import { fill } from '../config/fields.ts';
import { loadConfig, type ConfigResult } from '../config/load.ts';
import { planStart } from '../config/plan.ts';
import { say } from '../config/say.ts';
import type { Config } from '../config/schema.ts';
import { bootId, startTimeOf } from '../journal/holder.ts';
import { packageDir, packaged } from './package.ts';
import { socketOfWorkspace, supervisorPlace } from './places.ts';

type Environment = Readonly<Record<string, string>>;
type FoundWorkspace = { readonly root: string } | { readonly problem: Omit<ProblemView, 'code'> };

/** Looks at this machine and at the workspace, where there is one; without what is `missing` tmops cannot work. */
export async function examineMachine(
  find: () => Promise<FoundWorkspace>,
  env: Environment,
): Promise<OutputOf<'doctor'>> {
  const found = await findInTime(find);
  const root = 'root' in found ? found.root : null;
  const { config, faults } = configurationOf(root, env);
  const checks = await examine({
    env,
    platform: process.platform,
    nodeVersion: process.version,
    user: { name: userInfo().username, uid: userInfo().uid },
    installers: readInstallers(await readFile(packaged('config', 'package-managers.json'), 'utf8')),
    commands: { tmux: config.tmux.command, git: 'git', claude: config.providers.claude_code.command },
    claude: claudeFacts(config, env),
    workspace: found,
    faults,
    inside: root === null ? null : insideOf(root, config, env),
  });
  return { ok: checks.every(({ state }) => state !== 'missing'), checks };
}
