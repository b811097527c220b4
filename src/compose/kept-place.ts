import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { lockState, self, takeLock } from '../journal/lock.ts';
import { removeIfThere } from '../files/write-whole.ts';

/** What the supervisor of a workspace has in the folder that all workspaces of a user share, by its socket's path. */
export interface PlaceFiles {
  readonly socket: string;
  readonly pipes: string;
  readonly scratch: string;
  /** Held as long as the supervisor lives, and by whoever clears up after it, so that nobody clears up under a new one. */
  readonly lock: string;
  /** Says whose it is: a hash of a path leads to nobody. */
  readonly note: string;
}

export function placeFiles(socketPath: string): PlaceFiles {
  const stem = socketPath.replace(/\.sock$/, '');
  return {
    socket: socketPath,
    pipes: `${stem}.pipes`,
    scratch: `${stem}.scratch`,
    lock: `${stem}.lock`,
    note: `${stem}.json`,
  };
}

/** Longer than clearing up after a dead supervisor takes. */
const HELD_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 20;

/** Takes the place for this process; waits for whoever clears it up. Null when somebody keeps it. `release` gives it back. */
export async function holdPlace(files: PlaceFiles, root: string): Promise<(() => Promise<void>) | null> {
  const deadline = performance.now() + HELD_WITHIN_MS;
  const me = await self();
  for (;;) {
    const lock = await takeLock(files.lock, me);
    if (lock.ok) {
      await writeFile(files.note, `${JSON.stringify({ root })}\n`, { mode: 0o600 });
      return async () => {
        await removeIfThere(files.note);
        await lock.release();
      };
    }
    if (performance.now() >= deadline) return null;
    await pause(LOOK_EVERY_MS);
  }
}

/** `unmarked`: there is no lock, so that nobody can tell whether a supervisor is about to come up there. */
export type PlaceState = 'in use' | 'dead' | 'unmarked';

export async function placeState({ lock, socket }: PlaceFiles): Promise<PlaceState> {
  const state = await lockState(lock);
  if (state === 'held' || (await isAnswered(socket))) return 'in use';
  return state === 'stale' ? 'dead' : 'unmarked';
}

/** Every place in the folder, by its socket's path. */
export async function placesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  const stems = names.flatMap((name) => /^([0-9a-f]{16})\.(sock|pipes|scratch|lock|json)$/.exec(name)?.[1] ?? []);
  return [...new Set(stems)].sort().map((stem) => join(folder, `${stem}.sock`));
}

const NOTE = z.object({ root: z.string() });

/** The workspace that the place belongs to, as its supervisor wrote it; null when it cannot be read. */
export async function rootOf({ note }: PlaceFiles): Promise<string | null> {
  const text = await readFile(note, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  });
  try {
    return NOTE.parse(JSON.parse(text)).root;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    return null;
  }
}

/** Removes the place if its supervisor is still dead, and gives why not. */
export async function clearPlace(files: PlaceFiles): Promise<string | null> {
  const lock = await takeLock(files.lock, await self());
  if (!lock.ok) return `process ${lock.heldBy.pid} keeps it now`;
  try {
    if (await isAnswered(files.socket)) return 'somebody answers on its socket';
    for (const path of [files.pipes, files.scratch, files.socket, files.note])
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    return null;
  } finally {
    await lock.release();
  }
}

/** Names it for people. */
export const nameOfPlace = (files: PlaceFiles): string =>
  `${join(dirname(files.socket), basename(files.socket, '.sock'))}.*`;

const ANSWERED_WITHIN_MS = 1_000;

/** Only a refusal, or no socket at all, says that nobody listens. */
async function isAnswered(socketPath: string): Promise<boolean> {
  const refused = await new Promise<boolean>((resolve) => {
    const socket = connect(socketPath);
    const end = (isRefused: boolean) => (): void => {
      socket.destroy();
      resolve(isRefused);
    };
    socket.setTimeout(ANSWERED_WITHIN_MS, end(false));
    socket.once('connect', end(false));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      end(error.code === 'ECONNREFUSED' || error.code === 'ENOENT')();
    });
  });
  return !refused;
}
