/** What is asked of the initialiser. Paths are absolute. */
export interface InitOrder {
  /** Main worktree of the repository. */
  readonly workspaceRoot: string;
  readonly feature: string;
  readonly runType: 'initial' | 'retry';
  /** `worktree`: a working tree of its own for the feature. `branch`: the feature's branch is checked out in the root. */
  readonly isolation: 'worktree' | 'branch';
  /** Where the feature's worktree belongs; unused with isolation `branch`. */
  readonly worktreePath: string;
  /** Folder of the framework's tools; it need not exist. */
  readonly toolsDir: string;
  /** Template of TASK_SPEC.md in which `{feature}` stands for the feature's name. */
  readonly specTemplateFile: string;
  /** Run in a new worktree (`npm ci`); argv, no shell. */
  readonly setupCommand?: readonly string[] | undefined;
  /** Globs relative to the root: what git does not carry into a new worktree. */
  readonly copy: readonly string[];
  readonly nowIso: string;
  /** Who asks; noted in the mark that a half-made initialisation leaves behind. */
  readonly session: string;
  /** Roles that get a log file; the framework's four when absent. */
  readonly roles?: readonly string[] | undefined;
}

/** What stands at a path, without following a link. */
export type PathKind = 'absent' | 'file' | 'folder' | 'link' | 'other';

/** git would not do what was asked, for a reason the user can remove. */
export type GitProblem =
  /** Another branch occupies part of the name: `feature` blocks `feature/auth-api`. */
  | { readonly kind: 'branch-blocked'; readonly branch: string; readonly by: string }
  | { readonly kind: 'branch-elsewhere'; readonly branch: string; readonly at: string }
  /** The worktree is there, but on another branch (null: detached, e.g. in a rebase). */
  | { readonly kind: 'worktree-other-branch'; readonly path: string; readonly branch: string | null }
  | { readonly kind: 'path-taken'; readonly path: string; readonly what: PathKind }
  /** Uncommitted changes stand in the way; `files` holds at most 20 of the `count`. */
  | { readonly kind: 'dirty'; readonly path: string; readonly count: number; readonly files: readonly string[] }
  | { readonly kind: 'worktree-locked'; readonly path: string; readonly reason: string }
  | { readonly kind: 'git-refused'; readonly path: string; readonly why: string };

/** How a child process of bounded time ended. `tail` is the end of what it printed: untrusted text. */
export type ChildEnd =
  | { readonly kind: 'exited'; readonly exitCode: number; readonly tail: string }
  | { readonly kind: 'killed'; readonly signal: string; readonly tail: string }
  | { readonly kind: 'timed-out'; readonly afterMs: number; readonly tail: string }
  | { readonly kind: 'not-started'; readonly why: string };

/** Why a feature could not be initialised. What was made up to there stays; a second call carries on. */
export type InitProblem =
  | GitProblem
  | { readonly kind: 'bad-name'; readonly name: string; readonly pattern: string }
  /** A path of ours is something else than the contract says; links are never followed. */
  | { readonly kind: 'in-the-way'; readonly path: string; readonly what: PathKind; readonly wanted: PathKind }
  /** A link of ours points at something that is not a run of this feature. */
  | { readonly kind: 'link-out'; readonly path: string; readonly target: string }
  | { readonly kind: 'no-run-to-retry'; readonly feature: string }
  | { readonly kind: 'too-many-runs'; readonly feature: string; readonly count: number }
  | { readonly kind: 'no-template'; readonly file: string }
  | { readonly kind: 'script-failed'; readonly argv: readonly string[]; readonly end: ChildEnd }
  /** The script ended well, but what it should have made is not there. */
  | { readonly kind: 'script-incomplete'; readonly argv: readonly string[]; readonly missing: string }
  | { readonly kind: 'wrong-branch'; readonly path: string; readonly wanted: string; readonly branch: string | null }
  | { readonly kind: 'setup-failed'; readonly argv: readonly string[]; readonly cwd: string; readonly end: ChildEnd };

export interface TestCommand {
  readonly argv: readonly string[];
  /** Where it was read, e.g. `package.json scripts.test`. */
  readonly reason: string;
}

/** Which initialiser did the work. */
export type Initialiser =
  | { readonly kind: 'script'; readonly argv: readonly string[]; readonly tail: string }
  | { readonly kind: 'built-in'; readonly why: 'no-script' | 'script-of-another-project' };

export interface CopyReport {
  /** Paths relative to the root that are in the worktree now because they were copied. */
  readonly copied: readonly string[];
  readonly files: number;
  readonly skipped: readonly { readonly path: string; readonly why: CopySkip }[];
}

export type CopySkip = 'no-match' | 'bad-pattern' | 'already-there' | 'link-out' | 'not-a-file' | 'over-the-limit';

/** TASK_SPEC.md: as the template left it, written on by somebody, or not there. */
export type SpecState = 'template' | 'filled' | 'missing';

export interface InitReport {
  readonly steps: readonly { readonly name: string; readonly ms: number }[];
  readonly durationMs: number;
}

export type InitOutcome =
  | (InitReport & {
      readonly ok: true;
      readonly feature: string;
      readonly run: string;
      readonly previousRun: string | null;
      readonly branch: string;
      /** Whether tmops made it just now (false too when the framework's script did). */
      readonly branchMade: boolean;
      /** Where the agents work: the feature's worktree, or the root with isolation `branch`. Absolute. */
      readonly worktree: string;
      readonly runDir: string;
      readonly specFile: string;
      readonly specState: SpecState;
      readonly testCommand: TestCommand | null;
      readonly initialiser: Initialiser;
      readonly copy: CopyReport;
      readonly setup: 'none' | 'done' | 'done-before';
      /** Paths relative to the root, with `/`; each path is in one of the three lists. */
      readonly made: readonly string[];
      readonly changed: readonly string[];
      readonly kept: readonly string[];
    })
  | (InitReport & { readonly ok: false; readonly problem: InitProblem; readonly step: string });

/** A feature as FEATURES.txt and the folders of `.tmops` tell it. */
export interface ListedFeature {
  readonly feature: string;
  /** Null when only the folder is there and no line names it. */
  readonly line: { readonly status: string; readonly since: string; readonly branch: string } | null;
  /** The run that `current` points at; null when there is none. */
  readonly run: string | null;
}
