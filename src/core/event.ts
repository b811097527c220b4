import type { Dialog } from './screen.ts';
import type { Exit } from './agent.ts';
import type { Workflow } from './workflow.ts';

/** Who a run belongs to and where it lives. Paths are absolute. */
export interface Identity {
  readonly workspaceId: string;
  readonly feature: string;
  readonly run: string;
  readonly runType: 'initial' | 'retry';
  readonly branch: string;
  readonly worktree: string;
  /** The commit the feature began from; null when it was not known. */
  readonly base: string | null;
}

/** What `start` settled for the run; changes only with another `start`. */
export interface Settings {
  readonly session: string;
  readonly layout: string;
  readonly provider: string;
  readonly instructions: 'typed' | 'system_prompt';
  /** How long an agent may be silent in a step before the status says so. */
  readonly silentAfterMs: number;
  /** tmux socket path of the server that holds the session; null is the default server. */
  readonly socket: string | null;
}

/** Why a prompt is typed. */
export type Purpose =
  | { readonly kind: 'instructions' }
  | { readonly kind: 'step'; readonly step: string }
  | { readonly kind: 'reminder'; readonly step: string }
  | { readonly kind: 'message' };

/** Reasons a prompt has not been typed, or not been taken. */
export type HoldOutcome = 'held_for_human' | 'blocked_by_dialog' | 'agent_dead';
export type StuckOutcome = 'typed_not_submitted' | 'indeterminate';

/** What is wrong with a checkpoint file, pointing at the place. */
export interface CheckpointFault {
  readonly file: string;
  readonly line: number;
  readonly found: string;
  readonly expected: string;
}

/** A fact of a run. `seq` and `at` (ms since the epoch) are added by the journal's writer. */
export type Fact =
  | { readonly kind: 'run.initialised'; readonly identity: Identity }
  | { readonly kind: 'run.started'; readonly by: string; readonly workflow: Workflow; readonly settings: Settings }
  | { readonly kind: 'run.surveyed' }
  | { readonly kind: 'run.completed' }
  | { readonly kind: 'run.stopped'; readonly by: string; readonly why: string }
  /** A supervisor took the run up again; nobody had watched for `gapMs`. */
  | { readonly kind: 'supervisor.began'; readonly pid: number; readonly gapMs: number }
  | { readonly kind: 'session.opened'; readonly session: string }
  | { readonly kind: 'session.lost'; readonly why: string }
  | {
      readonly kind: 'agent.launched';
      readonly role: string;
      readonly generation: number;
      readonly sessionId: string;
      readonly resume: boolean;
    }
  | { readonly kind: 'agent.placed'; readonly role: string; readonly generation: number; readonly pane: string }
  | {
      readonly kind: 'agent.process';
      readonly role: string;
      readonly generation: number;
      readonly pid: number;
      readonly startTime: string;
    }
  | {
      readonly kind: 'agent.session';
      readonly role: string;
      readonly sessionId: string;
      readonly source: string;
      readonly evidence: string;
    }
  | {
      readonly kind: 'agent.turn-began';
      readonly role: string;
      readonly prompt: number | null;
      readonly evidence: string;
    }
  | {
      readonly kind: 'agent.turn-ended';
      readonly role: string;
      readonly failed: string | null;
      readonly background: number;
      readonly evidence: string | null;
    }
  | { readonly kind: 'agent.asking'; readonly role: string; readonly dialog: Dialog }
  /** A sign of work (a tool call), noted at most once a minute. */
  | { readonly kind: 'agent.worked'; readonly role: string; readonly evidence: string }
  | { readonly kind: 'agent.answered'; readonly role: string }
  | {
      readonly kind: 'agent.exited';
      readonly role: string;
      readonly generation: number;
      readonly exit: Exit;
      readonly deliberate: boolean;
    }
  | { readonly kind: 'agent.forgot'; readonly role: string }
  | { readonly kind: 'agent.failed'; readonly role: string; readonly sentence: string; readonly hint: string }
  | { readonly kind: 'step.began'; readonly step: string }
  | { readonly kind: 'step.completed'; readonly step: string; readonly how: 'checkpoint' | 'found' | 'module' }
  | {
      readonly kind: 'module.failed';
      readonly step: string;
      readonly stage: 'validate' | 'execute';
      readonly why: string;
      readonly rolledBack: boolean;
    }
  | {
      readonly kind: 'prompt.wanted';
      readonly prompt: number;
      readonly role: string;
      readonly purpose: Purpose;
      readonly line: string;
      readonly file: string | null;
    }
  | {
      readonly kind: 'prompt.intended';
      readonly prompt: number;
      readonly pane: string;
      readonly generation: number;
      readonly sha256: string;
    }
  | { readonly kind: 'prompt.typed'; readonly prompt: number }
  | {
      readonly kind: 'prompt.entered';
      readonly prompt: number;
      readonly times: number;
      /** Whether the agent said that it worked when Enter was pressed; null when it said neither. */
      readonly busy: boolean | null;
    }
  | {
      readonly kind: 'prompt.taken';
      readonly prompt: number;
      readonly queued: boolean;
      readonly evidence: string;
      readonly writtenAt: number;
    }
  | {
      readonly kind: 'prompt.held';
      readonly prompt: number;
      readonly outcome: HoldOutcome;
      readonly reason: string;
    }
  | { readonly kind: 'prompt.stuck'; readonly prompt: number; readonly outcome: StuckOutcome; readonly reason: string }
  /** The agent that may have seen the text is gone and never took it: the prompt may be typed again under its id. */
  | { readonly kind: 'prompt.reopened'; readonly prompt: number; readonly why: string }
  /** A human said what became of an indeterminate prompt. */
  | {
      readonly kind: 'prompt.settled';
      readonly prompt: number;
      readonly as: 'delivered' | 'resend';
      readonly by: string;
    }
  | {
      readonly kind: 'checkpoint.seen';
      readonly file: string;
      readonly sha256: string;
      readonly mtimeMs: number;
      readonly gate: 'auto' | 'human' | null;
      /** Found in the first look after a start, not written while we watched. */
      readonly found: boolean;
    }
  | { readonly kind: 'checkpoint.refused'; readonly fault: CheckpointFault; readonly sha256: string | null };

export type Event = Fact & { readonly seq: number; readonly at: number };
export type EventKind = Fact['kind'];
