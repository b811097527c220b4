import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOOK_AGAIN, nextMove, type Move, type PaneSight, type Sight } from '../../src/core/delivery.ts';
import type { Screen } from '../../src/core/screen.ts';

const line = '[BEGIN]: Start test writing [tmops#7]';
const pane: Extract<PaneSight, { kind: 'seen' }> = {
  kind: 'seen',
  dead: false,
  inMode: false,
  inputOff: false,
  watchers: 0,
  cols: 109,
  rows: 48,
  pasted: '7.1',
};
const composer = (draft: string): Screen => ({ kind: 'composer', draft, rows: boxOf(draft), busy: false });
const boxOf = (draft: string) => draft.split('\n').map((row, index) => ({ text: `❯ ${row}`, at: 7 + index }));
const dialog: Screen = {
  kind: 'dialog',
  dialog: { name: 'permission', text: '\n Do you want to?\n', choices: ['1. Yes'], hint: '' },
};

const ready: Sight = {
  now: 10_000,
  stage: { kind: 'wanted' },
  line,
  generation: 2,
  attempts: 0,
  mark: '7.1',
  sessionBegun: true,
  hold: null,
  whenIdle: false,
  enterRefused: false,
  launchedAt: 0,
  alive: 'alive',
  activity: { kind: 'idle' },
  pane,
  screen: composer(''),
  seenAt: null,
  takenBefore: null,
  timing: {
    settleMs: 20,
    enterAgainAfterMs: [1000, 3000],
    echoWithinMs: 2000,
    evidenceWithinMs: 5000,
    readyWithinMs: 20_000,
  },
};

const typed = (agoMs: number, generation = 2): Partial<Sight> => ({
  stage: { kind: 'typed', generation, at: 10_000 - agoMs },
  screen: composer(line),
});
const entered = (times: number, agoMs: number): Partial<Sight> => ({
  stage: { kind: 'entered', generation: 2, at: 10_000 - agoMs, times, busy: null },
  screen: composer(line),
});
const intended = (agoMs: number): Partial<Sight> => ({
  stage: { kind: 'intended', generation: 2, at: 10_000 - agoMs },
});

type Row = [given: string, sight: Partial<Sight>, move: Partial<Move>];

function rows(title: string, table: Row[]): void {
  describe(title, () => {
    it.each(table)('%s', (_given, over, move) => {
      expect(nextMove({ ...ready, ...over })).toMatchObject(move);
    });
  });
}

rows('before a byte is typed', [
  ['an idle agent with an empty composer', {}, { do: 'type', rows: boxOf('') }],
  [
    'a busy agent: it queues by itself',
    { activity: { kind: 'busy' }, screen: { ...composer(''), busy: true } as Screen },
    { do: 'type' },
  ],
  ['an agent without a status of its own', { activity: { kind: 'unknown' } }, { do: 'type' }],
  ['an agent that is gone', { alive: 'gone' }, { do: 'hold', outcome: 'agent_dead' }],
  ['an agent that could not be looked at', { alive: 'unknown' }, { do: 'hold', outcome: 'held_for_human' }],
  ['an agent that is being started', { alive: 'not-started' }, { do: 'hold', outcome: 'not_ready' }],
  ['a pane that is gone', { pane: { kind: 'gone' } }, { do: 'hold', outcome: 'agent_dead' }],
  [
    'a pane that could not be looked at',
    { pane: { kind: 'unknown', why: 'late' } },
    { do: 'hold', outcome: 'held_for_human', reason: 'the pane could not be looked at (late)' },
  ],
  ['a dead pane', { pane: { ...pane, dead: true } }, { do: 'hold', outcome: 'agent_dead' }],
  ['a pane whose input is off', { pane: { ...pane, inputOff: true } }, { do: 'hold', outcome: 'held_for_human' }],
  [
    'copy mode with somebody reading',
    { pane: { ...pane, inMode: true, watchers: 1 } },
    { do: 'hold', outcome: 'held_for_human' },
  ],
  ['copy mode with nobody there', { pane: { ...pane, inMode: true } }, { do: 'leave-mode' }],
  [
    'a pane of 38 columns',
    { pane: { ...pane, cols: 38 } },
    { do: 'hold', reason: 'the pane is too small (38x48; at least 39x8)' },
  ],
  ['a pane of 7 rows', { pane: { ...pane, rows: 7 } }, { do: 'hold', outcome: 'held_for_human' }],
  ['a dialog', { screen: dialog }, { do: 'hold', outcome: 'blocked_by_dialog', reason: 'permission: Do you want to?' }],
  [
    'an agent that says it waits',
    { activity: { kind: 'waiting', waitingFor: 'input needed' } },
    { do: 'hold', outcome: 'blocked_by_dialog' },
  ],
  ['a transcript', { screen: { kind: 'view', name: 'transcript' } }, { do: 'hold', outcome: 'held_for_human' }],
  [
    'shell mode',
    { screen: { kind: 'composer-mode', mode: 'shell', draft: '' } },
    { do: 'hold', reason: 'the composer is in shell mode' },
  ],
  [
    'an open menu',
    { screen: { kind: 'composer-mode', mode: 'menu', draft: '/' } },
    { do: 'hold', reason: 'a menu is open in the composer' },
  ],
  ['a draft of somebody else', { screen: composer('human is typ') }, { do: 'hold', outcome: 'held_for_human' }],
  ['our own words, typed by somebody else', { screen: composer(line) }, { do: 'hold', outcome: 'held_for_human' }],
  ['our own words, typed by us before', { screen: composer(line), attempts: 1 }, { do: 'note-typed' }],
  ['a composer before the session was reported', { sessionBegun: false }, { do: 'hold', outcome: 'not_ready' }],
  ['a session that is never reported', { sessionBegun: false, now: 30_000 }, { do: 'hold', outcome: 'held_for_human' }],
  [
    'a screen that is never recognised',
    { screen: { kind: 'unknown' }, now: 30_000 },
    { do: 'hold', reason: 'the composer cannot be found on the screen' },
  ],
]);

