import type { Conversation } from './adopt.ts';
import type { ConflictFact } from './conflicted.ts';
import type { ReportFact } from './reported.ts';
import type { ResourceFact } from './resources.ts';
import type { RollbackFact } from './rolled-back.ts';
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
  /** After how long without a sign of the human a pane that was taken by being used goes back; null: never. In ms. */
  readonly handBackAfterMs: number | null;
  /** How long a failed turn whose error is a usage limit waits when no time of its end is told, in ms. */
  readonly limitRetryMs: number;
  /** Whether the project's tests are run and the working tree compared at the steps that ask for it. */
  readonly evidence: boolean;
  /** `waived`: the project's tests need not pass before the work begins; what they show afterwards counts for less. */
  readonly baseline: 'required' | 'waived';
  /** How many panes its session has; absent in journals of before this was counted. */
  readonly panes?: number;
  /** How long a step may take before its agent is interrupted, or its module has failed, in ms; null: as long as it takes. */
  readonly phaseLimitMs?: number | null;
  /** What becomes of a branch that others changed: a human is asked, or it is put aside without. Absent: asked. */
  readonly onConflict?: 'ask' | 'stash';
  /** What a key of `unsafe` allows and this run makes use of, as sentences; absent: nothing. */
  readonly unsafe?: readonly string[];
}

/** Why a run could not begin when its turn had come, and what helps. */
export interface StartProblem {
  readonly code: string;
  readonly sentence: string;
  readonly hint: string;
}

/** Why a prompt is typed. */
export type Purpose =
  | { readonly kind: 'instructions' }
  | { readonly kind: 'step'; readonly step: string }
  | { readonly kind: 'reminder'; readonly step: string }
  /** The step's checkpoint was sent back: by a human's rejection or because it did not hold. */
  | { readonly kind: 'correction'; readonly step: string }
  | { readonly kind: 'message' };

/** Reasons a prompt has not been typed, or not been taken. */
export type HoldOutcome = 'queued' | 'held_for_human' | 'blocked_by_dialog' | 'agent_dead';
export type StuckOutcome = 'typed_not_submitted' | 'indeterminate';

/** What is wrong with a checkpoint file, pointing at the place. */
export interface CheckpointFault {
  readonly file: string;
  readonly line: number;
  readonly found: string;
  readonly expected: string;
}

/** How a pane came to be a human's: asked for, used by one, or its agent was ended on purpose. */
export type Taking = 'command' | 'use' | 'ended';

/** What showed that a human uses a pane. */
export type HumanSign = 'prompt' | 'draft' | 'copy-mode' | 'typing' | 'key';

/** When a step's claim is checked: before it is asked for, or after its checkpoint is there. */
export type CheckStage = 'before' | 'after';

/** Why what a step claims does not hold. Text in `tail` comes from the project's tests and is untrusted. */
export interface Finding {
  /** `refuted`: shown to be wrong. `inconclusive`: it could not be shown either way, which is for a human. */
  readonly verdict: 'refuted' | 'inconclusive';
  readonly rule:
    'baseline' | 'tests-red' | 'tests-green' | 'red-for-their-own-sake' | 'write-rules' | 'could-not-check';
  readonly sentence: string;
  /** Files that should not have changed, relative to the worktree. */
  readonly files: readonly string[];
  /** The end of what the tests printed; '' when none were run. */
  readonly tail: string;
}

