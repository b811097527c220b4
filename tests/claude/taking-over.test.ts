import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { agentsOf, journaled, stepDone, watchersOf } from '../rig/flow.ts';
import { attachHuman, type Human } from '../rig/human.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi, type FakeApi } from './fake-api.ts';
import { instantPlay } from './plays.ts';

const FEATURE = 'greeting';
/** The writer's checkpoints are written here, so that the reader is asked for the next step when it is wanted. */
const WORKFLOW = JSON.stringify({
  name: 'by-turns',
  reminder: '[CONTINUE]: {checkpoint} is not there yet',
  reminders: 0,
  roles: {
    writer: { title: 'Writer', instructions: '01_orchestrator.md' },
    reader: { title: 'Reader', instructions: '01_orchestrator.md' },
  },
  steps: [
    { id: 'draft', role: 'writer', prompt: 'Write the draft', checkpoint: '101-draft.md' },
    { id: 'review', role: 'reader', prompt: 'Review the draft', checkpoint: '102-review.md' },
    { id: 'polish', role: 'writer', prompt: 'Polish the draft', checkpoint: '103-polish.md' },
    { id: 'proof', role: 'reader', prompt: 'Proof the draft', checkpoint: '104-proof.md' },
    { id: 'summary', role: 'writer', prompt: 'Sum up', checkpoint: 'SUMMARY.md', kind: 'summary' },
  ],
});
const READER = { from: 'Reader', to: 'Writer' };
const SAID = 'Which fixture do you use';

let api: FakeApi;
let product: Product;
let home: string;
let pane: string;
let human: Human;

beforeAll(async () => {
  const claude = await fetchClaude();
  api = await startFakeApi({
    play: instantPlay([
      { ...READER, words: 'Review the draft', file: '102-review.md' },
      { ...READER, words: 'Proof the draft', file: '104-proof.md' },
    ]),
  });
  home = await realpath(await mkdtemp(join(tmpdir(), 'tmops-home-')));
  const env = claudeEnvironment({ home, port: api.port });
  const names = Object.keys(env).filter((name) => /^(CLAUDE|ANTHROPIC_)/.test(name));
  product = await openProduct({
    provider: 'claude_code',
    config: `  claude_code:
    command: ${claude}
    env: [${names.join(', ')}]
features:
  default_phases: [writer, reader]
workflow: tools/by-turns.yaml
evidence:
  enabled: false`,
    files: { 'tools/by-turns.yaml': WORKFLOW },
    env,
  });
  await claudeHome(home, { trusted: [product.repo.root] });
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
  await turnEnded(0);
  pane = (await agentsOf(product, FEATURE))['reader']?.pane ?? '';
  human = attachHuman(product.server, `tmops-${FEATURE}`, { cols: 160, rows: 101 });
  await until('the session is drawn', () => human.drawn().includes(`[tmops-${FEATURE}]`));
  await product.server.run('select-window', '-t', pane, ';', 'select-pane', '-t', pane);
});