const HELD = 'cli took the pane';
const heldBy = (reason: string): Partial<Move> => ({ do: 'hold', outcome: 'held_for_human', reason });

rows('while somebody holds the pane or the run', [
  ['nothing is typed, ready as all may be', { hold: HELD }, heldBy(HELD)],
  ['a dead agent is not what it waits for', { hold: HELD, alive: 'gone' }, heldBy(HELD)],
  [
    'what was to be typed may stand there by now',
    { hold: HELD, ...intended(50), screen: composer(line) },
    heldBy(HELD),
  ],
  ['our line stands and settled: no Enter', { hold: HELD, ...typed(100), seenAt: 9000 }, heldBy(HELD)],
  ['Enter was pressed: its report may still come', { hold: HELD, ...entered(1, 1200) }, { do: 'wait' }],
  ['Enter was journaled and not pressed', { hold: HELD, ...entered(1, 10), enterRefused: true }, heldBy(HELD)],
  ['Enter was pressed and no report came', { hold: HELD, ...entered(1, 5100) }, heldBy(HELD)],
  [
    'a copy mode of theirs is left alone, watched or not',
    { hold: HELD, ...entered(1, 1200), pane: { ...pane, inMode: true } },
    { do: 'wait' },
  ],
]);

rows('a message', [
  ['is typed to an idle agent', { whenIdle: true }, { do: 'type' }],
  [
    'waits while the agent says that it works',
    { whenIdle: true, activity: { kind: 'busy' } },
    { do: 'hold', outcome: 'queued' },
  ],
  [
    'waits while the screen says that it works',
    { whenIdle: true, activity: { kind: 'unknown' }, screen: { ...composer(''), busy: true } as Screen },
    { do: 'hold', outcome: 'queued' },
  ],
  [
    'has other reasons to wait first',
    { whenIdle: true, activity: { kind: 'busy' }, screen: composer('human is typ') },
    { do: 'hold', outcome: 'held_for_human' },
  ],
  [
    'that stands there goes on',
    { whenIdle: true, activity: { kind: 'busy' }, ...typed(100), seenAt: 9000 },
    { do: 'enter' },
  ],
]);