/** A fact of a run. `seq` and `at` (ms since the epoch) are added by the journal's writer. */
export type Fact =
  /** `begunAt`: when it was begun by hand, before there was a journal (ms since the epoch). */
  | { readonly kind: 'run.initialised'; readonly identity: Identity; readonly begunAt?: number }
  /** A role is to carry on a conversation that a human led. */
  | { readonly kind: 'conversation.adopted'; readonly conversation: Conversation }
  | { readonly kind: 'run.started'; readonly by: string; readonly workflow: Workflow; readonly settings: Settings }
  | { readonly kind: 'run.surveyed' }
  | { readonly kind: 'run.completed' }
  /** `problem`: it had waited for its turn and could not begin. */
  | { readonly kind: 'run.stopped'; readonly by: string; readonly why: string; readonly problem?: StartProblem }
  /**
   * Everything that `start` settles is settled, and it waits until others have made room. `place` is its place in the order
   * of the workspace's queue: whoever has the lowest is next.
   */
  | {
      readonly kind: 'run.queued';
      readonly by: string;
      readonly workflow: Workflow;
      readonly settings: Settings;
      readonly place: number;
    }
  /** It does not wait for its turn any more. `problem`: its turn had come and it could not begin. */
  | { readonly kind: 'run.unqueued'; readonly by: string; readonly why: string; readonly problem: StartProblem | null }
  | ResourceFact
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
  | { readonly kind: 'step.skipped'; readonly step: string; readonly by: string; readonly why: string }
  /** The present step is asked for once more. */
  | { readonly kind: 'step.retried'; readonly step: string; readonly by: string }
  /** A step that was done is open again, and so are all after it. Their checkpoints of now do not count any more. */
  | { readonly kind: 'step.reopened'; readonly step: string; readonly by: string; readonly why: string }
  | ReportFact
  | RollbackFact
  | ConflictFact
  | { readonly kind: 'run.paused'; readonly by: string; readonly why: string }
  | { readonly kind: 'run.resumed'; readonly by: string }
  | {
      readonly kind: 'pane.taken';
      readonly role: string;
      readonly how: Taking;
      readonly by: string;
      readonly why: string;
    }
  /** A sign of the human who holds the pane, noted at most once a second. `stays`: a draft or copy mode stands there. */
  | { readonly kind: 'pane.used'; readonly role: string; readonly sign: HumanSign; readonly stays: boolean }
  /** The human has left nothing in the pane. */
  | { readonly kind: 'pane.left'; readonly role: string }
  /** The pane will be given back soon unless the human shows up. */
  | { readonly kind: 'pane.returning'; readonly role: string; readonly backAt: number }
  | { readonly kind: 'pane.given'; readonly role: string; readonly how: 'command' | 'idle'; readonly by: string }
  | {
      readonly kind: 'gate.approved';
      readonly step: string;
      readonly by: string;
      readonly comment: string | null;
      readonly sha256: string;
    }
  | { readonly kind: 'gate.rejected'; readonly step: string; readonly by: string; readonly comment: string | null }
  /** The step's claim is to be checked. `claim`: the hash of its checkpoint; null before there is one. */
  | {
      readonly kind: 'check.wanted';
      readonly step: string;
      readonly stage: CheckStage;
      readonly claim: string | null;
    }
  | {
      readonly kind: 'check.passed';
      readonly step: string;
      readonly stage: CheckStage;
      readonly claim: string | null;
      /** The commit that holds the working tree as it was; null where it could not be kept. */
      readonly snapshot: string | null;
      /** What was shown, and what could not be looked at, as sentences. */
      readonly shown: readonly string[];
      /** How long the check took, in ms. */
      readonly tookMs: number;
    }
  | {
      readonly kind: 'check.failed';
      readonly step: string;
      readonly stage: CheckStage;
      readonly claim: string | null;
      readonly finding: Finding;
      /** As of one that passed: a human may let it stand, and what follows is compared with this. */
      readonly snapshot?: string | null;
      readonly tookMs: number;
    }
  /** A human lets the claim stand although its check failed. */
  | {
      readonly kind: 'check.waived';
      readonly step: string;
      readonly stage: CheckStage;
      readonly by: string;
      readonly comment: string | null;
    }
  /** The agent's account has no turn left until `untilMs` (ms since the epoch). */
  | { readonly kind: 'agent.parked'; readonly role: string; readonly untilMs: number; readonly why: string }
  | { readonly kind: 'agent.unparked'; readonly role: string }
  | { readonly kind: 'dialog.answered'; readonly role: string; readonly choice: string; readonly by: string }
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
      /** What `file` has to hold, where the text is made here and not by the caller. */
      readonly text?: string;
    }
  /** It was never typed, and what it asked for is no longer wanted. */
  | { readonly kind: 'prompt.withdrawn'; readonly prompt: number; readonly why: string }
  | {
      readonly kind: 'prompt.intended';
      readonly prompt: number;
      readonly pane: string;
      readonly generation: number;
      readonly sha256: string;
      /** Nothing is pasted for this: what was pasted before stands in the composer still. */
      readonly standing?: true;
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
  | { readonly kind: 'checkpoint.refused'; readonly fault: CheckpointFault; readonly sha256: string | null }
  /** The file is not there any more, neither the whole nor the faulty one. */
  | { readonly kind: 'checkpoint.gone'; readonly file: string };

/**
 * Whose a fact is: the workspace, and who caused it, as `principalOf` (app) writes it: a door and a user, an agent, or
 * tmops itself. There is one workspace and one user today; with these tenants can be told apart.
 */
export interface Origin {
  readonly workspace: string;
  readonly principal: string;
}

/** Origins are absent in journals of before they were written down. */
export type Event = Fact & { readonly seq: number; readonly at: number } & Partial<Origin>;
export type EventKind = Fact['kind'];
