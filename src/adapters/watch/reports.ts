import { lstatSync, type BigIntStats } from 'node:fs';
import { basename } from 'node:path';
import { lookAt, stampOf, type Sighting } from './look.ts';

/** Looks at files, one look a file at a time, and reports what is new. */
export interface Reports {
  /** Looks at the file now; when a look is under way, once more after it. */
  look(path: string): Promise<void>;
  /** Looks only if the file is there and not as it was when it was last read. Gives whether it is there. */
  lookIfChanged(path: string): Promise<boolean>;
  /** Nothing is reported any more. */
  stop(): void;
}

export function reportsTo(take: (sighting: Sighting) => void, maxBytes: number): Reports {
  const files = new Map<string, Known>();
  let stopped = false;

  const knownOf = (path: string): Known => {
    const known = files.get(path) ?? { looking: null, again: false, told: '', stamp: '' };
    files.set(path, known);
    return known;
  };

  const tell = (sighting: Sighting, known: Known): void => {
    const key = keyOf(sighting);
    // Same content and time, or the same objection: nothing new.
    if (stopped || key === known.told) return;
    known.told = key;
    take(sighting);
  };

  /** Only of one that was there. */
  const tellGone = (path: string, known: Known): void => {
    if (known.told !== '') tell({ kind: 'gone', file: basename(path), path }, known);
  };

  const lookRepeatedly = async (path: string, known: Known): Promise<void> => {
    try {
      while (known.again && !stopped) {
        known.again = false;
        const sighting = await lookAt(path, maxBytes);
        if (sighting !== null) tell(sighting, known);
        else tellGone(path, known);
      }
    } finally {
      known.looking = null;
    }
  };

  const look = async (path: string): Promise<void> => {
    const known = knownOf(path);
    known.again = true;
    known.looking ??= lookRepeatedly(path, known);
    await known.looking;
  };

  return {
    look,
    async lookIfChanged(path) {
      const stat = statOf(path);
      if (stat === 'absent') {
        if (files.has(path)) await look(path);
        return false;
      }
      const known = knownOf(path);
      const stamp = stat === 'unknown' || isYoung(stat) ? '' : stampOf(stat);
      if (stamp !== '' && stamp === known.stamp) return true;
      await look(path);
      known.stamp = stamp;
      return true;
    },
    stop() {
      stopped = true;
    },
  };
}

interface Known {
  looking: Promise<void> | null;
  again: boolean;
  /** Key of the last sighting that was reported. */
  told: string;
  /** Stamp of the file at the last look; '' when it has to be looked at in any case. */
  stamp: string;
}

/** Changes with every file that comes into the folder or leaves it; '' while that cannot be said. */
export function folderStamp(folder: string): string {
  const stat = statOf(folder);
  return stat === 'absent' || stat === 'unknown' || isYoung(stat) ? '' : stampOf(stat);
}

/** Longer than the coarsest step of file times that is common (Linux: 4 to 10 ms). */
const TIME_STEP_MS = 100;

/** Whether the next change might leave the file's time as it is. */
function isYoung({ mtimeMs }: BigIntStats): boolean {
  return Date.now() - Number(mtimeMs) < TIME_STEP_MS;
}

/** Synchronous, since it runs for every file of every feature again and again and costs a tenth so. */
function statOf(path: string): BigIntStats | 'absent' | 'unknown' {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? 'absent';
  } catch (error) {
    // Why it cannot be looked at is for the look to say.
    if (error instanceof Error && 'code' in error) return 'unknown';
    throw error;
  }
}

function keyOf(sighting: Sighting): string {
  if (sighting.kind === 'gone') return 'gone';
  return sighting.kind === 'file' ? `${sighting.sha256} ${sighting.mtimeMs}` : sighting.why;
}
