import { describe, expect, it } from 'vitest';
import type { Request } from '../../src/core/request.ts';
import { openPrompts, typedLine, type Run } from '../../src/core/run.ts';
import type { RunLoop } from '../../src/engine/loop.ts';
import { openCourier } from '../../src/engine/courier.ts';
import type { AgentProvider, Terminal } from '../../src/engine/ports.ts';
import { crewOf, loopFrom, place, playedProvider, playedTerminal, seen } from '../rig/ports.ts';
import { put, started } from '../rig/run.ts';
import { until } from '../rig/wait.ts';

/** A courier of the worker, whose agent is idle and who has one prompt to be carried: its instructions, or a message. */
function bench(over: {
  prompt?: 'instructions' | 'message';
  terminal?: Partial<Terminal>;
  provider?: Partial<AgentProvider>;
  /** What the courier sees of the run. */
  run?: (run: Run) => Run;
  onJournal?: (kinds: readonly string[]) => void;
  /** Comes before each request of the courier. */
  onSubmit?: (request: Request, submit: RunLoop['submit']) => Promise<void>;
}) {
  const story = started();
  if (over.prompt === 'message') put(story, { kind: 'message', role: 'worker', line: 'hello there', file: null });
  else put(story, { kind: 'surveyed' });
  const { loop, journal } = loopFrom(story.run);
  loop.subscribe((_run, events) => over.onJournal?.(events.map(({ kind }) => kind)));
  const [prompt] = openPrompts(story.run, 'worker');
  if (!prompt) throw new Error('there is nothing to be carried');
  const line = typedLine(prompt);
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
      press: () => Promise.resolve('typed'),
      ...over.terminal,
    }),
    playedProvider(over.provider),
  );
  const courier = openCourier({
    ...crew,
    role: 'worker',
    agentDir: place.agentDir('worker'),
    writeFile: () => Promise.resolve(),
    drainEvidence: () => Promise.resolve(),
    onError: (error) => errors.push(error),
  });
  const has = (kind: string) => journal.find((event) => event.kind === kind);
  return { courier, line, box, errors, has, loop, journal };
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
      press: () => {
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
      prompt: 'message',
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
        press: () => {
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
      press: () => {
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

it('does not type a message to an agent at work: it waits for the end of the turn', async () => {
  let kind: 'busy' | 'idle' = 'busy';
  const { courier, has } = bench({ prompt: 'message', provider: { activity: () => Promise.resolve({ kind }) } });
  courier.wake();
  const held = await until('it is told', () => has('prompt.held'));
  expect(held).toMatchObject({ outcome: 'queued' });
  expect(has('prompt.intended')).toBeUndefined();
  kind = 'idle';
  await until('it is typed', () => has('prompt.typed'));
  await courier.stop();
});

describe('a pane that somebody takes', () => {
  const take: Request = { kind: 'take', roles: ['worker'], by: 'cli' };
  const give: Request = { kind: 'give', roles: ['worker'], by: 'cli', spareIds: {} };

  it.each(['prompt.intended', 'prompt.typed', 'prompt.entered'])(
    'gets nothing more from the moment on, also right after %s was journaled',
    async (moment) => {
      const writes: string[] = [];
      let taken: Promise<unknown> | null = null;
      const { courier, has, loop, journal, box } = bench({
        onJournal: (kinds) => {
          // Taken in the same breath, as the socket would.
          if (kinds.includes(moment)) taken ??= loop.submit(take);
          if (kinds.includes('pane.taken')) writes.push('taken');
        },
        terminal: {
          paste: (_pane, text) => {
            writes.push('paste');
            box.draft = text;
            return Promise.resolve('typed');
          },
          press: () => {
            writes.push('enter');
            return Promise.resolve('typed');
          },
        },
        // Long enough for the taking to be journaled before Enter.
        provider: { activity: () => new Promise((resolve) => setImmediate(resolve, { kind: 'idle' })) },
      });
      courier.wake();
      await until('it is taken', () => has('pane.taken'));
      await until('the courier says so', () => has('prompt.held') ?? has('prompt.reopened'));
      const before = writes.slice(0, writes.indexOf('taken'));
      expect(writes.slice(writes.indexOf('taken') + 1)).toEqual([]);
      await loop.submit(give);
      courier.wake();
      await until('Enter is pressed', () => writes.includes('enter'));
      await courier.stop();
      expect(writes.filter((write) => write === 'paste')).toHaveLength(1);
      expect(before.filter((write) => write === 'enter')).toHaveLength(0);
      expect(journal.filter(({ kind }) => kind === 'prompt.intended').length).toBeLessThanOrEqual(2);
    },
  );

  it('is looked at only now and then for them, and at once when it is given back', async () => {
    let looks = 0;
    const { courier, has, loop } = bench({
      terminal: {
        look: () => {
          looks += 1;
          return Promise.resolve(seen(''));
        },
      },
    });
    await loop.submit(take);
    courier.wake();
    await until('it is told', () => has('prompt.held'));
    expect(looks).toBe(1);
    await loop.submit(give);
    courier.wake();
    await until('it is typed', () => has('prompt.typed'), { withinMs: 1000 });
    await courier.stop();
  });

  it('by typing in it is theirs before the delivery says that it is held', async () => {
    const { courier, has, journal } = bench({ terminal: { look: () => Promise.resolve(seen('what if')) } });
    courier.wake();
    await until('it is told', () => has('prompt.held'));
    await courier.stop();
    expect(journal.map(({ kind }) => kind)).toEqual(['pane.taken', 'pane.used', 'prompt.held']);
  });
});

describe('what tmux itself refuses', () => {
  it('is a paste into a box that is empty no more: it is typed later, under the same number', async () => {
    let pastes = 0;
    const boxes: unknown[] = [];
    const { courier, has, journal, box } = bench({
      terminal: {
        paste: (_pane, text, rows) => {
          pastes += 1;
          boxes.push(rows);
          if (pastes === 1) return Promise.resolve('refused');
          box.draft = text;
          return Promise.resolve('typed');
        },
      },
    });
    courier.wake();
    await until('it is typed', () => has('prompt.typed'));
    await courier.stop();
    expect(boxes).toEqual([['❯ '], ['❯ ']]);
    expect(journal.map(({ kind }) => kind).slice(0, 3)).toEqual([
      'prompt.intended',
      'prompt.reopened',
      'prompt.intended',
    ]);
  });

  it('is an Enter while the screen moves: it is pressed as soon as it stands still, and journaled once', async () => {
    let presses = 0;
    const { courier, has, journal, line } = bench({
      terminal: {
        press: (_pane, key, rows) => {
          presses += 1;
          expect([key, rows]).toEqual(['enter', [{ text: `❯ ${line}`, at: 1 }]]);
          return Promise.resolve(presses < 4 ? 'refused' : 'typed');
        },
      },
    });
    courier.wake();
    await until('it is pressed', () => presses === 4);
    await courier.stop();
    expect(has('prompt.entered')).toMatchObject({ times: 1 });
    expect(journal.filter(({ kind }) => kind === 'prompt.entered')).toHaveLength(1);
  });

  it('for good is not tried for ever', async () => {
    let presses = 0;
    const { courier, has } = bench({
      terminal: {
        press: () => {
          presses += 1;
          return Promise.resolve('refused');
        },
      },
      provider: { timing: { ...playedProvider().timing, enterAgainAfterMs: [], evidenceWithinMs: 300 } },
    });
    courier.wake();
    await until('it is told', () => has('prompt.stuck'));
    await courier.stop();
    expect(has('prompt.stuck')).toMatchObject({ outcome: 'typed_not_submitted' });
    expect(presses).toBeLessThanOrEqual(20);
  });
});
