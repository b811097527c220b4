import { isAtWork } from './conflict.ts';
import { UNKNOWN_BRANCH, type Branch, type Conflict, type ConflictFact } from './conflicted.ts';
import type { Event } from './event.ts';
import { withoutRunning } from './evolve-steering.ts';
import { presentStep, type Run } from './run.ts';

export type ConflictEvent = Extract<Event, { kind: ConflictFact['kind'] }>;
export const isConflictEvent = (event: Event): event is ConflictEvent =>
  event.kind.startsWith('conflict.') || event.kind === 'branch.known';

/** What is found out, and decided, about the branch. */
export function conflictChanged(run: Run, event: ConflictEvent): Run {
  switch (event.kind) {
    case 'branch.known':
      return { ...run, branch: knownNow(run, event.tip, event.files, event.asOf) };
    case 'conflict.found':
      return found(run, event);
    case 'conflict.over':
      return { ...run, conflict: null };
    case 'conflict.settling':
      return withSettling(run, ({ settling }) => ({ by: event.by, kept: settling?.kept ?? null, failed: null }));
    case 'conflict.kept':
      return withSettling(run, ({ settling }) => settling && { ...settling, kept: event.kept });
    case 'conflict.failed':
      return withSettling(run, ({ settling }) => settling && { ...settling, failed: event.why });
    case 'conflict.settled':
      return settled(run, event);
    default:
      return event satisfies never;
  }
}

/** Once somebody was at work, what is on the branch is theirs until it is known again. */
export const withWork = (run: Run, seq: number): Run =>
  isAtWork(run) ? { ...run, branch: { ...run.branch, worked: true, workSeq: seq } } : run;

/** A turn may have begun, and even ended, since it was looked at. */
const knownNow = (run: Run, tip: string, files: string | null, asOf: number): Branch => ({
  known: { tip, files, step: presentStep(run)?.step.id ?? null },
  worked: isAtWork(run) || run.branch.workSeq > asOf,
  workSeq: run.branch.workSeq,
});

function found(run: Run, { number, stand, at }: Extract<ConflictEvent, { kind: 'conflict.found' }>): Run {
  if (run.conflict) return { ...run, conflict: { ...run.conflict, stand } };
  const { known, worked } = run.branch;
  const paused = run.paused === null;
  return {
    ...run,
    // What is being looked at is not only the run's work any more: it is looked at anew.
    checks: withoutRunning(run.checks),
    conflictCount: number,
    conflict: { number, at, known, worked: worked || isAtWork(run), stand, paused, settling: null },
  };
}

const withSettling = (run: Run, change: (conflict: Conflict) => Conflict['settling']): Run =>
  run.conflict ? { ...run, conflict: { ...run.conflict, settling: change(run.conflict) } } : run;

function settled(run: Run, event: Extract<ConflictEvent, { kind: 'conflict.settled' }>): Run {
  const { conflict } = run;
  if (!conflict) return run;
  const { how, number, tip, files, at } = event;
  const branch = tip === null ? UNKNOWN_BRANCH : knownNow(run, tip, files, event.seq);
  const kept = how === 'stash' ? conflict.settling?.kept : null;
  const from = conflict.known?.tip;
  return {
    ...run,
    branch,
    conflict: null,
    stashes: kept ? [...run.stashes, { ...kept, number, at }] : run.stashes,
    accepted:
      how === 'accept' && tip !== null && from !== undefined ? [...run.accepted, { from, to: tip }] : run.accepted,
  };
}
