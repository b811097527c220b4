import type { Clock } from '../../src/engine/ports.ts';

/** A clock that a test moves. */
export interface HandClock extends Clock {
  /** Lets time pass, waking who sleeps in the order in which they are due. */
  pass(ms: number): Promise<void>;
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Of those who are due at the same time, whoever lay down first. */
function first(sleepers: ReadonlySet<Sleeper>): Sleeper | null {
  let next: Sleeper | null = null;
  for (const sleeper of sleepers) if (next === null || sleeper.due < next.due) next = sleeper;
  return next;
}

export function handClock(start: number): HandClock {
  let now = start;
  const sleepers = new Set<Sleeper>();
  // Whatever was woken goes on until it sleeps again.
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          due: now + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        if (signal?.aborted || ms <= 0) resolve();
        else {
          sleepers.add(sleeper);
          signal?.addEventListener('abort', sleeper.wake);
        }
      }),
    async pass(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = first(sleepers);
        if (!next || next.due > end) break;
        now = Math.max(now, next.due);
        next.wake();
        await settle();
      }
      now = end;
    },
  };
}
