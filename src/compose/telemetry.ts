import type { Event } from '../core/event.ts';
import type { Run } from '../core/run.ts';
import { whereIn } from '../core/where.ts';
import type { Log } from '../engine/ports.ts';

/** Writes every event as a line of the log, with feature, run, role and step where it has them. */
export function telemetry(log: Log): (run: Run, event: Event) => void {
  return (run, event) => {
    const { feature, run: name } = run.identity ?? {};
    const { role, step } = whereIn(run, event);
    const where = { ...(role !== undefined && { role }), ...(step !== undefined && { step }) };
    log.info(event.kind, { feature, run: name, ...where, ...event });
  };
}
