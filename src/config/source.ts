import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { ConfigFault, FaultKind, KeyPath, Position } from './faults.ts';
import { dotted } from './faults.ts';
import { distrustIn } from '../files/trust.ts';
import type { Distrust } from '../files/trust.ts';

/** A text that was read, with the name by which faults call it. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** A stretch of a source: offsets in UTF-16 units, `end` exclusive. */
export interface Place {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

export type ReadResult =
  | { readonly kind: 'read'; readonly source: Source }
  | { readonly kind: 'absent' }
  | { readonly kind: 'fault'; readonly fault: ConfigFault };

/** No configuration written by hand comes near this; a larger file is something else under our name. */
export const MAX_SOURCE_BYTES = 256 * 1024;

/**
 * Reads one regular file of at most 256 KB of UTF-8. Never waits, not even on a named pipe. `whose: 'ours'` refuses one that
 * somebody else may have written.
 */
export function readSource(file: string, whose: 'ours' | 'anyones' = 'anyones'): ReadResult {
  const bytes = readBytes(file, whose);
  if (!(bytes instanceof Uint8Array)) return bytes;
  const text = new TextDecoder().decode(bytes);
  const source = { name: file, text };
  if (bytes.length > MAX_SOURCE_BYTES) {
    const expected = `at most ${MAX_SOURCE_BYTES / 1024} KB`;
    return { kind: 'fault', fault: fileFault('too-large', file, expected) };
  }
  const broken = text.indexOf('\u{FFFD}');
  if (broken >= 0 && !Buffer.from(text).equals(bytes)) {
    const place = { source, start: broken, end: broken + 1 };
    return { kind: 'fault', fault: faultAt('syntax', place, [], { expected: 'UTF-8 text' }) };
  }
  return { kind: 'read', source };
}

export const whole = (source: Source): Place => ({ source, start: 0, end: source.text.length });

/** Lines end at LF; a CR before it is not part of the line. */
export function positionOf(place: Place): Position {
  const { text, name } = place.source;
  const lineStart = text.lastIndexOf('\n', place.start - 1) + 1;
  const nextBreak = text.indexOf('\n', place.start);
  const lineEnd = nextBreak < 0 ? text.length : nextBreak;
  return {
    file: name,
    line: countBreaks(text, lineStart) + 1,
    column: Array.from(text.slice(lineStart, place.start)).length + 1,
    text: text.slice(place.start, Math.max(place.start, Math.min(place.end, lineEnd))).trimEnd(),
    sourceLine: text.slice(lineStart, lineEnd).trimEnd(),
  };
}

export function faultAt(
  kind: FaultKind,
  place: Place,
  path: KeyPath,
  facts: Pick<ConfigFault, 'expected' | 'nearest'>,
): ConfigFault {
  return { kind, ...positionOf(place), key: dotted(path), ...facts };
}

/** A fault of a file as a whole, which points at its beginning. */
export function fileFault(kind: FaultKind, file: string, expected: string): ConfigFault {
  return { kind, file, line: 1, column: 1, text: '', sourceLine: '', key: '', expected };
}

/** What is expected instead of a file that somebody else may have written, as the end of "expected …". */
export const trustWords = (file: string, { why, repair }: Distrust): string =>
  `a file that nobody else may write: ${file} is ${why}. Repair it: ${repair}`;

function readBytes(file: string, whose: 'ours' | 'anyones'): Uint8Array | ReadResult {
  let fd: number | null = null;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const seen = fstatSync(fd);
    if (!seen.isFile()) return { kind: 'fault', fault: fileFault('unreadable-file', file, 'a regular file') };
    const distrust = whose === 'ours' ? distrustIn(seen, file) : null;
    if (distrust) return { kind: 'fault', fault: fileFault('untrusted-file', file, trustWords(file, distrust)) };
    const bytes = Buffer.alloc(MAX_SOURCE_BYTES + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(fd, bytes, length, bytes.length - length, null);
    }
    return withoutMark(bytes.subarray(0, length));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT') return { kind: 'absent' };
    return { kind: 'fault', fault: fileFault('unreadable-file', file, `a file that may be read (${code})`) };
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** A byte order mark would shift the columns of the first line. */
function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function countBreaks(text: string, end: number): number {
  let breaks = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) breaks += 1;
  return breaks;
}
