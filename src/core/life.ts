import type { Settings } from './event.ts';
import type { Workflow } from './workflow.ts';

/**
 * The life of one run.
 *
 *   new ──initialised──▶ initialised ──started──▶ running ──last step done──▶ completed
 *                                        ▲            │
 *                                        └──started── stopped (by a human, or the session was ended)
 *
 * Where there is no room for one more, `initialised` and `stopped` become `queued` first, and come back from it unless its
 * turn comes.
 */
export type Life =
  | { readonly kind: 'new' }
  | { readonly kind: 'initialised' }
  | {
      readonly kind: 'queued';
      /** Since when it waits. */
      readonly at: number;
      readonly place: number;
      readonly by: string;
      /** What it starts with when its turn comes. */
      readonly workflow: Workflow;
      readonly settings: Settings;
      readonly before: Unstarted;
    }
  | {
      readonly kind: 'running';
      readonly startedAt: number;
      /** False until the checkpoints on disk were looked at once since the last start: no step begins before. */
      readonly surveyed: boolean;
      /** When the present step's work was asked for in this start; null before. */
      readonly stepBeganAt: number | null;
    }
  | { readonly kind: 'completed'; readonly at: number }
  | { readonly kind: 'stopped'; readonly at: number; readonly by: string; readonly why: string };

/** What a run that waits for its turn is without it. */
export type Unstarted = Extract<Life, { kind: 'initialised' | 'stopped' }>;
