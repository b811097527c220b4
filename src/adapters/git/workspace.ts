import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '../../files/refused.ts';
import { failed, GitError, mustGit, type GitRan, type RunGit } from './run.ts';

/** The repository a folder belongs to. `root` is the real path of its main worktree, wherever the folder lies in it. */
export type Workspace =
  | { readonly kind: 'found'; readonly root: string; readonly commonDir: string }
  | { readonly kind: 'not-a-repo'; readonly cwd: string }
  | { readonly kind: 'bare'; readonly commonDir: string }
  | { readonly kind: 'no-commits'; readonly root: string }
  /** Called in a linked worktree whose main worktree cannot be found. */
  | { readonly kind: 'no-main-worktree'; readonly commonDir: string }
  /** git refuses to work in a folder that belongs to somebody else (`safe.directory`). */
  | { readonly kind: 'not-owned'; readonly cwd: string; readonly why: string }
  | { readonly kind: 'git-missing' }
  | { readonly kind: 'too-old'; readonly version: string; readonly needed: string };

const NEEDED = { major: 2, minor: 30 } as const;
const NEEDED_TEXT = `${NEEDED.major}.${NEEDED.minor}`;

/** Finds the workspace of the absolute path `cwd`. */
export async function findWorkspace(run: RunGit, cwd: string): Promise<Workspace> {
  const at = await realOrNull(resolve(cwd));
  if (at === null) return { kind: 'not-a-repo', cwd };
  const usable = await gitVersion(run);
  if (usable.kind !== 'usable') return usable;
  const place = await run(at, ['rev-parse', '--is-bare-repository', '--is-inside-work-tree', '--git-common-dir']);
  if (place.exitCode !== 0) return notThere(cwd, at, place);
  const { bare, inside, rest } = readPlace(place.stdout);
  const commonDir = await realpath(resolve(at, rest));
  if (bare) return { kind: 'bare', commonDir };
  const root = await mainWorktree(run, { at, commonDir, inside });
  if (root === null) return { kind: (await isBare(run, commonDir)) ? 'bare' : 'no-main-worktree', commonDir };
  const head = await run(root, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  return head.exitCode === 0 ? { kind: 'found', root, commonDir } : { kind: 'no-commits', root };
}

export type GitVersion =
  { readonly kind: 'usable'; readonly version: string } | Extract<Workspace, { kind: 'git-missing' | 'too-old' }>;

/** The version of git, judged. */
export async function gitVersion(run: RunGit): Promise<GitVersion> {
  try {
    const version = readVersion(await mustGit(run, '/', ['version']));
    return isEnough(version) ? { kind: 'usable', version } : { kind: 'too-old', version, needed: NEEDED_TEXT };
  } catch (error) {
    if (error instanceof GitError && error.code === 'ENOENT') return { kind: 'git-missing' };
    throw error;
  }
}

/** `git version 2.39.5 (Apple Git-154)` → `2.39.5`; the whole text where no number stands. */
export function readVersion(said: string): string {
  return /\d+(\.\d+)+/.exec(said)?.[0] ?? said.trim();
}

function isEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NEEDED.major || (major === NEEDED.major && minor >= NEEDED.minor);
}

function notThere(cwd: string, at: string, ran: GitRan): Workspace {
  if (ran.stderr.includes('not a git repository')) return { kind: 'not-a-repo', cwd };
  if (ran.stderr.includes('dubious ownership') || ran.stderr.includes('unsafe repository')) {
    return { kind: 'not-owned', cwd, why: ran.stderr.trim() };
  }
  throw failed(at, ['rev-parse', '--git-common-dir'], ran);
}

/** Two words and a path, which may itself hold line feeds. */
function readPlace(stdout: string): { bare: boolean; inside: boolean; rest: string } {
  const [bare = '', inside = '', ...rest] = stdout.replace(/\n$/, '').split('\n');
  return { bare: bare === 'true', inside: inside === 'true', rest: rest.join('\n') };
}

/**
 * In the main worktree git knows the root itself. Elsewhere (a linked worktree, inside .git) it is where
 * `core.worktree` of the common folder points (submodules), else the parent of a folder called `.git`.
 */
async function mainWorktree(
  run: RunGit,
  place: { at: string; commonDir: string; inside: boolean },
): Promise<string | null> {
  const { at, commonDir, inside } = place;
  if (inside) {
    const gitDir = await realpath(resolve(at, await mustGit(run, at, ['rev-parse', '--git-dir'])));
    if (gitDir === commonDir) return realpath(await mustGit(run, at, ['rev-parse', '--show-toplevel']));
  }
  const pointer = await run(at, ['config', '--file', join(commonDir, 'config'), '--get', 'core.worktree']);
  if (pointer.exitCode === 0) return realOrNull(resolve(commonDir, pointer.stdout.replace(/\n$/, '')));
  if (basename(commonDir) !== '.git' || (await isBare(run, commonDir))) return null;
  return realOrNull(dirname(commonDir));
}

async function isBare(run: RunGit, commonDir: string): Promise<boolean> {
  const args = ['config', '--file', join(commonDir, 'config'), '--type=bool', '--get', 'core.bare'];
  return (await run('/', args)).stdout.trim() === 'true';
}

async function realOrNull(path: string): Promise<string | null> {
  try {
    const real = await realpath(path);
    return (await stat(real)).isDirectory() ? real : null;
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    return null;
  }
}
