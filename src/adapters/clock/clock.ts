/** The longest delay a timer takes; a longer one would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The time of this machine. Shape: the engine's Clock. */
export function systemClock(): { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> } {
  return { now: Date.now, sleep };
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  for (let leftMs = ms; leftMs > 0 && signal?.aborted !== true; leftMs -= TIMER_MAX_MS) {
    await nap(Math.min(leftMs, TIMER_MAX_MS), signal);
  }
}

/** Whichever comes first takes the other away, so that a signal of long life gathers no listeners. */
function nap(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}
