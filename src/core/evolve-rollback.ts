import { UNKNOWN_BRANCH } from './conflicted.ts';
import type { Event } from './event.ts';
import { NO_CHECKS, type Run } from './run.ts';
import type { Rollback } from './rolled-back.ts';

export type RollbackEvent = Extract<Event, { kind: `rollback.${string}` }>;
export const isRollbackEvent = (event: Event): event is RollbackEvent => event.kind.startsWith('rollback.');

/** What taking work back, or undoing that, changes. The steps themselves are opened by `step.reopened`. */
export function rollbackChanged(run: Run, event: RollbackEvent): Run {
  switch (event.kind) {
    case 'rollback.began':
      return began(run, event);
    case 'rollback.failed':
      return { ...run, rollback: run.rollback && { ...run.rollback, failed: event.why } };
    case 'rollback.retried':
      return { ...run, rollback: run.rollback && { ...run.rollback, failed: null } };
    case 'rollback.done':
      return event.direction === 'back' ? wentBack(run, event.at) : undone(run, event);
    default:
      return event satisfies never;
  }
}

function began(run: Run, event: Extract<RollbackEvent, { kind: 'rollback.began' }>): Run {
  const { number, direction, step, by, why, at, from, to, checkpoints } = event;
  const before = run.rollbacks[number - 1];
  const { done, checks, approved, points, askedFrom } = run;
  const rollback: Rollback = {
    ...{ number, direction, step, by, why, at, from, to, checkpoints },
    // What goes is decided by the workflow of that time, also when another one is settled before it is undone.
    workflow: before?.workflow ?? run.workflow,
    before: { done, checks, approved, void: run.void, points, askedFrom, isCompleted: run.life.kind === 'completed' },
    failed: null,
    undone: false,
  };
  // It moves the branch itself.
  return {
    ...run,
    branch: UNKNOWN_BRANCH,
    rollback,
    rollbacks: direction === 'back' ? [...run.rollbacks, rollback] : run.rollbacks,
  };
}

/** What was shown before the step began holds again: the project stands as it stood then. */
function wentBack(run: Run, at: number): Run {
  const step = run.rollback?.step ?? '';
  const point = run.points[step];
  const checks = point ? { ...run.checks, [step]: { ...NO_CHECKS, before: point } } : run.checks;
  return { ...run, checks, rollback: null, life: lookingAnew(run, at) };
}

function undone(run: Run, { number, at }: Extract<RollbackEvent, { kind: 'rollback.done' }>): Run {
  const before = run.rollbacks[number - 1]?.before;
  if (!before) return { ...run, rollback: null };
  const { isCompleted, ...kept } = before;
  return {
    ...run,
    ...kept,
    rollback: null,
    moduleFailure: null,
    paused: isCompleted ? null : run.paused,
    life: lookingAnew(run, at),
    rollbacks: run.rollbacks.map((each) => (each.number === number ? { ...each, undone: true } : each)),
  };
}

/** A run that goes on looks at the checkpoints that are left first. One that was completed goes on again. */
function lookingAnew({ life }: Run, at: number): Run['life'] {
  if (life.kind === 'completed') return { kind: 'running', startedAt: at, surveyed: false, stepBeganAt: null };
  return life.kind === 'running' ? { ...life, surveyed: false, stepBeganAt: null } : life;
}
