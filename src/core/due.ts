import { stepDueAt } from './advance.ts';
import type { Fact } from './event.ts';
import { overrunAt, overrunDueAt } from './overrun.ts';
import type { Agent, Run } from './run.ts';

/** How long a pane says that it is about to go back before it does. In ms. */
export const HAND_BACK_NOTICE_MS = 10_000;

/**
 * When time alone asks for something, in ms since the epoch; Infinity when it does not. Whoever keeps the time then
 * submits `time-passed`.
 */
export function dueAt(run: Run): number {
  if (run.life.kind !== 'running') return Infinity;
  const parked = Object.values(run.agents).map((agent) => agent.parked?.untilMs ?? Infinity);
  const returning = Object.keys(run.holders).map((role) => returnDueAt(run, role));
  return Math.min(stepDueAt(run), overrunDueAt(run), ...parked, ...returning);
}

export function timePassed(run: Run, at: number): Fact[] {
  const unparked = Object.values(run.agents)
    .filter(({ parked }) => parked !== null && parked.untilMs <= at)
    .map(({ role }): Fact => ({ kind: 'agent.unparked', role }));
  return [...overrunAt(run, at), ...unparked, ...Object.keys(run.holders).flatMap((role) => returning(run, role, at))];
}

/** A pane that was taken by being used goes back when nobody has used it for a while, after it has said so. */
function returning(run: Run, role: string, at: number): Fact[] {
  const holder = run.holders[role];
  if (holder?.kind !== 'human' || returnDueAt(run, role) > at) return [];
  return holder.backAt === null
    ? [{ kind: 'pane.returning', role, backAt: at + HAND_BACK_NOTICE_MS }]
    : [{ kind: 'pane.given', role, how: 'idle', by: 'tmops' }];
}

function returnDueAt(run: Run, role: string): number {
  const holder = run.holders[role];
  const after = run.settings?.handBackAfterMs ?? null;
  if (holder?.kind !== 'human' || holder.how !== 'use' || holder.stays || after === null) return Infinity;
  const agent = run.agents[role];
  if (!agent || !isQuiet(agent)) return Infinity;
  return holder.backAt ?? Math.max(holder.usedAt, agent.state.since) + Math.max(0, after - HAND_BACK_NOTICE_MS);
}

/** Whatever the human asked for is done. */
const isQuiet = ({ state }: Agent): boolean => state.kind === 'idle' || state.kind === 'starting';
