import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import type { Event } from '../../src/core/event.ts';
import { evolve } from '../../src/core/evolve.ts';
import { holderOf, newRun } from '../../src/core/run.ts';
import { journaled, openStep, stepDone, wordsTo } from '../rig/flow.ts';
import { attachHuman } from '../rig/human.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { checkpointText, openProduct, program, type Product } from '../rig/product.ts';
import { steer } from '../rig/rehearsal.ts';
import { until } from '../rig/wait.ts';

/** Two roles by turns, a gate behind the second step. Nobody is reminded, so that what is typed is what was asked for. */
const WORKFLOW = JSON.stringify({
  name: 'steered',
  reminder: '[CONTINUE]: {checkpoint} is not there yet',
  reminders: 0,
  correction: '[CORRECTION]: Read {file}, then write {checkpoint} anew',
  roles: {
    writer: { title: 'Writer', instructions: '01_orchestrator.md' },
    checker: { title: 'Checker', instructions: '01_orchestrator.md' },
  },
  steps: [
    { id: 'draft', role: 'writer', prompt: 'Write the draft', checkpoint: '101-draft.md' },
    { id: 'review', role: 'checker', prompt: 'Review the draft', checkpoint: '102-review.md', gate: 'human' },
    { id: 'polish', role: 'writer', prompt: 'Polish the draft', checkpoint: '103-polish.md' },
    { id: 'summary', role: 'writer', prompt: 'Sum up', checkpoint: 'SUMMARY.md', kind: 'summary' },
  ],
});

const CONFIG = `features:
  concurrent_limit: 20
  default_phases: [writer, checker]
workflow: tools/steered.yaml
evidence:
  enabled: false
notify:
  command: [sh, -c, 'cat >> news.jsonl']`;

let product: Product;

beforeAll(async () => {
  product = await openProduct({ play: 'wait', config: CONFIG, files: { 'tools/steered.yaml': WORKFLOW } });
});
afterAll(() => product.dispose());

async function started(feature: string): Promise<void> {
  await product.json('init', feature);
  await product.json('start', feature);
  await openStep(product, feature);
}

const write = (feature: string, file: string, from = 'Writer'): Promise<void> =>
  product.put(feature, `checkpoints/${file}`, checkpointText(feature, from, 'All'));

const why = (feature: string): Promise<OutputOf<'explain'>> => product.json('why', feature);
const codes = ({ reasons }: OutputOf<'explain'>): string[] => reasons.map(({ code }) => code);
const commands = ({ help }: OutputOf<'explain'>): string[] => help.map(({ command }) => command);

/** Where the first event that fits stands in the journal. */
async function seqOf(feature: string, fits: (event: Event) => boolean): Promise<number> {
  return (await product.events(feature)).find(fits)?.seq ?? Infinity;
}

/** Every byte that a role's agent read. */
const bytesTo = (feature: string, role: string): Promise<Buffer> =>
  readFile(product.path(feature, 'current', 'agents', role, 'rehearsal', 'bytes.log'));

const typedTo = async (feature: string, role: string, line: string): Promise<number> =>
  (await bytesTo(feature, role)).toString().split(line).length - 1;

/** A message whose agent has it. */
const arrived = (feature: string, prompt: number): Promise<unknown> =>
  journaled(product, feature, `prompt ${prompt} was taken`, (events) =>
    events.find((event) => event.kind === 'prompt.taken' && event.prompt === prompt),
  );

/** No write of the journal began in a pane that a human held, or while the run was paused. */
async function expectNoTrespass(feature: string): Promise<void> {
  let run = newRun;
  for (const event of await product.events(feature)) {
    if (event.kind === 'prompt.intended' || event.kind === 'prompt.entered') {
      const role = run.prompts[event.prompt - 1]?.role ?? '';
      expect([event.seq, holderOf(run, role).kind, run.paused]).toEqual([event.seq, 'auto', null]);
    }
    run = evolve(run, event);
  }
}

