import { expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import type { Command } from '../../src/core/react.ts';
import { newRun } from '../../src/core/run.ts';
import { openRunLoop, type FactStore } from '../../src/engine/loop.ts';
import { identity, settings, small, spareIds } from '../rig/run.ts';
import { until } from '../rig/wait.ts';

function bench(append: (events: readonly Event[]) => Promise<void> = () => Promise.resolve()) {
  const order: string[] = [];
  const commands: Command[] = [];
  const store: FactStore = {
    async append(events) {
      order.push(...events.map((event) => `write ${event.kind}`));
      await append(events);
      order.push(...events.map((event) => `on disk ${event.kind}`));
    },
  };
  const loop = openRunLoop(newRun, store, { now: () => 1000, sleep: () => Promise.resolve() }, (command) => {
    order.push(`perform ${command.do}`);
    commands.push(command);
  });
  return { loop, order, commands };
}

const start = { kind: 'start', by: 'cli', workflow: small, settings, spareIds: spareIds(small) } as const;

it('writes first and acts afterwards', async () => {
  const { loop, order } = bench();
  await loop.submit({ kind: 'initialise', identity });
  await loop.submit(start);
  expect(order).toEqual([
    'write run.initialised',
    'on disk run.initialised',
    ...['run.started', 'agent.launched', 'agent.launched'].map((kind) => `write ${kind}`),
    ...['run.started', 'agent.launched', 'agent.launched'].map((kind) => `on disk ${kind}`),
    'perform watch',
    'perform ensure-agents',
  ]);
});

it('keeps its state, and does nothing, when the disk refuses; the next request is taken', async () => {
  let full = true;
  const { loop, commands } = bench(() => (full ? Promise.reject(new Error('ENOSPC')) : Promise.resolve()));
  await expect(loop.submit({ kind: 'initialise', identity })).rejects.toThrow('ENOSPC');
  expect(loop.run()).toEqual(newRun);
  expect(commands).toEqual([]);
  full = false;
  await loop.submit({ kind: 'initialise', identity });
  expect(loop.run().seq).toBe(1);
});

it('takes requests one at a time, in order', async () => {
  const { loop } = bench();
  const answers = await Promise.all([
    loop.submit({ kind: 'initialise', identity }),
    loop.submit(start),
    loop.submit({ kind: 'surveyed' }),
  ]);
  const seqs = answers.flatMap((answer) => (answer.ok ? answer.events.map((event) => event.seq) : []));
  expect(seqs).toEqual(seqs.map((_seq, index) => index + 1));
});

it('gives a refusal as a value and writes nothing', async () => {
  const { loop, order } = bench();
  expect(await loop.submit(start)).toMatchObject({ ok: false, refusal: { reason: 'not-initialised' } });
  expect(order).toEqual([]);
});

it('tells followers of each batch, and what they missed', async () => {
  const { loop } = bench();
  const heard: number[] = [];
  const leave = loop.subscribe((_run, events) => heard.push(...events.map((event) => event.seq)));
  await loop.submit({ kind: 'initialise', identity });
  await loop.submit(start);
  leave();
  await loop.submit({ kind: 'surveyed' });
  expect(heard).toEqual([1, 2, 3, 4]);
  expect(loop.recent(3).map((event) => event.kind)).toEqual([
    'agent.launched',
    'run.surveyed',
    'prompt.wanted',
    'prompt.wanted',
  ]);
});

it('issues again what may not have been finished when it is taken up', async () => {
  const { loop, commands } = bench();
  await loop.submit({ kind: 'initialise', identity });
  await loop.submit(start);
  await loop.submit({ kind: 'surveyed' });
  commands.length = 0;
  loop.takeUp();
  await until('the commands are issued', () => commands.length > 0);
  expect(commands).toEqual([
    { do: 'watch' },
    { do: 'ensure-agents' },
    { do: 'deliver', role: 'lead' },
    { do: 'deliver', role: 'worker' },
  ]);
});
