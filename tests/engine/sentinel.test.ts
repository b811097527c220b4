import { afterEach, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { holderOf } from '../../src/core/run.ts';
import type { RunLoop } from '../../src/engine/loop.ts';
import type { PaneLook, Stop, Terminal } from '../../src/engine/ports.ts';
import { keepSentinel } from '../../src/engine/sentinel.ts';
import { crewOf, loopFrom, playedProvider, playedTerminal, seen } from '../rig/ports.ts';
import { put, started } from '../rig/run.ts';
import { until } from '../rig/wait.ts';

const WORKER = '%1';

let stop: Stop | null = null;
afterEach(async () => {
  await stop?.();
  stop = null;
});

interface Bench {
  readonly loop: RunLoop;
  readonly journal: Event[];
  readonly errors: unknown[];
  /** What the panes show; the worker's can be changed. */
  shows: PaneLook;
  /** How often the worker's pane was looked at. */
  looks(): number;
  /** The worker's program writes something. */
  writes(): void;
  /** A pane entered or left a mode. */
  modeChanged(pane: string): void;
  /** Panes that are listened to. */
  readonly heard: Map<string, () => void>;
}

function bench(over: Partial<Terminal> = {}): Bench {
  const story = started();
  put(story, { kind: 'surveyed' });
  const { loop, journal } = loopFrom(story.run);
  const errors: unknown[] = [];
  const heard = new Map<string, () => void>();
  let looks = 0;
  let mode: (pane: string) => void = () => undefined;
  const made: Bench = {
    loop,
    journal,
    errors,
    heard,
    shows: seen(''),
    looks: () => looks,
    writes: () => heard.get(WORKER)?.(),
    modeChanged: (pane) => {
      mode(pane);
    },
  };
  const terminal = playedTerminal({
    look: (pane) => {
      if (pane !== WORKER) return Promise.resolve(seen(''));
      looks += 1;
      return Promise.resolve(made.shows);
    },
    onOutput: (pane, wrote) => {
      heard.set(pane, wrote);
      return Promise.resolve(() => {
        heard.delete(pane);
        return Promise.resolve();
      });
    },
    onMode: (_session, changed) => {
      mode = changed;
      return () => Promise.resolve();
    },
    ...over,
  });
  stop = keepSentinel(crewOf(loop, terminal, playedProvider()), (error) => errors.push(error));
  return made;
}

const holder = ({ loop }: Bench) => holderOf(loop.run(), 'worker');
const quiet = async (at: Bench): Promise<void> => {
  await until('both panes are listened to', () => at.heard.size === 2);
  await until('the first look is over', () => at.looks() > 0);
  await at.loop.settled();
};

it('a draft takes the pane as soon as the program has drawn it, and is followed until it is gone', async () => {
  const at = bench();
  await quiet(at);
  expect(at.journal).toEqual([]);
  at.shows = seen('w');
  at.writes();
  await until('it is taken', () => holder(at).kind === 'human');
  expect(holder(at)).toMatchObject({ how: 'use', stays: true, why: 'a draft that is not ours stands in the composer' });
  at.shows = seen('');
  at.writes();
  await until('it is gone', () => at.journal.some(({ kind }) => kind === 'pane.left'));
  expect(holder(at)).toMatchObject({ kind: 'human', stays: false });
  expect(holderOf(at.loop.run(), 'lead').kind).toBe('auto');
});

it('a draft that stood there before anybody listened takes the pane', async () => {
  const at = bench({ look: (pane) => Promise.resolve(seen(pane === WORKER ? 'half a thought' : '')) });
  await until('it is taken', () => holder(at).kind === 'human');
});

it('a draft that goes on standing is noted once', async () => {
  const at = bench();
  await quiet(at);
  at.shows = seen('what');
  at.writes();
  await until('it is taken', () => holder(at).kind === 'human');
  const noted = at.journal.length;
  const before = at.looks();
  for (let n = 0; n < 3; n += 1) {
    at.writes();
    await until('it is looked at', () => at.looks() > before + n);
  }
  await at.loop.settled();
  expect(at.journal).toHaveLength(noted);
});

it('copy mode takes the pane although nothing is written, and its end lets go', async () => {
  const at = bench();
  await quiet(at);
  at.shows = { ...seen(''), inMode: true, watchers: 1 } as PaneLook;
  at.modeChanged(WORKER);
  await until('it is taken', () => holder(at).kind === 'human');
  expect(holder(at)).toMatchObject({ why: 'somebody reads the pane in copy mode' });
  at.shows = seen('');
  at.modeChanged(WORKER);
  await until('it is left', () => at.journal.some(({ kind }) => kind === 'pane.left'));
});

it('what is written in one go is looked at a few times, not each time', async () => {
  const at = bench();
  await quiet(at);
  const before = at.looks();
  for (let n = 0; n < 200; n += 1) at.writes();
  await until('it is looked at', () => at.looks() > before);
  for (let n = 0; n < 200; n += 1) at.writes();
  await until('it is looked at again', () => at.looks() > before + 1);
  expect(at.looks()).toBeLessThanOrEqual(before + 3);
});

it('a pane whose output cannot be had is looked at from time to time', async () => {
  const at = bench({ onOutput: () => Promise.resolve(null) });
  await until('it is looked at', () => at.looks() > 0);
  at.shows = seen('x');
  await until('it is taken', () => holder(at).kind === 'human');
});

it('goes on after a look that failed', async () => {
  let fails = true;
  const at = bench({
    look: (pane) =>
      pane === WORKER && fails ? Promise.reject(new Error('no process could be started')) : Promise.resolve(seen('x')),
  });
  await until('it is told', () => at.errors.length > 0);
  fails = false;
  at.writes();
  await until('it is taken', () => holder(at).kind === 'human');
});

it('listens to the pane that its agent stands in now, and to none when it is over', async () => {
  const at = bench();
  await quiet(at);
  await at.loop.submit({ kind: 'agent-placed', role: 'worker', generation: 1, pane: '%7' });
  await until('it has moved', () => at.heard.has('%7') && !at.heard.has(WORKER));
  await stop?.();
  stop = null;
  expect([...at.heard.keys()]).toEqual([]);
});

it('says nothing of a run that is over', async () => {
  const at = bench();
  await quiet(at);
  await at.loop.submit({ kind: 'stop', by: 'cli', why: 'asked to' });
  at.shows = seen('x');
  at.writes();
  await stop?.();
  stop = null;
  expect(at.journal.map(({ kind }) => kind)).toEqual(['run.stopped']);
});

it.each([
  ['the take key takes the pane, and gives it back', 'take-key', ['pane.taken', 'pane.given']],
  ['any other key is a sign of a human', 'other', ['pane.taken']],
] as const)('%s', async (_what, what, kinds) => {
  let press: (pane: string, what: 'take-key' | 'other') => void = () => undefined;
  const at = bench({
    onKey: (_session, _key, callback) => {
      press = callback;
      return Promise.resolve(() => Promise.resolve());
    },
  });
  await quiet(at);
  press(WORKER, what);
  press('%99', what);
  await until('it is taken', () => holder(at).kind === 'human');
  expect(holder(at)).toMatchObject({ how: what === 'other' ? 'use' : 'command', stays: false });
  press(WORKER, what);
  if (what === 'take-key') await until('it is given', () => holder(at).kind === 'auto');
  await at.loop.settled();
  expect(at.journal.map(({ kind }) => kind).slice(0, kinds.length)).toEqual(kinds);
});

it('a session that is lost is not watched any more, and the next one is', async () => {
  const calls: string[] = [];
  const at = bench({
    onKey: () => {
      calls.push('offered');
      return Promise.resolve(() => {
        calls.push('over');
        return Promise.resolve();
      });
    },
  });
  await quiet(at);
  await until('it is offered', () => calls.length === 1);
  await at.loop.submit({ kind: 'session-lost', why: 'the server ended', spareIds: { lead: 'a', worker: 'b' } });
  await until('it is over', () => calls.length === 2);
  await at.loop.submit({ kind: 'agent-placed', role: 'worker', generation: 2, pane: '%5' });
  await until('it is offered again', () => calls.length === 3);
  expect(calls).toEqual(['offered', 'over', 'offered']);
});

it('a key that cannot be offered is told of, and the panes are watched all the same', async () => {
  const at = bench({ onKey: () => Promise.reject(new Error('keys could not be copied')) });
  await quiet(at);
  await until('it is told', () => at.errors.length === 1);
  at.shows = seen('x');
  at.writes();
  await until('it is taken', () => holder(at).kind === 'human');
});
