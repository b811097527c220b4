import { randomUUID } from 'node:crypto';
import type { Settings } from '../core/event.ts';
import type { Run } from '../core/run.ts';
import type { Workflow } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { AppPorts, Told } from './ports.ts';
import { tellRefusal } from './tell.ts';
import type { ProblemView } from './views.ts';

/** How long a start waits for the session to be open; tmux needs milliseconds. */
const OPEN_WITHIN_MS = 15_000;

/**
 * Begins a run that is equipped; with `inTurn` only one that still waits for its turn. `isNews` is false when it goes on
 * already, or does not wait any more.
 */
export async function setGoing(
  live: LiveRun,
  { door: by, principal }: { readonly door: string; readonly principal?: string },
  { workflow, settings }: { readonly workflow: Workflow; readonly settings: Settings },
  inTurn?: true,
): Promise<Told<{ readonly isNews: boolean }>> {
  const spareIds = Object.fromEntries(Object.keys(workflow.roles).map((role) => [role, randomUUID()]));
  const answer = await live.loop.submit(
    { kind: 'start', by, workflow, settings, spareIds, ...(inTurn ? { inTurn } : {}) },
    principal,
  );
  if (!answer.ok) return { ok: false, problem: tellRefusal(answer.refusal, live.loop.run().identity?.feature ?? '') };
  return { ok: true, isNews: answer.events.length > 0 };
}

/** Resolves when every agent has its pane or the run has ended; with the problem when one cannot have it. */
export async function sessionOpened(
  { clock }: AppPorts,
  { loop }: LiveRun,
  closing?: AbortSignal,
): Promise<ProblemView | null> {
  const done = new AbortController();
  const isPlaced = (run: Run): boolean =>
    run.life.kind !== 'running' ||
    Object.values(run.agents).every((agent) => agent.process !== null || agent.state.kind === 'failed');
  const unsubscribe = loop.subscribe((run) => {
    if (isPlaced(run)) done.abort();
  });
  if (isPlaced(loop.run())) done.abort();
  await clock.sleep(OPEN_WITHIN_MS, closing ? AbortSignal.any([done.signal, closing]) : done.signal);
  unsubscribe();
  const failed = Object.values(loop.run().agents).flatMap(({ state }) => (state.kind === 'failed' ? [state] : []))[0];
  return failed ? { code: 'agent-failed', sentence: failed.sentence, hint: failed.hint } : null;
}
