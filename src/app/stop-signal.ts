import type { StopSignal } from '../link/stopper.ts';

/** The same as a real AbortSignal, for the few calls that hand it on to something that wants one. */
export function abortSignalOf(stop: StopSignal): AbortSignal {
  if (stop instanceof AbortSignal) return stop;
  const controller = new AbortController();
  if (stop.aborted) controller.abort();
  stop.addEventListener('abort', () => {
    controller.abort();
  });
  return controller.signal;
}
