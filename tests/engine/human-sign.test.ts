import { describe, expect, it } from 'vitest';
import type { PaneSight } from '../../src/core/delivery.ts';
import { typedLine, type PromptStage, type Run } from '../../src/core/run.ts';
import type { Screen } from '../../src/core/screen.ts';
import { humanSign } from '../../src/engine/human-sign.ts';
import { put, started } from '../rig/run.ts';

const AT = 1_000_000;
const base = ((): Run => {
  const story = started();
  put(story, { kind: 'message', role: 'worker', line: 'Read the fixture', file: null });
  return story.run;
})();
const line = typedLine({ id: 1, line: 'Read the fixture' });

/** The run with its message at this stage. */
const at = (stage: PromptStage, attempts = 1): Run => ({
  ...base,
  prompts: base.prompts.map((prompt) => ({ ...prompt, stage, attempts })),
});
const typed = (agoMs: number): Run => at({ kind: 'typed', generation: 1, at: AT - agoMs });
const taken = (agoMs: number): Run =>
  at({ kind: 'taken', at: AT - agoMs, writtenAt: AT - agoMs, queued: false, turnEnded: false });

const pane: Extract<PaneSight, { kind: 'seen' }> = {
  kind: 'seen',
  dead: false,
  inMode: false,
  inputOff: false,
  watchers: 1,
  cols: 100,
  rows: 30,
  pasted: '',
};
const box = (draft: string): Screen => ({ kind: 'composer', draft, rows: [], busy: false });
const menu = (draft: string): Screen => ({ kind: 'composer-mode', mode: 'menu', draft });
const signOf = (run: Run, screen: Screen, over: Partial<typeof pane> = {}): string | null =>
  humanSign(run, 'worker', { pane: { ...pane, ...over }, screen, alive: 'alive' }, AT)?.sign ?? null;

describe('is a sign', () => {
  const rows: [string, Run, Screen, Partial<typeof pane>, string][] = [
    ['a letter', base, box('x'), {}, 'draft'],
    ['a draft while the agent works', base, { ...box('x'), busy: true } as Screen, {}, 'draft'],
    ['a command that is being typed', base, menu('/he'), {}, 'draft'],
    ['shell mode, empty or not', base, { kind: 'composer-mode', mode: 'shell', draft: '' }, {}, 'key'],
    ['a transcript', base, { kind: 'view', name: 'transcript' }, {}, 'key'],
    ['copy mode with somebody there', base, box(''), { inMode: true }, 'copy-mode'],
    ['something behind our line', typed(10), box(`${line}x`), {}, 'draft'],
    ['something before our line', typed(10), box(`x${line}`), {}, 'draft'],
    ['our line, of which the end was taken away', typed(5000), box(line.slice(0, 8)), {}, 'draft'],
    ['our line, which nobody has typed yet', at({ kind: 'wanted' }, 0), box(line), {}, 'draft'],
    ['the beginning of a line that is to be typed again', at({ kind: 'wanted' }), box('Read'), {}, 'draft'],
    ['our line, long after the agent took it', taken(5000), box(line), {}, 'draft'],
  ];
  it.each(rows)('%s', (_what, run, screen, over, sign) => {
    expect(signOf(run, screen, over)).toBe(sign);
  });
});

describe('is no sign', () => {
  const rows: [string, Run, Screen, Partial<typeof pane>][] = [
    ['an empty box', base, box(''), {}],
    ['our line on its way, half drawn', typed(10), box('Readthe'), {}],
    ['our line, wrapped', typed(60_000), box('Read the\n  fixture [tmops#1]'), {}],
    ['our line of before, that stands there still', at({ kind: 'wanted' }), box(line), {}],
    ['our line, which was just taken', taken(100), box(line), {}],
    ['a dialog', base, { kind: 'dialog', dialog: { name: 'trust', text: '', choices: [], hint: '' } }, {}],
    ['a screen that is not known', base, { kind: 'unknown' }, {}],
    ['copy mode that nobody looks at', base, box(''), { inMode: true, watchers: 0 }],
    ['a draft in a dead pane', base, box('x'), { dead: true }],
  ];
  it.each(rows)('%s', (_what, run, screen, over) => {
    expect(signOf(run, screen, over)).toBeNull();
  });

  it('a pane that could not be looked at', () => {
    const seen = { screen: box('x'), alive: 'alive' } as const;
    expect(humanSign(base, 'worker', { ...seen, pane: { kind: 'unknown', why: 'w' } }, AT)).toBeNull();
    expect(humanSign(base, 'worker', { ...seen, pane: { kind: 'gone' } }, AT)).toBeNull();
  });

  it('a draft on the screen of an agent that has ended', () => {
    expect(humanSign(base, 'worker', { pane, screen: box('x'), alive: 'gone' }, AT)).toBeNull();
  });
});

it('is told from the next one by its trace', () => {
  const traceOf = (draft: string) => humanSign(base, 'worker', { pane, screen: box(draft), alive: 'alive' }, AT)?.trace;
  expect(traceOf('what')).not.toBe(traceOf('what if'));
  expect(traceOf('what if')).toBe(traceOf('what\n  if'));
});
