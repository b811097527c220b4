import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { HAND_BACK_NOTICE_MS } from '../../src/core/due.ts';
import type { Event } from '../../src/core/event.ts';
import { throughDoors } from '../rig/doors.ts';
import { journaled, openStep, stepDone, wordsTo } from '../rig/flow.ts';
import { attachHuman, type Human } from '../rig/human.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/** Two roles by turns. Nobody is reminded, so that what is typed is what was asked for. */
const WORKFLOW = JSON.stringify({
  name: 'shared',
  reminder: '[CONTINUE]: {checkpoint} is not there yet',
  reminders: 0,
  roles: {
    writer: { title: 'Writer', instructions: '01_orchestrator.md' },
    checker: { title: 'Checker', instructions: '01_orchestrator.md' },
  },
  steps: [
    { id: 'draft', role: 'writer', prompt: 'Write the draft', checkpoint: '101-draft.md' },
    { id: 'review', role: 'checker', prompt: 'Review the draft', checkpoint: '102-review.md' },
    { id: 'polish', role: 'writer', prompt: 'Polish the draft', checkpoint: '103-polish.md' },
    { id: 'recheck', role: 'checker', prompt: 'Check it again', checkpoint: '104-recheck.md' },
    { id: 'summary', role: 'writer', prompt: 'Sum up', checkpoint: 'SUMMARY.md', kind: 'summary' },
  ],
});
/** Of the second step: the two roles get their instructions first. */
const REVIEW = 'Review the draft [tmops#4]';

const configWith = (human: string): string => `features:
  concurrent_limit: 20
  default_phases: [writer, checker]
workflow: tools/shared.yaml
evidence:
  enabled: false
human: {${human}}`;

/** What people have in their tmux.conf: the wheel scrolls, borders can be dragged, and a key of their own. */
const TMUX_CONF = 'set -g mouse on\nbind -n F9 set -g @theirs pressed\n';

const PREFIX = '\x02';
const DELETE = '\x7f';
const F12 = '\x1b[24~';

let product: Product;
let human: Human | null = null;

/** Somebody in front of a pane who does nothing for most of the file: time goes by meanwhile. */
let patient: Human | null = null;
const RETURNING = 'returning';
/** The least that the configuration takes. */
const HAND_BACK_AFTER_MS = 20_000;

beforeAll(async () => {
  const files = { 'tools/shared.yaml': WORKFLOW };
  const config = configWith(`hand_back_after: ${HAND_BACK_AFTER_MS / 1000}s`);
  product = await openProduct({ play: 'wait', config, files, tmuxConf: TMUX_CONF });
  await started(RETURNING);
  patient = await inFrontOf(RETURNING, 'checker');
  // Not one who leaves with the next test.
  human = null;
  patient.type('hm');
  await told(RETURNING, 'pane.taken', 'checker');
  await done(RETURNING, 'draft', '101-draft.md');
  await held(RETURNING);
  await product.configure({ play: 'wait', config: configWith('') });
});
afterEach(async () => {
  await human?.leave();
  human = null;
});
afterAll(async () => {
  await patient?.leave();
  await product.dispose();
});

async function started(feature: string): Promise<void> {
  await product.json('init', feature);
  await product.json('start', feature);
  await openStep(product, feature);
  // Both roles have read their instructions: a hand laid on a pane before that would meet another prompt than the test means.
  for (const prompt of [1, 2, 3]) await arrived(feature, prompt);
}

/** Somebody attaches and sees the panes. */
async function attached(feature: string, size = { cols: 160, rows: 50 }): Promise<Human> {
  await human?.leave();
  const there = attachHuman(product.server, `tmops-${feature}`, size);
  human = there;
  await until('the session is drawn', () => there.drawn().includes(`[tmops-${feature}]`));
  return there;
}

/** The same, with their hands on one pane. */
async function inFrontOf(feature: string, role: string): Promise<Human> {
  const there = await attached(feature);
  await product.server.run('select-pane', '-t', (await paneOf(feature, role)).id);
  return there;
}

interface Pane {
  readonly id: string;
  readonly role: string;
  readonly state: string;
  readonly mode: string;
  readonly left: number;
  readonly top: number;
  readonly height: number;
}

async function panesOf(feature: string): Promise<Pane[]> {
  const format = '#{pane_id}|#{@tmops_role}|#{@tmops_state}|#{pane_mode}|#{pane_left}|#{pane_top}|#{pane_height}';
  const lines = await product.server.run('list-panes', '-s', '-t', `=tmops-${feature}:`, '-F', format);
  return lines.split('\n').map((line) => {
    const [id = '', role = '', state = '', mode = '', left, top, height] = line.split('|');
    return { id, role, state, mode, left: Number(left), top: Number(top), height: Number(height) };
  });
}

