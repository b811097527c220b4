import { readFile, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where Claude Code keeps its files: CLAUDE_CONFIG_DIR, or `.claude` in HOME. */
export function claudeConfigDir(env: Readonly<Record<string, string>>, override?: string): string {
  return override ?? env['CLAUDE_CONFIG_DIR'] ?? join(env['HOME'] ?? homedir(), '.claude');
}

/** The configuration file with the trusted folders: inside CLAUDE_CONFIG_DIR when that is set, else beside `.claude`. */
export function claudeConfigFile(env: Readonly<Record<string, string>>, override?: string): string {
  const folder = override ?? env['CLAUDE_CONFIG_DIR'];
  return folder === undefined ? join(env['HOME'] ?? homedir(), '.claude.json') : join(folder, '.claude.json');
}

/** The folder an agent was started with, read from its launch files; null when there are none. */
export async function configDirOf(agentDir: string): Promise<string | null> {
  const text = await readOrNull(join(agentDir, 'launch', 'env'));
  if (text === null) return null;
  const pairs = text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return claudeConfigDir(Object.fromEntries(pairs) as Record<string, string>);
}

/**
 * Whether a conversation is kept under this id. One whose first prompt never came is not kept. True also when the folder
 * cannot be read: then the program itself is to tell.
 */
export async function hasConversation(configDir: string, sessionId: string): Promise<boolean> {
  try {
    const projects = await readdir(join(configDir, 'projects'));
    const found = projects.map((project) => isFile(join(configDir, 'projects', project, `${sessionId}.jsonl`)));
    return (await Promise.all(found)).includes(true);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** The text of a file, null when it is not there. */
export async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
