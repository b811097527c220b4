import { copyFile, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { codeOf } from './code.ts';
import { failed, mustGit, type GitCall, type RunGit } from './run.ts';

/** A working tree as it was: a commit that only `ref` holds on to. */
export interface Snapshot {
  readonly ref: string;
  readonly commit: string;
  readonly tree: string;
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
const AUTHOR = {
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
  const folder = await mkdtemp(join(tmpdir(), 'tmops-index-'));
  try {
    const parent = await parentOf(run, path);
    const call: GitCall = { env: { GIT_INDEX_FILE: join(folder, 'index') }, long: true };
    await seedIndex(run, { path, copy: join(folder, 'index'), call });
    await unhide(run, path, call);
    const skipped = await addAll(run, path, call);
    const tree = await mustGit(run, path, ['write-tree'], call);
    const commit = await commitTree(run, { path, tree, parent, ref });
    await mustGit(run, path, ['update-ref', ref, commit]);
    return { ref, commit, tree, skipped };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function parentOf(run: RunGit, path: string): Promise<string | null> {
  const ran = await run(path, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  return ran.exitCode === 0 ? ran.stdout.trim() : null;
}

/** The user's index knows which files are unchanged, so that only the others are read. */
async function seedIndex(run: RunGit, order: { path: string; copy: string; call: GitCall }): Promise<void> {
  const { path, copy, call } = order;
  const index = resolve(path, await mustGit(run, path, ['rev-parse', '--git-path', 'index']));
  try {
    const seen = await stat(index);
    await copyFile(index, copy);
    // git trusts a file's times only if they are older than the index; a copy must not look younger than its original.
    const whole = Math.floor(seen.mtimeMs / 1000);
    await utimes(copy, whole, whole);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await mustGit(run, path, ['read-tree', '--empty'], call);
  }
}

/** Files marked assume-unchanged or skip-worktree count like the others: what an agent told git to overlook is looked at. */
async function unhide(run: RunGit, path: string, call: GitCall): Promise<void> {
  const marked = (await mustGit(run, path, ['ls-files', '-v', '-z'], call))
    .split('\0')
    .filter((record) => record !== '' && !record.startsWith('H '));
  const assumed = marked.filter((record) => /^[a-z] /.test(record)).map((record) => record.slice(2));
  if (assumed.length > 0) {
    const args = ['update-index', '-z', '--no-assume-unchanged', '--stdin'];
    await mustGit(run, path, args, { ...call, input: `${assumed.join('\0')}\0` });
  }
  // A sparse checkout marks the files it leaves out; only those that are there after all are unmarked.
  const skipped = marked.filter((record) => /^[Ss] /.test(record)).map((record) => record.slice(2));
  const present = await presentOnes(path, skipped);
  if (present.length > 0) {
    const args = ['update-index', '-z', '--no-skip-worktree', '--stdin'];
    await mustGit(run, path, args, { ...call, input: `${present.join('\0')}\0` });
  }
}

async function presentOnes(path: string, files: readonly string[]): Promise<readonly string[]> {
  const present: string[] = [];
  for (const file of files) {
    try {
      await stat(join(path, file));
      present.push(file);
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    }
  }
  return present;
}

/** A file may vanish while git reads it, hence the tries. Gives the folders that had to be left out. */
async function addAll(run: RunGit, path: string, call: GitCall): Promise<readonly string[]> {
  const skipped: string[] = [];
  for (let tries = 1; ; tries += 1) {
    const except = ['.tmops', ...skipped].map((each) => `:(exclude,top,literal)${each}`);
    const args = [...ADD_SETTINGS, 'add', '--all', '--', '.', ...except];
    const ran = await run(path, args, call);
    if (ran.exitCode === 0) return skipped;
    const unborn = /'(.+?)\/?' does not have a commit checked out/.exec(ran.stderr)?.[1];
    if (unborn !== undefined && !skipped.includes(unborn)) skipped.push(unborn);
    if (tries >= TRIES) throw failed(path, args, ran);
  }
}

async function commitTree(
  run: RunGit,
  order: { path: string; tree: string; parent: string | null; ref: string },
): Promise<string> {
  const parent = order.parent === null ? [] : ['-p', order.parent];
  const args = ['commit-tree', order.tree, ...parent, '-m', `tmops snapshot ${order.ref.slice(REF_ROOT.length)}`];
  return mustGit(run, order.path, args, { env: AUTHOR });
}
