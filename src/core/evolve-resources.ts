import type { Event, EventKind } from './event.ts';
import type { Unstarted } from './life.ts';
import { isInterruptOpen, type Overrun } from './resources.ts';
import { withoutKey, type Run } from './run.ts';

/** The queue for a place, memory, and steps that took too long. */
const KINDS = [
  'run.queued',
  'run.unqueued',
  'memory.noted',
  'step.overran',
  'interrupt.pressed',
  'interrupt.failed',
] as const satisfies readonly EventKind[];

export type ResourceEvent = Extract<Event, { kind: (typeof KINDS)[number] }>;

const NAMES: ReadonlySet<string> = new Set(KINDS);
export const isResourceEvent = (event: Event): event is ResourceEvent => NAMES.has(event.kind);

export function resourceChanged(run: Run, event: ResourceEvent): Run {
  switch (event.kind) {
    case 'run.queued':
      return queued(run, event);
    case 'run.unqueued':
      return {
        ...run,
        life: run.life.kind === 'queued' ? run.life.before : run.life,
        startProblem: event.problem ? { ...event.problem, at: event.at } : null,
      };
    case 'memory.noted': {
      const { role, level, bytes, above } = event;
      const memory =
        level === 'ok'
          ? withoutKey(run.memory, role)
          : { ...run.memory, [role]: { level, bytes, above, since: event.at } };
      return { ...run, memory };
    }
    case 'step.overran': {
      const { step, role, limitMs, at } = event;
      return { ...run, overrun: { step, role, limitMs, at, interrupt: { kind: event.interrupt ? 'wanted' : 'none' } } };
    }
    case 'interrupt.pressed':
      return withInterrupt(run, { kind: 'pressed' });
    case 'interrupt.failed':
      return withInterrupt(run, { kind: 'failed', why: event.why });
    default:
      return event satisfies never;
  }
}

/** Asked for twice it stays where it is, with what was settled last. */
function queued(run: Run, event: Extract<ResourceEvent, { kind: 'run.queued' }>): Run {
  const { life } = run;
  const before: Unstarted =
    life.kind === 'queued' ? life.before : life.kind === 'stopped' ? life : { kind: 'initialised' };
  const { place, by, workflow, settings } = event;
  const at = life.kind === 'queued' ? life.at : event.at;
  return { ...run, startProblem: null, life: { kind: 'queued', at, place, by, workflow, settings, before } };
}

const withInterrupt = (run: Run, interrupt: Overrun['interrupt']): Run =>
  run.overrun ? { ...run, overrun: { ...run.overrun, interrupt } } : run;

/** A human has had a say in the step, or it is done. */
const ENDS_OVERRUN: ReadonlySet<EventKind> = new Set<EventKind>([
  'run.started',
  'step.completed',
  'step.skipped',
  'step.retried',
  'step.reopened',
  'pane.given',
]);

/** What other facts mean for resources; `run` is the state after the event. */
export function withResources(run: Run, event: Event): Run {
  if (run.overrun && ENDS_OVERRUN.has(event.kind)) return { ...run, overrun: null };
  switch (event.kind) {
    case 'run.stopped':
    case 'session.lost':
      return { ...run, memory: {}, overrun: overrunAfterTurn(run.overrun) };
    case 'agent.launched':
      return { ...run, memory: withoutKey(run.memory, event.role) };
    case 'agent.exited':
      return { ...run, memory: withoutKey(run.memory, event.role), overrun: turnOver(run, event.role) };
    case 'agent.turn-ended':
      return run.agents[event.role]?.state.kind === 'busy' ? run : { ...run, overrun: turnOver(run, event.role) };
    default:
      return run;
  }
}

const turnOver = ({ overrun }: Run, role: string): Overrun | null =>
  overrun?.role === role ? overrunAfterTurn(overrun) : overrun;

const overrunAfterTurn = (overrun: Overrun | null): Overrun | null =>
  isInterruptOpen(overrun) ? { ...overrun, interrupt: { kind: 'ended' } } : overrun;
