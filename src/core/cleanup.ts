import type { GitProblem, InitProblem } from './init.ts';

/** What is asked when a feature is to be cleaned up. Paths are absolute. */
export interface CleanupOrder {
  /** Main worktree of the repository. */
  readonly workspaceRoot: string;
  readonly feature: string;
  readonly branch: string;
  /** Where the feature's worktree is or belongs; the root where it has none of its own. */
  readonly worktree: string;
  /** Folder of the framework's tools; it need not exist. */
  readonly toolsDir: string;
  /** Work that is not committed, or not merged where the branch goes, goes as well; it is kept under a ref first. */
  readonly discard: boolean;
  readonly deleteBranch: boolean;
  readonly nowIso: string;
}

/** The order that a cleanup was begun with, so that one cut short is finished under the same names. */
export interface CleanupMark {
  /** Names what is kept of it, e.g. `20250304T050607008Z`. */
  readonly stamp: string;
  readonly branch: string;
  readonly worktree: string;
  /** The commit of the branch; null where there was none. */
  readonly tip: string | null;
  readonly deleteBranch: boolean;
}

/** What would be done, worked out before anything is changed. */
export interface CleanupPlan extends CleanupMark {
  readonly root: string;
  readonly feature: string;
  /** Whether an earlier cleanup was cut short. */
  readonly resumed: boolean;
  /** The feature has a worktree of its own, or git a record of one. */
  readonly hasWorktree: boolean;
  /** Where the worktree stands between being put away and being removed. */
  readonly aside: string;
  /** Files that are not committed, at most 20 of `dirtyCount`. */
  readonly dirty: readonly string[];
  readonly dirtyCount: number;
  /** The worktree holds what no branch holds, so that it is kept under `ref` before it goes. */
  readonly keeps: boolean;
  /** Commits of the branch that the root's HEAD does not have, newest first; only where the branch goes. */
  readonly unmerged: readonly { readonly commit: string; readonly subject: string }[];
  /** Files that git ignores, relative to the worktree: they go into the backup. */
  readonly ignoredFiles: readonly string[];
  /** Folders that git ignores as a whole (`node_modules`): they go with the worktree. */
  readonly ignoredFolders: readonly string[];
  readonly hasFolder: boolean;
  readonly isListed: boolean;
  /** The framework's `cleanup_safe.sh`; null where the project has none. */
  readonly script: string | null;
  /** Below `refs/tmops/`: what the refs of the feature are moved to, and what is discarded is kept under. */
  readonly ref: string;
  readonly backup: string;
  readonly archive: string;
}

export type CleanupProblem =
  | Extract<GitProblem, { kind: 'dirty' | 'worktree-locked' }>
  | Extract<InitProblem, { kind: 'in-the-way' }>
  /** A merge, rebase or the like is in the middle, or files have conflicts. */
  | { readonly kind: 'under-way'; readonly path: string; readonly what: string }
  | { readonly kind: 'submodules'; readonly path: string }
  | {
      readonly kind: 'not-merged';
      readonly branch: string;
      readonly count: number;
      readonly commits: readonly { readonly commit: string; readonly subject: string }[];
    }
  /** The branch is to go and is checked out somewhere else. */
  | { readonly kind: 'branch-in-use'; readonly branch: string; readonly at: string };

export type CleanupPlanned =
  | { readonly ok: true; readonly plan: CleanupPlan }
  | { readonly ok: false; readonly problem: CleanupProblem }
  /** Nothing is left of the feature; `archives` are those of earlier cleanups, oldest first. */
  | { readonly ok: 'nothing'; readonly archives: readonly string[] };

export interface CleanupDone {
  /** Absolute; null where the feature had no folder. */
  readonly archive: string | null;
  readonly backup: string | null;
  /** How the framework's script ended, where it was run. */
  readonly script: { readonly argv: readonly string[]; readonly failure: string | null } | null;
}

/** The stamp of a cleanup that begins now: a time as a part of names of files and refs. */
export const stampOf = (iso: string): string => iso.replaceAll(/[-:.]/g, '');

/** Whether `name`, a folder of `.tmops/.archive`, is the archive of `feature`: a date or time stands before the name, never letters. */
export function isArchiveOf(feature: string, name: string): boolean {
  if (!name.endsWith(`-${feature}`)) return false;
  return /^\d{4}-?\d{2}-?\d{2}[\dTZ:_+.-]*$/.test(name.slice(0, -feature.length - 1));
}
