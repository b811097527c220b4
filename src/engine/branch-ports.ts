import type { BranchStand, KeptAside } from '../core/conflicted.ts';

/** Two words that change when what they stand for may have changed, and that cost git no process. */
export interface BranchMark {
  /** The commit of the branch. */
  readonly branch: string;
  /** What the worktree has checked out, what is unfinished in it, and whether its index is locked. */
  readonly tree: string;
}

export interface PutRightOrder {
  readonly branch: string;
  /** The commit that the branch is to be at; null: where it is. */
  readonly tip: string | null;
  /** The commit whose files the worktree is to hold; null: those of `tip`. */
  readonly files: string | null;
  /** What was kept of it. */
  readonly kept: KeptAside;
}

/**
 * Looks after the branch of a feature and what its worktree has checked out. Paths are absolute. Names are below
 * `refs/tmops/`.
 */
export interface BranchKeeper {
  mark(worktree: string, branch: string): Promise<BranchMark>;
  /** How they stand; `known`: the commit that the branch was known at. */
  stand(worktree: string, order: { readonly branch: string; readonly known: string | null }): Promise<BranchStand>;
  /**
   * Keeps the working tree under a ref, unless it holds the very same already. Gives the commit; null where the worktree was
   * not at `tip` when it was kept.
   */
  keep(worktree: string, order: { readonly name: string; readonly tip: string }): Promise<string | null>;
  /** Holds on to a commit. */
  hold(worktree: string, name: string, commit: string): Promise<void>;
  /**
   * Keeps all that is there, committed, staged, neither or never added, under refs of that name. What git ignores is left
   * out. Nothing else is changed.
   */
  setAside(worktree: string, order: { readonly branch: string; readonly name: string }): Promise<KeptAside>;
  /**
   * Ends what is unfinished, and puts branch, index and files to what they were. What is so already is left alone, so that
   * this can be done again after any crash. Gives the ref that keeps files which were changed since they were kept; null
   * where there are none. Rejects before anything is touched where a file that git ignores is in the way, the branch is
   * checked out elsewhere or another git holds the index.
   */
  putRight(worktree: string, order: PutRightOrder): Promise<string | null>;
}
