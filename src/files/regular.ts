import { constants, lstatSync, type Stats } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { mustBeInPlace } from './in-place.ts';
import { codeOf, FileRefused } from './refused.ts';

/** No file that tmops reads at once is near this; a larger one is something else under its name. */
const MAX_BYTES = 16 * 1024 * 1024;

/** A link is refused, a pipe does not hold up who opens it, and a terminal does not become ours. */
const CAREFULLY = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Opens a regular file in a folder that no link leads away from. Rejects with a FileRefused for anything else, unread, and
 * with the system's error (`ENOENT`, …). `flags` are those of open(2), `mode` is that of a file it makes.
 */
export async function openRegular(path: string, flags: number, mode = 0o600): Promise<FileHandle> {
  await mustBeInPlace(dirname(path));
  // A device is not even opened: with some that alone does something.
  refuseOther(await lstat(path).catch(absent), path);
  const handle = await open(path, flags | CAREFULLY, mode).catch((error: unknown) => {
    throw toldOf(error, path);
  });
  try {
    refuseOther(await handle.stat(), path);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The bytes of a regular file of at most `maxBytes` (16 MB). Rejects as `openRegular` does, and with `EFBIG`. */
export async function readRegular(path: string, maxBytes: number = MAX_BYTES): Promise<Buffer> {
  const handle = await openRegular(path, constants.O_RDONLY);
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) throw new TooLarge(path, size, maxBytes);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Its text as UTF-8, null when there is no such file. */
export async function readTextOrNull(path: string, maxBytes?: number): Promise<string | null> {
  try {
    return (await readRegular(path, maxBytes)).toString('utf8');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return null;
  }
}

/** Rejects with a FileRefused where something else than a regular file stands at `path`, or a link leads away from its folder. */
export async function mustBeRegularOrAbsent(path: string): Promise<void> {
  await mustBeInPlace(dirname(path));
  refuseOther(await lstat(path).catch(absent), path);
}

/** The same of the file alone, for those who cannot wait. */
export function mustBeRegularOrAbsentSync(path: string): void {
  refuseOther(lstatSync(path, { throwIfNoEntry: false }) ?? null, path);
}

class TooLarge extends Error {
  readonly code = 'EFBIG';
  readonly path: string;
  constructor(path: string, bytes: number, maxBytes: number) {
    super(`${path} has ${bytes} bytes, which are more than the ${maxBytes} allowed`);
    this.path = path;
  }
}

function refuseOther(seen: Stats | null, path: string): void {
  if (seen === null || seen.isFile()) return;
  throw new FileRefused('not-regular', path, `${path} is ${kindOf(seen)} and not a regular file`);
}

function kindOf(seen: Stats): string {
  if (seen.isSymbolicLink()) return 'a link, which is not followed,';
  if (seen.isDirectory()) return 'a folder';
  if (seen.isFIFO()) return 'a named pipe';
  return seen.isSocket() ? 'a socket' : 'a device';
}

/** What took the file's place after it was looked at. */
function toldOf(error: unknown, path: string): unknown {
  if (codeOf(error) !== 'ELOOP' && codeOf(error) !== 'ENXIO') return error;
  return new FileRefused('not-regular', path, `${path} is a link or a pipe and not a regular file`);
}

function absent(error: unknown): null {
  if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
  return null;
}
