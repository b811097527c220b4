import type { GitProblem } from '../../core/init.ts';
import type { BranchKeeper } from '../../engine/branch-ports.ts';
import type { Rewinder } from '../../engine/ports.ts';
import {
  branchExists,
  checkoutBranch,
  checkoutProblem,
  ensureBranch,
  head,
  type GitDone,
  type Head,
} from './branches.ts';
import { changedFiles, type Change } from './changes.ts';
import {
  deleteBranch,
  forgetWorktree,
  holdRef,
  leaving,
  moveRefs,
  restoreBranch,
  tipOf,
  unmerged,
  type Leaving,
} from './departure.ts';
import { addExclude } from './exclude.ts';
import { commitsSince, differingFiles, keepLayers, lookAtLayers, parentOf } from './layers.ts';
import { putBack } from './put-back.ts';
import { openBranchKeeper } from './branch-keeper.ts';
import { openRunner, type GitOptions } from './run.ts';
import { addScratch, ignoredFolders, removeScratch, type ScratchOrder } from './scratch.ts';
import { snapshot, treeOf, type Snapshot } from './snapshot.ts';
import { obstacleIn } from './standing.ts';
import { status, type TreeStatus } from './status.ts';
import { findWorkspace, gitVersion, type GitVersion, type Workspace } from './workspace.ts';
import { openWorktreeFiles, type WorktreeFiles } from './worktree-files.ts';
import { worktreeList, type WorktreeEntry } from './worktree-list.ts';
import {
  ensureWorktree,
  realPlace,
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
  /** All working trees of the repository, the main one first. */
  worktrees(root: string): Promise<readonly WorktreeEntry[]>;
  branchExists(root: string, branch: string): Promise<boolean>;
  ensureBranch(root: string, branch: string): Promise<GitDone>;
  checkoutProblem(root: string, branch: string): Promise<GitProblem | null>;
  checkoutBranch(root: string, branch: string): Promise<GitDone>;
  ensureWorktree(order: EnsureOrder): Promise<WorktreeDone>;
  removeWorktree(order: WorktreeOrder): Promise<WorktreeGone>;
  status(path: string): Promise<TreeStatus>;
  snapshot(path: string, ref: string): Promise<Snapshot>;
  treeOf(path: string): Promise<string>;
  addScratch(order: ScratchOrder): Promise<void>;
  removeScratch(order: Pick<ScratchOrder, 'from' | 'path'>): Promise<void>;
  ignoredFolders(path: string): Promise<readonly string[]>;
  changedFiles(path: string, between: { readonly from: string; readonly to: string }): Promise<readonly Change[]>;
  addExclude(root: string, pattern: string): Promise<boolean>;
  leaving(path: string): Promise<Leaving>;
  forgetWorktree(root: string, path: string): Promise<void>;
  unmerged(root: string, branch: string): ReturnType<typeof unmerged>;
  tipOf(root: string, branch: string): Promise<string | null>;
  restoreBranch(root: string, branch: string, commit: string): Promise<void>;
  deleteBranch(root: string, branch: string): Promise<void>;
  holdRef(root: string, ref: string, commit: string): Promise<void>;
  moveRefs(root: string, from: string, to: string): Promise<void>;
  /** The real path of what may not exist yet, as git records working trees. */
  realPlace(path: string): Promise<string>;
  readonly rewinder: Rewinder;
  readonly keeper: BranchKeeper;
  readonly files: WorktreeFiles;
}

/** Opens the adapter; nothing is run until a function is called. */
export function openGit(options: GitOptions): Git {
  const run = openRunner(options);
  return {
    version: () => gitVersion(run),
    findWorkspace: (cwd) => findWorkspace(run, cwd),
    head: (path) => head(run, path),
    worktrees: (root) => worktreeList(run, root),
    branchExists: (root, branch) => branchExists(run, root, branch),
    ensureBranch: (root, branch) => ensureBranch(run, root, branch),
    checkoutProblem: (root, branch) => checkoutProblem(run, root, branch),
    checkoutBranch: (root, branch) => checkoutBranch(run, root, branch),
    ensureWorktree: (order) => ensureWorktree(run, order, options.settleMs),
    removeWorktree: (order) => removeWorktree(run, order),
    status: (path) => status(run, path),
    snapshot: (path, ref) => snapshot(run, path, ref),
    treeOf: (path) => treeOf(run, path),
    addScratch: (order) => addScratch(run, order),
    removeScratch: (order) => removeScratch(run, order),
    ignoredFolders: (path) => ignoredFolders(run, path),
    changedFiles: (path, between) => changedFiles(run, path, between),
    addExclude: (root, pattern) => addExclude(run, root, pattern),
    leaving: (path) => leaving(run, path),
    forgetWorktree: (root, path) => forgetWorktree(run, root, path),
    unmerged: (root, branch) => unmerged(run, root, branch),
    tipOf: (root, branch) => tipOf(run, root, branch),
    restoreBranch: (root, branch, commit) => restoreBranch(run, root, branch, commit),
    deleteBranch: (root, branch) => deleteBranch(run, root, branch),
    holdRef: (root, ref, commit) => holdRef(run, root, ref, commit),
    moveRefs: (root, from, to) => moveRefs(run, root, from, to),
    realPlace,
    keeper: openBranchKeeper(run),
    files: openWorktreeFiles(run),
    rewinder: {
      obstacle: (path, order) => obstacleIn(run, path, order),
      look: (path) => lookAtLayers(run, path),
      keep: (path, trees, name) => keepLayers(run, path, trees, name),
      parentOf: (path, commit) => parentOf(run, path, commit),
      differing: (path, from, to) => differingFiles(run, path, from, to),
      commits: (path, since) => commitsSince(run, path, since),
      put: (path, order) => putBack(run, path, order),
    },
  };
}
