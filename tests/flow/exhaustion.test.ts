import { existsSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { journaled, playText, stepDone, wordsTo, type Cue } from '../rig/flow.ts';
import { checkpointText, openProduct, type Product, type ProductOptions } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/** The customer's scenario: more features, panes, memory and time than there are. */

vi.setConfig({ testTimeout: 120_000 });

let product: Product;
afterEach(() => product.dispose());

const FEATURES = ['one-api', 'two-api', 'three-api'] as const;
const config = (features: string, more = ''): string =>
  `features:\n  default_phases: [orchestrator, tester]\n${features}evidence:\n  enabled: false\n${more}`;
const LIMIT_1 = config('  concurrent_limit: 1\n');

async function open(options: ProductOptions): Promise<void> {
  product = await openProduct({ play: 'wait', ...options });
}

async function startAll(features: readonly string[] = FEATURES): Promise<OutputOf<'start'>[]> {
  const answers: OutputOf<'start'>[] = [];
  for (const feature of features) {
    await product.json('init', feature);
    answers.push(await product.json<OutputOf<'start'>>('start', feature));
  }
  return answers;
}

const running = (feature: string): Promise<OutputOf<'status'>> =>
  product.reached(feature, `${feature} has its panes`, ({ phase, panes }) => phase === 'running' && panes.length > 0);

const queueOf = async (): Promise<Record<string, string>> => {
  const { features } = await product.json<OutputOf<'list'>>('list');
  return Object.fromEntries(
    features.map(({ feature, phase, queue }) => [feature, queue ? `${queue.position}/${queue.length}` : phase]),
  );
};

/** Ends every step by hand. */
async function finish(feature: string): Promise<void> {
  const steps = [
    ['discovery', 'checkpoints/001-discovery-trigger.md', 'Orchestrator'],
    ['testing', 'checkpoints/003-tests-complete.md', 'Tester'],
    ['summary', 'SUMMARY.md', 'Orchestrator'],
  ] as const;
  for (const [step, file, from] of steps) {
    await product.put(feature, file, checkpointText(feature, from, 'All'));
    await stepDone(product, feature, step);
  }
}

const attention = (feature: string, code: string, withinMs?: number): Promise<OutputOf<'status'>> =>
  product.reached(
    feature,
    `it needs attention: ${code}`,
    (status) => status.attention.some((each) => each.code === code),
    withinMs,
  );

describe('Scenario: Resource exhaustion, more features than may run at once', () => {
  it('start one after the other in their order, as the one before is completed or stopped', async () => {
    await open({ config: LIMIT_1 });
    const [first, second, third] = await startAll();
    expect([first?.queue, second?.queue?.position, third?.queue?.position]).toEqual([null, 1, 2]);
    expect(second?.queue?.why).toBe('one-api is running and the limit is 1');
    expect(await queueOf()).toEqual({ 'one-api': 'running', 'two-api': '1/2', 'three-api': '2/2' });

    const status = await product.status('three-api');
    expect(status).toMatchObject({ phase: 'queued', queue: { position: 2, length: 2 }, session: null, panes: [] });
    expect(status.waitsFor).toMatch(/^It is number 2 of 2 in the queue \(two-api is the first; one-api is running/);
    const why = await product.json<OutputOf<'explain'>>('why', 'two-api');
    expect(why.reasons).toMatchObject([{ code: 'queued' }]);
    expect(why.reasons[0]?.sentence).toContain('number 1 of 2');
    expect(why.help.map(({ command }) => command)).toContain('tmops stop two-api');
    const { stderr } = await product.cli('pause', 'two-api');
    expect(stderr).toContain('waits in the queue and has not begun');

    const again = await product.json<OutputOf<'start'>>('start', 'two-api');
    expect(again.queue?.position).toBe(1);
    expect((await product.events('two-api')).filter(({ kind }) => kind === 'run.queued')).toHaveLength(1);

    await finish('one-api');
    await running('two-api');
    expect(await queueOf()).toEqual({ 'one-api': 'completed', 'two-api': 'running', 'three-api': '1/1' });
    await product.json('stop', 'two-api');
    await running('three-api');
    const starts = await Promise.all(
      FEATURES.map(async (feature) => (await product.events(feature)).find(({ kind }) => kind === 'run.started')?.at),
    );
    expect(starts).toEqual([...starts].sort());
  });

  it('are found again in their order after the supervisor was killed, with all that start settled', async () => {
    await open({ config: LIMIT_1, env: { SAMPLE_MARK: 'kept', TMOPS_FEATURES_LIMIT_RETRY: '7m' } });
    await startAll();
    const pid = (): Promise<string> => readFile(product.path('.supervisor', 'pid'), 'utf8');
    const killed = await pid();
    await product.endSupervisor('SIGKILL');
    await until('another supervisor watches', async () => (await pid()) !== killed);
    expect(await queueOf()).toEqual({ 'one-api': 'running', 'two-api': '1/2', 'three-api': '2/2' });
    await product.json('stop', 'one-api');
    const status = await running('two-api');
    expect(status.queue).toBeNull();
    const begun = (await product.events('two-api')).find((event) => event.kind === 'run.started');
    expect(begun).toMatchObject({ by: 'cli', settings: { limitRetryMs: 420_000, panes: 2 } });
    const file = product.path('two-api', 'current', 'agents', 'tester', 'launch', 'env');
    const env = await until('its agent is launched', () => readFile(file, 'utf8').catch(() => null));
    expect(env).toContain('SAMPLE_MARK=kept');
    await product.endSupervisor('SIGKILL');
    await product.json('stop', 'two-api');
    await running('three-api');
  });

  it('leave the queue when they are stopped, and begin when the limit is raised', async () => {
    await open({ config: LIMIT_1 });
    await startAll();
    const stopped = await product.json<OutputOf<'stop'>>('stop', 'two-api');
    expect(stopped).toMatchObject({ stopped: true, next: expect.stringContaining('taken out of the queue') as string });
    expect(await queueOf()).toEqual({ 'one-api': 'running', 'two-api': 'initialised', 'three-api': '1/1' });
    expect((await product.json<OutputOf<'start'>>('start', 'two-api')).queue?.position).toBe(2);

    await product.configure({ play: 'wait', config: config('  concurrent_limit: 2\n') });
    await running('three-api');
    expect(await queueOf()).toEqual({ 'one-api': 'running', 'two-api': '1/1', 'three-api': 'running' });
  });

  it('that cannot begin when their turn has come say so, and the next one has its turn', async () => {
    await open({ config: LIMIT_1 });
    await startAll();
    const spec = product.path('two-api', 'current', 'TASK_SPEC.md');
    await rename(spec, `${spec}.away`);
    await product.json('stop', 'one-api');
    await running('three-api');
    const failed = await attention('two-api', 'no-spec');
    expect(failed).toMatchObject({ phase: 'initialised', queue: null });
    expect(failed.attention[0]?.sentence).toMatch(
      /^It could not begin when its turn had come: .*TASK_SPEC\.md is missing/,
    );
    const waited = JSON.parse((await product.cli('--json', 'wait', 'two-api')).stdout) as OutputOf<'wait'>;
    expect(waited.reason).toBe('attention');
    // What can be seen at once is refused at once.
    const refused = await product.cli('start', 'two-api');
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('TASK_SPEC.md is missing') as string,
    });
    await rename(`${spec}.away`, spec);
    expect((await product.json<OutputOf<'start'>>('start', 'two-api')).queue?.position).toBe(1);
    expect((await product.status('two-api')).attention).toEqual([]);
  });

  it('one at a time in the root with isolation: branch, each only on its own branch', async () => {
    await open({ config: config('  concurrent_limit: 20\n', 'isolation: branch\n') });
    const [first, second] = await startAll(FEATURES.slice(0, 2));
    expect([first?.queue, second?.queue?.why]).toEqual([null, 'one-api is running and the limit is 1']);
    await product.repo.git(['switch', '-q', 'feature/one-api']);
    await product.json('stop', 'one-api');
    const failed = await attention('two-api', 'wrong-branch');
    expect(failed.attention[0]?.sentence).toContain(
      'is on feature/one-api, and two-api is worked on there on feature/two-api',
    );
    await product.repo.git(['switch', '-q', 'feature/two-api']);
    expect((await product.json<OutputOf<'start'>>('start', 'two-api')).queue).toBeNull();
  });

  it('wait for panes as well, and are refused when they need more than there may ever be', async () => {
    await open({ config: config('  concurrent_limit: 20\n  pane_limit: 3\n') });
    const [first, second] = await startAll(FEATURES.slice(0, 2));
    expect(first?.queue).toBeNull();
    expect(second?.queue?.why).toBe('one-api has 2 panes, it needs 2, and features.pane_limit is 3');
    await product.json('stop', 'one-api');
    await running('two-api');
    await product.configure({ play: 'wait', config: config('  pane_limit: 1\n') });
    const { exitCode, stderr } = await product.cli('start', 'one-api');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('one-api needs 2 panes and features.pane_limit is 1.');
  });
});

