import { expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import type { Command } from '../../src/core/react.ts';
import { newRun } from '../../src/core/run.ts';
import type { FactStore } from '../../src/engine/disk.ts';
import { openRunLoop } from '../../src/engine/loop.ts';
import { handClock } from '../rig/clock.ts';
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

/** A disk that is full until it is told otherwise, and time that passes by hand. */
function brokenDisk() {
  const clock = handClock(1000);
  const written: string[] = [];
  const disk = { full: false, tries: 0 };
  const store: FactStore = {
    append(events) {
      if (events.length === 0) disk.tries += 1;
      if (disk.full) return Promise.reject(new Error('ENOSPC'));
      written.push(...events.map((event) => event.kind));
      return Promise.resolve();
    },
  };
  return { disk, clock, written, loop: openRunLoop(newRun, store, clock, () => undefined) };
}

it('keeps what is told once for when the disk takes something again, and refuses the rest at once', async () => {
  const { disk, clock, written, loop } = brokenDisk();
  await loop.submit({ kind: 'initialise', identity });
  await loop.submit(start);
  disk.full = true;
  const surveyed = loop.submit({ kind: 'surveyed' });
  const behind = loop.submit({ kind: 'take', roles: [], by: 'cli' });
  const later = loop.submit({ kind: 'checkpoint-seen', file: 'a.md', sha256: 'a', mtimeMs: 2, gate: null });
  await expect(behind).rejects.toThrow('ENOSPC');
  expect(loop.failing()).toMatchObject({ what: 'journal', since: 1000, why: 'ENOSPC' });
  await expect(loop.submit({ kind: 'pause', by: 'cli', why: 'w' })).rejects.toThrow('ENOSPC');
  await clock.pass(5000);
  expect(disk.tries).toBeGreaterThanOrEqual(5);
  const before = written.length;
  disk.full = false;
  await clock.pass(1000);
  expect((await surveyed).ok).toBe(true);
  expect((await later).ok).toBe(true);
  expect(loop.failing()).toBeNull();
  expect(written.slice(before)[0]).toBe('run.surveyed');
});

it('takes a command as soon as the disk does, without waiting for the next try', async () => {
  const { disk, loop } = brokenDisk();
  await loop.submit({ kind: 'initialise', identity });
  await loop.submit(start);
  disk.full = true;
  const surveyed = loop.submit({ kind: 'surveyed' });
  await expect(loop.submit({ kind: 'pause', by: 'cli', why: 'w' })).rejects.toThrow('ENOSPC');
  disk.full = false;
  const paused = loop.submit({ kind: 'pause', by: 'cli', why: 'w' });
  await until('the disk is known to be well', () => loop.failing() === null);
  expect((await surveyed).ok).toBe(true);
  expect((await paused).ok).toBe(true);
});

it('says that the disk takes something again although nothing is there to be written', async () => {
  const { disk, clock, loop } = brokenDisk();
  disk.full = true;
  await expect(loop.submit({ kind: 'initialise', identity })).rejects.toThrow('ENOSPC');
  disk.full = false;
  await clock.pass(1000);
  expect(loop.failing()).toBeNull();
});

it('gives up what waits for the disk when it is left', async () => {
  const { disk, loop } = brokenDisk();
  await loop.submit({ kind: 'initialise', identity });
  await loop.submit(start);
  disk.full = true;
  const surveyed = loop.submit({ kind: 'surveyed' });
  await until('it waits', () => loop.failing() !== null);
  loop.giveUp();
  await expect(surveyed).rejects.toThrow('ENOSPC');
  await loop.settled();
});
