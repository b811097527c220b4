import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { codeOf } from '../../files/refused.ts';
import { mustGit, type RunGit } from './run.ts';
import { unfinished } from './standing.ts';
import { dirtyFiles, status } from './status.ts';
import { head } from './branches.ts';

/** What would go with a working tree. */
export interface Leaving {
  /** Null when detached. */
  readonly branch: string | null;
  readonly commit: string;
  /** A merge, rebase or conflict that somebody left in the middle; null when there is none. */
  readonly underWay: string | null;
  readonly dirty: { readonly count: number; readonly files: readonly string[] };
  /** Whether a branch holds the commit that is checked out. */
  readonly isHeld: boolean;
  /** Submodules keep their commits in git's folder of the working tree. */
  readonly hasSubmodules: boolean;
  readonly ignoredFiles: readonly string[];
  readonly ignoredFolders: readonly string[];
}

/** Looks at the working tree `path` for what nothing else holds. */
export async function leaving(run: RunGit, path: string): Promise<Leaving> {
  const { branch, commit } = await head(run, path);
  const tree = await status(run, path);
  const holders = await mustGit(run, path, ['for-each-ref', '--count=1', `--contains=${commit}`, 'refs/heads']);
  const modules = await mustGit(run, path, ['rev-parse', '--git-path', 'modules']);
  const ignored = await ignoredIn(run, path);
  return {
    branch,
    commit,
    underWay: tree.conflicted.length > 0 ? 'merge with conflicts' : await unfinished(run, path),
    dirty: dirtyFiles(tree, { untracked: true }),
    isHeld: holders !== '',
    hasSubmodules: await isThere(resolve(path, modules)),
    ignoredFiles: ignored.filter((each) => !each.endsWith('/')),
    ignoredFolders: ignored.filter((each) => each.endsWith('/')).map((each) => each.slice(0, -1)),
  };
}

async function ignoredIn(run: RunGit, path: string): Promise<readonly string[]> {
  const args = ['ls-files', '--others', '--ignored', '--exclude-standard', '--directory', '-z'];
  const listed = await mustGit(run, path, args, { long: true });
  // The link to the root's `.tmops` is tmops' own.
  return listed.split('\0').filter((each) => each !== '' && each !== '.tmops' && each !== '.tmops/');
}

/** Forgets the linked working tree that was at `path`; its folder is gone already. Safe to call twice. */
export async function forgetWorktree(run: RunGit, root: string, path: string): Promise<void> {
  const listed = await mustGit(run, root, ['worktree', 'list', '--porcelain']);
  if (!listed.split('\n').includes(`worktree ${path}`)) return;
  await mustGit(run, root, ['worktree', 'remove', '--force', '--force', path], { long: true });
}

const MOST_COMMITS = 1000;

/** Commits of the branch that the HEAD of `root` does not have, newest first. */
export async function unmerged(
  run: RunGit,
  root: string,
  branch: string,
): Promise<readonly { readonly commit: string; readonly subject: string }[]> {
  const args = [
    'log',
    '-z',
    `--max-count=${MOST_COMMITS}`,
    '--format=tformat:%H %s',
    `HEAD..refs/heads/${branch}`,
    '--',
  ];
  const text = await mustGit(run, root, args, { long: true });
  return text
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => ({ commit: line.slice(0, line.indexOf(' ')), subject: line.slice(line.indexOf(' ') + 1) }));
}

/** The commit of a branch; null where there is none. */
export async function tipOf(run: RunGit, root: string, branch: string): Promise<string | null> {
  const ran = await run(root, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`]);
  return ran.exitCode === 0 ? ran.stdout.trim() : null;
}

/** Makes the branch at that commit unless it is there. */
export async function restoreBranch(run: RunGit, root: string, branch: string, commit: string): Promise<void> {
  if ((await tipOf(run, root, branch)) === null)
    await mustGit(run, root, ['branch', '--quiet', '--no-track', branch, commit]);
}

/** Deletes the branch, merged or not, unless it is gone already. */
export async function deleteBranch(run: RunGit, root: string, branch: string): Promise<void> {
  if ((await tipOf(run, root, branch)) !== null)
    await mustGit(run, root, ['branch', '--quiet', '--delete', '--force', branch]);
}

/** Holds on to a commit under a ref below `refs/tmops/`. */
export async function holdRef(run: RunGit, root: string, ref: string, commit: string): Promise<void> {
  await mustGit(run, root, ['update-ref', ref, commit]);
}

/** Moves every ref below `from` to the same name below `to`, all at once. */
export async function moveRefs(run: RunGit, root: string, from: string, to: string): Promise<void> {
  const listed = await mustGit(run, root, ['for-each-ref', '--format=%(objectname) %(refname)', `${from}/`]);
  const refs = listed.split('\n').filter((line) => line !== '');
  if (refs.length === 0) return;
  const orders = refs.flatMap((line) => {
    const [object = '', name = ''] = line.split(' ');
    return [`update ${to}${name.slice(from.length)} ${object}`, `delete ${name} ${object}`];
  });
  await mustGit(run, root, ['update-ref', '--stdin'], { input: `${orders.join('\n')}\n` });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return false;
  }
}
