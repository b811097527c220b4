import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { AgentOrder } from '../../core/agent.ts';
import { ProviderError } from './provider-error.ts';

/** Rejects with a ProviderError unless the folder the agent is to work in is there. */
export async function checkFolder(order: AgentOrder): Promise<void> {
  if (await isFolder(order.cwd)) return;
  throw new ProviderError({
    reason: 'folder-missing',
    sentence: `The folder the ${order.role} is to work in is not there: ${order.cwd}.`,
    hint: 'See `git worktree list`; tmops init makes it again.',
  });
}

/**
 * The absolute path of `command`, looked up on the PATH the agent will get. Rejects with a ProviderError that names
 * `install` (how to get the program) when there is no such program.
 */
export async function findCommand(command: string, order: AgentOrder, install: string): Promise<string> {
  const folders = (order.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const candidates = command.includes('/')
    ? [isAbsolute(command) ? command : join(order.workspaceRoot, command)]
    : folders.map((folder) => join(folder, command));
  for (const candidate of candidates) if (await isProgram(candidate)) return candidate;
  throw new ProviderError({
    reason: 'command-missing',
    sentence: `The program ${JSON.stringify(command)} was not found${command.includes('/') ? '' : ' on PATH'}.`,
    hint: install,
  });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function isProgram(path: string): Promise<boolean> {
  const runnable = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  return runnable && !(await isFolder(path));
}