async function paneOf(feature: string, role: string): Promise<Pane> {
  const pane = (await panesOf(feature)).find((each) => each.role === role);
  if (!pane) throw new Error(`${feature} has no pane of ${role}`);
  return pane;
}

const write = (feature: string, file: string, from = 'Writer'): Promise<void> =>
  product.put(feature, `checkpoints/${file}`, checkpointText(feature, from, 'All'));

/** The step's checkpoint is there and counts. */
async function done(feature: string, step: string, file: string, from?: string): Promise<void> {
  await write(feature, file, from);
  await stepDone(product, feature, step);
}

/** Every byte that a role's agent read. */
const bytesTo = async (feature: string, role: string): Promise<string> =>
  (await readFile(product.path(feature, 'current', 'agents', role, 'rehearsal', 'bytes.log'))).toString();

const typedTo = async (feature: string, role: string, line: string): Promise<number> =>
  (await bytesTo(feature, role)).split(line).length - 1;

type Told<K extends Event['kind']> = Extract<Event, { kind: K }>;

/** The event of that kind of the role with that number, from 1; waits for it. */
function told<K extends 'pane.taken' | 'pane.left' | 'pane.returning' | 'pane.given'>(
  feature: string,
  kind: K,
  role: string,
  number = 1,
): Promise<Told<K>> {
  return journaled(
    product,
    feature,
    `${kind} ${number} of ${role}`,
    (events) =>
      events.filter((event): event is Told<K> => event.kind === kind && 'role' in event && event.role === role)[
        number - 1
      ],
  );
}

const arrived = (feature: string, prompt: number): Promise<Event> =>
  journaled(product, feature, `prompt ${prompt} was taken`, (events) =>
    events.find((event) => event.kind === 'prompt.taken' && event.prompt === prompt),
  );

const held = (feature: string): Promise<OutputOf<'status'>> =>
  product.reached(
    feature,
    'a prompt is held',
    ({ prompts }) => prompts.some(({ outcome }) => outcome === 'held_for_human'),
    10_000,
  );

describe('who types in a pane', () => {
  const FEATURE = 'typing';

  it('has it with the first visible key: the hand-off waits, visibly, and nothing is typed', async () => {
    await started(FEATURE);
    const there = await inFrontOf(FEATURE, 'checker');
    const before = await bytesTo(FEATURE, 'checker');
    there.type('h');
    expect(await told(FEATURE, 'pane.taken', 'checker')).toMatchObject({ how: 'use', by: 'human' });
    there.type('alf a thought');
    await done(FEATURE, 'draft', '101-draft.md');
    const { waitsFor, panes } = await held(FEATURE);
    expect(waitsFor).toContain("A human holds the checker's pane");
    expect(panes.find(({ role }) => role === 'checker')).toMatchObject({ holder: 'human' });
    await until('the border says so', async () => (await paneOf(FEATURE, 'checker')).state === 'human');
    await until('the border is drawn', () => there.drawn().includes('checker: human'));
    await until('the status line is drawn', () => there.drawn().includes('human: checker'));
    await until('the draft is there', async () => (await bytesTo(FEATURE, 'checker')) === `${before}half a thought`);
  });

  it('keeps a half-typed draft when it is handed back, and the draft holds the delivery', async () => {
    const before = await bytesTo(FEATURE, 'checker');
    const there = await inFrontOf(FEATURE, 'checker');
    await product.json('give', FEATURE, 'checker');
    expect(await told(FEATURE, 'pane.given', 'checker')).toMatchObject({ how: 'command', by: 'cli' });
    expect(await told(FEATURE, 'pane.taken', 'checker', 2)).toMatchObject({
      how: 'use',
      why: 'a draft that is not ours stands in the composer',
    });
    expect(await bytesTo(FEATURE, 'checker')).toBe(before);
    there.type(DELETE.repeat('half a thought'.length));
    await told(FEATURE, 'pane.left', 'checker');
    expect(await typedTo(FEATURE, 'checker', REVIEW)).toBe(0);
    await product.json('give', FEATURE, 'checker');
    await arrived(FEATURE, 4);
    expect(await typedTo(FEATURE, 'checker', REVIEW)).toBe(1);
    expect((await wordsTo(product, FEATURE, 'checker')).slice(1)).toEqual(['Review the draft']);
  });

  it('may have the work done themselves: the checkpoint counts while they hold the pane', async () => {
    const there = await inFrontOf(FEATURE, 'checker');
    there.type('write it now\r');
    expect(await told(FEATURE, 'pane.taken', 'checker', 3)).toMatchObject({ how: 'use' });
    await done(FEATURE, 'review', '102-review.md', 'Checker');
    expect((await openStep(product, FEATURE)).step).toBe('polish');
    expect((await wordsTo(product, FEATURE, 'checker')).slice(1)).toEqual(['Review the draft', 'write it now']);
    expect(await typedTo(FEATURE, 'writer', 'Polish the draft')).toBe(1);
    await product.json('stop', FEATURE);
  });
});

