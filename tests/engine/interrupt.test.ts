import { describe, expect, it } from 'vitest';
import type { Screen } from '../../src/core/screen.ts';
import { interruptTurn } from '../../src/engine/interrupt.ts';
import type { PaneLook } from '../../src/engine/ports.ts';
import { crewOf, loopFrom, playedProvider, playedTerminal, seen } from '../rig/ports.ts';
import { deliver, put, started, type Story } from '../rig/run.ts';

const LIMIT_MS = 60_000;
const BUSY = {
  kind: 'composer',
  draft: '',
  rows: [
    { text: '❯', at: 28 },
    { text: 'esc to interrupt', at: 30 },
  ],
  busy: true,
} as const satisfies Screen;

/** The first step took longer than its limit; its turn goes on. */
function overran(): Story {
  const story = started(undefined, { phaseLimitMs: LIMIT_MS });
  put(story, { kind: 'surveyed' });
  for (const id of [1, 2]) deliver(story, id);
  deliver(story, 3, { turn: 'open' });
  story.at += LIMIT_MS;
  put(story, { kind: 'time-passed' });
  if (story.run.overrun?.interrupt.kind !== 'wanted') throw new Error('the step is not over its limit');
  return story;
}

interface Scene {
  readonly story?: Story;
  readonly look?: Partial<Extract<PaneLook, { kind: 'seen' }>>;
  readonly screen?: Screen;
  readonly activity?: 'busy' | 'idle' | 'waiting';
  /** Whether the agent stops when Escape is pressed. */
  readonly stops?: boolean;
}

/** Plays an interrupt on a clock that runs as fast as it is asked. */
async function played({ story = overran(), look = {}, screen = BUSY, activity = 'busy', stops = true }: Scene) {
  let now = story.at;
  const clock = {
    now: () => now,
    sleep: (ms: number) => {
      now += ms;
      return Promise.resolve();
    },
  };
  const { loop, journal } = loopFrom(story.run, clock);
  const keys: { key: string; rows: readonly unknown[]; journaled: boolean }[] = [];
  const terminal = playedTerminal({
    look: () => Promise.resolve({ ...seen(''), ...look } as PaneLook),
    press: async (_pane, key, rows) => {
      keys.push({ key, rows, journaled: journal.at(-1)?.kind === 'interrupt.pressed' });
      if (stops) await loop.submit({ kind: 'agent-interrupted', role: 'lead' });
      return 'typed';
    },
  });
  const provider = playedProvider({
    classify: () => screen,
    activity: () =>
      Promise.resolve(activity === 'waiting' ? { kind: 'waiting', waitingFor: 'input' } : { kind: activity }),
  });
  const crew = { ...crewOf(loop, terminal, provider), clock };
  await interruptTurn(crew, { step: 'plan', role: 'lead' }, new AbortController().signal);
  return { keys, journal, interrupt: loop.run().overrun?.interrupt };
}

describe('Scenario: Resource exhaustion: a turn that is interrupted', () => {
  it('Escape is pressed once, after it was journaled, while the box stands as it was seen', async () => {
    const { keys, interrupt } = await played({});
    expect(keys).toEqual([{ key: 'escape', rows: BUSY.rows, journaled: true }]);
    expect(interrupt).toEqual({ kind: 'ended' });
  });

  it('an agent that goes on is pressed a few times, then it is said', async () => {
    const { keys, interrupt } = await played({ stops: false });
    expect(keys).toHaveLength(3);
    expect(interrupt).toEqual({ kind: 'failed', why: 'Escape was pressed 3 times and it goes on' });
  });

  const dialog = { name: 'permission', text: 'May I?', choices: ['1. Yes', '2. No'], hint: '' };
  const rows: [string, Scene, string][] = [
    ['a dialog has the keyboard', { screen: { kind: 'dialog', dialog } }, 'its pane shows a dialog'],
    ['a view is open', { screen: { kind: 'view', name: 'transcript' } }, 'its pane shows a view'],
    ['nothing is recognised', { screen: { kind: 'unknown' } }, 'its pane shows no composer'],
    ['a text stands in the composer', { screen: { ...BUSY, draft: 'half a tho' } }, 'a text stands in its composer'],
    ['somebody reads in copy mode', { look: { inMode: true, watchers: 1 } }, 'somebody reads the pane in copy mode'],
    ['the screen shows no work', { screen: { ...BUSY, busy: false } }, 'it does not show that it works'],
    ['the agent says that it is idle', { activity: 'idle' }, 'it does not show that it works'],
    ['the agent waits for an answer', { activity: 'waiting' }, 'it waits for an answer (input)'],
    ['its program has ended', { look: { dead: true } }, 'its pane is gone'],
  ];
  it.each(rows)('no key is pressed while %s, and why is told', async (_what, scene, why) => {
    const { keys, interrupt } = await played(scene);
    expect(keys).toEqual([]);
    expect(interrupt).toEqual({ kind: 'failed', why });
  });

  it('no key is pressed in a pane that a human holds', async () => {
    const story = overran();
    put(story, { kind: 'take', roles: ['lead'], by: 'cli' });
    const { keys, journal, interrupt } = await played({ story });
    expect(keys).toEqual([]);
    expect(journal.map(({ kind }) => kind)).toEqual(['interrupt.failed']);
    expect(interrupt).toEqual({ kind: 'failed', why: 'a human holds the pane' });
  });

  it('nothing is done once the turn is over', async () => {
    const story = overran();
    put(story, { kind: 'agent-interrupted', role: 'lead' });
    expect(await played({ story })).toMatchObject({ keys: [], journal: [] });
  });
});
