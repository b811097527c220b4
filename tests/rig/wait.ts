const PAUSE_MS = 10;

/** What comes of the promise. Throws an Error that names `what` when nothing comes of it for `withinMs`. */
export async function within<T>(what: string, work: Promise<T>, withinMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`Waited ${withinMs} ms in vain until: ${what}`));
    }, withinMs);
  });
  return Promise.race([work, late]).finally(() => {
    clearTimeout(timer);
  });
}

/**
 * Polls `look` each 10 ms (`everyMs`) until it gives something other than undefined, null or false, and returns that.
 * Throws an Error that names `what` after `withinMs` (default 10,000 ms).
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  options: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const withinMs = options.withinMs ?? 10_000;
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen;
    if (performance.now() >= deadline) throw new Error(`Waited ${withinMs} ms in vain until: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? PAUSE_MS));
  }
}