describe('a pane that is taken', () => {
  const FEATURE = 'holding';
  const REVIEW = 'Review the draft [tmops#4]';

  it('gets nothing: the hand-off waits, says so, and comes once it is handed back', async () => {
    await started(FEATURE);
    const taken = await product.json<OutputOf<'take'>>('take', FEATURE, 'checker');
    expect(taken.panes).toContainEqual({ role: 'checker', holder: 'human', why: 'taken by cli' });
    await write(FEATURE, '101-draft.md');
    await stepDone(product, FEATURE, 'draft');
    const status = await product.reached(FEATURE, 'the prompt is held', ({ prompts }) =>
      prompts.some(({ outcome }) => outcome === 'held_for_human'),
    );
    expect(status.waitsFor).toBe(
      "A human holds the checker's pane (taken by cli); prompt 4 waits until it is handed back: tmops give holding checker.",
    );
    expect(status.panes.find(({ role }) => role === 'checker')).toMatchObject({
      holder: 'human',
      heldWhy: 'taken by cli',
      heldSince: expect.any(String) as string,
    });
    const told = await why(FEATURE);
    expect(codes(told)).toEqual(expect.arrayContaining(['held', 'held-for-human']));
    expect(commands(told)[0]).toBe('tmops give holding checker');
    expect(await typedTo(FEATURE, 'checker', REVIEW)).toBe(0);
    const given = await product.json<OutputOf<'give'>>('give', FEATURE);
    expect(given.panes.map(({ holder }) => holder)).toEqual(['auto', 'auto']);
    await arrived(FEATURE, 4);
    expect(await typedTo(FEATURE, 'checker', REVIEW)).toBe(1);
    await expectNoTrespass(FEATURE);
  });

  it('by a second command is no news, by another role refused, and of no feature unknown', async () => {
    await product.json('take', FEATURE, 'checker');
    const before = (await product.events(FEATURE)).length;
    await product.json('take', FEATURE, 'checker');
    expect((await product.events(FEATURE)).length).toBe(before);
    const { exitCode, stderr } = await product.cli('take', FEATURE, 'tester');
    expect([exitCode, stderr]).toEqual([1, 'holding has no role "tester".\n  Its roles: writer, checker.']);
    expect((await product.cli('give', 'nowhere')).exitCode).toBe(1);
    await product.json('stop', FEATURE);
  });
});

describe('a feature that is paused', () => {
  const FEATURE = 'pausing';

  it('counts what comes and begins nothing; resumed, it goes on in order', async () => {
    await started(FEATURE);
    expect(await product.json('pause')).toMatchObject({ features: [{ feature: FEATURE, paused: true }] });
    await write(FEATURE, '101-draft.md');
    await stepDone(product, FEATURE, 'draft');
    const sent = await product.cli('message', FEATURE, 'checker', 'Look closely', '--wait', '0', '--json');
    expect(sent.exitCode).toBe(1);
    expect(await product.status(FEATURE)).toMatchObject({
      step: 'review',
      paused: { by: 'cli', why: 'asked to' },
      waitsFor: 'It is paused (asked to, cli); tmops resume pausing goes on. The step review has not begun.',
    });
    const told = await why(FEATURE);
    expect(codes(told)[0]).toBe('paused');
    expect(commands(told)[0]).toBe('tmops resume pausing');
    expect((await product.cli('status', FEATURE)).stdout).toContain('paused, run initial, step 2/4 review, checker');
    expect(await product.json('resume')).toMatchObject({ features: [{ feature: FEATURE, paused: false }] });
    expect((await openStep(product, FEATURE)).step).toBe('review');
    const words = await wordsTo(product, FEATURE, 'checker');
    expect(words.slice(1)).toEqual(['Look closely', 'Review the draft']);
    const resumed = await seqOf(FEATURE, ({ kind }) => kind === 'run.resumed');
    expect(await seqOf(FEATURE, (event) => event.kind === 'prompt.intended' && event.prompt > 3)).toBeGreaterThan(
      resumed,
    );
    expect(await seqOf(FEATURE, (event) => event.kind === 'step.began' && event.step === 'review')).toBeGreaterThan(
      resumed,
    );
    await expectNoTrespass(FEATURE);
    await product.json('stop', FEATURE);
  });
});

