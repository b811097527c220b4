import { expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import type { Run } from '../../src/core/run.ts';
import { workflowSchema } from '../../src/core/workflow.ts';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { openLiveRun } from '../../src/engine/live-run.ts';
import type {
  AgentProvider,
  CheckpointWatch,
  Clock,
  Modules,
  Found,
  Sighting,
  Terminal,
} from '../../src/engine/ports.ts';
import { NOTHING_BEFORE } from '../../src/engine/record.ts';
import {
  crewOf,
  place,
  playedKeeper,
  playedProver,
  playedProvider,
  playedRewinder,
  playedTerminal,
  quietLog,
} from '../rig/ports.ts';
import { begin, briefed, identity, put, settings, small, spareIds, started } from '../rig/run.ts';
import { until } from '../rig/wait.ts';

interface Over {
  readonly terminal?: Partial<Terminal>;
  readonly provider?: Partial<AgentProvider>;
  readonly modules?: Modules;
  readonly watch?: Partial<CheckpointWatch>;
}

/** A live run whose journal refuses what comes after the run was closed. */
function bench(start: Run, over: Over = {}) {
  const nothing = (): Promise<void> => Promise.resolve();
  const journal: Event[] = [];
  const late: string[] = [];
  let isClosed = false;
  const append = (events: readonly Event[]): Promise<void> => {
    if (isClosed) late.push(...events.map(({ kind }) => kind));
    else journal.push(...events);
    return Promise.resolve();
  };
  const sleeps: number[] = [];
  const { now, sleep } = systemClock();
  const clock: Clock = {
    now,
    sleep: (ms, signal) => {
      sleeps.push(ms);
      return sleep(ms, signal);
    },
  };
  const live = openLiveRun({
    place,
    start,
    store: { append },
    clock,
    watch: { watch: () => Promise.resolve(nothing), look: () => Promise.resolve(null), ...over.watch },
    settle: { shortMs: 1, longMs: 1, unfinishedMs: 1 },
    modules: over.modules ?? { call: () => Promise.reject(new Error('there are no modules here')) },
    prover: playedProver,
    rewinder: playedRewinder,
    keeper: playedKeeper,
    files: { write: nothing },
    log: quietLog,
    record: { version: '0', files: { write: nothing }, sinks: [], writeMetrics: nothing },
    before: NOTHING_BEFORE,
    readEvents: () => Promise.resolve(journal),
  });
  const { terminal, provider, setup } = crewOf(live.loop, playedTerminal(over.terminal), playedProvider(over.provider));
  live.equip({ terminal, provider, setup });
  const close = async (): Promise<void> => {
    await live.close();
    isClosed = true;
  };
  return { live, close, late, sleeps };
}

/** Lets everything that was begun come as far as it can without waiting. */
async function comeToRest(): Promise<void> {
  for (let step = 0; step < 50; step += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A promise that a test keeps when it wants to. */
function deferred<T>(): { readonly promise: Promise<T>; readonly keep: (value: T) => void } {
  const kept: ((value: T) => void)[] = [];
  const promise = new Promise<T>((resolve) => kept.push(resolve));
  return {
    promise,
    keep: (value) => {
      for (const resolve of kept) resolve(value);
    },
  };
}

it('begins nothing more when an agent ends while the run is being closed', async () => {
  let isAlive = true;
  const opened: string[] = [];
  const closing: Promise<void>[] = [];
  const bed = bench(started().run, {
    provider: {
      alive: () => Promise.resolve(isAlive ? 'alive' : 'gone'),
      // Somebody closes the run while it is found out how the agent ended.
      exit: () => {
        if (closing.length === 0) closing.push(bed.close());
        return Promise.resolve({ kind: 'signal', signal: 'SIGKILL' });
      },
      process: () => Promise.resolve({ pid: 8, startTime: 's' }),
    },
    terminal: {
      survey: () => Promise.resolve({ kind: 'ours', panes: [] }),
      reopen: (_plan, { role }) => {
        opened.push(role);
        return Promise.resolve({ role, pane: '%9', dead: false, pid: 1 });
      },
    },
  });
  bed.live.loop.takeUp();
  await comeToRest();
  isAlive = false;
  await until('it is being closed', () => closing.length > 0);
  await Promise.all(closing);
  await comeToRest();
  expect(bed.live.loop.run().agents['lead']).toMatchObject({ generation: 2, process: null });
  expect(opened).toEqual([]);
  expect(bed.late).toEqual([]);
});

it('journals nothing of a loss of its session that is still being looked into when it is closed', async () => {
  const server = deferred<'down'>();
  const lost: ((why: string) => void)[] = [];
  const { live, close, late } = bench(started().run, {
    terminal: {
      survey: () => Promise.resolve(lost.length === 0 ? { kind: 'ours', panes: [] } : { kind: 'absent' }),
      onLost: (_session, callback) => {
        lost.push(callback);
        return () => Promise.resolve();
      },
      server: () => server.promise,
    },
  });
  live.loop.takeUp();
  await comeToRest();
  for (const tell of lost) tell('the server is gone');
  await comeToRest();
  const closed = close();
  await comeToRest();
  server.keep('down');
  await closed;
  await comeToRest();
  expect(lost).toHaveLength(1);
  expect(late).toEqual([]);
  expect(live.loop.run().agents['lead']?.state.kind).toBe('idle');
});

it('leaves no watch of checkpoints open that was being begun when it was closed', async () => {
  let open = 0;
  const { live, close } = bench(started().run, {
    watch: {
      watch: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        open += 1;
        return () => {
          open -= 1;
          return Promise.resolve();
        };
      },
    },
  });
  live.loop.takeUp();
  live.loop.takeUp();
  await close();
  await comeToRest();
  expect(open).toBe(0);
});

it('waits for the checkpoint that is being looked at when it is closed', async () => {
  const path = `${place.checkpointsDir}/001-plan.md`;
  // Written just now, by the clock of whoever wrote it.
  const mtimeMs = Date.now() + 60_000;
  const file: Found = { kind: 'file', file: '001-plan.md', path, text: '# Plan', sha256: 'x', mtimeMs };
  const second = deferred<Found>();
  const told: ((sighting: Sighting) => void)[] = [];
  let looks = 0;
  const { live, close, late } = bench(briefed().run, {
    watch: {
      watch: (_folders, _wanted, take) => {
        told.push(take);
        return Promise.resolve(() => Promise.resolve());
      },
      look: () => {
        looks += 1;
        return told.length === 0 ? Promise.resolve(null) : second.promise;
      },
    },
  });
  live.loop.takeUp();
  await comeToRest();
  const before = looks;
  for (const take of told) take(file);
  // It has settled, and is looked at once more.
  await until('it is looked at', () => looks > before);
  const closed = close();
  await comeToRest();
  second.keep(file);
  await closed;
  await comeToRest();
  expect(late).toEqual([]);
});

it('does not tell what came of a module after it was closed: whoever goes on has the step done again', async () => {
  const workflow = workflowSchema.parse({ ...small, steps: [{ id: 'gate', module: 'lint' }, ...small.steps] });
  const story = begin();
  put(story, { kind: 'initialise', identity });
  put(story, { kind: 'start', by: 'cli', workflow, settings, spareIds: spareIds(workflow) });
  const executed = deferred<boolean>();
  const { live, close, late } = bench(story.run, {
    modules: { call: (_module, stage) => (stage === 'execute' ? executed.promise : Promise.resolve(true)) },
  });
  live.loop.takeUp();
  await comeToRest();
  await close();
  executed.keep(true);
  await comeToRest();
  expect(late).toEqual([]);
});

it('carries nothing in a run that was stopped, whatever is settled of its prompts', async () => {
  const story = briefed();
  put(story, { kind: 'delivery', prompt: 3, news: { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } });
  put(story, { kind: 'delivery', prompt: 3, news: { kind: 'stuck', outcome: 'indeterminate', reason: 'r' } });
  put(story, { kind: 'stop', by: 'cli', why: 'asked to' });
  const { live, close, sleeps } = bench(story.run);
  await live.loop.submit({ kind: 'settle-prompt', prompt: 3, as: 'resend', by: 'cli' });
  await comeToRest();
  await close();
  expect(sleeps).toEqual([]);
});
