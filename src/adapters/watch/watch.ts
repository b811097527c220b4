import { untilBeat } from '../../core/beat.ts';
import { folderLook } from './folder-look.ts';
import { lookAt, type Found, type Sighting } from './look.ts';
import { noticesOf, type Notices } from './notices.ts';
import { reportsTo } from './reports.ts';

export type { Found, Sighting } from './look.ts';

export interface WatchOptions {
  /** Time between two looks at everything, in case a notification was lost. Default 3,000. */
  readonly rescanMs?: number;
  /** A larger file is refused. Default 262,144. */
  readonly maxBytes?: number;
  /** Told when a folder cannot be watched; it is then looked at four times a second instead. */
  readonly trouble?: (why: string) => void;
}

/** Watching of checkpoint files. Shape: the engine's CheckpointWatch. */
export interface CheckpointWatch {
  /**
   * Reports what is in the folders now, then each change at once, and that a file is gone that was
   * reported before. Folders need not exist yet; their paths hold no link.
   * Resolves when the first look is done. The same content with the same time is reported once.
   */
  watch(
    folders: readonly string[],
    wanted: ReadonlySet<string>,
    take: (sighting: Sighting) => void,
  ): Promise<() => Promise<void>>;
  /** Looks once at one file. Null when it is not there. */
  look(path: string): Promise<Found | null>;
}

export function checkpointWatch(options: WatchOptions = {}): CheckpointWatch {
  const { rescanMs = 3000, maxBytes = 262_144, trouble = () => undefined } = options;
  return {
    look: (path) => lookAt(path, maxBytes),
    async watch(folders, wanted, take) {
      const reports = reportsTo(take, maxBytes);
      const watched = folders.map((folder): Watched => {
        const changed = (name: string | null): void => {
          if (name === null) void lookAll();
          else if (wanted.has(name)) void reports.look(`${folder}/${name}`);
        };
        const notices = noticesOf(folder, changed, trouble);
        const lookAll = folderLook({ folder, wanted, reports, blind: () => notices.blind() });
        return { notices, lookAll };
      });
      for (const { notices } of watched) notices.check();
      await Promise.all(watched.map(({ lookAll }) => lookAll()));
      const stopRescan = rescan(watched, rescanMs);
      return stopOnce(async () => {
        reports.stop();
        await stopRescan();
        for (const { notices } of watched) notices.close();
      });
    },
  };
}

interface Watched {
  readonly notices: Notices;
  readonly lookAll: () => Promise<void>;
}

/** The pace for a folder whose changes are not notified. */
const BLIND_MS = 250;

/** Looks at everything again and again, with a pause after each round, until stopped. */
function rescan(watched: readonly Watched[], pauseMs: number): () => Promise<void> {
  let stopped = false;
  let round: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const goRound = async (): Promise<void> => {
    for (const { notices } of watched) notices.check();
    await Promise.all(watched.map(({ lookAll }) => lookAll()));
  };
  const plan = (): void => {
    const blind = watched.some(({ notices }) => notices.blind());
    const paceMs = blind ? Math.min(BLIND_MS, pauseMs) : pauseMs;
    const next = (): void => {
      round = goRound().then(() => {
        if (!stopped) plan();
      });
    };
    timer = setTimeout(next, untilBeat(Date.now(), paceMs));
  };
  plan();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await round;
  };
}

function stopOnce(stop: () => Promise<void>): () => Promise<void> {
  let stopping: Promise<void> | null = null;
  return () => (stopping ??= stop());
}
