import type { StartPlan } from '../config/plan.ts';
import type { Config } from '../config/schema.ts';
import type { AdoptProblem, ByHand, Conversation } from '../core/adopt.ts';
import type { CleanupDone, CleanupOrder, CleanupPlan, CleanupPlanned } from '../core/cleanup.ts';
import type { Finding, PresentRun } from '../core/gc.ts';
import type { InitOrder, InitOutcome, ListedFeature, SpecState } from '../core/init.ts';
import type { BranchKeeper } from '../engine/branch-ports.ts';
import type { Clock, Files, Prover, Found, Rewinder, Terminal } from '../engine/ports.ts';
import type { RunPlace } from '../engine/place.ts';
import type { ProjectFiles } from '../engine/role-ports.ts';
import type { Workspace } from '../engine/workspace.ts';
import type { ChangeBoard } from './changes.ts';
import type { AgentAsking } from './principal.ts';
import type { OutputOf } from './table.ts';
import type { ProblemView } from './views.ts';

export type Told<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly problem: ProblemView };

/** What is known in here of what may be looked for. */
export interface LeftoverOrder {
  /** Features that have a run; 'unread' where its journal cannot be. */
  readonly present: ReadonlyMap<string, PresentRun | 'unread'>;
  /** The tmux servers to look at; null is the default one. */
  readonly sockets: readonly (string | null)[];
  /** Where a feature's worktree belongs. */
  readonly worktreePath: (feature: string) => string;
}

/** What operations need of the world beyond the engine. Each is given by the composition root. */
export interface AppPorts {
  readonly root: string;
  readonly workspaceId: string;
  readonly version: string;
  /** Numeric id of the supervisor's user. */
  readonly owner: number;
  readonly clock: Clock;
  /** What changed lately, for those who follow resources. */
  readonly changes: ChangeBoard;
  readonly files: Files;
  readonly prover: Prover;
  /** The project's files, for role servers. */
  readonly project: ProjectFiles;
  readonly rewinder: Rewinder;
  readonly keeper: BranchKeeper;
  readonly workspace: Workspace;
  /**
   * What is wrong with the files of the configuration as they are now; null when nothing is. What a caller's variables bring
   * is not looked at: whoever uses those says what is wrong with them.
   */
  readonly fileFault: () => ProblemView | null;
  /** The configuration as it is on disk now and the caller's variables say, with faults already in words. */
  readonly config: (env: Readonly<Record<string, string>> | undefined) => Told<{
    readonly config: Config;
    readonly plan: (layout: string | undefined) => Told<{ readonly plan: StartPlan }>;
  }>;
  /** Who may reach what, as the supervisor's own configuration says now. */
  readonly access: () => Config['access'];
  /** The agent of a run that is open whose process was given this token; null when there is none. */
  readonly agentOf: (token: string) => Promise<AgentAsking | null>;
  /** Takes what is known to be secret out of a text. */
  readonly hide: (text: string) => string;
  /** What this environment names as secret is known to be from now on. */
  readonly learnSecrets: (env: Readonly<Record<string, string>>) => void;
  readonly initialise: (
    order: Omit<InitOrder, 'workspaceRoot' | 'toolsDir' | 'specTemplateFile'>,
    config: Config,
  ) => Promise<InitOutcome>;
  /** What a cleanup would do; nothing is changed. */
  readonly planCleanup: (
    order: Omit<CleanupOrder, 'workspaceRoot' | 'toolsDir'>,
    config: Config,
  ) => Promise<CleanupPlanned>;
  readonly cleanUp: (plan: CleanupPlan) => Promise<CleanupDone>;
  /** Features whose cleanup was begun and is not finished. */
  readonly cleanupMarks: () => Promise<readonly string[]>;
  /** What somebody who died left behind, beside cleanups; nothing is changed. */
  readonly leftovers: (order: LeftoverOrder) => Promise<readonly Finding[]>;
  /** A feature that was begun by hand, as its folders and git tell it. */
  readonly findByHand: (
    feature: string,
  ) => Promise<{ readonly ok: true; readonly found: ByHand } | { readonly ok: false; readonly problem: AdoptProblem }>;
  /** Looks once at one file that may be a checkpoint. Null when it is not there. */
  readonly lookAtCheckpoint: (path: string) => Promise<Found | null>;
  /** The conversation of the Claude Code that runs as this process or below it; null when there is none. */
  readonly findConversation: (
    pid: number,
    env: Readonly<Record<string, string>>,
  ) => Promise<
    (Pick<Conversation, 'sessionId' | 'process'> & { readonly cwd: string; readonly spoken: boolean }) | null
  >;
  /** Id of the process that has a conversation open; null when none has. */
  readonly holderOfConversation: (sessionId: string, env: Readonly<Record<string, string>>) => Promise<number | null>;
  readonly features: () => Promise<readonly ListedFeature[]>;
  /** Whether there is a file of that path. */
  readonly isThere: (path: string) => Promise<boolean>;
  readonly specState: (feature: string, runDir: string) => Promise<SpecState>;
  /** Where the feature's worktree belongs; the root itself with `isolation: branch`. */
  readonly worktreePath: (feature: string, config: Config) => string;
  /** What a worktree has checked out; `branch` is null when it is on none. */
  readonly headOf: (worktree: string) => Promise<{ readonly commit: string; readonly branch: string | null }>;
  readonly testCommand: (config: Config) => Promise<readonly string[] | null>;
  readonly placeRoles: (
    place: RunPlace,
    plan: StartPlan,
    config: Config,
    testCommand: readonly string[] | null,
  ) => Promise<ProblemView | null>;
  /** Null when the folder is trusted, or was made so because `trust` is set. */
  readonly trust: (
    provider: string,
    trust: boolean,
    env: Readonly<Record<string, string>>,
  ) => Promise<ProblemView | null>;
  /** Why the provider cannot be used with this configuration; null when it can. */
  readonly providerFault: (
    provider: string,
    config: Config,
    env: Readonly<Record<string, string>>,
  ) => Promise<ProblemView | null>;
  readonly terminal: (socket: string | null) => Terminal;
  /** The tmux server to use: the configuration's, the caller's own, or null for the default one. */
  readonly socketOf: (config: Config, env: Readonly<Record<string, string>>) => string | null;
  readonly statusArgv: (feature: string) => readonly string[];
  readonly attachCommand: (session: string, socket: string | null) => string;
  readonly doctor: () => Promise<OutputOf<'doctor'>>;
}
