import { readFile } from 'node:fs/promises';
import { codeOf } from './error.ts';

export type Started =
  | { readonly kind: 'alive'; readonly startTime: string }
  | { readonly kind: 'gone' }
  /** Could not look; this is not the same as gone. */
  | { readonly kind: 'unknown' };

/**
 * When the process started: clock ticks since boot, from /proc. One that has ended and waits to be collected is gone.
 * Where there is no /proc, a process that exists is 'unknown', so that its lock is never taken from it.
 */
export async function startTimeOf(pid: number): Promise<Started> {
  if (process.platform !== 'linux') return exists(pid) ? { kind: 'unknown' } : { kind: 'gone' };
  const stat = await readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return { kind: 'gone' };
  // Fields 3 and 22 of proc(5), counted from the last ')' of the program's name.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  if (startTime === undefined) return { kind: 'unknown' };
  return state === 'Z' || state === 'X' ? { kind: 'gone' } : { kind: 'alive', startTime };
}

/** Names this boot of the machine, since start times begin again with each; '' where it cannot be told. */
export async function bootId(): Promise<string> {
  return ((await readOrNull('/proc/sys/kernel/random/boot_id')) ?? '').trim();
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // ESRCH: it ended between opening and reading.
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}
