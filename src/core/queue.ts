import type { Fact } from './event.ts';
import type { Refusal, Request } from './request.ts';
import { upAgents, type Run } from './run.ts';

type Asking<Kind extends Request['kind']> = Extract<Request, { kind: Kind }>;

/** A run that is to wait for its turn. One that waits already keeps its place and takes what was settled last. */
export function entersQueue(run: Run, request: Asking<'queue'>): Fact[] | Refusal {
  const { life } = run;
  const { by, workflow, settings } = request;
  switch (life.kind) {
    case 'new':
      return { reason: 'not-initialised', received: 'start', allowed: ['init'] };
    case 'completed':
      return { reason: 'completed', received: 'start', allowed: ['init --run-type retry'] };
    case 'running':
      return [];
    case 'queued':
      if (same(life.workflow, workflow) && same(life.settings, settings)) return [];
      return [{ kind: 'run.queued', by, workflow, settings, place: life.place }];
    case 'initialised':
    case 'stopped':
      return [{ kind: 'run.queued', by, workflow, settings, place: request.place }];
    default:
      return life satisfies never;
  }
}

/** Its turn had come, and it cannot begin. */
export function leavesQueue({ life }: Run, { by, why, problem }: Asking<'leave-queue'>): Fact[] {
  return life.kind === 'queued' ? [{ kind: 'run.unqueued', by, why, problem }] : [];
}

/** Ends what goes on, or takes out of the queue what waits; what could not begin is not told of any more. */
export function stopped(run: Run, { by, why, problem }: Asking<'stop'>): Fact[] {
  switch (run.life.kind) {
    case 'running':
      return [{ kind: 'run.stopped', by, why, ...(problem === undefined ? {} : { problem }) }];
    case 'queued':
      return [{ kind: 'run.unqueued', by, why, problem: null }];
    case 'completed':
      return upAgents(run).length > 0 ? [{ kind: 'session.lost', why: `it was ended by ${by}` }] : [];
    case 'new':
    case 'initialised':
    case 'stopped':
      return run.startProblem ? [{ kind: 'run.unqueued', by, why, problem: null }] : [];
    default:
      return run.life satisfies never;
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
