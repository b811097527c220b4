import type { Conversation } from './adopt.ts';
import type { Exit } from './agent.ts';
import type {
  CheckpointFault,
  Fact,
  Finding,
  HoldOutcome,
  Identity,
  Purpose,
  Settings,
  StartProblem,
  StuckOutcome,
  Taking,
} from './event.ts';
import { UNKNOWN_BRANCH, type Branch, type Conflict, type Stashed } from './conflicted.ts';
import type { Life } from './life.ts';
import type { Report } from './reported.ts';
import type { MemoryNote, Overrun } from './resources.ts';
import type { Rollback } from './rolled-back.ts';
import type { Dialog } from './screen.ts';
import { isAgentStep, type Step, type Workflow } from './workflow.ts';

/**
 * An agent: one conversation in one role, and the process that holds it at present.
 *
 *   launched ─process seen─▶ up{starting → idle ⇄ busy, asking} ──exit──▶ gone ──launched again (resume)──▶ …
 */
export interface Agent {
  readonly role: string;
  /** Counts the processes started for this role in this run. */
  readonly generation: number;
  readonly sessionId: string;
  /** Id of the first prompt that belongs to this conversation. */
  readonly firstPrompt: number;
  readonly pane: string | null;
  readonly process: { readonly pid: number; readonly startTime: string } | null;
  readonly state: AgentState;
  /**
   * The newest pieces of evidence taken up, oldest first. Hooks that run at the same moment may finish out of order, so
   * that a piece a little older than the newest can still be news.
   */
  readonly evidence: readonly string[];
  /** When the agent last gave a sign of life, in ms since the epoch. */
  readonly signAt: number;
  /** A prompt was taken in this conversation, so that it can be resumed. */
  readonly spoken: boolean;
  /** Times of unasked-for ends, for the bound on restarts. */
  readonly crashes: readonly number[];
  /** Until when its account has no turn left, and as which words said so; null when it has. */
  readonly parked: { readonly untilMs: number; readonly why: string } | null;
}

export type AgentState =
  | { readonly kind: 'starting'; readonly since: number }
  | { readonly kind: 'idle'; readonly since: number; readonly failed: string | null }
  | { readonly kind: 'busy'; readonly since: number; readonly prompt: number | null }
  | {
      readonly kind: 'asking';
      readonly since: number;
      readonly dialog: Dialog;
      readonly before: 'starting' | 'busy' | 'idle';
    }
  | { readonly kind: 'gone'; readonly since: number; readonly exit: Exit; readonly deliberate: boolean }
  | { readonly kind: 'failed'; readonly since: number; readonly sentence: string; readonly hint: string };

/**
 * A prompt on its way. `wanted` → `intended` (journaled before the first byte) → `typed` → `entered` → `taken`.
 * Only evidence from the agent makes it `taken`.
 */
export interface Prompt {
  readonly id: number;
  readonly role: string;
  readonly purpose: Purpose;
  /** What is typed, without the marker. */
  readonly line: string;
  /** The file the line points at, relative to the run's folder, when the text itself is not safe to type. */
  readonly file: string | null;
  /** What the file has to hold, where it is written only when the prompt is typed. */
  readonly text: string | null;
  readonly at: number;
  readonly stage: PromptStage;
  /** How often its paste was begun. Once it was, its text may turn up later, and counts. */
  readonly attempts: number;
  readonly trouble: {
    readonly outcome: HoldOutcome | StuckOutcome;
    readonly reason: string;
    readonly since: number;
  } | null;
}

export type PromptStage =
  | { readonly kind: 'wanted' }
  | { readonly kind: 'intended'; readonly generation: number; readonly at: number }
  | { readonly kind: 'typed'; readonly generation: number; readonly at: number }
  | {
      readonly kind: 'entered';
      readonly generation: number;
      readonly at: number;
      readonly times: number;
      /** Whether the agent worked each time that Enter was pressed; null when that is not known of all or differs. */
      readonly busy: boolean | null;
    }
  /** `writtenAt`: when the agent wrote its evidence, which may be before it was read. */
  | {
      readonly kind: 'taken';
      readonly at: number;
      readonly writtenAt: number;
      readonly queued: boolean;
      readonly turnEnded: boolean;
    }
  | { readonly kind: 'delivered-by-hand'; readonly at: number }
  | { readonly kind: 'withdrawn'; readonly at: number };

