import { untilBeat } from '../core/beat.ts';
import { dueAt } from '../core/due.ts';
import type { RunLoop } from './loop.ts';
import type { Clock, Stop } from './ports.ts';

/** The wall clock may jump (a suspended machine, a clock that is set): it is read at least this often. In ms. */
const LONGEST_NAP_MS = 30_000;
/** How long to wait when nothing came of it, or the disk refused: what is due stays due. In ms. */
const AGAIN_MS = 5_000;

/**
 * Tells a run that a time has come which matters to it (see due.ts), each time one has, until stopped. One timer at most.
 */
export function keepTime(loop: RunLoop, clock: Clock, onError: (error: unknown) => void): Stop {
  const ended = new AbortController();
  const isOver = (): boolean => ended.signal.aborted;
  let nap = new AbortController();
  let due = dueAt(loop.run());
  const unsubscribe = loop.subscribe((run) => {
    const before = due;
    due = dueAt(run);
    if (due !== before) nap.abort();
  });
  const sleep = async (ms: number): Promise<void> => {
    nap = new AbortController();
    await clock.sleep(ms, AbortSignal.any([nap.signal, ended.signal]));
  };
  const tell = async (): Promise<boolean> => {
    try {
      const answer = await loop.submit({ kind: 'time-passed' });
      return answer.ok && answer.events.length > 0;
    } catch (error) {
      onError(error);
      return false;
    }
  };
  const tellOnce = async (): Promise<void> => {
    const before = due;
    if (!(await tell()) || due === before) await sleep(AGAIN_MS);
  };
  const keep = async (): Promise<void> => {
    while (!isOver()) {
      const now = clock.now();
      if (due === Infinity) await sleep(Infinity);
      else if (due > now) await sleep(Math.min(due - now, untilBeat(now, LONGEST_NAP_MS)));
      else await tellOnce();
    }
  };
  const keeping = keep();
  return async () => {
    ended.abort();
    unsubscribe();
    await keeping;
  };
}
