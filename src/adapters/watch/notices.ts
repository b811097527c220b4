import { lstatSync, watch, type BigIntStats, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { codeOf } from '../../files/refused.ts';

/** Notifications for one folder, also while it is missing, and after it was removed and made again. */
export interface Notices {
  /** Sees to it that the folder that is there now is watched. */
  check(): void;
  /** Whether neither the folder nor one above it could be watched. */
  blind(): boolean;
  close(): void;
}

/**
 * `changed` gets the name of what changed in the folder, or null when everything in it should be looked at. While the
 * folder is missing, the nearest one above it that exists is watched, so that its making is noticed.
 *
 * This is the system's own notification and no library's: chokidar 5 drops a change that follows another within 50 ms (and
 * a file that is truncated and then written is just that), never gets ready when the folder vanishes while it is added,
 * and reads the whole folder again at each event.
 */
export function noticesOf(
  folder: string,
  changed: (name: string | null) => void,
  trouble: (why: string) => void,
): Notices {
  let armed: Armed | null = null;
  let closed = false;
  let told = '';

  const tellOnce = (place: Place, error: unknown): void => {
    const why = `Cannot watch ${place.path}: ${error instanceof Error ? error.message : String(error)}`;
    if (why !== told) trouble(why);
    told = why;
  };

  const heard = (by: Armed, event: string, name: string | null): void => {
    if (by !== armed) return;
    if (by.place.path === folder) changed(name);
    if (event !== 'rename') return;
    // It was removed or moved itself. One made in its place may look the same, down to the inode.
    if (name === basename(by.place.path)) by.unfit = true;
    check();
  };

  const arm = (place: Place): void => {
    try {
      const watcher = watch(place.path);
      const next: Armed = { place, watcher, unfit: false };
      armed = next;
      watcher.on('change', (event, name) => {
        heard(next, event, typeof name === 'string' ? name : null);
      });
      watcher.on('error', (error) => {
        next.unfit = true;
        tellOnce(place, error);
      });
    } catch (error) {
      // It vanished since it was looked at.
      if (codeOf(error) !== 'ENOENT') tellOnce(place, error);
    }
  };

  const check = (): void => {
    for (let round = 0; round < ROUNDS && !closed; round += 1) {
      const place = placeOf(folder);
      if (armed !== null && !armed.unfit && isSame(armed.place, place)) return;
      armed?.watcher.close();
      armed = null;
      if (place === null) return;
      arm(place);
      changed(null);
    }
  };

  return {
    check,
    blind: () => armed === null || armed.unfit,
    close() {
      closed = true;
      armed?.watcher.close();
    },
  };
}

interface Place {
  readonly path: string;
  /** Device, inode and time of making. */
  readonly id: string;
}

interface Armed {
  readonly place: Place;
  readonly watcher: FSWatcher;
  /** It never worked, or what it watches is gone. */
  unfit: boolean;
}

/** The folder may be made or removed again while another one is armed, so it is looked at again after that. */
const ROUNDS = 5;
/** How far above a missing folder one is looked for. */
const LEVELS_UP = 4;

/** The folder, or the nearest one above it that exists. Null when there is none near. */
function placeOf(folder: string): Place | null {
  let path = folder;
  for (let level = 0; level <= LEVELS_UP; level += 1) {
    const stat = folderStat(path);
    if (stat !== null) return { path, id: `${stat.dev}-${stat.ino}-${stat.birthtimeNs}` };
    path = dirname(path);
  }
  return null;
}

/** Null for what is no folder, or cannot be looked at, and so not be watched either. */
function folderStat(path: string): BigIntStats | null {
  try {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stat?.isDirectory() === true ? stat : null;
  } catch (error) {
    if (codeOf(error) === '') throw error;
    return null;
  }
}

function isSame(a: Place, b: Place | null): boolean {
  return a.path === b?.path && a.id === b.id;
}
