/** As much of an AbortSignal as a call needs; every AbortSignal is one. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * Stops one call, like an AbortController. Making one of those, listening to it and taking the listener away again is a
 * tenth of a whole call, and nearly all calls end without having been stopped.
 */
export interface Stopper {
  readonly signal: StopSignal;
  /** Calls each listener once; later calls do nothing. */
  abort(): void;
}

export function stopper(): Stopper {
  const listeners = new Set<() => void>();
  let aborted = false;
  return {
    signal: {
      get aborted() {
        return aborted;
      },
      addEventListener: (_type, listener) => void listeners.add(listener),
      removeEventListener: (_type, listener) => void listeners.delete(listener),
    },
    abort() {
      aborted = true;
      const told = [...listeners];
      listeners.clear();
      for (const listener of told) listener();
    },
  };
}
