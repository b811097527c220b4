import { lstat, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { GitProblem, PathKind } from '../../core/init.ts';
import { codeOf } from '../../files/refused.ts';
import { failed, mustGit, type RunGit } from './run.ts';
import { dirtyFiles, status } from './status.ts';
import { worktreeList, type WorktreeEntry } from './worktree-list.ts';

export interface WorktreeOrder {
  /** Main worktree. */
  readonly root: string;
  /** Absolute path of the linked worktree. */
  readonly path: string;
}

/** `path` is the real path. `repaired`: an earlier `worktree add` was cut short and has been finished. */
export type WorktreeDone =
  | { readonly ok: true; readonly how: 'made' | 'kept' | 'repaired'; readonly path: string }
  | { readonly ok: false; readonly problem: GitProblem };

export type EnsureOrder = WorktreeOrder & { readonly branch: string };

const SETTLE_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** git writes this as the lock's reason while `worktree add` works. */
const HALF_MADE = 'initializing';

/**
 * Makes sure that `path` is a worktree on the existing `branch`. Never removes or overwrites a file of the user. One that
 * is half made gets `settleMs` to be finished by the git that may still be at it (its tmops can have died).
 */
export async function ensureWorktree(run: RunGit, order: EnsureOrder, settleMs = SETTLE_MS): Promise<WorktreeDone> {
  const path = await realPlace(order.path);
  const { root, branch } = order;
  const list = await settledList(run, { root, path }, settleMs);
  const entry = list.find((each) => each.path === path);
  const elsewhere = list.find((each) => each.branch === branch && each.path !== path);
  if (elsewhere) return { ok: false, problem: { kind: 'branch-elsewhere', branch, at: elsewhere.path } };
  const what = await pathKind(path);
  const started = what === 'folder' && (await pathKind(join(path, '.git'))) === 'file';
  if (entry && started) return finish(run, { root, path, branch, entry });
  const empty = what === 'folder' && (await readdir(path)).length === 0;
  if (what !== 'absent' && !empty) return { ok: false, problem: { kind: 'path-taken', path, what } };
  if (entry && entry.locked !== null && entry.locked !== HALF_MADE) {
    return { ok: false, problem: { kind: 'worktree-locked', path, reason: entry.locked } };
  }
  return add(run, { root, path, branch, entry });
}

export type WorktreeGone =
  { readonly ok: true; readonly removed: boolean } | { readonly ok: false; readonly problem: GitProblem };

/** Removes the linked worktree and git's record of it; the branch stays. Uncommitted work is refused. */
export async function removeWorktree(run: RunGit, order: WorktreeOrder): Promise<WorktreeGone> {
  const path = await realPlace(order.path);
  const [main, ...linked] = await worktreeList(run, order.root);
  if (main?.path === path) throw new Error(`Internal error: ${path} is the main worktree`);
  const entry = linked.find((each) => each.path === path);
  if (!entry) return { ok: true, removed: false };
  if (entry.locked !== null) return { ok: false, problem: { kind: 'worktree-locked', path, reason: entry.locked } };
  if ((await pathKind(path)) === 'folder') {
    const dirty = dirtyFiles(await status(run, path), { untracked: true });
    if (dirty.count > 0) return { ok: false, problem: { kind: 'dirty', path, ...dirty } };
  }
  const ran = await run(order.root, ['worktree', 'remove', path], { long: true });
  if (ran.exitCode === 0) return { ok: true, removed: true };
  return { ok: false, problem: { kind: 'git-refused', path, why: ran.stderr.trim() } };
}

interface Place {
  readonly root: string;
  readonly path: string;
  readonly branch: string;
  readonly entry: WorktreeEntry | undefined;
}

async function settledList(run: RunGit, place: WorktreeOrder, settleMs: number): Promise<readonly WorktreeEntry[]> {
  const deadline = performance.now() + settleMs;
  for (;;) {
    const list = await worktreeList(run, place.root);
    const half = list.some((entry) => entry.path === place.path && entry.locked === HALF_MADE);
    if (!half || performance.now() >= deadline) return list;
    await pause(LOOK_EVERY_MS);
  }
}

async function add(run: RunGit, place: Place): Promise<WorktreeDone> {
  const { root, path, branch, entry } = place;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // A record without a folder is given up only by force, and one left locked by a crash only by twice the force. What
  // force would override besides (the branch in use elsewhere) has been looked at.
  const force = entry === undefined ? [] : ['--force', '--force'];
  const args = ['worktree', 'add', '--quiet', ...force, path, branch];
  const ran = await run(root, args, { long: true });
  if (ran.exitCode === 0) return { ok: true, how: entry ? 'repaired' : 'made', path };
  const at = /already (?:checked out|used by worktree) at '(.+)'/.exec(ran.stderr)?.[1];
  if (at !== undefined) return { ok: false, problem: { kind: 'branch-elsewhere', branch, at } };
  throw failed(root, args, ran);
}

/** The worktree is there. Where a crash stopped git before its first checkout, that is made up for. */
async function finish(run: RunGit, place: Place & { entry: WorktreeEntry }): Promise<WorktreeDone> {
  const { root, path, branch, entry } = place;
  if (entry.locked !== HALF_MADE) {
    if (entry.branch === branch) return { ok: true, how: 'kept', path };
    return { ok: false, problem: { kind: 'worktree-other-branch', path, branch: entry.branch } };
  }
  const index = await mustGit(run, path, ['rev-parse', '--git-path', 'index']);
  if ((await pathKind(index)) === 'absent') {
    // Left by a git that was killed; nobody else can hold the lock of a worktree that was never whole.
    await rm(`${index}.lock`, { force: true });
    await mustGit(run, path, ['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
    await mustGit(run, path, ['reset', '--quiet', '--hard'], { long: true });
  }
  await mustGit(run, root, ['worktree', 'unlock', path]);
  return { ok: true, how: 'repaired', path };
}

/** The real path of what may not exist yet: git records worktrees by it. */
export async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return join(await realPlace(dirname(path)), basename(path));
  }
}

async function pathKind(path: string): Promise<PathKind> {
  try {
    const seen = await lstat(path);
    if (seen.isSymbolicLink()) return 'link';
    if (seen.isDirectory()) return 'folder';
    return seen.isFile() ? 'file' : 'other';
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return 'absent';
  }
}
