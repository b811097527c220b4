import type { CleanupPlan } from '../../core/cleanup.ts';
import type { Trees } from '../../core/rolled-back.ts';
import type { CopyReport, GitProblem, Initialiser, InitOrder, InitProblem } from '../../core/init.ts';
import type { Plan } from './plan.ts';

/** What the initialiser needs of git; the git adapter fits. */
export interface ProjectGit {
  head(path: string): Promise<{ readonly branch: string | null }>;
  ensureBranch(root: string, branch: string): Promise<GitAnswer<{ readonly made: boolean }>>;
  /** What stands in the way of `checkoutBranch`. */
  checkoutProblem(root: string, branch: string): Promise<GitProblem | null>;
  checkoutBranch(root: string, branch: string): Promise<GitAnswer<{ readonly made: boolean }>>;
  ensureWorktree(order: {
    readonly root: string;
    readonly path: string;
    readonly branch: string;
  }): Promise<GitAnswer<{ readonly how: 'made' | 'kept' | 'repaired'; readonly path: string }>>;
  addExclude(root: string, pattern: string): Promise<boolean>;
}

/** What a cleanup needs of git besides; each is safe to call twice. */
export interface CleanupGit {
  worktrees(
    root: string,
  ): Promise<readonly { readonly path: string; readonly branch: string | null; readonly locked: string | null }[]>;
  realPlace(path: string): Promise<string>;
  leaving(path: string): Promise<{
    readonly branch: string | null;
    readonly underWay: string | null;
    readonly dirty: { readonly count: number; readonly files: readonly string[] };
    readonly isHeld: boolean;
    readonly hasSubmodules: boolean;
    readonly ignoredFiles: readonly string[];
    readonly ignoredFolders: readonly string[];
  }>;
  forgetWorktree(root: string, path: string): Promise<void>;
  unmerged(root: string, branch: string): Promise<CleanupPlan['unmerged']>;
  tipOf(root: string, branch: string): Promise<string | null>;
  restoreBranch(root: string, branch: string, commit: string): Promise<void>;
  deleteBranch(root: string, branch: string): Promise<void>;
  holdRef(root: string, ref: string, commit: string): Promise<void>;
  moveRefs(root: string, from: string, to: string): Promise<void>;
  readonly rewinder: {
    look(path: string): Promise<Trees>;
    keep(path: string, trees: Trees, name: string): Promise<Trees>;
  };
}

export type GitAnswer<T> = (T & { readonly ok: true }) | { readonly ok: false; readonly problem: GitProblem };

export interface ProjectOptions {
  readonly git: ProjectGit & CleanupGit;
  /** For the framework's script and the set-up command; cleaned of what would turn them aside. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Bound of the framework's script; default 60,000 ms. */
  readonly scriptTimeoutMs?: number;
  /** Bound of the set-up command; default 600,000 ms. */
  readonly setupTimeoutMs?: number;
  /** A running count of ms; default `performance.now`. */
  readonly now?: () => number;
  /** Called after each step with its name; a throw there ends the initialisation as a crash would. */
  readonly step?: (name: string) => void | Promise<void>;
}

/** Calls with the same key run one after the other. */
export type InTurn = <T>(key: string, act: () => Promise<T>) => Promise<T>;

/** One initialisation under way: the order and plan are fixed, the rest is what the steps have done so far. */
export interface Work {
  readonly order: InitOrder;
  readonly plan: Plan;
  readonly options: ProjectOptions;
  readonly inTurn: InTurn;
  /** Paths relative to the root, besides those that the contract names. */
  readonly made: Set<string>;
  readonly changed: Set<string>;
  branchMade: boolean;
  worktree: string;
  initialiser: Initialiser;
  copy: CopyReport;
  setup: 'none' | 'done' | 'done-before';
}

/** Brings one part of the wished state about. Can be run again at any time; gives what stands in its way. */
export interface Step {
  readonly name: string;
  run(work: Work): Promise<InitProblem | null>;
}
