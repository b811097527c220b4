import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyIndex } from './index-copy.ts';
import { failed, mustGit, type GitCall, type RunGit } from './run.ts';

/** A working tree as it was: a commit that only `ref` holds on to. */
export interface Snapshot {
  readonly ref: string;
  readonly commit: string;
  readonly tree: string;
  /** What was checked out; null before the first commit. */
  readonly parent: string | null;
  /** Folders that could not be recorded: repositories of their own without a commit. */
  readonly skipped: readonly string[];
}

const REF_ROOT = 'refs/tmops/';
const TRIES = 5;

/** What makes `git add` stop at files it would otherwise take: warnings about line endings, and the edge of a sparse checkout. */
const ADD_SETTINGS = ['core.safecrlf=false', 'core.sparseCheckout=false', 'advice.addEmbeddedRepo=false'].flatMap(
  (setting) => ['-c', setting],
);

/** The commits are ours, also where the user has told git no name. */
export const AUTHOR = {
  GIT_AUTHOR_NAME: 'tmops',
  GIT_AUTHOR_EMAIL: 'tmops@localhost',
  GIT_COMMITTER_NAME: 'tmops',
  GIT_COMMITTER_EMAIL: 'tmops@localhost',
};

/**
 * Records every tracked and every untracked, not ignored file of the working tree `path` as a commit on top of its HEAD,
 * under `ref` (`refs/tmops/<feature>/<run>/<name>`, replaced if it exists). Index, HEAD and files stay as they are: git
 * works on a copy of the index. `.tmops` is left out. Throws a GitError when a file cannot be read.
 */
export async function snapshot(run: RunGit, path: string, ref: string): Promise<Snapshot> {
  if (!ref.startsWith(REF_ROOT)) throw new Error(`Internal error: a snapshot belongs under ${REF_ROOT}, not ${ref}`);
  return holdTree(run, path, { ...(await writeTree(run, path)), ref });
}

/** Holds what `writeTree` gave under `ref`, as `snapshot` does. */
export async function holdTree(run: RunGit, path: string, written: WrittenTree & { ref: string }): Promise<Snapshot> {
  const { ref, tree, parent, skipped } = written;
  const commit = await commitTree(run, { path, tree, parent, ref });
  await mustGit(run, path, ['update-ref', ref, commit]);
  return { ref, commit, tree, parent, skipped };
}

/** The id of the tree that a snapshot of the working tree `path` would hold: equal for equal files. Nothing holds on to it. */
export async function treeOf(run: RunGit, path: string): Promise<string> {
  return (await writeTree(run, path)).tree;
}

type WrittenTree = Pick<Snapshot, 'tree' | 'parent' | 'skipped'>;

/** Writes the tree that a snapshot of the working tree `path` would hold. Nothing holds on to it. */
export async function writeTree(run: RunGit, path: string): Promise<WrittenTree> {
  const folder = await mkdtemp(join(tmpdir(), 'tmops-index-'));
  try {
    const copy = join(folder, 'index');
    const call: GitCall = { env: { GIT_INDEX_FILE: copy }, long: true };
    const { parent, tmopsStaysOut } = await copyIndex(run, { path, copy, call });
    const skipped = await addAll(run, path, call);
    if (!tmopsStaysOut) await leaveOut(run, path, call);
    return { tree: await mustGit(run, path, ['write-tree'], call), parent, skipped };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file may vanish while git reads it, hence the tries. Gives the folders that had to be left out. */
async function addAll(run: RunGit, path: string, call: GitCall): Promise<readonly string[]> {
  const skipped: string[] = [];
  for (let tries = 1; ; tries += 1) {
    const except = skipped.map((each) => `:(exclude,top,literal)${each}`);
    const args = [...ADD_SETTINGS, 'add', '--all', '--', '.', ...except];
    const ran = await run(path, args, call);
    if (ran.exitCode === 0) return skipped;
    const unborn = /'(.+?)\/?' does not have a commit checked out/.exec(ran.stderr)?.[1];
    if (unborn !== undefined && !skipped.includes(unborn)) skipped.push(unborn);
    if (tries >= TRIES) throw failed(path, args, ran);
  }
}

/**
 * Takes `.tmops` out again, where it is committed or not ignored. (Told not to add it in the first place, git stops
 * with an error where it is ignored.)
 */
async function leaveOut(run: RunGit, path: string, call: GitCall): Promise<void> {
  const args = [...ADD_SETTINGS, 'rm', '-r', '--cached', '--force', '--quiet', '--ignore-unmatch', '--', '.tmops'];
  await mustGit(run, path, args, call);
}

async function commitTree(
  run: RunGit,
  order: { path: string; tree: string; parent: string | null; ref: string },
): Promise<string> {
  const parent = order.parent === null ? [] : ['-p', order.parent];
  const args = ['commit-tree', order.tree, ...parent, '-m', `tmops snapshot ${order.ref.slice(REF_ROOT.length)}`];
  return mustGit(run, order.path, args, { env: AUTHOR });
}