describe('who scrolls', () => {
  const FEATURE = 'scrolling';

  it('in copy mode by the keyboard has the pane while they look', async () => {
    await started(FEATURE);
    const there = await inFrontOf(FEATURE, 'checker');
    there.type(`${PREFIX}[`);
    expect(await told(FEATURE, 'pane.taken', 'checker')).toMatchObject({
      how: 'use',
      why: 'somebody reads the pane in copy mode',
    });
    await done(FEATURE, 'draft', '101-draft.md');
    await held(FEATURE);
    expect(await typedTo(FEATURE, 'checker', REVIEW)).toBe(0);
    expect((await paneOf(FEATURE, 'checker')).mode).toBe('copy-mode');
    there.type('q');
    await told(FEATURE, 'pane.left', 'checker');
    await product.json('give', FEATURE, 'checker');
    await arrived(FEATURE, 4);
    expect(await typedTo(FEATURE, 'checker', REVIEW)).toBe(1);
  });

  it('with the wheel too, until they have scrolled down again', async () => {
    const there = await inFrontOf(FEATURE, 'writer');
    const { left, top } = await paneOf(FEATURE, 'writer');
    const wheel = (button: number): void => {
      there.type(`\x1b[<${button};${left + 4};${top + 4}M`);
    };
    wheel(64);
    expect(await told(FEATURE, 'pane.taken', 'writer')).toMatchObject({ how: 'use' });
    await until('they have left copy mode', async () => {
      wheel(65);
      return (await paneOf(FEATURE, 'writer')).mode === '';
    });
    await told(FEATURE, 'pane.left', 'writer');
    await product.json('stop', FEATURE);
  });
});

describe('who only arranges what they see', () => {
  const FEATURE = 'dragging';

  it('holds nothing: panes are found again and the work goes on', async () => {
    await started(FEATURE);
    const there = await attached(FEATURE);
    const before = await panesOf(FEATURE);
    const row = borderBetween(before);
    there.type(`\x1b[<0;60;${row}M\x1b[<32;60;${row - 1}M\x1b[<32;60;${row - 6}M\x1b[<0;60;${row - 6}m`);
    await until('the border was dragged', async () => heights(await panesOf(FEATURE)) !== heights(before));
    there.type(`${PREFIX}}`);
    await until('the panes have changed places', async () => placesOf(await panesOf(FEATURE)) !== placesOf(before));
    await done(FEATURE, 'draft', '101-draft.md');
    expect((await openStep(product, FEATURE)).step).toBe('review');
    there.resize(100, 30);
    await until('the window follows', async () => (await widthOfWindow(FEATURE)) === 100);
    await done(FEATURE, 'review', '102-review.md', 'Checker');
    expect((await openStep(product, FEATURE)).step).toBe('polish');
    there.type(`${PREFIX}d`);
    await until('nobody is there', async () => (await clientsOf(FEATURE)) === '');
    await done(FEATURE, 'polish', '103-polish.md');
    expect((await openStep(product, FEATURE)).step).toBe('recheck');
    await attached(FEATURE, { cols: 132, rows: 40 });
    await done(FEATURE, 'recheck', '104-recheck.md', 'Checker');
    expect((await openStep(product, FEATURE)).step).toBe('summary');
    expect((await product.events(FEATURE)).filter(({ kind }) => kind.startsWith('pane.'))).toEqual([]);
    const words = await Promise.all(['writer', 'checker'].map((role) => wordsTo(product, FEATURE, role)));
    expect(words.map((lines) => lines.slice(1))).toEqual([
      ['Write the draft', 'Polish the draft', 'Sum up'],
      ['Review the draft', 'Check it again'],
    ]);
    await product.json('stop', FEATURE);
  });

  /** Row of the border above the lower pane, counted from 1. */
  function borderBetween(panes: readonly Pane[]): number {
    const lower = panes.find(({ top }) => top > 1);
    if (!lower) throw new Error(`No pane below another: ${JSON.stringify(panes)}`);
    return lower.top;
  }
  const heights = (panes: readonly Pane[]): string => panes.map(({ height }) => height).join();
  const clientsOf = (feature: string): Promise<string> => product.server.run('list-clients', '-t', `=tmops-${feature}`);
  const placesOf = (panes: readonly Pane[]): string => panes.map(({ role }) => role).join();
  const widthOfWindow = async (feature: string): Promise<number> =>
    Number(await product.server.run('display-message', '-p', '-t', `=tmops-${feature}:`, '#{window_width}'));
});

