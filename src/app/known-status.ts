import type { Run } from '../core/run.ts';
import type { Failing } from '../engine/disk.ts';
import { silentAgent } from './attention.ts';
import { statusOf } from './status.ts';
import type { QueueView, StatusView } from './views.ts';

export interface KnownStatus {
  readonly output: StatusView;
  /** The same as JSON. */
  readonly json: string;
}

/**
 * Gives the status of a run, worked out once for each state of it: whoever follows a feature asks again and again while
 * nothing happens, and a run is never changed, only followed by another.
 */
export function knownStatuses(
  attachOf: (run: Run) => string | null,
  queueOf: (run: Run) => QueueView = () => null,
): (run: Run, now: number, failing?: Failing | null) => KnownStatus {
  const known = new WeakMap<Run, KnownStatus>();
  return (run, now, failing = null) => {
    const lasts = failing === null && run.life.kind !== 'queued' && silentAgent(run, now) === null;
    const before = lasts ? known.get(run) : undefined;
    if (before) return before;
    const output = statusOf(run, { attach: attachOf(run), now, failing, queue: queueOf(run) });
    const status = { output, json: JSON.stringify(output) };
    if (lasts) known.set(run, status);
    return status;
  };
}