const GO = '{cwd}/go';
/** Takes that much memory in a process of its own until it may end. */
const hungry = (mb: number): object => ({
  run: {
    argv: [
      process.execPath,
      '-e',
      `const held = Buffer.alloc(${mb} * 2 ** 20, 1); setInterval(() => { if (require('fs').existsSync('${GO}') && held) process.exit(0); }, 50);`,
    ],
  },
});
const playing = (...cues: Cue[]): ProductOptions => ({
  play: 'tools/play.yaml',
  files: { 'tools/play.yaml': playText(cues) },
});
const BEGIN: Cue = { role: 'orchestrator', when: '[BEGIN]: Start orchestration' };

describe('Scenario: Resource exhaustion, memory', () => {
  it('warns of an agent whose child takes much, pauses its feature over the limit, and goes on when told to', async () => {
    const limits = '  memory_warning: 150MB\n  memory_limit: 300MB\n';
    await open({
      ...playing(
        { ...BEGIN, acts: [hungry(120)], file: '001-discovery-trigger.md' },
        { role: 'tester', when: '[BEGIN]: Start test writing', acts: [hungry(400)], file: '003-tests-complete.md' },
      ),
      config: config(limits),
    });
    const { worktree } = await product.json<OutputOf<'init'>>('init', 'one-api');
    await product.json('start', 'one-api');
    const warned = await attention('one-api', 'memory-high', 40_000);
    expect(warned.paused).toBeNull();
    expect(warned.attention[0]?.sentence).toMatch(
      /^The orchestrator's agent, .* takes \d+ MB, more than features\.memory_warning \(150 MB\)\.$/,
    );
    await product.repo.write('../go-one', '');
    await rename(`${product.repo.base}/go-one`, `${worktree}/go`);
    await stepDone(product, 'one-api', 'discovery');
    await rename(`${worktree}/go`, `${product.repo.base}/go-one`);

    const paused = await attention('one-api', 'memory-limit', 40_000);
    expect(paused.paused).toMatchObject({
      by: 'tmops',
      why: expect.stringMatching(/^the tester's agent takes \d+ MB, more than the limit of 300 MB$/) as string,
    });
    expect(paused.waitsFor).toContain('tmops resume one-api goes on');
    // The present turn ends, and no new one begins.
    await rename(`${product.repo.base}/go-one`, `${worktree}/go`);
    await stepDone(product, 'one-api', 'testing');
    const eased = await product.reached(
      'one-api',
      'the memory is in order again',
      (status) => status.attention.length === 0,
      40_000,
    );
    expect(eased).toMatchObject({ step: 'summary', phase: 'running' });
    expect(eased.paused).not.toBeNull();
    expect((await wordsTo(product, 'one-api', 'orchestrator')).some((line) => line.includes('has completed'))).toBe(
      false,
    );
    await product.json('resume', 'one-api');
    await journaled(product, 'one-api', 'the summary is asked for', (events) =>
      events.some((event) => event.kind === 'prompt.taken' && event.prompt === 5),
    );
    const notes = (await product.events('one-api')).flatMap((event) =>
      event.kind === 'memory.noted' ? [`${event.role} ${event.level}`] : [],
    );
    expect(new Set(notes)).toEqual(
      new Set(
        ['orchestrator warning', 'orchestrator ok', 'tester warning', 'tester limit', 'tester ok'].filter((note) =>
          notes.includes(note),
        ),
      ),
    );
    expect(notes.filter((note) => note === 'tester limit')).toHaveLength(1);
  }, 180_000);
});

/** Says something, so that its prompt is not put back into the box, and works for as long as the test lasts. */
const ENDLESS: Cue = { ...BEGIN, acts: [{ say: 'I am thinking.' }, { think: { ms: 600_000 } }] };

describe('Scenario: Resource exhaustion, time', () => {
  it('an agent that says nothing for too long is reminded in the words of the workflow, then a human is asked', async () => {
    const notify = "notify:\n  command: [sh, -c, 'cat >> news.jsonl']\n";
    await open({ ...playing(ENDLESS), config: config('  checkpoint_timeout: 3s\n', notify) });
    await product.json('init', 'one-api');
    await product.json('start', 'one-api');
    await journaled(product, 'one-api', 'the reminder was taken', (events) => {
      const reminder = events.find((event) => event.kind === 'prompt.wanted' && event.purpose.kind === 'reminder');
      return (
        reminder?.kind === 'prompt.wanted' &&
        events.some((event) => event.kind === 'prompt.taken' && event.prompt === reminder.prompt)
      );
    });
    expect(await wordsTo(product, 'one-api', 'orchestrator')).toContain(
      '[CONTINUE]: 001-discovery-trigger.md is not there yet. Go on with your step.',
    );
    const asked = await attention('one-api', 'agent-silent');
    await until(
      'the human is told',
      async () => (await readFile(`${product.repo.root}/news.jsonl`, 'utf8').catch(() => '')).includes('agent-silent'),
      { withinMs: 25_000 },
    );
    expect(asked.attention[0]?.sentence).toMatch(/no sign of life for [\d.]+ s, and a reminder changed nothing\.$/);
    expect(
      (await product.events('one-api')).filter(
        (event) => event.kind === 'prompt.wanted' && event.purpose.kind === 'reminder',
      ),
    ).toHaveLength(1);
  });

  it('an agent that works longer than the limit is interrupted by Escape, left alone, and asked again by retry', async () => {
    await open({ ...playing(ENDLESS, { ...ENDLESS, when: '[CONTINUE]' }), config: config('  phase_limit: 2s\n') });
    await product.json('init', 'one-api');
    await product.json('start', 'one-api');
    const over = await attention('one-api', 'phase-limit');
    expect(over.attention[0]?.sentence).toMatch(/^The step discovery has taken longer than its limit of 2 s; /);
    const ended = await product.reached('one-api', 'its turn is over', ({ panes }) =>
      panes.some(({ role, state }) => role === 'orchestrator' && state === 'idle'),
    );
    expect(ended.attention[0]?.sentence).toContain("the orchestrator's turn was interrupted.");
    expect(ended.attention[0]?.hint).toContain('tmops retry one-api');
    const events = await product.events('one-api');
    expect(events.filter(({ kind }) => kind === 'interrupt.pressed')).toHaveLength(1);
    expect(events.findIndex(({ kind }) => kind === 'step.overran')).toBeLessThan(
      events.findIndex(({ kind }) => kind === 'interrupt.pressed'),
    );
    expect(
      (await product.json<OutputOf<'readPane'>>('read-pane', 'one-api', 'orchestrator')).untrusted_output,
    ).toContain('Interrupted');
    await product.json('retry', 'one-api');
    await journaled(
      product,
      'one-api',
      'it is asked again and interrupted again',
      (all) => all.filter(({ kind }) => kind === 'interrupt.pressed').length === 2,
    );
  });

  it('no key is pressed in a pane that a human holds, however long it takes', async () => {
    await open({ ...playing(ENDLESS), config: config('  phase_limit: 4s\n') });
    await product.json('init', 'one-api');
    await product.json('start', 'one-api');
    const began = await journaled(
      product,
      'one-api',
      'the step began',
      (events) => events.find(({ kind }) => kind === 'step.began')?.at,
    );
    await product.json('take', 'one-api', 'orchestrator');
    await until('its time is up', () => Promise.resolve(Date.now() > began + 6000), { withinMs: 12_000 });
    expect(
      (await product.events('one-api')).filter(({ kind }) => kind === 'step.overran' || kind === 'interrupt.pressed'),
    ).toEqual([]);
    expect((await product.status('one-api')).panes.find(({ role }) => role === 'orchestrator')?.state).toBe('busy');
  });

  it('a module that takes longer than the limit of its step has failed, and is told to end', async () => {
    const gate = `import { writeFileSync } from 'node:fs';
export function execute({ signal, runDir }) {
  return new Promise((end) => signal.addEventListener('abort', () => { writeFileSync(runDir + '/told', ''); end(); }));
}
export const rollback = ({ runDir }) => writeFileSync(runDir + '/rolled-back', '');
`;
    const workflow = `name: gated
extends: teamops
steps:
  - id: gate
    after: discovery
    module: gate
    limit: 1s
`;
    await open({
      ...playing({ ...BEGIN, file: '001-discovery-trigger.md' }),
      config: config('', 'workflow: tools/gated.yaml\nmodules:\n  gate: tools/gate.mjs\n'),
      files: {
        'tools/play.yaml': playText([{ ...BEGIN, file: '001-discovery-trigger.md' }]),
        'tools/gate.mjs': gate,
        'tools/gated.yaml': workflow,
      },
    });
    await product.json('init', 'one-api');
    await product.json('start', 'one-api');
    const failed = await attention('one-api', 'module-failed');
    expect(failed.attention[0]?.sentence).toBe(
      'The module of step gate failed to execute: "it took longer than its limit of 1 s" It was rolled back.',
    );
    expect(existsSync(product.path('one-api', 'current', 'told'))).toBe(true);
    expect(existsSync(product.path('one-api', 'current', 'rolled-back'))).toBe(true);
  });
});
