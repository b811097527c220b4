import type { Event } from '../core/event.ts';
import { presentStep, type Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { Failing } from '../engine/disk.ts';
import type { RunLoop } from '../engine/loop.ts';
import type { Clock } from '../engine/ports.ts';
import type { StopSignal } from '../link/stopper.ts';
import { attentionOf } from './attention.ts';
import { narrate } from './narrate.ts';
import type { InputOf, OutputOf } from './table.ts';
import type { QueueView } from './views.ts';
import { waitsFor } from './waits-for.ts';

const MAX_EVENTS = 100;

/** Waits until what was asked for is so, or time is up. What came after `cursor` counts as having happened already. */
export async function waitFor(
  loop: RunLoop,
  input: InputOf<'wait'>,
  clock: Clock,
  signal: StopSignal,
  queueOf: (run: Run) => QueueView = () => null,
): Promise<OutputOf<'wait'>> {
  const since = input.cursor ?? loop.run().seq;
  const stepBefore = presentStep(loop.run())?.step.id ?? null;
  const news: Event[] = input.cursor === undefined ? [] : [...loop.recent(input.cursor)];
  const reason = (): string | null =>
    reasonToReturn(loop.run(), input.until, { news, since, stepBefore, now: clock.now(), failing: loop.failing() });
  if (reason() === null && input.timeoutMs > 0) {
    const done = new AbortController();
    const end = (): void => {
      done.abort();
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
    const unsubscribe = loop.subscribe((_run, events) => {
      news.push(...events);
      if (reason() !== null) end();
    });
    await clock.sleep(input.timeoutMs, done.signal);
    unsubscribe();
    signal.removeEventListener('abort', end);
  }
  const run = loop.run();
  const why = reason();
  const step = presentStep(run)?.step;
  return {
    feature: input.feature,
    done: why !== null,
    reason: why ?? 'timeout',
    phase: run.life.kind,
    step: step?.id ?? null,
    role: step && isAgentStep(step) ? step.role : null,
    waitsFor: waitsFor(run, queueOf(run)),
    queue: queueOf(run),
    attention: attentionOf(run, clock.now(), loop.failing()),
    events: news.slice(-MAX_EVENTS).map(narrate),
    cursor: run.seq,
  };
}

interface Since {
  readonly news: readonly Event[];
  readonly since: number;
  readonly stepBefore: string | null;
  readonly now: number;
  readonly failing: Failing | null;
}

function reasonToReturn(
  run: Run,
  until: InputOf<'wait'>['until'],
  { news, since, stepBefore, now, failing }: Since,
): string | null {
  if (run.life.kind === 'completed') return 'completed';
  const isGoing = run.life.kind === 'running' || run.life.kind === 'queued';
  if (!isGoing) return attentionOf(run, now, failing).length > 0 ? 'attention' : 'stopped';
  if (until === 'change') return run.seq > since ? 'change' : null;
  if (
    until === 'step' &&
    (news.some((event) => event.kind === 'step.completed') || (presentStep(run)?.step.id ?? null) !== stepBefore)
  )
    return 'step';
  return attentionOf(run, now, failing).length > 0 ? 'attention' : null;
}
