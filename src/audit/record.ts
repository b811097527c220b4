import { createHash } from 'node:crypto';

/** One call of an operation, whoever made it and however it ended. Times are UTC, durations milliseconds. */
export interface CallFacts {
  readonly kind: 'call';
  /** When it came in, as ISO 8601. */
  readonly at: string;
  readonly workspace: string;
  readonly principal: string;
  readonly door: string;
  /** Name and version that the client gave itself, the session it is part of, and its id of the call. */
  readonly client?: string;
  readonly session?: string;
  readonly toolUseId?: string;
  /** Name of the operation, as on the command line. */
  readonly operation: string;
  /** `auth-api`, or `auth-api/tester`. */
  readonly target?: string;
  /** Without secrets, and long texts cut. */
  readonly arguments: unknown;
  /** `ok`, or the code of the failure. */
  readonly outcome: string;
  readonly durationMs: number;
}

/** What the log says of itself: the end of a line was missing (`torn`, in bytes), or records could not be kept (`lost`, their number). */
export interface GapFacts {
  readonly kind: 'gap';
  readonly at: string;
  readonly torn?: number;
  readonly lost?: number;
}

export type Facts = CallFacts | GapFacts;

/** A record in its place: its number from 1, and the hash of the record before it. */
export type AuditRecord = Facts & { readonly v: number; readonly seq: number; readonly prev: string };

/** Where the chain ends: number and hash of its last record. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** What the first record of all follows. */
export const START: Head = { seq: 0, hash: '0'.repeat(64) };
const VERSION = 1;
const SEAL = /,"hash":"([0-9a-f]{64})"\}$/;

/**
 * The facts as the next line of the chain, without its newline, and the new head. The hash is SHA-256 over the line's own
 * bytes without the hash member, so that whoever checks needs no canonical form of JSON.
 */
export function sealed(facts: Facts, head: Head): { readonly line: string; readonly head: Head } {
  const seq = head.seq + 1;
  const body = JSON.stringify({ v: VERSION, seq, ...facts, prev: head.hash });
  const hash = hashOf(body);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}`, head: { seq, hash } };
}

export type Opened =
  | { readonly ok: true; readonly record: AuditRecord; readonly hash: string }
  | { readonly ok: false; readonly why: string };

/** Reads a line and holds its hash against its bytes; whether it follows another is `follows`'s question. */
export function opened(line: string): Opened {
  const found = SEAL.exec(line);
  if (!found) return { ok: false, why: 'it is not a record: no hash at its end' };
  const body = `${line.slice(0, found.index)}}`;
  if (hashOf(body) !== found[1]) return { ok: false, why: 'its hash is not that of its content: it was changed' };
  try {
    return { ok: true, record: JSON.parse(body) as AuditRecord, hash: found[1] };
  } catch (error) {
    return { ok: false, why: `it is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Why a record does not follow the head of those before it; null: it does. */
export function breach({ seq, prev }: AuditRecord, head: Head): string | null {
  if (seq !== head.seq + 1)
    return `record ${seq} stands where ${head.seq + 1} should be: records were taken out or put in`;
  if (prev !== head.hash) return `record ${seq} does not follow the one before it: that one was replaced`;
  return null;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
