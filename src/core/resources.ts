import type { MemoryLevel } from './event.ts';

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
