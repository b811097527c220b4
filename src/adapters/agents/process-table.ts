import { closeSync, openSync, readSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { execa } from 'execa';

/** A process that cannot be taken for a later one with the same number. */
export interface Process {
  readonly pid: number;
  /** As the system tells it: clock ticks since boot on Linux, the text of `ps -o lstart=` (C locale, UTC) elsewhere. */
  readonly startTime: string;
}

export interface ProcessRow extends Process {
  readonly parent: number;
}

export type Started =
  | { readonly kind: 'alive'; readonly startTime: string }
  | { readonly kind: 'gone' }
  /** Could not look; this is not the same as gone. */
  | { readonly kind: 'unknown' };

/** When the process with this number started. One that has ended and waits to be collected by its parent is gone. */
export async function startTimeOf(pid: number): Promise<Started> {
  try {
    const row = onLinux() ? procRow(pid) : (await psRows(['-p', String(pid)]))[0];
    return row === undefined ? { kind: 'gone' } : { kind: 'alive', startTime: row.startTime };
  } catch {
    return { kind: 'unknown' };
  }
}

/** Every process that runs now. Rejects when the system does not tell. */
export async function processTable(): Promise<readonly ProcessRow[]> {
  if (!onLinux()) return psRows(['-A']);
  const names = await readdir('/proc');
  const rows = names.filter((name) => /^[0-9]+$/.test(name)).map((name) => procRow(Number(name)));
  return rows.filter((row) => row !== undefined);
}

export interface ResidentRow extends ProcessRow {
  /** Its resident set size; 0 for one that has ended since. */
  readonly bytes: () => number;
}

/** Every process that runs now, with what it holds in memory. Rejects when the system does not tell. */
export async function residentTable(): Promise<readonly ResidentRow[]> {
  if (!onLinux()) return psRows(['-A']);
  return (await processTable()).map((row) => ({ ...row, bytes: () => residentBytes(row.pid) }));
}

/** `VmRSS` of /proc/PID/status, in kB (proc(5)). The figure in the stat line counts pages, whose size varies. */
function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(procText(`/proc/${pid}/status`) ?? '');
  return Number(found?.[1] ?? 0) * 1024;
}

function onLinux(): boolean {
  return process.platform === 'linux';
}

/** Fields 3, 4 and 22 of /proc/PID/stat (proc(5)), counted from the last ')' of the program's name. */
function procRow(pid: number): ProcessRow | undefined {
  const stat = procText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const found = STAT.exec(stat);
  if (found === null || found[1] === 'Z' || found[1] === 'X') return undefined;
  return { pid, parent: Number(found[2]), startTime: found[3] ?? '' };
}

const STAT = /^.*\) (\S) (\d+) (?:\S+ ){17}(\d+) /s;

/** Holds any /proc/PID/stat (52 fields of at most 20 digits, and a short name), and the part of a status that matters. */
const procPage = Buffer.alloc(4096);

/**
 * The text of a file of a process, undefined when there is no such process. A read of /proc never waits for a disk; in a thread
 * of its own it would cost several times as much, and so would readFileSync, which asks for the size and for an end.
 */
function procText(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return procPage.toString('latin1', 0, readSync(file, procPage));
  } catch (error) {
    // ESRCH: it ended between opening and reading.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function psRows(which: readonly string[]): Promise<readonly ResidentRow[]> {
  const told = await execa('ps', [...which, '-o', 'pid=,ppid=,rss=,state=,lstart='], {
    env: { LC_ALL: 'C', TZ: 'UTC0' },
    timeout: 5_000,
    // ps exits with 1 when there is no such process.
    reject: false,
  });
  if (told.exitCode !== 0 && told.exitCode !== 1)
    throw new Error(`ps failed: ${told.shortMessage ?? 'no reason given'}`);
  return told.stdout.split('\n').flatMap((line) => {
    const [pid, parent, kilobytes, state, ...start] = line.trim().split(/\s+/);
    if (start.length === 0 || state?.startsWith('Z') === true) return [];
    return [
      { pid: Number(pid), parent: Number(parent), startTime: start.join(' '), bytes: () => Number(kilobytes) * 1024 },
    ];
  });
}
