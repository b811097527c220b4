import { expect, it } from 'vitest';
import { typedLine, type Run } from '../../src/core/run.ts';
import type { Request } from '../../src/core/request.ts';
import type { RunLoop } from '../../src/engine/loop.ts';
import { openCourier } from '../../src/engine/courier.ts';
import type { AgentProvider, Terminal } from '../../src/engine/ports.ts';
import { crewOf, loopFrom, place, playedProvider, playedTerminal, seen } from '../rig/ports.ts';
import { put, started } from '../rig/run.ts';
import { until } from '../rig/wait.ts';

/** A courier of the worker, whose agent is idle and who has one message to be carried. */
function bench(over: {
  terminal?: Partial<Terminal>;
  provider?: Partial<AgentProvider>;
  /** What the courier sees of the run. */
  run?: (run: Run) => Run;
  onJournal?: (kinds: readonly string[]) => void;
  /** Comes before each request of the courier. */
  onSubmit?: (request: Request, submit: RunLoop['submit']) => Promise<void>;
}) {
  const story = started();
  put(story, { kind: 'message', role: 'worker', line: 'hello there', file: null });
  const { loop, journal } = loopFrom(story.run);
  loop.subscribe((_run, events) => over.onJournal?.(events.map(({ kind }) => kind)));
  const line = typedLine({ id: 1, line: 'hello there' });
  const box = { draft: '' };
  const errors: unknown[] = [];
  const crew = crewOf(
    {
      ...loop,
      run: () => (over.run ?? ((run) => run))(loop.run()),
      submit: async (request) => {
        await over.onSubmit?.(request, loop.submit);
        return loop.submit(request);
      },
    },
    playedTerminal({
      look: () => Promise.resolve(seen(box.draft)),
      paste: (_pane, text) => {
        box.draft = text;
        return Promise.resolve('typed');
      },
      enter: () => Promise.resolve('typed'),
      ...over.terminal,
    }),
    playedProvider(over.provider),
  );
  const courier = openCourier({
    ...crew,
    role: 'worker',
    agentDir: place.agentDir('worker'),
    drainEvidence: () => Promise.resolve(),
    onError: (error) => errors.push(error),
  });
  const has = (kind: string) => journal.find((event) => event.kind === kind);
  return { courier, line, box, errors, has };
}

it('goes on after a move that could not be made: nobody else would carry the prompt', async () => {
  let looks = 0;
  const { courier, errors, has } = bench({
    terminal: {
      look: () => {
        looks += 1;
        return looks === 1 ? Promise.reject(new Error('no process could be started')) : Promise.resolve(seen(''));
      },
    },
  });
  courier.wake();
  await until('it is typed', () => has('prompt.typed'));
  await courier.stop();
  expect(errors).toEqual([new Error('no process could be started')]);
});

it('does not take for the word of the agent what stands in its pane after its end', async () => {
  let alive: 'alive' | 'gone' = 'alive';
  let isEntered = false;
  const { courier, box, has, line } = bench({
    terminal: {
      enter: () => {
        isEntered = true;
        return Promise.resolve('typed');
      },
      look: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        if (!isEntered) return seen(box.draft);
        // It ends while its pane is looked at; a shell tells of that behind all that the program had drawn.
        alive = 'gone';
        return seen(`${line} Killed`);
      },
    },
    provider: { alive: () => Promise.resolve(alive) },
  });
  courier.wake();
  await until('something is told', () => has('prompt.held') ?? has('prompt.stuck'));
  await courier.stop();
  expect(has('prompt.held')).toMatchObject({ outcome: 'agent_dead' });
  expect(has('prompt.stuck')).toBeUndefined();
});

it.each([
  ['busy', true],
  ['idle', false],
  ['unknown', null],
] as const)('journals with each Enter what the agent said of itself: %s', async (kind, busy) => {
  const { courier, has } = bench({ provider: { activity: () => Promise.resolve({ kind }) } });
  courier.wake();
  await until('Enter is pressed', () => has('prompt.entered'));
  await courier.stop();
  expect(has('prompt.entered')).toMatchObject({ times: 1, busy });
});

it.each([
  ['pastes nothing', 'intended', 0],
  ['presses no Enter', 'entered', 1],
] as const)(
  '%s that could not be journaled: the prompt went elsewhere since it was looked at',
  async (_what, kind, pastes) => {
    const done: string[] = [];
    const bed = bench({
      // A human says that it has arrived, in between the look and the deed.
      onSubmit: async (request, submit) => {
        if (request.kind !== 'delivery' || request.news.kind !== kind) return;
        await submit({
          kind: 'delivery',
          prompt: 1,
          news: { kind: 'intended', pane: '%1', generation: 1, sha256: '' },
        });
        await submit({ kind: 'delivery', prompt: 1, news: { kind: 'stuck', outcome: 'indeterminate', reason: 'r' } });
        await submit({ kind: 'settle-prompt', prompt: 1, as: 'delivered', by: 'cli' });
      },
      terminal: {
        paste: (_pane, text) => {
          done.push('paste');
          bed.box.draft = text;
          return Promise.resolve('typed');
        },
        enter: () => {
          done.push('enter');
          return Promise.resolve('typed');
        },
      },
    });
    bed.courier.wake();
    await until('it is settled', () => bed.has('prompt.settled'));
    await bed.courier.stop();
    expect(done).toEqual(Array(pastes).fill('paste'));
  },
);

it('presses no Enter when a dialog took the keyboard while the Enter was journaled', async () => {
  let isAsking = false;
  let enters = 0;
  const { courier, has } = bench({
    onJournal: (kinds) => {
      if (kinds.includes('prompt.entered')) isAsking = true;
    },
    terminal: {
      enter: () => {
        enters += 1;
        return Promise.resolve('typed');
      },
    },
    provider: {
      activity: () => Promise.resolve(isAsking ? { kind: 'waiting', waitingFor: 'permission' } : { kind: 'busy' }),
    },
  });
  courier.wake();
  await until('it is told', () => has('prompt.stuck'));
  await courier.stop();
  expect(has('prompt.stuck')).toMatchObject({ reason: 'the agent waits for an answer (permission)' });
  expect(enters).toBe(0);
});

it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('hears whoever wakes it while it lies down (%i steps later)', async (steps) => {
  const idle = started().run;
  let isWanted = false;
  const { courier, has } = bench({ run: (run) => (isWanted ? run : idle) });
  // Finds nothing to do, and comes to its end step by step.
  courier.wake();
  for (let step = 0; step < steps; step += 1) await Promise.resolve();
  isWanted = true;
  courier.wake();
  await until('it is typed', () => has('prompt.typed'), { withinMs: 1000 });
  await courier.stop();
});
