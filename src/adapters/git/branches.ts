import type { GitProblem } from '../../core/init.ts';
import { failed, mustGit, type GitRan, type RunGit } from './run.ts';
import { dirtyFiles, status } from './status.ts';
import { worktreeList } from './worktree-list.ts';

/** `made` is false when it was there already. */
export type GitDone =
  { readonly ok: true; readonly made: boolean } | { readonly ok: false; readonly problem: GitProblem };

export interface Head {
  readonly commit: string;
  /** Null when detached. */
  readonly branch: string | null;
}

/** The commit and branch that are checked out in the working tree `path`. */
export async function head(run: RunGit, path: string): Promise<Head> {
  const both = await mustGit(run, path, ['rev-parse', 'HEAD^{commit}', '--symbolic-full-name', 'HEAD']);
  const [commit = '', name] = both.split('\n');
  return { commit, branch: shortName(name === undefined ? await fullName(run, path) : name) };
}

/** Where a branch is itself called HEAD, `rev-parse` does not tell which one is meant. */
async function fullName(run: RunGit, path: string): Promise<string> {
  const ran = await run(path, ['symbolic-ref', '--quiet', 'HEAD']);
  if (ran.exitCode > 1) throw failed(path, ['symbolic-ref', 'HEAD'], ran);
  return ran.exitCode === 0 ? ran.stdout.trim() : 'HEAD';
}

const shortName = (full: string): string | null => (full === 'HEAD' ? null : full.replace(/^refs\/heads\//, ''));

/** Makes `branch` at the root's HEAD unless it exists; checks nothing out. */
export async function ensureBranch(run: RunGit, root: string, branch: string): Promise<GitDone> {
  if (await branchExists(run, root, branch)) return { ok: true, made: false };
  const args = ['branch', '--no-track', branch, 'HEAD'];
  const ran = await run(root, args);
  if (ran.exitCode === 0) return { ok: true, made: true };
  const by = blockedBy(ran);
  if (by !== null) return { ok: false, problem: { kind: 'branch-blocked', branch, by } };
  // Another process made it between the two commands.
  if (ran.stderr.includes('already exists')) return { ok: true, made: false };
  throw failed(root, args, ran);
}

/** What stands in the way of checking `branch` out in the root; null when nothing does. */
export async function checkoutProblem(run: RunGit, root: string, branch: string): Promise<GitProblem | null> {
  if ((await head(run, root)).branch === branch) return null;
  const elsewhere = (await worktreeList(run, root)).find((entry) => entry.branch === branch);
  if (elsewhere) return { kind: 'branch-elsewhere', branch, at: elsewhere.path };
  const dirty = dirtyFiles(await status(run, root), { untracked: false });
  return dirty.count === 0 ? null : { kind: 'dirty', path: root, ...dirty };
}

/** Checks `branch` out in the root, from its HEAD where it does not exist. Uncommitted changes are refused. */
export async function checkoutBranch(run: RunGit, root: string, branch: string): Promise<GitDone> {
  const problem = await checkoutProblem(run, root, branch);
  if (problem !== null) return { ok: false, problem };
  const made = await ensureBranch(run, root, branch);
  if (!made.ok) return made;
  const ran = await run(root, ['checkout', '--quiet', branch, '--'], { long: true });
  if (ran.exitCode === 0) return made;
  // Mostly an untracked file that the branch has too.
  return { ok: false, problem: { kind: 'git-refused', path: root, why: ran.stderr.trim() } };
}

export async function branchExists(run: RunGit, root: string, branch: string): Promise<boolean> {
  return (await run(root, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`])).exitCode === 0;
}

/** `cannot lock ref 'refs/heads/feature/x': 'refs/heads/feature' exists; cannot create …` → `feature` */
function blockedBy(ran: GitRan): string | null {
  return /'refs\/heads\/([^']+)' exists/.exec(ran.stderr)?.[1] ?? null;
}
