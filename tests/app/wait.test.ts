import { expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { waitFor } from '../../src/app/wait.ts';
import { openRunLoop, type RunLoop } from '../../src/engine/loop.ts';
import { briefed, deliver, T0 } from '../rig/run.ts';

const store = { append: () => Promise.resolve() };
const never = new AbortController().signal;
// The time of the story, the waiting of the machine.
const clock = { now: () => T0 + 60_000, sleep: systemClock().sleep };

function loopInWork(): RunLoop {
  const story = briefed();
  deliver(story, 3, { turn: 'open' });
  return openRunLoop(story.run, store, clock, () => undefined);
}

const wait = (loop: RunLoop, over: Partial<Parameters<typeof waitFor>[1]> = {}, signal = never) =>
  waitFor(loop, { feature: 'auth-api', until: 'completed', timeoutMs: 5000, ...over }, clock, signal);

it('returns at once what came after the cursor', async () => {
  const loop = loopInWork();
  const { seq } = loop.run();
  await loop.submit({ kind: 'message', role: 'lead', line: 'hello', file: null });
  expect(await wait(loop, { until: 'change', cursor: seq })).toMatchObject({
    done: true,
    reason: 'change',
    cursor: seq + 1,
    events: [{ kind: 'prompt.wanted' }],
  });
});

it('waits for a change and gives it', async () => {
  const loop = loopInWork();
  const waiting = wait(loop, { until: 'change' });
  await loop.submit({ kind: 'message', role: 'lead', line: 'hello', file: null });
  expect(await waiting).toMatchObject({ done: true, reason: 'change' });
});

it('waits for the step to change', async () => {
  const loop = loopInWork();
  const waiting = wait(loop, { until: 'step' });
  await loop.submit({ kind: 'message', role: 'lead', line: 'hello', file: null });
  await loop.submit({ kind: 'checkpoint-seen', file: '001-plan.md', sha256: 'x', mtimeMs: T0 + 60_000, gate: null });
  expect(await waiting).toMatchObject({ done: true, reason: 'step', step: 'work', role: 'worker' });
});

it('comes back with attention when a human is needed', async () => {
  const loop = loopInWork();
  const waiting = wait(loop);
  await loop.submit({
    kind: 'agent-exited',
    role: 'lead',
    generation: 1,
    exit: { kind: 'code', code: 0 },
    spareId: 'x',
  });
  expect(await waiting).toMatchObject({ done: true, reason: 'attention', attention: [{ code: 'agent-ended' }] });
});

it('gives up at the time limit, and when the caller goes', async () => {
  expect(await wait(loopInWork(), { timeoutMs: 0 })).toMatchObject({ done: false, reason: 'timeout' });
  const caller = new AbortController();
  const waiting = wait(loopInWork(), {}, caller.signal);
  caller.abort();
  expect(await waiting).toMatchObject({ done: false });
});

it('does not wait for a run that is not running', async () => {
  const loop = loopInWork();
  await loop.submit({ kind: 'stop', by: 'cli', why: 'asked to' });
  expect(await wait(loop)).toMatchObject({ done: true, reason: 'stopped' });
});
