/** Somebody else's hand on the feature's branch, or on what its worktree has checked out. */

/** What a log of git's says last: of which git program it was, and whose name it noted. Both are untrusted text. */
export interface LogEntry {
  readonly what: string;
  readonly by: string;
}

export interface ForeignCommit {
  readonly commit: string;
  readonly subject: string;
  readonly by: string;
}

/** How the branch came from the commit that it was known at to another one. */
export interface Move {
  readonly from: string;
  readonly to: string;
  /** `ahead`: commits were added. `rewritten`: what it was known at is not below it any more. */
  readonly kind: 'ahead' | 'rewritten';
  /** It was moved at least once by a git that did not work in the feature's worktree. */
  readonly elsewhere: boolean;
  readonly log: LogEntry | null;
  /** Commits that are new, newest first: the first of them. */
  readonly commits: readonly ForeignCommit[];
  readonly commitCount: number;
  /** Files that differ, relative to the worktree: the first of them. */
  readonly files: readonly string[];
  readonly fileCount: number;
}

/** How the branch and the worktree stand. */
export interface BranchStand {
  /** The commit of the feature's branch; null where there is no such branch. */
  readonly tip: string | null;
  /** What the worktree has checked out; `branch` is null where it is detached. */
  readonly head: { readonly branch: string | null; readonly commit: string };
  /** A merge, rebase, cherry-pick, revert or bisection that is not finished. */
  readonly underWay: string | null;
  /** Since when a git holds the index, in ms since the epoch; null when none does. */
  readonly lockedSince: number | null;
  /** Null where the branch is where it was known to be, or that is not known. */
  readonly move: Move | null;
  /** What HEAD's log of the worktree says last, where it is not on its branch. */
  readonly headLog: LogEntry | null;
}

/** Where the branch was seen last with nobody's work under way but the run's own. */
export interface Known {
  readonly tip: string;
  /** A commit that keeps the working tree as it was then, on top of `tip`; null where it was not kept. */
  readonly files: string | null;
  /** The step that was present then; null where all were done. */
  readonly step: string | null;
}

/** Where the feature's branch was seen last, and whether somebody of the run was at work then or since. */
export interface Branch {
  readonly known: Known | null;
  readonly worked: boolean;
  /** The number of the newest event after which somebody was. */
  readonly workSeq: number;
}

export const UNKNOWN_BRANCH: Branch = { known: null, worked: false, workSeq: 0 };

/** Where what a conflict found is kept. */
export interface KeptAside {
  /** The refs are called `<ref>-head`, `-branch`, `-files`, `-stash` and `-other`. */
  readonly ref: string;
  readonly head: string;
  readonly branch: string | null;
  /** A commit that `git stash apply` takes; null where nothing was uncommitted. */
  readonly stash: string | null;
}

export interface Conflict {
  readonly number: number;
  readonly at: number;
  readonly known: Known | null;
  /** Whether somebody of the run had been at work since `known`. */
  readonly worked: boolean;
  readonly stand: BranchStand;
  /** Whether the run is paused because of it, and not by somebody before. */
  readonly paused: boolean;
  /** What it found is being put aside. */
  readonly settling: {
    readonly by: string;
    readonly kept: KeptAside | null;
    /** Why that could not be finished; null while it is under way. */
    readonly failed: string | null;
  } | null;
}

export type Settlement = 'accept' | 'stash' | 'abort';

/** What was put aside, and why. */
export interface Stashed extends KeptAside {
  readonly number: number;
  readonly at: number;
}

export type ConflictFact =
  /** The branch stands so, and this is the run's own work. */
  | {
      readonly kind: 'branch.known';
      readonly tip: string;
      readonly files: string | null;
      /** The number of the newest event when it was looked at: work since then is not in it. */
      readonly asOf: number;
    }
  /** Something stands otherwise than the run left it; the same number again where it has changed since. */
  | { readonly kind: 'conflict.found'; readonly number: number; readonly stand: BranchStand }
  /** Whoever brought it about has taken it back. */
  | { readonly kind: 'conflict.over'; readonly number: number }
  /** What was found is to be put aside, and all to be as it was known. */
  | { readonly kind: 'conflict.settling'; readonly number: number; readonly by: string }
  /** It is kept; from here on files, index and branch are touched. */
  | { readonly kind: 'conflict.kept'; readonly number: number; readonly kept: KeptAside }
  | { readonly kind: 'conflict.failed'; readonly number: number; readonly why: string }
  /** `late`: the ref that keeps files that were changed between that and the moment they were touched. */
  | {
      readonly kind: 'conflict.settled';
      readonly number: number;
      readonly how: Settlement;
      readonly by: string;
      /** Where the branch is known to be now; null where that has to be looked at. */
      readonly tip: string | null;
      readonly files: string | null;
      readonly late: string | null;
    };

export type ConflictRequest =
  /** `files`: the working tree, kept, where nobody of the run was at work when it was looked at. */
  | {
      readonly kind: 'branch-seen';
      readonly stand: BranchStand;
      readonly wasQuiet: boolean;
      readonly files: string | null;
      readonly asOf: number;
    }
  | {
      readonly kind: 'accept-branch';
      readonly by: string;
      readonly stand: BranchStand;
      readonly files: string | null;
      readonly spareIds: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'stash-branch'; readonly by: string }
  | { readonly kind: 'abort-on-branch'; readonly by: string }
  | { readonly kind: 'branch-kept'; readonly number: number; readonly kept: KeptAside }
  | {
      readonly kind: 'branch-put-right';
      readonly number: number;
      readonly late: string | null;
      readonly spareIds: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'branch-not-put-right'; readonly number: number; readonly why: string };
