/** How much the process tree of an agent takes, against the configured levels. */
export type MemoryLevel = 'ok' | 'warning' | 'limit';

/**
 * A step that took longer than it may. Nothing is asked of its role any more until a human has had a say.
 *
 *   none                                   (it was between two turns)
 *   wanted ─Escape─▶ pressed ─turn over─▶ ended
 *      └───────────────┴──────────────▶ failed
 */
export interface Overrun {
  readonly step: string;
  readonly role: string;
  readonly at: number;
  readonly limitMs: number;
  readonly interrupt:
    { readonly kind: 'none' | 'wanted' | 'pressed' | 'ended' } | { readonly kind: 'failed'; readonly why: string };
}

/** What an agent with all that it started was seen to take, while that is more than it should. */
export interface MemoryNote {
  readonly level: Exclude<MemoryLevel, 'ok'>;
  readonly bytes: number;
  /** The configured bound that it is over, in bytes. */
  readonly above: number | null;
  readonly since: number;
}

/** Whether a turn is still to be interrupted. */
export const isInterruptOpen = (overrun: Overrun | null): overrun is Overrun =>
  overrun !== null && (overrun.interrupt.kind === 'wanted' || overrun.interrupt.kind === 'pressed');

/** Facts about what agents take of the machine and of time. */
export type ResourceFact =
  /** What an agent and all that it started hold in memory came over, or fell below, a level. `above` in bytes. */
  | {
      readonly kind: 'memory.noted';
      readonly role: string;
      readonly level: MemoryLevel;
      readonly bytes: number;
      readonly above: number | null;
    }
  /** The present step has taken longer than it may. `interrupt`: its role is in the middle of a turn, which is to end. */
  | {
      readonly kind: 'step.overran';
      readonly step: string;
      readonly role: string;
      readonly limitMs: number;
      readonly interrupt: boolean;
    }
  /** Escape is pressed in the role's pane. */
  | { readonly kind: 'interrupt.pressed'; readonly step: string; readonly role: string }
  | { readonly kind: 'interrupt.failed'; readonly step: string; readonly role: string; readonly why: string };
