import type { Dialog } from './screen.ts';

/** What an agent reports about itself, in the order it happened. Text in it is untrusted. */
export type AgentNews =
  /** The conversation exists. `source` says whether it is new or carried on. */
  | {
      readonly kind: 'session-started';
      readonly sessionId: string;
      readonly source: 'startup' | 'resume' | 'clear' | 'compact';
    }
  /** A prompt was taken in (at once or into the agent's own queue). */
  | {
      readonly kind: 'prompt-taken';
      readonly text: string;
      /** It was put in by the agent's own program (a finished task, a hook's word), not by somebody at the keys. */
      readonly injected?: boolean;
    }
  | { readonly kind: 'tool-started'; readonly tool: string }
  | { readonly kind: 'tool-ended'; readonly tool: string }
  | { readonly kind: 'turn-ended'; readonly last: string; readonly background: number }
  /** The turn broke (`rate_limit`, `server_error`, …); the agent is idle and does not go on by itself. */
  | {
      readonly kind: 'turn-failed';
      readonly error: string;
      readonly last: string;
      /** When the account's limit ends, where the text says so, in ms since the epoch. */
      readonly limitUntilMs?: number;
    }
  /** A dialog is about to be shown. */
  | { readonly kind: 'asking'; readonly what: string }
  /** The program says goodbye. `deliberate` when a human asked for it (/exit, Ctrl-D). */
  | { readonly kind: 'session-ended'; readonly deliberate: boolean; readonly reason: string };

/** One piece of news with the time the agent's program wrote it (ms since the epoch) and a name unique in the agent's folder. */
export interface Evidence {
  readonly id: string;
  readonly atMs: number;
  readonly news: AgentNews;
}

/** What the agent's program is doing right now, as far as its own durable signals tell. */
export type Activity =
  | { readonly kind: 'idle' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'waiting'; readonly waitingFor: string }
  /** No signal: not started far enough, or the provider has none. Never read as idle. */
  | { readonly kind: 'unknown' };

/** How an agent's process ended. `unknown` when the pane or the server vanished with it. */
export type Exit =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'unknown' };

/** What a provider needs to start one agent. Paths are absolute. */
export interface AgentOrder {
  readonly workspaceRoot: string;
  readonly feature: string;
  readonly run: string;
  readonly role: string;
  /** Chosen by us and journaled before the start (a UUID). */
  readonly sessionId: string;
  /** The feature's worktree: where the agent works. */
  readonly cwd: string;
  /** A 0700 folder of this agent alone: settings, launch files and evidence live here. */
  readonly agentDir: string;
  /** The run's folder, which the agent writes checkpoints into. */
  readonly runDir: string;
  /** The scrubbed environment of whoever called `start`; the provider adds its own to it. */
  readonly env: Readonly<Record<string, string>>;
  /** A file whose text goes into the system prompt; absent when instructions are typed. */
  readonly systemPromptFile?: string;
  /** Random, and made anew for each process: tmops knows calls out of the agent's pane by it. Absent: it gets none. */
  readonly token?: string;
  readonly permissions: RolePermissions;
  /** The project's test command as argv, when one is known. */
  readonly testCommand?: readonly string[];
}

export interface RolePermissions {
  /** Absent: the provider's default. */
  readonly mode?: string;
  /** Extra rules in the provider's own language, e.g. `Bash(make check:*)`. */
  readonly allow: readonly string[];
  /** Globs relative to the worktree that this role may not write. */
  readonly denyWrites: readonly string[];
  /** Globs relative to the worktree of all it may write; absent: everything that is not denied. */
  readonly allowWrites?: readonly string[];
}

/** How to start the agent's process: argv, never a shell line. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Figures of a provider that delivery obeys. */
export interface DeliveryTiming {
  /** Between seeing our text in the composer and pressing Enter. */
  readonly settleMs: number;
  /** When to press Enter again if no evidence came, counted from the last one; bounded by its length. */
  readonly enterAgainAfterMs: readonly number[];
  /** How long to wait for the text to be seen in the composer after the paste. */
  readonly echoWithinMs: number;
  /** How long to wait for evidence after the last Enter before the outcome is reported. */
  readonly evidenceWithinMs: number;
  /** How long a fresh process may take until its composer is usable. */
  readonly readyWithinMs: number;
}

/** A running agent as recorded in the journal: enough to find it again after a crash. */
export interface AgentHandle {
  readonly role: string;
  readonly sessionId: string;
  readonly agentDir: string;
  /** Process id of the agent's program and its start time as the system tells it; null until seen. */
  readonly process: { readonly pid: number; readonly startTime: string } | null;
}

export type { Dialog };