rows('after a crash between the word and the deed', [
  ['the text stands in the composer', { ...intended(50), screen: composer(line) }, { do: 'note-typed' }],
  ['it may still be on its way', intended(50), { do: 'wait' }],
  ['it was pasted and never came', intended(3000), { do: 'stuck', outcome: 'indeterminate' }],
  [
    'tmux was never told to paste it',
    { ...intended(50), pane: { ...pane, pasted: '6.1' } },
    { do: 'reopen', why: 'tmux was not told to paste it' },
  ],
  [
    'this attempt was not pasted, the one before was',
    { ...intended(50), pane: { ...pane, pasted: '7.1' }, mark: '7.2', attempts: 2 },
    { do: 'reopen' },
  ],
  [
    'tmux cannot be looked at: it is not known',
    { ...intended(50), pane: { kind: 'unknown', why: 'w' }, screen: { kind: 'unknown' } },
    { do: 'wait' },
  ],
  ['the agent was started again since', { ...intended(50), generation: 3 }, { do: 'reopen' }],
]);

rows('once it is typed', [
  ['not seen yet', { ...typed(100), screen: composer('') }, { do: 'wait' }],
  ['seen, not settled', { ...typed(100), seenAt: 9990 }, { do: 'wait', ms: 10 }],
  ['seen and settled', { ...typed(100), seenAt: 9900 }, { do: 'enter', rows: boxOf(line) }],
  [
    'wrapped over rows',
    { ...typed(100), seenAt: 9900, screen: composer('[BEGIN]: Start test\n  writing [tmops#7]') },
    { do: 'enter', rows: boxOf('[BEGIN]: Start test\n  writing [tmops#7]') },
  ],
  [
    'something was added to it',
    { ...typed(100), seenAt: 9900, screen: composer(`${line} and`) },
    { do: 'stuck', outcome: 'typed_not_submitted' },
  ],
  ['a dialog opened', { ...typed(100), screen: dialog }, { do: 'stuck', outcome: 'typed_not_submitted' }],
  [
    'a dialog is about to be drawn: the keyboard is its own already',
    { ...typed(100), seenAt: 9900, activity: { kind: 'waiting', waitingFor: 'permission' } },
    { do: 'stuck', outcome: 'typed_not_submitted', reason: 'the agent waits for an answer (permission)' },
  ],
  ['it never shows', { ...typed(2500), screen: composer('') }, { do: 'stuck', outcome: 'indeterminate' }],
  [
    'copy mode with somebody reading',
    { ...typed(100), seenAt: 9900, pane: { ...pane, inMode: true, watchers: 1 } },
    { do: 'stuck', outcome: 'typed_not_submitted' },
  ],
  [
    'copy mode with nobody there',
    { ...typed(100), seenAt: 9900, pane: { ...pane, inMode: true } },
    { do: 'leave-mode' },
  ],
  ['the agent died', { ...typed(100), alive: 'gone' }, { do: 'hold', outcome: 'agent_dead' }],
  ['the pane died', { ...typed(100), pane: { ...pane, dead: true } }, { do: 'wait', ms: LOOK_AGAIN.heldMs }],
  ['the agent was started again', typed(100, 1), { do: 'reopen' }],
]);

rows('once Enter was pressed', [
  ['evidence may still come', { ...entered(1, 500), screen: composer('') }, { do: 'wait' }],
  ['the text still stands, too early for another', entered(1, 500), { do: 'wait' }],
  ['the text still stands after the first pause', entered(1, 1200), { do: 'enter' }],
  ['the text still stands after the second', entered(2, 3100), { do: 'enter' }],
  [
    'tmux did not press it, since the screen moved: at once',
    { ...entered(1, 10), enterRefused: true },
    { do: 'enter', rows: boxOf(line) },
  ],
  [
    'tmux did not press it, since somebody typed',
    { ...entered(1, 10), enterRefused: true, screen: composer(`x${line}`) },
    { do: 'stuck', outcome: 'typed_not_submitted' },
  ],
  ['no Enter is left, evidence may come', entered(3, 3100), { do: 'wait' }],
  ['no Enter is left and none came', entered(3, 5100), { do: 'stuck', outcome: 'typed_not_submitted' }],
  [
    'a dialog opened, maybe by the prompt itself: its report may still come',
    { ...entered(1, 1200), screen: dialog },
    { do: 'wait' },
  ],
  [
    'a dialog is open and nothing was reported',
    { ...entered(1, 5100), screen: dialog },
    {
      do: 'stuck',
      outcome: 'indeterminate',
      reason: 'a dialog is open (permission), and the agent did not report the prompt',
    },
  ],
  [
    'a dialog is about to be drawn over the standing text',
    { ...entered(1, 1200), activity: { kind: 'waiting', waitingFor: 'permission' } },
    { do: 'stuck', outcome: 'typed_not_submitted', reason: 'the agent waits for an answer (permission)' },
  ],
  [
    'the text left and nothing was reported',
    { ...entered(1, 5100), screen: composer('') },
    {
      do: 'stuck',
      outcome: 'indeterminate',
      reason: 'Enter was pressed, the text has left the composer, and the agent did not report the prompt',
    },
  ],
  [
    'nothing was reported, and nothing can be seen',
    { ...entered(1, 5100), screen: { kind: 'view', name: 'transcript' } },
    {
      do: 'stuck',
      outcome: 'indeterminate',
      reason: 'Enter was pressed, the composer cannot be seen, and the agent did not report the prompt',
    },
  ],
  [
    'somebody typed behind it',
    { ...entered(1, 1200), screen: composer(`${line}x`) },
    { do: 'stuck', outcome: 'typed_not_submitted' },
  ],
]);

