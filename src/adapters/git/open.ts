import type { GitProblem } from '../../core/init.ts';
import { checkoutBranch, checkoutProblem, ensureBranch, head, type GitDone, type Head } from './branches.ts';
import { changedFiles, type Change } from './changes.ts';
import { addExclude } from './exclude.ts';
import { openRunner, type GitOptions } from './run.ts';
import { snapshot, type Snapshot } from './snapshot.ts';
import { status, type TreeStatus } from './status.ts';
import { findWorkspace, gitVersion, type GitVersion, type Workspace } from './workspace.ts';
import {
  ensureWorktree,
  type EnsureOrder,
  removeWorktree,
  type WorktreeDone,
  type WorktreeGone,
  type WorktreeOrder,
} from './worktrees.ts';

/**
 * git, as tmops uses it. Paths are absolute. What the user can mend comes back as a value; anything else is thrown as a
 * GitError. No call runs a hook or touches configuration.
 */
export interface Git {
  version(): Promise<GitVersion>;
  findWorkspace(cwd: string): Promise<Workspace>;
  head(path: string): Promise<Head>;
  ensureBranch(root: string, branch: string): Promise<GitDone>;
  checkoutProblem(root: string, branch: string): Promise<GitProblem | null>;
  checkoutBranch(root: string, branch: string): Promise<GitDone>;
  ensureWorktree(order: EnsureOrder): Promise<WorktreeDone>;
  removeWorktree(order: WorktreeOrder): Promise<WorktreeGone>;
  status(path: string): Promise<TreeStatus>;
  snapshot(path: string, ref: string): Promise<Snapshot>;
  changedFiles(path: string, between: { readonly from: string; readonly to: string }): Promise<readonly Change[]>;
  addExclude(root: string, pattern: string): Promise<boolean>;
}

/** Opens the adapter; nothing is run until a function is called. */
export function openGit(options: GitOptions): Git {
  const run = openRunner(options);
  return {
    version: () => gitVersion(run),
    findWorkspace: (cwd) => findWorkspace(run, cwd),
    head: (path) => head(run, path),
    ensureBranch: (root, branch) => ensureBranch(run, root, branch),
    checkoutProblem: (root, branch) => checkoutProblem(run, root, branch),
    checkoutBranch: (root, branch) => checkoutBranch(run, root, branch),
    ensureWorktree: (order) => ensureWorktree(run, order, options.settleMs),
    removeWorktree: (order) => removeWorktree(run, order),
    status: (path) => status(run, path),
    snapshot: (path, ref) => snapshot(run, path, ref),
    changedFiles: (path, between) => changedFiles(run, path, between),
    addExclude: (root, pattern) => addExclude(run, root, pattern),
  };
}
