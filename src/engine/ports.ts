import type { Activity, AgentHandle, AgentOrder, DeliveryTiming, Evidence, Exit, Launch } from '../core/agent.ts';
import type { Trees } from '../core/rolled-back.ts';
import type { Screen, StandingRow } from '../core/screen.ts';
import type { Layout } from '../core/layout.ts';
import type { Change } from './prover-ports.ts';

export type { Change, Prover, TestOrder, TestRun } from './prover-ports.ts';

/** Ends what a call began. Safe to call twice. */
export type Stop = () => Promise<void>;

// ---------------------------------------------------------------- agents

/**
 * One kind of agent program. `create` and `resume` only write files in `order.agentDir` and say how to start the
 * process; the terminal starts it. Both reject with a ProviderError that names what is wrong with the order.
 */
export interface AgentProvider {
  readonly name: string;
  readonly timing: DeliveryTiming;
  /** Prepares a new conversation under `order.sessionId`. */
  create(order: AgentOrder): Promise<Launch>;
  /** Prepares to carry on the conversation `order.sessionId` after its process ended. */
  resume(order: AgentOrder): Promise<Launch>;
  /** Ends the agent's process tree, deepest first, each by pid and start time, waiting up to `graceMs`. */
  destroy(agent: AgentHandle, graceMs: number): Promise<void>;
  /** The process recorded by the launcher, or null while there is none. */
  process(agent: Pick<AgentHandle, 'agentDir'>): Promise<{ pid: number; startTime: string } | null>;
  /** Whether that very process (pid and start time) is alive; 'unknown' when it could not be looked at. */
  alive(process: { pid: number; startTime: string }): Promise<'alive' | 'gone' | 'unknown'>;
  /** How it ended, as the launcher wrote it; `unknown` when nothing was written. */
  exit(agent: Pick<AgentHandle, 'agentDir'>): Promise<Exit>;
  activity(agent: AgentHandle): Promise<Activity>;
  /** Reads a capture of the pane (`capture-pane -p -e`) without side effects. */
  classify(capture: string): Screen;
  /**
   * Hands over every piece of evidence in the agent's folder whose id is greater than `after`, oldest first, then each
   * new one as it is written. Evidence is durable: what was written while nobody watched comes first.
   */
  evidence(agent: AgentHandle, after: string, take: (evidence: Evidence) => void): Promise<Stop>;
}

// ---------------------------------------------------------------- terminal

export interface PanePlan {
  readonly role: string;
  /** Runs as the pane's process; argv, no shell. */
  readonly argv: readonly string[];
  readonly cwd: string;
}

export interface SessionPlan {
  /** tmux session name, e.g. `tmops-auth-api`. */
  readonly session: string;
  readonly feature: string;
  /** Identifies the workspace that owns the session (stored in the session option `@tmops_workspace`). */
  readonly workspaceId: string;
  /** Main worktree of that workspace. */
  readonly workspaceRoot: string;
  readonly layout: Layout;
  readonly panes: readonly PanePlan[];
  /** argv of the status pane, used when the layout has one. */
  readonly statusArgv: readonly string[];
  readonly size: { readonly cols: number; readonly rows: number };
}

/** What is on the server under a session's name. */
export type SessionSurvey =
  | { readonly kind: 'absent' }
  | { readonly kind: 'foreign'; readonly owner: string }
  | { readonly kind: 'ours'; readonly panes: readonly PaneFact[] }
  | { readonly kind: 'unknown'; readonly why: string };

export interface PaneFact {
  readonly role: string;
  /** tmux pane id, `%12`. */
  readonly pane: string;
  readonly dead: boolean;
  readonly pid: number;
}

/** One look at a pane: facts and screen taken in one round trip. */
export type PaneLook =
  | { readonly kind: 'gone' }
  /** Could not look; this is not the same as gone. */
  | { readonly kind: 'unknown'; readonly why: string }
  | {
      readonly kind: 'seen';
      readonly dead: boolean;
      readonly inMode: boolean;
      readonly inputOff: boolean;
      /** Human clients whose active pane this is; control-mode clients never count. */
      readonly watchers: number;
      readonly cols: number;
      readonly rows: number;
      /** The mark of what was pasted here last; '' when nothing was. */
      readonly pasted: string;
      /** `capture-pane -p -e` of the visible screen. */
      readonly capture: string;
    };

