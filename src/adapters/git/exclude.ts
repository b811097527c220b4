import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { codeOf } from '../../files/refused.ts';
import { mustGit, type RunGit } from './run.ts';

/**
 * Puts `pattern` into the repository's info/exclude (shared by its worktrees) unless a line says it already. Gives
 * whether it was added. The pattern `.tmops` has no slash on purpose: with one it would not match a link of that name.
 */
export async function addExclude(run: RunGit, root: string, pattern: string): Promise<boolean> {
  const file = resolve(root, await mustGit(run, root, ['rev-parse', '--git-path', 'info/exclude']));
  const text = await readOrEmpty(file);
  if (text.split(/\r?\n/).includes(pattern)) return false;
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${pattern}\n`);
  return true;
}

async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return '';
  }
}
