/** Limits of time for many calls with one timer; it does not hold the process. */
export interface Deadlines {
  /** Calls `late` once after `withinMs`, unless what it returns is called before. */
  set(withinMs: number, late: () => void): () => void;
}

interface Entry {
  readonly at: number;
  readonly late: () => void;
}

/** The timer is left to run out when its call has ended: the next call finds it set. */
export function openDeadlines(): Deadlines {
  const open = new Set<Entry>();
  let timer: NodeJS.Timeout | undefined;
  let firesAt = Infinity;

  const arm = (at: number): void => {
    if (at >= firesAt) return;
    clearTimeout(timer);
    firesAt = at;
    timer = setTimeout(fire, Math.max(0, at - performance.now()));
    timer.unref();
  };
  const fire = (): void => {
    firesAt = Infinity;
    const now = performance.now();
    // A timer may end a little early by the clock: who has less than a millisecond left is late, too.
    const late = [...open].filter(({ at }) => at - now < 1);
    for (const entry of late) open.delete(entry);
    if (open.size > 0) arm(Math.min(...[...open].map(({ at }) => at)));
    for (const entry of late) entry.late();
  };

  return {
    set(withinMs, late) {
      const entry = { at: performance.now() + withinMs, late };
      open.add(entry);
      arm(entry.at);
      return () => void open.delete(entry);
    },
  };
}
