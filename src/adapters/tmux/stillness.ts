import { readFileSync } from 'node:fs';

/**
 * How often a process has been given a processor so far: as long as that is the same, it has done nothing. The third number
 * of /proc/PID/schedstat (Linux, Documentation/scheduler/sched-stats.rst), of its first thread, and tmux has one. Null where
 * the system does not tell, or the process has ended.
 */
export function timesRun(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/schedstat`, 'latin1').trim().split(' ')[2] ?? null;
  } catch {
    return null;
  }
}
