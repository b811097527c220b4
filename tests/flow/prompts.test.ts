import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentsOf, openStep, partsWorkflow, playText, stepDone } from '../rig/flow.ts';
import { attachHuman } from '../rig/human.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';
import { steer } from '../rig/rehearsal.ts';
import { until } from '../rig/wait.ts';

const FEATURE = 'auth-api';

// The writer takes each prompt and does nothing; its parts are written here, so that the next prompt comes when asked for.
const PLAY = playText(['writer', 'reader'].map((role) => ({ role, when: 'by hand', thinkMs: 0 })));
const CONFIG = 'features:\n  default_phases: [writer, reader]\nworkflow: tools/parts.yaml';
const WORKFLOW = partsWorkflow('parts', [...Array<string>(20).fill('writer'), 'reader']);

let product: Product;
let pane: string;

beforeAll(async () => {
  product = await openProduct({
    play: 'tools/play.yaml',
    config: CONFIG,
    files: { 'tools/parts.yaml': WORKFLOW, 'tools/play.yaml': PLAY },
  });
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
  await openStep(product, FEATURE);
  pane = (await agentsOf(product, FEATURE))['writer']?.pane ?? '';
});
afterAll(() => product.dispose());

const tmux = (...command: string[]): Promise<string> => product.server.run(...command);
const keys = (...names: string[]): Promise<string> => tmux('send-keys', '-t', pane, ...names);
const obey = (verb: Readonly<Record<string, unknown>>) =>
  steer(product.path(FEATURE, 'current', 'agents', 'writer'), verb);
const screen = (): Promise<string> => tmux('capture-pane', '-p', '-t', pane);

/** Ends the open step, so that the writer gets the next prompt. */
async function handOn(): Promise<void> {
  const { step, role, file } = await openStep(product, FEATURE);
  await product.put(FEATURE, `checkpoints/${file}`, checkpointText(FEATURE, role, 'All'));
  await stepDone(product, FEATURE, step);
}

/** The newest prompt, once it has come to this. */
async function comesTo(...outcomes: string[]): Promise<{ prompt: number; reason: string | null }> {
  const { prompts } = await product.reached(FEATURE, `the newest prompt is ${outcomes.join(' or ')}`, (status) =>
    outcomes.includes(status.prompts.at(-1)?.outcome ?? ''),
  );
  return prompts.at(-1) ?? { prompt: 0, reason: null };
}

/** Whoever has used the pane is done with it. Of one that nobody holds nothing comes. */
async function give(): Promise<void> {
  await until('the composer is empty', async () => /^❯\s*$/m.test(await screen()));
  await product.json('give', FEATURE, 'writer');
}

/** How often the agent took this prompt. */
const timesTaken = async (prompt: number): Promise<number> =>
  (await product.prompts(FEATURE, 'writer')).filter(({ text }) => text.endsWith(`[tmops#${prompt}]`)).length;

describe('a prompt is held while the pane is a human’s, and typed once when it is free', () => {
  const scenes: readonly [string, () => Promise<unknown>, string, RegExp, () => Promise<unknown>][] = [
    [
      'holds a draft',
      () => keys('-l', 'my own words'),
      'held_for_human',
      /a draft that is not ours/,
      () => keys('-N', '12', 'BSpace'),
    ],
    ['has a menu open', () => keys('-l', '/mod'), 'held_for_human', /menu/, () => keys('-N', '4', 'BSpace')],
    ['is in shell mode', () => keys('-l', '!'), 'held_for_human', /shell mode/, () => keys('BSpace')],
    ['shows a transcript', () => keys('C-o'), 'held_for_human', /transcript/, () => keys('C-o')],
    [
      'takes no input',
      () => tmux('select-pane', '-d', '-t', pane),
      'held_for_human',
      /input to the pane is switched off/,
      () => tmux('select-pane', '-e', '-t', pane),
    ],
    [
      'asks for a permission',
      () => obey({ do: 'dialog', name: 'permission' }),
      'blocked_by_dialog',
      /permission/,
      () => keys('Escape'),
    ],
  ];
  it.each(scenes)('one that %s', async (_what, occupy, outcome, reason, free) => {
    await openStep(product, FEATURE);
    await occupy();
    await handOn();
    const held = await comesTo(outcome);
    expect(held.reason).toMatch(reason);
    expect(await timesTaken(held.prompt)).toBe(0);
    expect(await screen()).not.toContain(`[tmops#${held.prompt}]`);
    await free();
    await give();
    const { prompt } = await comesTo('accepted');
    expect(prompt).toBe(held.prompt);
    expect(await timesTaken(prompt)).toBe(1);
  });
});

it('a pane in copy mode is a human’s while they look at it, and is taken out of it when nobody does', async () => {
  await openStep(product, FEATURE);
  const human = attachHuman(product.server, `tmops-${FEATURE}`, { cols: 220, rows: 101 });
  await until('somebody looks', async () => (await tmux('list-clients')) !== '');
  await tmux('copy-mode', '-t', pane);
  await handOn();
  expect((await comesTo('held_for_human')).reason).toContain('copy mode');
  await human.leave();
  await give();
  const { prompt } = await comesTo('accepted');
  expect(await timesTaken(prompt)).toBe(1);
  expect(await tmux('display-message', '-p', '-t', pane, '#{pane_in_mode}')).toBe('0');
});

describe('a prompt in doubt is settled by a human alone', () => {
  it('as delivered, when its text left no trace', async () => {
    await openStep(product, FEATURE);
    await obey({ do: 'refuse-paste', on: true });
    await handOn();
    const { prompt, reason } = await comesTo('indeterminate');
    expect(reason).toBe('the text was pasted but is not in the composer');
    await obey({ do: 'refuse-paste', on: false });
    expect(await product.json('settle', FEATURE, String(prompt), 'delivered')).toMatchObject({
      prompt,
      as: 'delivered',
    });
    expect((await comesTo('accepted')).prompt).toBe(prompt);
    expect(await timesTaken(prompt)).toBe(0);
  });

  it('to be typed again, when something was added to it and all was taken away', async () => {
    await openStep(product, FEATURE);
    await obey({ do: 'swallow-enters', n: 100 });
    await handOn();
    // In the box, that is: a prompt before it stands above in the same words.
    await until('the prompt stands in the composer', async () => /^❯ .*\[tmops#\d+\] *\n─/m.test(await screen()));
    await keys('-l', ' and mine');
    // Before the first Enter, or after one that was swallowed: both are told.
    const { reason } = await comesTo('held_for_human', 'typed_not_submitted');
    expect(reason).toMatch(/a draft that is not ours|something was added/);
    await keys('-N', '120', 'BSpace');
    await give();
    const { prompt } = await comesTo('indeterminate');
    await obey({ do: 'swallow-enters', n: 0 });
    await product.json('settle', FEATURE, String(prompt), 'resend');
    expect((await comesTo('accepted')).prompt).toBe(prompt);
    expect(await timesTaken(prompt)).toBe(1);
  });

  it('and no other is', async () => {
    const { prompts } = await product.status(FEATURE);
    const accepted = prompts.at(-1)?.prompt ?? 0;
    for (const [prompt, told] of [
      [accepted, `Prompt ${accepted} of ${FEATURE} is not in doubt.`],
      [999, `${FEATURE} has no prompt 999.`],
    ] as const) {
      const { exitCode, stderr } = await product.cli('settle', FEATURE, String(prompt), 'resend');
      expect(exitCode).toBe(1);
      expect(stderr).toContain(told);
    }
  });
});
