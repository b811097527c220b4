import { copyFile, lstat, readFile, stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { codeOf } from '../../files/refused.ts';
import { failed, mustGit, type GitCall, type RunGit } from './run.ts';

export interface IndexCopy {
  /** The commit that is checked out; null before the first one. */
  readonly parent: string | null;
  /** `.tmops` is neither in the index nor will `git add` put it there. */
  readonly tmopsStaysOut: boolean;
}

/**
 * Copies the index of the working tree `path` to the file `copy`, which `call` names to git. The user's index knows which
 * files are unchanged, so that only the others have to be read; what it tells git to overlook is looked at again.
 */
export async function copyIndex(
  run: RunGit,
  order: { readonly path: string; readonly copy: string; readonly call: GitCall },
): Promise<IndexCopy> {
  const { path, copy, call } = order;
  const asked = ['rev-parse', '--git-path', 'info/exclude', '--git-path', 'index', 'HEAD^{commit}'];
  const [places, listing] = await Promise.all([
    run(path, asked),
    mustGit(run, path, ['ls-files', '-v', '-z'], { long: true }),
  ]);
  const [exclude = '', index = '', head = ''] = places.stdout.split('\n');
  // Before the first commit it fails and has told the places all the same.
  if (index === '') throw failed(path, asked, places);
  if (!(await copyFaithfully(resolve(path, index), copy))) await mustGit(run, path, ['read-tree', '--empty'], call);
  const records = listing.split('\0').filter((record) => record !== '');
  await unhide(run, { path, records, call });
  const committed = records.some((record) => /^. \.tmops(\/|$)/.test(record));
  return {
    // Before the first commit git repeats the words it cannot resolve.
    parent: /^[0-9a-f]{40,}$/.test(head) ? head : null,
    tmopsStaysOut: !committed && (await excludes(resolve(path, exclude), '.tmops')),
  };
}

/** False when there is no index yet. */
async function copyFaithfully(index: string, copy: string): Promise<boolean> {
  try {
    const seen = await stat(index);
    await copyFile(index, copy);
    // git trusts a file's times only if they are older than the index; a copy must not look younger than its original.
    const whole = Math.floor(seen.mtimeMs / 1000);
    await utimes(copy, whole, whole);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return false;
  }
}

/** Files marked assume-unchanged or skip-worktree count like the others. */
async function unhide(
  run: RunGit,
  order: { readonly path: string; readonly records: readonly string[]; readonly call: GitCall },
): Promise<void> {
  const { path, records, call } = order;
  const marked = (tag: RegExp) => records.filter((record) => tag.test(record)).map((record) => record.slice(2));
  const unmark = async (flag: string, files: readonly string[]) => {
    if (files.length === 0) return;
    const input = `${files.join('\0')}\0`;
    await mustGit(run, path, ['update-index', '-z', flag, '--stdin'], { ...call, input });
  };
  await unmark('--no-assume-unchanged', marked(/^[a-z] /));
  // A sparse checkout marks the files it leaves out; only those that are there after all are unmarked.
  await unmark('--no-skip-worktree', await presentOnes(path, marked(/^[Ss] /)));
}

async function presentOnes(path: string, files: readonly string[]): Promise<readonly string[]> {
  const present: string[] = [];
  for (const file of files) if (await isThere(join(path, file))) present.push(file);
  return present;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    return false;
  }
}

async function excludes(file: string, pattern: string): Promise<boolean> {
  try {
    return (await readFile(file, 'utf8')).split(/\r?\n/).includes(pattern);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return false;
  }
}
