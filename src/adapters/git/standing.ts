import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { TreeObstacle } from '../../engine/ports.ts';
import { head } from './branches.ts';
import { codeOf } from '../../files/refused.ts';
import { failed, mustGit, type RunGit } from './run.ts';
import { status } from './status.ts';

/** What somebody may have left in the middle, by the file or folder of git's that says so. */
const UNFINISHED: readonly (readonly [string, string])[] = [
  ['MERGE_HEAD', 'merge'],
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['BISECT_LOG', 'bisection'],
];
const SHOWN_FILES = 20;

/** What stands in the way of comparing the working tree with the commit `since` of its branch; null when nothing does. */
export async function obstacleIn(
  run: RunGit,
  path: string,
  { branch, since }: { readonly branch: string; readonly since: string },
): Promise<TreeObstacle | null> {
  if (!(await isThere(path))) return { kind: 'no-worktree', path };
  const what = await unfinished(run, path);
  if (what !== null) return { kind: 'under-way', what };
  const now = await head(run, path);
  if (now.branch !== branch) return { kind: 'other-branch', branch: now.branch, wanted: branch };
  const { conflicted } = await status(run, path);
  if (conflicted.length > 0) return { kind: 'conflicts', files: conflicted.slice(0, SHOWN_FILES) };
  if (!(await isBelow(run, path, since))) return { kind: 'rewritten', since };
  const merge = await mustGit(run, path, ['rev-list', '--merges', '--max-count=1', `${since}..HEAD`, '--']);
  return merge === '' ? null : { kind: 'merged', commit: merge };
}

export async function unfinished(run: RunGit, path: string): Promise<string | null> {
  return unfinishedIn(resolve(path, await mustGit(run, path, ['rev-parse', '--git-dir'])));
}

/** As `unfinished`, where it is known in which folder git keeps the worktree's own state. */
export async function unfinishedIn(gitDir: string): Promise<string | null> {
  for (const [name, what] of UNFINISHED) if (await isThere(join(gitDir, name))) return what;
  return null;
}

async function isBelow(run: RunGit, path: string, commit: string): Promise<boolean> {
  const known = await run(path, ['rev-parse', '--verify', '--quiet', `${commit}^{commit}`]);
  return known.exitCode === 0 && isAncestor(run, path, commit, 'HEAD');
}

/** Whether `commit`, which is there, is `tip` or below it. */
export async function isAncestor(run: RunGit, path: string, commit: string, tip: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', commit, tip];
  const ran = await run(path, args, { long: true });
  if (ran.exitCode > 1) throw failed(path, args, ran);
  return ran.exitCode === 0;
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    return false;
  }
}