describe('a gate', () => {
  const FEATURE = 'gating';
  const COMMENT = 'Too "vague":\n\t- name the $(cases)\n\t- `why`?\nGr\u00fc\u00dfe \u{1F600}';
  let client: Client;
  const heard: unknown[] = [];

  beforeAll(async () => {
    client = await mcpClient(product);
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params));
  });
  afterAll(() => client.close());

  const call = (tool: string, args: Record<string, unknown> = {}) =>
    client.callTool({ name: tool, arguments: { feature: FEATURE, ...args } });

  it('holds the step and tells whoever is there: in the terminal, over MCP, by the command', async () => {
    await started(FEATURE);
    await call('tmops_get_status');
    const human = attachHuman(product.server, `tmops-${FEATURE}`, { cols: 160, rows: 50 });
    await until('the session is drawn', () => human.drawn().includes(`[tmops-${FEATURE}]`));
    await write(FEATURE, '101-draft.md');
    await stepDone(product, FEATURE, 'draft');
    expect((await openStep(product, FEATURE)).step).toBe('review');
    await write(FEATURE, '102-review.md', 'Checker');
    await product.reached(FEATURE, 'it awaits a human', ({ attention }) =>
      attention.some(({ code }) => code === 'awaits-review'),
    );
    const told = await why(FEATURE);
    expect(codes(told)).toEqual(['gate']);
    expect(commands(told).slice(0, 2)).toEqual([`tmops approve ${FEATURE}`, `tmops reject ${FEATURE} --comment '…'`]);
    const sentence = '102-review.md has to be approved.';
    await until('the line is drawn', () => human.drawn().includes(`${FEATURE} needs you: ${sentence}`));
    await until('the bell rings', () => human.drawn().includes('\u0007'));
    await human.leave();
    const news = {
      kind: 'needs-human',
      feature: FEATURE,
      run: 'initial',
      needs: [{ code: 'awaits-review', sentence }],
    };
    await until('the client hears of it', () => heard.find((each) => JSON.stringify(each).includes('awaits-review')));
    expect(heard.at(-1)).toMatchObject({ level: 'warning', logger: 'tmops', data: news });
    const file = join(product.repo.root, 'news.jsonl');
    const line = await until('the command has it', async () =>
      (await readFile(file, 'utf8').catch(() => ''))
        .split('\n')
        .find((each) => each.includes(FEATURE) && each.includes('awaits-review')),
    );
    expect(JSON.parse(line)).toMatchObject(news);
  });

  it('rejected, it sends the comment to the role, byte for byte, and asks for another checkpoint', async () => {
    const rejected = await product.json<OutputOf<'reject'>>('reject', FEATURE, '--comment', COMMENT);
    expect(rejected).toMatchObject({ step: 'review', file: '102-review.md' });
    const status = await product.reached(FEATURE, 'the correction was taken', ({ prompts }) =>
      prompts.some(({ purpose, outcome }) => purpose === 'correction review' && outcome === 'accepted'),
    );
    const correction = status.prompts.find(({ purpose }) => purpose === 'correction review');
    const text = correction?.text ?? '';
    expect(text).toMatch(
      /^\[CORRECTION\]: Read \.tmops\/gating\/current\/prompts\/\S+\.md, then write 102-review\.md anew/,
    );
    expect(await typedTo(FEATURE, 'checker', text)).toBe(1);
    const file = /Read (\S+),/.exec(text)?.[1] ?? '';
    const read = await readFile(join(status.worktree, file));
    expect(read.includes(Buffer.from(COMMENT))).toBe(true);
    expect(codes(await why(FEATURE))[0]).toBe('sent-back');
    expect((await product.cli('approve', FEATURE)).stderr).toContain('Nothing of gating waits for an approval.');
  });

  it('approved over MCP, it lets the run go on; what was written anew had to be approved anew', async () => {
    await write(FEATURE, '102-review.md', 'Checker');
    await product.reached(FEATURE, 'it awaits a human again', ({ attention }) =>
      attention.some(({ code }) => code === 'awaits-review'),
    );
    const answer = await call('tmops_approve', { comment: 'Better.' });
    expect(answer.structuredContent).toMatchObject({ step: 'review', file: '102-review.md' });
    expect((await openStep(product, FEATURE)).step).toBe('polish');
    const events = await product.events(FEATURE);
    expect(events.filter(({ kind }) => kind.startsWith('gate.'))).toMatchObject([
      { kind: 'gate.rejected', by: 'cli', comment: COMMENT },
      { kind: 'gate.approved', by: 'mcp', comment: 'Better.' },
    ]);
    expect((await call('tmops_approve')).isError).toBe(true);
    await product.json('stop', FEATURE);
  });
});

