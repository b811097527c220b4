import { readRegular } from '../files/regular.ts';
import { breach, opened, START, type AuditRecord, type Head } from './record.ts';
import { auditFiles } from './files.ts';

/** What a check of the whole log found. */
export type Checked =
  | {
      readonly ok: true;
      readonly files: number;
      readonly records: number;
      /** Number of the oldest record that is kept; 1 unless older files were put away. */
      readonly first: number;
      readonly head: Head;
      /** Bytes of a last line that is being written, or was cut off by a crash. */
      readonly unfinished: number;
    }
  | { readonly ok: false; readonly file: string; readonly line: number; readonly why: string };

/**
 * Holds every record of the log against its hash and against the record before it. `known`, where given, is a hash that was the
 * head at some time: without it, nobody can tell that records were cut off the end together.
 */
export async function checkAudit(folder: string, known?: string): Promise<Checked> {
  let head: Head | null = null;
  let first = 0;
  let unfinished = 0;
  let seen = known === undefined || known === START.hash;
  const files = await auditFiles(folder);
  for (const file of files) {
    const { lines, rest } = await linesOf(file);
    unfinished = rest;
    for (const [index, line] of lines.entries()) {
      const read = opened(line);
      if (!read.ok) return { ok: false, file, line: index + 1, why: read.why };
      head ??= headBefore(read.record);
      if (first === 0) first = read.record.seq;
      const why = breach(read.record, head);
      if (why !== null) return { ok: false, file, line: index + 1, why };
      head = { seq: read.record.seq, hash: read.hash };
      seen ||= read.hash === known;
    }
  }
  const last = head ?? START;
  if (!seen) return { ok: false, file: files.at(-1) ?? folder, line: last.seq - first + 1, why: cutOff(known ?? '') };
  return {
    ...{ ok: true, files: files.length, records: last.seq - (first === 0 ? last.seq : first - 1), first },
    ...{ head: last, unfinished },
  };
}

/** Every whole record of the log, oldest first, unchecked but for its own hash. */
export async function readAudit(folder: string): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for (const file of await auditFiles(folder))
    for (const line of (await linesOf(file)).lines) {
      const read = opened(line);
      if (read.ok) records.push(read.record);
    }
  return records;
}

async function linesOf(file: string): Promise<{ readonly lines: readonly string[]; readonly rest: number }> {
  const bytes = await readRegular(file);
  const end = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
  return { lines, rest: bytes.length - end };
}

/** The oldest file says itself what it follows: what was before it may have been put away. */
const headBefore = ({ seq, prev }: AuditRecord): Head => (seq === 1 ? START : { seq: seq - 1, hash: prev });

const cutOff = (known: string): string =>
  `no record has the hash ${known}: records were cut off the end, or the whole log was written anew`;