it('types only into an empty composer in front, and presses Enter only behind its own text alone, whatever is seen', () => {
  const screen = fc.constantFrom<Screen>(
    composer(''),
    composer(line),
    composer('human'),
    composer(`${line} more`),
    dialog,
    { kind: 'unknown' },
    { kind: 'view', name: 'transcript' },
    { kind: 'composer-mode', mode: 'shell', draft: '' },
  );
  const stage = fc.oneof(
    fc.constant<Sight['stage']>({ kind: 'wanted' }),
    fc.record({
      kind: fc.constantFrom('intended' as const, 'typed' as const),
      generation: fc.integer({ min: 1, max: 3 }),
      at: fc.integer({ min: 0, max: 10_000 }),
    }),
    fc.record({
      kind: fc.constant('entered' as const),
      generation: fc.integer({ min: 1, max: 3 }),
      at: fc.integer({ min: 0, max: 10_000 }),
      times: fc.integer({ min: 1, max: 4 }),
      busy: fc.constant(null),
    }),
  );
  const seen = fc.record({
    kind: fc.constant('seen' as const),
    dead: fc.boolean(),
    inMode: fc.boolean(),
    inputOff: fc.boolean(),
    watchers: fc.integer({ min: 0, max: 2 }),
    cols: fc.integer({ min: 20, max: 200 }),
    rows: fc.integer({ min: 4, max: 60 }),
    pasted: fc.constantFrom('', '7.1', '6.1'),
  });
  const sight = fc.record({
    screen,
    stage,
    pane: fc.oneof<fc.Arbitrary<PaneSight>[]>(
      seen,
      fc.constant({ kind: 'gone' }),
      fc.constant({ kind: 'unknown', why: 'w' }),
    ),
    alive: fc.constantFrom<Sight['alive']>('alive', 'gone', 'unknown', 'not-started'),
    activity: fc.constantFrom<Sight['activity']>(
      { kind: 'idle' },
      { kind: 'busy' },
      { kind: 'waiting', waitingFor: 'x' },
      { kind: 'unknown' },
    ),
    attempts: fc.integer({ min: 0, max: 2 }),
    sessionBegun: fc.boolean(),
    seenAt: fc.option(fc.integer({ min: 0, max: 10_000 })),
    hold: fc.constantFrom(null, HELD),
    whenIdle: fc.boolean(),
    enterRefused: fc.boolean(),
  });
  fc.assert(
    fc.property(sight, (over) => {
      const all: Sight = { ...ready, ...over };
      const move = nextMove(all);
      if (['type', 'enter', 'leave-mode', 'note-typed'].includes(move.do)) expect(all.hold).toBeNull();
      if (move.do === 'type') {
        expect(all.screen).toEqual(composer(''));
        expect(all).toMatchObject({
          stage: { kind: 'wanted' },
          alive: 'alive',
          sessionBegun: true,
          pane: { kind: 'seen', dead: false, inMode: false, inputOff: false },
        });
        expect(all.activity.kind).not.toBe('waiting');
        if (all.whenIdle) expect(all.activity.kind).not.toBe('busy');
      }
      if (move.do === 'enter') {
        expect(all.screen).toEqual(composer(line));
        expect(['typed', 'entered']).toContain(all.stage.kind);
        expect(all.pane).toMatchObject({ kind: 'seen', dead: false, inMode: false });
        expect(all.activity.kind).not.toBe('waiting');
      }
    }),
    { numRuns: 5000 },
  );
});