describe('steps', () => {
  const FEATURE = 'stepping';

  it('are skipped, opened anew, gone back to and asked for again', async () => {
    await started(FEATURE);
    expect(await product.json('skip', FEATURE, '--why', 'There is one already')).toMatchObject({
      step: 'draft',
      present: 'review',
    });
    expect((await openStep(product, FEATURE)).step).toBe('review');
    expect((await product.status(FEATURE)).checkpoints[0]).toMatchObject({ step: 'draft', state: 'skipped' });
    await write(FEATURE, '102-review.md', 'Checker');
    await product.reached(FEATURE, 'it awaits a human', ({ attention }) => attention.length > 0);
    await product.json('approve', FEATURE);
    expect((await openStep(product, FEATURE)).step).toBe('polish');

    expect(await product.json('redo', FEATURE)).toMatchObject({ step: 'review', present: 'review' });
    // Asked for once more: the first prompt of the step does not count any more.
    await journaled(product, FEATURE, 'the review is asked for again', (events) => {
      const reopened = events.findLast(({ kind }) => kind === 'step.reopened')?.seq ?? Infinity;
      return events.find((event) => event.kind === 'prompt.taken' && event.seq > reopened);
    });
    expect((await wordsTo(product, FEATURE, 'checker')).slice(1)).toEqual(['Review the draft', 'Review the draft']);
    const told = await why(FEATURE);
    expect([codes(told)[0], told.waitsFor]).toEqual([
      'sent-back',
      '102-review.md was sent back; the checker has to write it anew.',
    ]);

    const { stdout } = await product.cli('goto', FEATURE, 'draft', '--why', 'It was wrong');
    expect(stdout).toContain('The step draft of stepping and all after it are open again.');
    expect((await openStep(product, FEATURE)).step).toBe('draft');
    expect((await product.cli('goto', FEATURE, 'polish')).stderr).toContain('has not done the step "polish" yet');

    const asked = (await wordsTo(product, FEATURE, 'writer')).length;
    expect(await product.json('retry', FEATURE)).toMatchObject({ step: 'draft', present: 'draft' });
    await until('the writer is asked again', async () => (await wordsTo(product, FEATURE, 'writer')).length > asked);
    expect((await wordsTo(product, FEATURE, 'writer')).at(-1)).toBe('[CONTINUE]: 101-draft.md is not there yet');
    const ended = await until('the turn has ended', async () => {
      const now = await why(FEATURE);
      return codes(now).includes('no-checkpoint') && now;
    });
    expect(ended.reasons[0]?.sentence).toContain('The writer ended its turn without 101-draft.md');
    expect(commands(ended)).toEqual(
      expect.arrayContaining([`tmops message ${FEATURE} writer 'Go on.'`, `tmops retry ${FEATURE}`]),
    );
    await product.json('stop', FEATURE);
  });
});

