import type { Event } from '../core/event.ts';
import { JournalError } from '../journal/error.ts';
import type { Clock } from './ports.ts';

/**
 * Where facts are made durable. `append` resolves when they are on disk; without any, after some were refused, it tells
 * whether something would be taken again.
 */
export interface FactStore {
  append(events: readonly Event[]): Promise<void>;
}

/** Something of a run cannot be written down. */
export interface Failing {
  /** `journal`: nothing is done. `record`: what is kept beside it for other programs, such as state.json, is not renewed. */
  readonly what: 'journal' | 'record';
  /** ms since the epoch. */
  readonly since: number;
  /** In the words of the error. */
  readonly why: string;
  /** Of the operating system, e.g. `ENOSPC`, and where; '' when that is not known. */
  readonly code: string;
  readonly path: string;
}

export const failingWith = (what: Failing['what'], error: unknown, since: number): Failing => ({
  what,
  since,
  why: error instanceof Error ? error.message : String(error),
  ...(error instanceof JournalError ? { code: error.code, path: error.path } : { code: '', path: '' }),
});

/** The disk as the one writer of a run sees it. */
export interface Disk {
  append(events: readonly Event[], at: number): Promise<void>;
  readonly failing: () => Failing | null;
  /** Resolves when it takes something again, or nobody waits for that any more. */
  takesAgain(): Promise<void>;
  /** Tries it; rejects with what the disk says. */
  tryNow(): Promise<void>;
  readonly giveUp: () => void;
  isGivenUp(): boolean;
}

/** How often it is tried whether a disk that refused takes something again, in ms. */
const TRY_AGAIN_MS = 1000;

/** From a refusal on it is tried again and again, so that a run goes on, and says so, soon after the disk was repaired. */
export function watchDisk(store: FactStore, clock: Clock): Disk {
  const given = new AbortController();
  let failing: Failing | null = null;
  let trying: Promise<void> | null = null;
  let nap = new AbortController();

  const tell = async (events: readonly Event[], at: number): Promise<void> => {
    try {
      await store.append(events);
      failing = null;
      nap.abort();
    } catch (error) {
      failing = failingWith('journal', error, failing?.since ?? at);
      throw error;
    }
  };
  const isFailing = (): boolean => failing !== null && !given.signal.aborted;
  const keepTrying = async (): Promise<void> => {
    while (isFailing()) {
      nap = new AbortController();
      await clock.sleep(TRY_AGAIN_MS, AbortSignal.any([nap.signal, given.signal]));
      if (isFailing()) await Promise.allSettled([tell([], clock.now())]);
    }
    trying = null;
  };

  return {
    failing: () => failing,
    async append(events, at) {
      try {
        await tell(events, at);
      } catch (error) {
        trying ??= keepTrying();
        throw error;
      }
    },
    takesAgain: async () => trying ?? undefined,
    tryNow: () => tell([], clock.now()),
    giveUp() {
      given.abort();
    },
    isGivenUp: () => given.signal.aborted,
  };
}
