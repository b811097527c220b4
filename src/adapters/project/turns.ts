import type { InTurn } from './work.ts';

/** A queue for each key, which is gone when nobody waits in it. */
export function openTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return async (key, act) => {
    const before = last.get(key) ?? Promise.resolve();
    // The one before reports its own failure to its own caller.
    const turn = before.then(act, act);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
  };
}