/**
 * Who holds a pane.
 *
 *   auto ──taken (by command, by use, by ending its agent)──▶ human ──given (by command, or idle after use)──▶ auto
 *
 * While a human holds it nothing is typed into it.
 */
export type Holder =
  | { readonly kind: 'auto' }
  | {
      readonly kind: 'human';
      readonly since: number;
      readonly how: Taking;
      readonly by: string;
      readonly why: string;
      /** The last sign of the human, in ms since the epoch. */
      readonly usedAt: number;
      /** A draft stands in the composer, or somebody reads in copy mode: it is not handed back by itself. */
      readonly stays: boolean;
      /** When it goes back, while that is announced; null otherwise. */
      readonly backAt: number | null;
    };

const AUTO: Holder = { kind: 'auto' };
export const holderOf = (run: Run, role: string): Holder => run.holders[role] ?? AUTO;

/** A check of a step's claim. `claim` is the hash of the checkpoint that was checked, null before there was one. */
export type Check =
  | { readonly kind: 'running'; readonly at: number; readonly claim: string | null }
  | {
      readonly kind: 'passed';
      readonly at: number;
      readonly claim: string | null;
      readonly snapshot: string | null;
      readonly shown: readonly string[];
      readonly tookMs: number;
    }
  | {
      readonly kind: 'failed';
      readonly at: number;
      readonly claim: string | null;
      readonly finding: Finding;
      readonly snapshot: string | null;
    }
  | {
      readonly kind: 'waived';
      readonly at: number;
      readonly claim: string | null;
      readonly by: string;
      readonly snapshot: string | null;
    };

export interface Checks {
  readonly before: Check | null;
  readonly after: Check | null;
  /** How often the step's claim was refuted since a human last had a say. */
  readonly refuted: number;
}

/** The kept working tree that a check left; null when there is none. */
export const snapshotOf = (check: Check | null): string | null =>
  check === null || check.kind === 'running' ? null : check.snapshot;

export const NO_CHECKS: Checks = { before: null, after: null, refuted: 0 };
export const checksOf = (run: Run, step: string): Checks => run.checks[step] ?? NO_CHECKS;

export interface Seen {
  readonly sha256: string;
  readonly mtimeMs: number;
  readonly gate: 'auto' | 'human' | null;
  readonly found: boolean;
  /** When it was seen whole, in ms since the epoch. */
  readonly at: number;
}

export interface StepDone {
  readonly at: number;
  readonly how: 'checkpoint' | 'found' | 'module' | 'skipped';
  readonly mtimeMs: number | null;
  /** When its work was asked for; null when it was found done. */
  readonly beganAt: number | null;
}

/** Everything that is known of one run: a fold of its journal, nothing else. */
export interface Run {
  readonly seq: number;
  readonly updatedAt: number;
  readonly identity: Identity | null;
  readonly createdAt: number;
  readonly life: Life;
  readonly workflow: Workflow | null;
  readonly settings: Settings | null;
  readonly agents: Readonly<Record<string, Agent>>;
  readonly prompts: readonly Prompt[];
  readonly seen: Readonly<Record<string, Seen>>;
  /** The last fault of each file, until the file is whole. */
  readonly faults: Readonly<Record<string, CheckpointFault>>;
  readonly done: Readonly<Record<string, StepDone>>;
  readonly moduleFailure: {
    readonly step: string;
    readonly stage: string;
    readonly why: string;
    readonly rolledBack: boolean;
  } | null;
  readonly unwatchedMs: number;
  /** Who holds each pane; a role that is not named is `auto`. */
  readonly holders: Readonly<Record<string, Holder>>;
  readonly paused: { readonly at: number; readonly by: string; readonly why: string } | null;
  readonly checks: Readonly<Record<string, Checks>>;
  /** The hash of the checkpoint that a human approved, by step. */
  readonly approved: Readonly<Record<string, string>>;
  /** Checkpoints that were sent back, by file: as they stand they do not count. */
  readonly void: Readonly<Record<string, Pick<Seen, 'sha256' | 'mtimeMs'>>>;
  /** Conversations that roles are to carry on, which were led by hand before the run was started. */
  readonly adopted: Readonly<Record<string, Conversation>>;
  /** For steps that were opened again: the first prompt that counts. */
  readonly askedFrom: Readonly<Record<string, number>>;
  /** What was shown, and kept, before a step first began since those before it were done. */
  readonly points: Readonly<Record<string, Check>>;
  /** The one that is under way. */
  readonly rollback: Rollback | null;
  /** All there were, by number; the first one is 1. */
  readonly rollbacks: readonly Rollback[];
  /** Why it could not begin when its turn had come; null until then, and once it is started or taken out of the queue. */
  readonly startProblem: (StartProblem & { readonly at: number }) | null;
  /** By role. */
  readonly memory: Readonly<Record<string, MemoryNote>>;
  readonly overrun: Overrun | null;
  /** By role. */
  readonly reports: Readonly<Record<string, Report>>;
  readonly branch: Branch;
  /** Others changed the branch; nothing begins until somebody has said what becomes of that. */
  readonly conflict: Conflict | null;
  readonly conflictCount: number;
  /** What was put aside, oldest first. */
  readonly stashes: readonly Stashed[];
  /** From which commit to which others moved the branch, where that was accepted. */
  readonly accepted: readonly { readonly from: string; readonly to: string }[];
}

