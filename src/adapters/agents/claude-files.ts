import { open, readFile, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readTextOrNull } from '../../files/regular.ts';

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
  const text = await readTextOrNull(join(agentDir, 'launch', 'env'));
  if (text === null) return null;
  const pairs = text.split('\n').map((line): [string, string] => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)];
  });
  return claudeConfigDir(Object.fromEntries(pairs));
}

/**
 * What Claude Code keeps of a conversation: `spoken` when it can be carried on, `blank` when its file holds no prompt yet
 * (it is made before the first prompt is written into it, up to a second later), null when there is none. `unknown` when
 * the folder cannot be read: then the program itself is to tell.
 */
export async function conversationRecord(
  configDir: string,
  sessionId: string,
): Promise<{ readonly kind: 'spoken' | 'blank'; readonly file: string } | { readonly kind: 'unknown' } | null> {
  try {
    // One folder for each working directory; a conversation may be in that of another one.
    const projects = await readdir(join(configDir, 'projects'));
    for (const project of projects) {
      const file = join(configDir, 'projects', project, `${sessionId}.jsonl`);
      const beginning = await readBeginning(file);
      if (beginning !== null) return { kind: beginning.includes('"type":"user"') ? 'spoken' : 'blank', file };
    }
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? null : { kind: 'unknown' };
  }
}

/** The first prompt stands behind a few short lines. */
const BEGINNING_BYTES = 256 * 1024;

async function readBeginning(path: string): Promise<string | null> {
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  }
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
