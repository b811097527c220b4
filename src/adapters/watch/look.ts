import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, realpath, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** What is seen of a file that may be a checkpoint. Shape: the engine's Sighting. */
export type Sighting = Found | { readonly kind: 'gone'; readonly file: string; readonly path: string };

/** One look at such a file that is there. Shape: the engine's Found. */
export type Found =
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly path: string;
      readonly text: string;
      readonly sha256: string;
      readonly mtimeMs: number;
    }
  | { readonly kind: 'refused'; readonly file: string; readonly path: string; readonly why: string };

/**
 * Reads one regular file of at most `maxBytes`, in a folder whose path holds no link, as it was at one moment: when it
 * changes while it is read, it is read again, a bounded number of times. Null when it is not there. What is no such file
 * is refused with the reason, unread: nothing here follows a link, waits on a FIFO or opens a device.
 */
export async function lookAt(path: string, maxBytes: number): Promise<Found | null> {
  for (const pauseMs of [0, 1, 2, 4, 8, 16]) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const seen = await lookOnce(path, maxBytes);
    if (seen === 'absent') return null;
    if (seen !== 'changed') return seen;
  }
  return refused(path, 'it changed each time it was read');
}

/** Tells two states of a file apart without reading it. */
export function stampOf({ dev, ino, size, mtimeNs, ctimeNs, nlink }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs, nlink].join('-');
}

type Seen = Found | 'absent' | 'changed';

// O_NONBLOCK: should a FIFO take the file's place after lstat, opening it does not wait for a writer.
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

async function lookOnce(path: string, maxBytes: number): Promise<Seen> {
  try {
    const leads = await realpath(dirname(path));
    if (leads !== dirname(path)) return refused(path, `its folder leads to ${leads}`);
    const before = await lstat(path, { bigint: true });
    const unfit = unfitness(before, maxBytes);
    if (unfit !== null) return refused(path, unfit);
    const handle = await open(path, READ);
    try {
      return await readUnchanged(handle, path, stampOf(before), maxBytes);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return seenIn(error, path);
  }
}

/** The handle is of the very file that lstat saw, and that file is still there, unchanged, when all is read. */
async function readUnchanged(handle: FileHandle, path: string, stamp: string, maxBytes: number): Promise<Seen> {
  const opened = await handle.stat({ bigint: true });
  if (stampOf(opened) !== stamp || !opened.isFile()) return 'changed';
  const bytes = await readUpTo(handle, Math.min(Number(opened.size), maxBytes) + 1);
  const after = await lstat(path, { bigint: true });
  if (bytes.length !== Number(opened.size) || stampOf(after) !== stamp) return 'changed';
  if ((await realpath(dirname(path))) !== dirname(path)) return 'changed';
  return {
    kind: 'file',
    file: basename(path),
    path,
    text: bytes.toString('utf8'),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    mtimeMs: Number(opened.mtimeNs / 1_000_000n),
  };
}

async function readUpTo(handle: FileHandle, limit: number): Promise<Buffer> {
  const bytes = Buffer.alloc(limit);
  let length = 0;
  while (length < limit) {
    const { bytesRead } = await handle.read(bytes, length, limit - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

function unfitness(stat: BigIntStats, maxBytes: number): string | null {
  if (stat.isSymbolicLink()) return 'it is a symbolic link';
  if (stat.isDirectory()) return 'it is a folder';
  if (stat.isFIFO()) return 'it is a FIFO';
  if (stat.isSocket()) return 'it is a socket';
  if (!stat.isFile()) return 'it is a device';
  if (stat.nlink > 1n) return `it has ${stat.nlink} names (hard links)`;
  return stat.size > BigInt(maxBytes) ? `it has ${stat.size} bytes, more than ${maxBytes}` : null;
}

function seenIn(error: unknown, path: string): Seen {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent';
  // A link or a socket that took the place of the file after lstat.
  if (code === 'ELOOP' || code === 'EMLINK' || code === 'ENXIO') return 'changed';
  if (code === 'EACCES' || code === 'EPERM') return refused(path, 'it may not be read (permission denied)');
  if (typeof code === 'string') return refused(path, `it cannot be read (${code})`);
  throw error;
}

function refused(path: string, why: string): Found {
  return { kind: 'refused', file: basename(path), path, why };
}
