import { afterEach, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { journaled, openStep } from '../rig/flow.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';

let product: Product | null = null;
afterEach(async () => {
  await product?.dispose();
  product = null;
});

const WORKFLOW = JSON.stringify({
  name: 'asked',
  reminder: '[CONTINUE]: {checkpoint} is not there yet',
  roles: {
    writer: { title: 'Writer', instructions: '01_orchestrator.md' },
    checker: { title: 'Checker', instructions: '01_orchestrator.md' },
  },
  steps: [
    { id: 'draft', role: 'writer', prompt: 'Write the draft', checkpoint: '101-draft.md' },
    { id: 'summary', role: 'checker', prompt: 'Sum up', checkpoint: 'SUMMARY.md', kind: 'summary' },
  ],
});

const BRIEFED = { when: '/roles\\/[a-z0-9-]+\\.md and follow it/', do: [{ say: 'WAITING: Ready for instructions' }] };
const checkpoint = (file: string, from: string) => ({
  checkpoint: {
    file,
    folder: file === 'SUMMARY.md' ? 'run' : 'checkpoints',
    content: checkpointText('{feature}', from, 'All').replace('## Next', '## Findings\n- None\n\n## Next'),
  },
});

/** The writer's part is given; the checker sums up. */
async function open(writes: readonly object[]): Promise<Product> {
  const play = {
    name: 'asked',
    roles: {
      writer: [BRIEFED, ...writes],
      checker: [BRIEFED, { when: 'Sum up', do: [checkpoint('SUMMARY.md', 'Checker')] }],
    },
  };
  product = await openProduct({
    play: 'tools/asked-play.yaml',
    config: 'features:\n  default_phases: [writer, checker]\nworkflow: tools/asked.yaml\nevidence:\n  enabled: false\n',
    files: { 'tools/asked.yaml': WORKFLOW, 'tools/asked-play.yaml': JSON.stringify(play) },
  });
  await product.json('init', 'auth-api');
  await product.json('start', 'auth-api');
  return product;
}

const asks = (made: Product) =>
  made.reached('auth-api', 'it asks', ({ attention }) => attention.some(({ code }) => code === 'needs-answer'));
const dialogOf = (status: OutputOf<'status'>) => status.panes.find(({ role }) => role === 'writer')?.dialog ?? null;

describe('an agent that asks for a permission', () => {
  const part = [
    {
      when: 'Write the draft',
      do: [{ ask: { dialog: 'permission', lines: ['touch notes'] } }, checkpoint('101-draft.md', 'Writer')],
    },
  ];

  it('is answered by the label of a choice, and goes on', async () => {
    const made = await open(part);
    const status = await asks(made);
    expect(dialogOf(status)).toMatchObject({ choices: ['1. Yes', "2. Yes, and don't ask again", '3. No'] });
    expect((await made.cli('why', 'auth-api')).stdout).toContain('tmops answer auth-api writer');
    const wrong = await made.cli('answer', 'auth-api', 'writer', 'Maybe', 'so');
    expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining('"Maybe so" is none of its choices')]);
    const late = await made.cli('--json', 'answer', 'auth-api', 'writer', 'Yes', '--dialog', 'another');
    expect(JSON.parse(late.stderr)).toMatchObject({ code: 'dialog-changed' });
    const answered = await made.cli('answer', 'auth-api', 'writer', 'yes', '--dialog', dialogOf(status)?.id ?? '');
    expect(answered).toMatchObject({
      exitCode: 0,
      stdout: "The writer's question (permission) was answered: 1. Yes",
    });
    await made.reached('auth-api', 'it is completed', ({ phase }) => phase === 'completed');
    const facts = (await made.events('auth-api')).filter((event) => event.kind === 'dialog.answered');
    expect(facts).toMatchObject([{ role: 'writer', choice: '1. Yes', by: 'cli' }]);
    expect(await made.prompts('auth-api', 'writer')).toContainEqual(expect.objectContaining({ text: '1. Yes' }));
  });

  it('is answered by nobody else while a human holds the pane', async () => {
    const made = await open(part);
    await asks(made);
    await made.json('take', 'auth-api', 'writer');
    const refused = await made.cli('--json', 'answer', 'auth-api', 'writer', 'Yes');
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'held' });
    await made.json('give', 'auth-api', 'writer');
    expect(await made.json<OutputOf<'answer'>>('answer', 'auth-api', 'writer', 'Yes')).toMatchObject({
      answered: true,
    });
    await made.reached('auth-api', 'it is completed', ({ phase }) => phase === 'completed');
  });
});

describe('an agent whose account is at a limit', () => {
  it('is parked until the limit ends, and then asked to go on', async () => {
    const made = await open([
      {
        when: 'Write the draft',
        do: [{ say: "You've hit your session limit · resets in 4s" }, { fail: { error: 'rate_limit' } }],
      },
      { when: '[CONTINUE]', do: [checkpoint('101-draft.md', 'Writer')] },
    ]);
    const parked = await journaled(made, 'auth-api', 'it is parked', (events) =>
      events.find((event) => event.kind === 'agent.parked'),
    );
    expect(parked.untilMs - parked.at).toBeGreaterThan(1000);
    expect(parked.untilMs - parked.at).toBeLessThan(4500);
    expect((await made.status('auth-api')).waitsFor).toContain('at a limit');
    await made.reached('auth-api', 'it is completed', ({ phase }) => phase === 'completed');
    const events = await made.events('auth-api');
    const unparked = events.find((event) => event.kind === 'agent.unparked');
    expect(unparked?.at).toBeGreaterThanOrEqual(parked.untilMs);
    expect((unparked?.at ?? 0) - parked.untilMs).toBeLessThan(2000);
    const before = events.filter((event) => event.kind === 'prompt.wanted' && event.at < parked.untilMs);
    expect(before.some((event) => event.kind === 'prompt.wanted' && event.purpose.kind === 'reminder')).toBe(false);
  });

  it('says so at once where the agent asks how to go on', async () => {
    const made = await open([
      { when: 'Write the draft', do: [{ ask: { dialog: 'limit', lines: ['Limit reached · resets in 3h'] } }] },
    ]);
    await openStep(made, 'auth-api');
    const status = await asks(made);
    expect(dialogOf(status)?.name).toBe('limit');
    const parked = (await made.events('auth-api')).find((event) => event.kind === 'agent.parked');
    const hours = ((parked?.kind === 'agent.parked' ? parked.untilMs : 0) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(2.9);
    expect(hours).toBeLessThan(3.01);
  });
});