export type TypeResult = 'typed' | 'refused' | { readonly failed: string };

/** A row, whole: standing anywhere on the screen, or first at this place. */
export type RowGuard = string | StandingRow;

/**
 * Kept at the pane by the paste itself (digits and dots). It is pasted only where `before` is kept there, so that of two
 * pastes decided from the same look one comes to be at most.
 */
export interface PasteMark {
  readonly before: string;
  readonly after: string;
}

export interface PaneLabel {
  readonly role: string;
  readonly state: string;
}

/** tmux, for one feature's session. Every command is guarded so that a dead pane is never pasted into. */
export interface Terminal {
  survey(session: string): Promise<SessionSurvey>;
  /** Whether there is a tmux server at all. */
  server(): Promise<'up' | 'down' | 'unknown'>;
  /** Opens the session with one pane per plan. Rejects if a session of that name exists. */
  open(plan: SessionPlan): Promise<readonly PaneFact[]>;
  /** Starts argv in a dead pane again, or in a new pane of the session where the old one is gone. */
  reopen(plan: SessionPlan, pane: PanePlan): Promise<PaneFact>;
  look(pane: string): Promise<PaneLook>;
  /** Id of the process that any pane of the server was started with; null when the pane is gone or dead. */
  processOf(pane: string): Promise<number | null>;
  /**
   * Pastes one line without Enter if the pane still shows each of these rows, in the same tmux command as the check.
   * 'refused' means that tmux saw one missing, another mark, a dead pane, a mode or disabled input, and sent nothing.
   */
  paste(pane: string, line: string, rows?: readonly RowGuard[], mark?: PasteMark): Promise<TypeResult>;
  /** Presses one key under the same condition. */
  press(
    pane: string,
    key: 'up' | 'down' | 'enter' | 'escape',
    rows: readonly [RowGuard, ...RowGuard[]],
  ): Promise<TypeResult>;
  /** Leaves copy, tree or clock mode. */
  leaveMode(pane: string): Promise<void>;
  /** Names the role and its state in the pane's border. */
  label(pane: string, label: PaneLabel): Promise<void>;
  /** Shows one line for the feature in the session's status line. */
  headline(session: string, text: string): Promise<void>;
  /** Tells whoever is attached to the session, by a line of tmux and by the bell. Panes are not touched. */
  announce(
    session: string,
    announcement: { readonly text: string; readonly message: boolean; readonly bell: boolean },
  ): Promise<void>;
  /** Ends the session and waits until tmux no longer knows it. Absent is fine. */
  close(session: string): Promise<void>;
  /**
   * Calls back whenever the pane's program wrote something. Null where tmux can tell nobody else: the pane has a pipe
   * that is not ours.
   */
  onOutput(pane: string, callback: () => void): Promise<Stop | null>;
  /**
   * Calls back with each pane of the session that entered or left a mode (copy, tree, clock): within a second while the
   * server is in use, within some seconds while it rests.
   */
  onMode(session: string, callback: (pane: string) => void): Stop;
  /**
   * Offers a key in the session: whoever presses it in a pane is told of, and so is who presses any other key there,
   * about once a second. The user's own keys stay as they are. Null takes the offer back. Stopping leaves it for whoever
   * asks next, for as long as there is the session.
   */
  onKey(
    session: string,
    key: string | null,
    callback: (pane: string, what: 'take-key' | 'other') => void,
  ): Promise<Stop>;
  /** Calls back when the server or the session vanished. */
  onLost(session: string, callback: (why: string) => void): Stop;
}

// ---------------------------------------------------------------- files

/** One look at a file that may be a checkpoint. */
export type Sighting = Found | { readonly kind: 'gone'; readonly file: string; readonly path: string };

export type Found =
  | {
      readonly kind: 'file';
      /** Base name, e.g. `003-tests-complete.md`. */
      readonly file: string;
      readonly path: string;
      readonly text: string;
      readonly sha256: string;
      readonly mtimeMs: number;
    }
  /** Something is there that is not read: a link, a device, a folder, a file over the size limit, one we may not read. */
  | { readonly kind: 'refused'; readonly file: string; readonly path: string; readonly why: string };