export const newRun: Run = {
  seq: 0,
  updatedAt: 0,
  identity: null,
  createdAt: 0,
  life: { kind: 'new' },
  workflow: null,
  settings: null,
  agents: {},
  prompts: [],
  seen: {},
  faults: {},
  done: {},
  moduleFailure: null,
  unwatchedMs: 0,
  holders: {},
  paused: null,
  checks: {},
  approved: {},
  void: {},
  adopted: {},
  askedFrom: {},
  points: {},
  rollback: null,
  rollbacks: [],
  startProblem: null,
  memory: {},
  overrun: null,
  reports: {},
  branch: UNKNOWN_BRANCH,
  conflict: null,
  conflictCount: 0,
  stashes: [],
  accepted: [],
};

/** The first step that is not done, or null when all are. */
export function presentStep(run: Run): { readonly step: Step; readonly index: number } | null {
  const steps = run.workflow?.steps ?? [];
  const index = steps.findIndex((step) => run.done[step.id] === undefined);
  const step = steps[index];
  return step ? { step, index } : null;
}

/** The checkpoint files the workflow waits for, by base name. */
export function wantedFiles(workflow: Workflow): ReadonlySet<string> {
  return new Set(workflow.steps.filter(isAgentStep).map((step) => step.checkpoint));
}

export const markerOf = (prompt: number): string => `[tmops#${prompt}]`;

/** The line as it is typed: the text, then the marker that the evidence is matched by. */
export const typedLine = (prompt: Pick<Prompt, 'id' | 'line'>): string => `${prompt.line} ${markerOf(prompt.id)}`;

const OPEN_STAGES: ReadonlySet<PromptStage['kind']> = new Set(['wanted', 'intended', 'typed', 'entered']);

/** Whether a prompt arrived, or a human says that it did. */
export const hasArrived = ({ stage }: Prompt): boolean => stage.kind === 'taken' || stage.kind === 'delivered-by-hand';

/** Prompts that were wanted and are not known to have arrived, oldest first. */
export const openPrompts = (run: Run, role: string): readonly Prompt[] =>
  run.prompts.filter((prompt) => prompt.role === role && OPEN_STAGES.has(prompt.stage.kind));

/** Whether the role has its instructions in its present conversation and has digested them. */
export function isBriefed(run: Run, role: string): boolean {
  if (run.settings?.instructions === 'system_prompt') return true;
  const last = instructionsPrompt(run, role);
  if (!last) return false;
  return last.stage.kind === 'delivered-by-hand' || (last.stage.kind === 'taken' && last.stage.turnEnded);
}

/** The prompt that gave (or will give) the role its instructions in its present conversation. */
export function instructionsPrompt(run: Run, role: string): Prompt | undefined {
  const first = run.agents[role]?.firstPrompt ?? 1;
  return run.prompts.findLast(
    (prompt) => prompt.role === role && prompt.id >= first && prompt.purpose.kind === 'instructions',
  );
}

export const upAgents = (run: Run): Agent[] =>
  Object.values(run.agents).filter((agent) => agent.state.kind !== 'gone' && agent.state.kind !== 'failed');

/** The conversation is carried on if anything was said in it; otherwise there is none to resume. */
export const relaunch = (agent: Agent, spareId: string): Extract<Fact, { kind: 'agent.launched' }> => ({
  kind: 'agent.launched',
  role: agent.role,
  generation: agent.generation + 1,
  sessionId: agent.spoken ? agent.sessionId : spareId,
  resume: agent.spoken,
});

/** The record without one of its keys. */
export const withoutKey = <T>(record: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
