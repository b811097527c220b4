import type { Fact } from './event.ts';
import { plainWords } from './reported.ts';
import type { Refusal, Request } from './request.ts';
import type { Run } from './run.ts';
import { notRunning } from './steer.ts';

/**
 * A report is noted while the run goes. The same words, while they stand, are no news. Text that is too long is cut and not
 * refused: whoever asks bounds it, but secrets are taken out of it on the way here, which may make it longer.
 */
export function reported(run: Run, request: Extract<Request, { kind: 'role-report' }>): Fact[] | Refusal {
  const { role, what } = request;
  if (run.life.kind !== 'running') return notRunning(run, role);
  // A name that every object answers to is no role.
  if (!Object.hasOwn(run.agents, role))
    return { reason: 'unknown-role', received: role, allowed: Object.keys(run.agents) };
  const text = plainWords(request.text);
  const before = run.reports[role];
  return before?.what === what && before.text === text ? [] : [{ kind: 'role.reported', role, what, text }];
}