afterAll(async () => {
  await human.leave();
  await product.dispose();
  await api.close();
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

const paneIs = async (format: string): Promise<string> =>
  (await product.server.run('display-message', '-p', '-t', pane, format)).trim();
const screen = (): Promise<string> => product.server.run('capture-pane', '-p', '-t', pane);
/** What stands in the input box, between its rules; the rows around it may tell of other things. */
const box = async (): Promise<string> => /─\n(❯[\s\S]*?)\n─/.exec(await screen())?.[1]?.replaceAll('\u00a0', ' ') ?? '';
const shows = (draft: string) => until(`"${draft}" stands in the box`, async () => (await box()).trim() === draft);

/** The first event of the kind that tells of the reader, after the event `after`. */
const ofReader = <K extends Event['kind']>(
  kind: K,
  after: number,
  fits: (event: Event & { kind: K }) => boolean = () => true,
) =>
  journaled(
    product,
    FEATURE,
    `${kind} of the reader`,
    (events) =>
      events.find(
        (event): event is Event & { kind: K } =>
          event.kind === kind &&
          event.seq > after &&
          'role' in event &&
          event.role === 'reader' &&
          fits(event as Event & { kind: K }),
      ),
    30_000,
  );

const turnEnded = (after: number) => ofReader('agent.turn-ended', after);
const lastSeq = async (): Promise<number> => (await product.events(FEATURE)).at(-1)?.seq ?? 0;
const held = async () => (await product.status(FEATURE)).panes.find(({ role }) => role === 'reader');

/** Writes the writer's checkpoint, which makes the next step the reader's. */
async function handOn(step: string, file: string): Promise<void> {
  await product.put(FEATURE, `checkpoints/${file}`, checkpointText(FEATURE, 'Writer', 'Reader'));
  await stepDone(product, FEATURE, step);
}

const said = (words: string): boolean =>
  api.requests.some(({ conversation }) => conversation?.prompts.some(({ text }) => text.includes(words)) === true);

/** The prompts with this mark in the conversation, which is sent whole with each request. */
function typedWith(prompt: number): readonly string[] {
  const sent = api.requests.map(({ conversation }) => conversation?.prompts.map(({ text }) => text) ?? []);
  const inOne = sent.map((texts) => texts.filter((text) => text.includes(`[tmops#${prompt}]`)));
  return inOne.reduce((most, texts) => (texts.length > most.length ? texts : most), []);
}

it('half a sentence makes the pane the human’s; what was to be typed comes once, after the hand-back', async () => {
  const before = await lastSeq();
  const DRAFT = 'Before you go on, could';
  human.type(DRAFT);
  expect(await ofReader('pane.taken', before)).toMatchObject({ how: 'use', by: 'human' });
  await shows(`❯ ${DRAFT}`);
  await until('the border says so', async () => (await paneIs('#{@tmops_state}')) === 'human');
  await until('the human sees it', () => human.drawn().includes('human: reader'));
  expect(await held()).toMatchObject({ holder: 'human', heldWhy: expect.stringContaining('draft') as string });

  await handOn('draft', '101-draft.md');
  const { prompts } = await product.reached(FEATURE, 'the prompt is held', (status) =>
    status.prompts.some(({ outcome }) => outcome === 'held_for_human'),
  );
  const prompt = prompts.at(-1)?.prompt ?? 0;
  expect(prompts.at(-1)).toMatchObject({ role: 'reader', text: `Review the draft [tmops#${prompt}]` });
  expect(await box()).toBe(`❯ ${DRAFT}`);
  expect(await screen()).not.toContain(`[tmops#${prompt}]`);
  // Given back too early, the draft is left alone and holds the prompt.
  const early = await lastSeq();
  await product.json('give', FEATURE, 'reader');
  await ofReader('pane.taken', early);
  expect(await box()).toBe(`❯ ${DRAFT}`);
  expect(typedWith(prompt)).toEqual([]);

  human.type('\x7f'.repeat(DRAFT.length));
  await shows('❯');
  await product.json('give', FEATURE, 'reader');
  await stepDone(product, FEATURE, 'review');
  expect(typedWith(prompt)).toHaveLength(1);
  const entered = (await product.events(FEATURE)).filter(
    (event) => event.kind === 'prompt.entered' && event.prompt === prompt,
  );
  expect(entered).toHaveLength(1);
});

it('a prompt of the human’s own is known by the agent’s hook alone', async () => {
  const before = await lastSeq();
  const { supervisor } = await watchersOf(product);
  // It sees nothing of the typing: only what the hook has written is left when it looks again.
  process.kill(supervisor, 'SIGSTOP');
  try {
    human.type(SAID);
    await shows(`❯ ${SAID}`);
    human.type('\r');
    await until('the agent took it', () => said(SAID));
    await shows('❯');
  } finally {
    process.kill(supervisor, 'SIGCONT');
  }
  expect(await ofReader('pane.taken', before)).toMatchObject({ how: 'use', why: 'a prompt that tmops did not send' });
  await turnEnded(before);
  await product.json('give', FEATURE, 'reader');
});

it('/exit makes the pane theirs, and no agent is started in it; the hand-back goes on with the same conversation', async () => {
  const before = await lastSeq();
  const { session_id: session } = (await agentsOf(product, FEATURE))['reader'] ?? {};
  human.type('/exit');
  await shows('❯ /exit');
  human.type('\r');
  expect(await ofReader('pane.taken', before, ({ how }) => how === 'ended')).toMatchObject({ by: 'human' });

  await handOn('polish', '103-polish.md');
  const waits = "The reader's agent is not running; see attention.";
  await product.reached(FEATURE, 'the step waits', ({ step, waitsFor }) => step === 'proof' && waitsFor === waits);
  await until('the border says so', async () => (await paneIs('#{pane_dead} #{@tmops_state}')) === '1 human, ended');
  expect(await held()).toMatchObject({ holder: 'human', heldWhy: expect.stringContaining('ended') as string });
  expect((await product.events(FEATURE)).filter(({ kind, seq }) => kind === 'agent.launched' && seq > before)).toEqual(
    [],
  );

  await product.json('give', FEATURE, 'reader');
  expect(await ofReader('agent.launched', before)).toMatchObject({ resume: true, sessionId: session });
  await stepDone(product, FEATURE, 'proof');
  const prompt =
    (await product.status(FEATURE)).prompts.findLast(({ purpose }) => purpose === 'step proof')?.prompt ?? 0;
  expect(typedWith(prompt)).toHaveLength(1);
  const resumed = api.requests.findLast(({ conversation }) => conversation?.text.includes(`[tmops#${prompt}]`));
  expect(resumed?.conversation?.text).toContain(SAID);
  expect(api.failures).toEqual([]);
});