describe('a message', () => {
  const FEATURE = 'talking';
  const agentDir = (role: string): string => product.path(FEATURE, 'current', 'agents', role);
  const send = (...words: string[]): Promise<OutputOf<'message'>> => product.json('message', FEATURE, ...words);
  /** The message that a role took, where it was typed as a line that points at a file: the bytes of the file. */
  async function fileOf(line: string): Promise<Buffer> {
    const { worktree } = await product.status(FEATURE);
    return readFile(join(worktree, /Read (\S+) and/.exec(line)?.[1] ?? ''));
  }

  it('reaches one role, or all, once, with what became of it', async () => {
    await started(FEATURE);
    expect(await send('checker', 'Mind the tests')).toMatchObject({
      deliveries: [{ role: 'checker', purpose: 'message', outcome: 'accepted' }],
    });
    const all = await send('Hello to you');
    expect(all.deliveries.map(({ role, outcome }) => [role, outcome])).toEqual([
      ['writer', 'accepted'],
      ['checker', 'accepted'],
    ]);
    expect((await wordsTo(product, FEATURE, 'writer')).filter((line) => line === 'Hello to you')).toHaveLength(1);
    expect((await wordsTo(product, FEATURE, 'checker')).slice(1)).toEqual(['Mind the tests', 'Hello to you']);
  });

  it('is queued while the agent works, and delivered once, at the end of the turn', async () => {
    await product.reached(FEATURE, 'the checker has ended its turn', ({ panes }) =>
      panes.some(({ role, state }) => role === 'checker' && state === 'idle'),
    );
    await steer(agentDir('checker'), { do: 'busy' });
    const { stdout, exitCode } = await product.cli('message', FEATURE, 'checker', 'One more thing', '--json');
    const { deliveries } = JSON.parse(stdout) as OutputOf<'message'>;
    expect([exitCode, deliveries[0]?.outcome]).toEqual([0, 'queued']);
    const prompt = deliveries[0]?.prompt ?? 0;
    await steer(agentDir('checker'), { do: 'finish' });
    await arrived(FEATURE, prompt);
    expect(await typedTo(FEATURE, 'checker', `One more thing [tmops#${prompt}]`)).toBe(1);
    expect((await wordsTo(product, FEATURE, 'checker')).filter((line) => line === 'One more thing')).toHaveLength(1);
  });

  it('from standard input survives byte for byte', async () => {
    const bytes = Buffer.from('# Notes\r\n\n\tgr\u00fcn $(touch owned) `x`\n\uFEFF\u202e\n\n');
    const { env, repo } = product;
    const { exitCode } = await execa(process.execPath, [program, 'message', FEATURE, 'checker', '-'], {
      cwd: repo.root,
      env,
      extendEnv: false,
      input: bytes,
    });
    expect(exitCode).toBe(0);
    const line = (await wordsTo(product, FEATURE, 'checker')).at(-1) ?? '';
    expect(await fileOf(line)).toEqual(bytes);
  });

  it('to a pane that a human holds waits, with the reason, and exit code 1', async () => {
    await product.json('take', FEATURE, 'checker');
    const { exitCode, stdout } = await product.cli('message', FEATURE, 'checker', 'Are you there');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/checker {2}held for human {2}a human took the pane \(cli\)/);
    expect(await typedTo(FEATURE, 'checker', 'Are you there')).toBe(0);
    await product.json('give', FEATURE, 'checker');
    await until('it is typed', async () => (await typedTo(FEATURE, 'checker', 'Are you there')) === 1);
    await expectNoTrespass(FEATURE);
  });

  it('to nobody, or in a run that is stopped, is refused', async () => {
    expect((await product.cli('message', FEATURE, 'tester', 'Hi there')).stderr).toContain('has no role "tester"');
    expect((await product.cli('message', FEATURE, 'checker')).exitCode).toBe(2);
    await product.json('stop', FEATURE);
    expect((await product.cli('message', FEATURE, 'checker', 'Hi there')).stderr).toContain('is not running');
    expect(commands(await why(FEATURE))).toEqual([`tmops start ${FEATURE}`]);
  });
});
