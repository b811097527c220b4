import type { AppPorts } from './ports.ts';
import { openQueue, type InTurn } from './queue.ts';
import type { StartParts } from './start.ts';

/** What starts of one workspace have in common: their order, and the queue of those that there is no room for. */
export type Starts = StartParts;

export function openStarts(ports: AppPorts): Starts {
  let before: Promise<unknown> = Promise.resolve();
  const inTurn: InTurn = (act) => {
    const turn = Promise.allSettled([before]).then(act);
    before = turn;
    return turn;
  };
  return { ports, queue: openQueue(ports, inTurn), inTurn };
}
