import type { Conversation } from './adopt.ts';
import type { ConflictRequest } from './conflicted.ts';
import type { Evidence, Exit } from './agent.ts';
import type {
  CheckpointFault,
  CheckStage,
  Fact,
  Finding,
  HoldOutcome,
  HumanSign,
  Identity,
  Settings,
  StartProblem,
  StuckOutcome,
} from './event.ts';
import type { ReportKind } from './reported.ts';
import type { MemoryLevel } from './resources.ts';
import type { Direction, Trees } from './rolled-back.ts';
import type { Dialog } from './screen.ts';
import type { Workflow } from './workflow.ts';

/** How far the delivery of a prompt has come, as the engine saw it. */
export type DeliveryNews =
  | {
      readonly kind: 'intended';
      readonly pane: string;
      readonly generation: number;
      readonly sha256: string;
      readonly standing?: true;
    }
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
  /** `begunAt`: when it was begun by hand, in ms since the epoch. */
  | { readonly kind: 'initialise'; readonly identity: Identity; readonly begunAt?: number }
  | { readonly kind: 'adopt-conversations'; readonly conversations: readonly Conversation[] }
  | {
      readonly kind: 'start';
      readonly by: string;
      readonly workflow: Workflow;
      readonly settings: Settings;
      /** A fresh UUID for each role. */
      readonly spareIds: Readonly<Record<string, string>>;
      /** Its turn has come: nothing happens if it does not wait any more. */
      readonly inTurn?: true;
    }
  /** `problem`: it began when its turn had come, and that failed. */
  | { readonly kind: 'stop'; readonly by: string; readonly why: string; readonly problem?: StartProblem }
  /** There is no room for one more. `place` is what it gets if it does not wait already. */
  | {
      readonly kind: 'queue';
      readonly by: string;
      readonly workflow: Workflow;
      readonly settings: Settings;
      readonly place: number;
    }
  /** Its turn has come and it cannot begin. */
  | { readonly kind: 'leave-queue'; readonly by: string; readonly why: string; readonly problem: StartProblem }
  /** What an agent with all that it started takes; see memory.ts for the level. */
  | {
      readonly kind: 'memory-seen';
      readonly role: string;
      readonly level: MemoryLevel;
      readonly bytes: number;
      readonly above: number | null;
    }
  /** Escape is about to be pressed in the pane of the role whose step took too long. */
  | { readonly kind: 'interrupting'; readonly step: string; readonly role: string }
  | { readonly kind: 'interrupt-failed'; readonly step: string; readonly role: string; readonly why: string }
  /** Somebody ended the session and tmux goes on: that was meant. */
  | { readonly kind: 'session-ended'; readonly by: string; readonly why: string }
  /** Roles: those meant; none: all. */
  | { readonly kind: 'take'; readonly roles: readonly string[]; readonly by: string }
  | {
      readonly kind: 'give';
      readonly roles: readonly string[];
      readonly by: string;
      readonly spareIds: Readonly<Record<string, string>>;
    }
  /** A human was seen to use a pane. `stays`: what was seen stands there until they take it away. */
  | {
      readonly kind: 'human-seen';
      readonly role: string;
      readonly sign: HumanSign;
      readonly stays: boolean;
      readonly why: string;
    }
  /** Nothing of the human is left in a pane that they hold. */
  | { readonly kind: 'human-left'; readonly role: string }
  | { readonly kind: 'pause'; readonly by: string; readonly why: string }
  | { readonly kind: 'resume'; readonly by: string; readonly spareIds: Readonly<Record<string, string>> }
  | { readonly kind: 'approve'; readonly by: string; readonly comment: string | null }
  | { readonly kind: 'reject'; readonly by: string; readonly comment: string | null }
  /** `step` null: the present one. */
  | { readonly kind: 'skip'; readonly step: string | null; readonly by: string; readonly why: string }
  | {
      readonly kind: 'retry';
      readonly by: string;
      readonly spareIds: Readonly<Record<string, string>>;
    }
  /** Opens a step anew that was done; `step` null: the one that was done last. */
  | { readonly kind: 'redo'; readonly step: string | null; readonly by: string; readonly why: string }
  /** `step`: of a step or a role. `checkpoints`: files of the run's folder that are there and go. */
  | {
      readonly kind: 'roll-back';
      readonly step: string;
      readonly by: string;
      readonly why: string;
      readonly from: Trees;
      readonly to: Trees;
      readonly checkpoints: readonly string[];
    }
  | {
      readonly kind: 'undo-rollback';
      readonly by: string;
      readonly from: Trees;
      readonly checkpoints: readonly string[];
    }
  /** One that failed is taken up again. */
  | { readonly kind: 'retry-rollback'; readonly by: string }
  | {
      readonly kind: 'rolled-back';
      readonly number: number;
      readonly direction: Direction;
      readonly commit: string | null;
      readonly late: string | null;
    }
  | { readonly kind: 'rollback-failed'; readonly number: number; readonly why: string }
  | ConflictRequest
  | {
      readonly kind: 'check-found';
      readonly step: string;
      readonly stage: CheckStage;
      readonly claim: string | null;
      readonly tookMs: number;
      readonly found:
        | { readonly ok: true; readonly snapshot: string | null; readonly shown: readonly string[] }
        | { readonly ok: false; readonly finding: Finding; readonly snapshot?: string | null };
    }
  /** The mark of a dialog is about to be moved to the choice. `dialog`: what the screen shows now. */
  | { readonly kind: 'dialog-answering'; readonly role: string; readonly dialog: Dialog; readonly choice: string }
  /** Enter is about to be pressed on the choice, which stands marked. */
  | {
      readonly kind: 'dialog-answered';
      readonly role: string;
      readonly dialog: Dialog;
      readonly choice: string;
      readonly by: string;
    }
  /** Nothing happened, and a time that matters has come (see due.ts). */
  | { readonly kind: 'time-passed' }
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
  /** What the role's agent says of itself. `text`: REPORT_CHARS at most. */
  | { readonly kind: 'role-report'; readonly role: string; readonly what: ReportKind; readonly text: string }
  | {
      readonly kind: 'checkpoint-seen';
      readonly file: string;
      readonly sha256: string;
      readonly mtimeMs: number;
      readonly gate: 'auto' | 'human' | null;
    }
  | { readonly kind: 'checkpoint-gone'; readonly file: string }
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
    /** It waits for its turn and has not begun. */
    | 'queued'
    /** It has no turn that could be interrupted. */
    | 'not-to-interrupt'
    | 'unknown-role'
    | 'unknown-prompt'
    | 'prompt-not-in-doubt'
    | 'unknown-step'
    | 'not-the-present-step'
    | 'step-not-done'
    /** Neither a step nor a role. */
    | 'unknown-phase'
    /** It has not been come to yet. */
    | 'step-ahead'
    /** Work is being taken back, or put back; `allowed` says which. */
    | 'rolling-back'
    | 'nothing-to-undo'
    /** Others changed the branch, and nobody has said yet what becomes of that. */
    | 'branch-conflict'
    | 'no-conflict'
    /** It is being put aside, or that has begun and failed. */
    | 'conflict-being-settled'
    /** What the worktree is in the middle of cannot be gone on from. */
    | 'branch-unfinished'
    /** Work cannot be taken back while somebody or something may write into it. */
    | 'agent-at-work'
    | 'pane-held'
    | 'prompt-under-way'
    | 'step-at-work'
    | 'nothing-to-approve'
    | 'nothing-to-reject'
    /** The agent shows no question that the journal knows of. */
    | 'no-dialog'
    /** It shows another one by now; `allowed` are the choices of that one. */
    | 'dialog-changed'
    | 'no-such-choice'
    /** The role has a conversation of the run's own already. */
    | 'has-conversation'
    /** Somebody holds the pane or the run: nothing is typed now. */
    | 'held';
  readonly received: string;
  readonly allowed: readonly string[];
}

export type Decision =
  { readonly ok: true; readonly facts: readonly Fact[] } | { readonly ok: false; readonly refusal: Refusal };