export interface CheckpointWatch {
  /**
   * Reports what is in the folders now, then each change at once, and again at a slow pace in case a notification was
   * lost. Only the base names in `wanted` are looked at. Never follows a link.
   */
  watch(folders: readonly string[], wanted: ReadonlySet<string>, take: (sighting: Sighting) => void): Promise<Stop>;
  /** Looks once at one file. Null when it is not there. */
  look(path: string): Promise<Found | null>;
}

// ---------------------------------------------------------------- going back

/** Why the work of a branch cannot be told from other work, or may not be touched now. */
export type TreeObstacle =
  | { readonly kind: 'no-worktree'; readonly path: string }
  | { readonly kind: 'other-branch'; readonly branch: string | null; readonly wanted: string }
  /** Somebody's merge, rebase, cherry-pick, revert or bisection is not finished. */
  | { readonly kind: 'under-way'; readonly what: string }
  | { readonly kind: 'conflicts'; readonly files: readonly string[] }
  /** The commit that it began from is not there any more, or not below the branch: it was reset or rebased. */
  | { readonly kind: 'rewritten'; readonly since: string }
  /** The branch took in the work of another one since. */
  | { readonly kind: 'merged'; readonly commit: string };

export interface BranchCommit {
  readonly commit: string;
  readonly subject: string;
  /** Relative to the worktree. */
  readonly files: readonly string[];
}

export interface PutOrder {
  readonly branch: string;
  /** How the files of `paths` are to be in each layer. All others stay as they are. */
  readonly to: Trees;
  readonly paths: readonly string[];
  readonly message: string;
}

/**
 * Puts a working tree, its index and its branch to what they were, as far as some paths go, without a change of history.
 * Paths are absolute, files relative to the worktree. `.tmops` and repositories within it are left alone.
 */
export interface Rewinder {
  /** Null when nothing stands in the way of comparing with, and going back to, the commit `since`. */
  obstacle(worktree: string, order: { readonly branch: string; readonly since: string }): Promise<TreeObstacle | null>;
  /** HEAD, and trees of the index and the files as they are now. Nothing holds on to them. */
  look(worktree: string): Promise<Trees>;
  /** Holds on to them: commits under `refs/tmops/<name>-head`, `-index` and `-files`, replaced if they exist. */
  keep(worktree: string, trees: Trees, name: string): Promise<Trees>;
  /** The commit that a kept working tree was kept on top of; null where git has it no more. */
  parentOf(worktree: string, commit: string): Promise<string | null>;
  /** What differs in the files; what differs only in the other layers is told as modified. */
  differing(worktree: string, from: Trees, to: Trees): Promise<readonly Change[]>;
  /** Commits of the branch after `since`, newest first. */
  commits(worktree: string, since: string): Promise<readonly BranchCommit[]>;
  /**
   * What is as it should be is left as it is, so that this can be done again after any crash. The branch gets one commit
   * on top, or none where nothing is to be committed. Rejects before anything is changed where a folder with files of
   * its own is in the way of a file.
   */
  put(worktree: string, order: PutOrder): Promise<void>;
}

// ---------------------------------------------------------------- time

export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

// ---------------------------------------------------------------- the rest

/** A step's module: code of the project, named in the configuration. Each part may reject; the message is shown. */
export interface ModuleContext {
  readonly feature: string;
  readonly run: string;
  readonly step: string;
  readonly worktree: string;
  readonly runDir: string;
  /** The step's `with` from the workflow. */
  readonly with: Readonly<Record<string, unknown>>;
  /** Aborts when it has taken longer than its limit: whatever it does after that counts for nothing. */
  readonly signal: AbortSignal;
}

export interface Modules {
  /**
   * Whether the module has a function for the stage; it must have `execute`. Rejects when the module is not registered,
   * cannot be loaded, or its function rejects.
   */
  call(module: string, stage: 'validate' | 'execute' | 'rollback', context: ModuleContext): Promise<boolean>;
}

export interface Log {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Files the engine keeps beside the journal. */
export interface Files {
  /** Replaces a file whole (temp, flush, rename). Makes its folder (0700). */
  write(path: string, text: string): Promise<void>;
}