describe('a pane that nobody uses any more', () => {
  it('does not go back while a draft stands in it', async () => {
    const { at } = await told(RETURNING, 'pane.taken', 'checker');
    // Longer than it would take to be announced, were it not for the draft.
    await until('the time has come', () => Date.now() > at + HAND_BACK_AFTER_MS - HAND_BACK_NOTICE_MS + 1000, {
      withinMs: HAND_BACK_AFTER_MS,
    });
    expect((await product.events(RETURNING)).filter(({ kind }) => kind === 'pane.returning')).toEqual([]);
  });

  it('says that it goes back once the draft is gone', async () => {
    patient?.type(DELETE.repeat(2));
    const { at, backAt } = await told(RETURNING, 'pane.returning', 'checker');
    expect(backAt - at).toBe(HAND_BACK_NOTICE_MS);
    await until('the border says so', () => /checker: human, goes back in \d+ s/.test(patient?.drawn() ?? ''));
  });
});

describe('human.take_key', () => {
  const FEATURE = 'pressing';

  it('takes the pane that it is pressed in and gives it, and leaves no trace', async () => {
    await product.configure({ play: 'wait', config: configWith('take_key: F12') });
    const root = (): Promise<string> => product.server.run('list-keys', '-T', 'root');
    await started(FEATURE);
    const before = await root();
    expect(before).toContain('F9');
    const there = await inFrontOf(FEATURE, 'checker');
    const bytes = await bytesTo(FEATURE, 'checker');
    there.type(F12);
    expect(await told(FEATURE, 'pane.taken', 'checker')).toMatchObject({ how: 'command', by: 'key' });
    await done(FEATURE, 'draft', '101-draft.md');
    await held(FEATURE);
    expect(await bytesTo(FEATURE, 'checker')).toBe(bytes);
    there.type(F12);
    expect(await told(FEATURE, 'pane.given', 'checker')).toMatchObject({ how: 'command', by: 'key' });
    await arrived(FEATURE, 4);
    expect(await typedTo(FEATURE, 'checker', REVIEW)).toBe(1);
    const ours = `keys-of-tmops-${FEATURE}`;
    expect(await product.server.run('list-keys', '-T', ours)).toContain('F12');
    // Another session keeps the server up.
    await product.server.run('new-session', '-d', '-s', 'theirs', 'cat');
    await product.json('stop', FEATURE);
    await until('the table is gone', () =>
      product.server.run('list-keys', '-T', ours).then(
        () => false,
        (error: unknown) => String(error).includes("doesn't exist"),
      ),
    );
    expect(await root()).toBe(before);
  });
});

describe('three doors at once', () => {
  const SEED = 20_260_402;
  const ROUNDS = 15;

  it('act in random order: nothing is typed into a held pane, nothing is lost or doubled', async () => {
    const { faults, counts } = await throughDoors(SEED, ROUNDS);
    process.stdout.write(`${ROUNDS} rounds of seed ${SEED}: ${JSON.stringify(counts)}\n`);
    expect(faults, `seed ${SEED}`).toEqual([]);
  }, 120_000);
});

// Ten seconds have passed.
describe('a pane whose return was announced', () => {
  it('has gone back by itself, and gets what waited for it', async () => {
    const { backAt } = await told(RETURNING, 'pane.returning', 'checker');
    const given = await told(RETURNING, 'pane.given', 'checker');
    expect(given).toMatchObject({ how: 'idle', by: 'tmops' });
    expect(given.at).toBeGreaterThanOrEqual(backAt);
    await arrived(RETURNING, 4);
    expect(await typedTo(RETURNING, 'checker', REVIEW)).toBe(1);
    await product.json('stop', RETURNING);
  });
});
