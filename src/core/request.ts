import type { Evidence, Exit } from './agent.ts';
import type { CheckpointFault, Fact, HoldOutcome, Identity, Settings, StuckOutcome } from './event.ts';
import type { Dialog } from './screen.ts';
import type { Workflow } from './workflow.ts';

/** How far the delivery of a prompt has come, as the engine saw it. */
export type DeliveryNews =
  | { readonly kind: 'intended'; readonly pane: string; readonly generation: number; readonly sha256: string }
  | { readonly kind: 'typed' }
  | { readonly kind: 'entered'; readonly times: number; readonly busy: boolean | null }
  | { readonly kind: 'held'; readonly outcome: HoldOutcome; readonly reason: string }
  | { readonly kind: 'stuck'; readonly outcome: StuckOutcome; readonly reason: string }
  | { readonly kind: 'reopened'; readonly why: string };

/**
 * Everything that can be asked of a run or reported to it. Ids and what was seen come inside; nothing is looked up.
 * `spareId` is a fresh UUID the core may use for a new conversation.
 */
export type Request =
  | { readonly kind: 'initialise'; readonly identity: Identity }
  | {
      readonly kind: 'start';
      readonly by: string;
      readonly workflow: Workflow;
      readonly settings: Settings;
      /** A fresh UUID for each role. */
      readonly spareIds: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'stop'; readonly by: string; readonly why: string }
  | { readonly kind: 'watch-again'; readonly pid: number; readonly gapMs: number }
  | { readonly kind: 'surveyed' }
  | { readonly kind: 'session-opened'; readonly session: string }
  | { readonly kind: 'session-lost'; readonly why: string; readonly spareIds: Readonly<Record<string, string>> }
  | { readonly kind: 'agent-placed'; readonly role: string; readonly generation: number; readonly pane: string }
  | {
      readonly kind: 'agent-process';
      readonly role: string;
      readonly generation: number;
      readonly pid: number;
      readonly startTime: string;
    }
  | { readonly kind: 'agent-news'; readonly role: string; readonly evidence: Evidence }
  /** The agent's own status says idle although no end of its turn was reported (an interrupt fires no hook). */
  | { readonly kind: 'agent-interrupted'; readonly role: string }
  | { readonly kind: 'agent-asking'; readonly role: string; readonly dialog: Dialog }
  | { readonly kind: 'agent-answered'; readonly role: string }
  | {
      readonly kind: 'agent-exited';
      readonly role: string;
      readonly generation: number;
      readonly exit: Exit;
      readonly spareId: string;
    }
  /** Its record is gone, so that it could not be resumed: a new one of the same id was begun, which knows nothing. */
  | { readonly kind: 'conversation-lost'; readonly role: string }
  | { readonly kind: 'agent-failed'; readonly role: string; readonly sentence: string; readonly hint: string }
  | { readonly kind: 'delivery'; readonly prompt: number; readonly news: DeliveryNews }
  | {
      readonly kind: 'settle-prompt';
      readonly prompt: number;
      readonly as: 'delivered' | 'resend';
      readonly by: string;
    }
  | { readonly kind: 'message'; readonly role: string; readonly line: string; readonly file: string | null }
  | {
      readonly kind: 'checkpoint-seen';
      readonly file: string;
      readonly sha256: string;
      readonly mtimeMs: number;
      readonly gate: 'auto' | 'human' | null;
    }
  | { readonly kind: 'checkpoint-refused'; readonly fault: CheckpointFault; readonly sha256: string | null }
  | { readonly kind: 'module-done'; readonly step: string }
  | {
      readonly kind: 'module-failed';
      readonly step: string;
      readonly stage: 'validate' | 'execute';
      readonly why: string;
      readonly rolledBack: boolean;
    };

/** Asked for something that cannot be now. `allowed` says what can. */
export interface Refusal {
  readonly reason:
    | 'not-initialised'
    | 'already-initialised'
    | 'completed'
    | 'not-running'
    | 'unknown-role'
    | 'unknown-prompt'
    | 'prompt-not-in-doubt';
  readonly received: string;
  readonly allowed: readonly string[];
}

export type Decision =
  { readonly ok: true; readonly facts: readonly Fact[] } | { readonly ok: false; readonly refusal: Refusal };
