import { alive } from './process.ts';
import type { Process } from './process-table.ts';

export type Liveness = 'alive' | 'gone' | 'unknown';

/** How long a process that was looked at closely is told by its number, in ms: every fifth time of who looks each second. */
const CLOSE_LOOK_EVERY_MS = 4500;

/**
 * The same as `alive` for who looks at many processes each second. A process that was just seen alive counts as alive while
 * its number is in use: its end shows at once where whoever started it collects it, and a number is not given away again so
 * soon. Looking closely costs ten times as much, and a process of its own where there is no /proc.
 */
export function livenessLook(
  closely: (process: Process) => Promise<Liveness> = alive,
): (process: Process) => Promise<Liveness> {
  const seen = new Map<number, { readonly startTime: string; readonly at: number }>();
  return async ({ pid, startTime }) => {
    const before = seen.get(pid);
    const isFresh = before?.startTime === startTime && performance.now() - before.at < CLOSE_LOOK_EVERY_MS;
    if (isFresh && isInUse(pid)) return 'alive';
    const state = await closely({ pid, startTime });
    if (state === 'alive') seen.set(pid, { startTime, at: performance.now() });
    else seen.delete(pid);
    return state;
  };
}

function isInUse(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is somebody else's now.
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')) return false;
    throw error;
  }
}
