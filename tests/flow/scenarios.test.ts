import { existsSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { linesOf } from '../rig/json-lines.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

let product: Product | null = null;
const open = async (...args: Parameters<typeof openProduct>): Promise<Product> =>
  (product = await openProduct(...args));

afterEach(async () => {
  await product?.dispose();
  product = null;
});

const STEPS = [
  ['discovery', 'orchestrator', '001-discovery-trigger.md', 'Orchestrator', 'Tester'],
  ['testing', 'tester', '003-tests-complete.md', 'Tester', 'Orchestrator'],
  ['implementation-trigger', 'orchestrator', '004-impl-trigger.md', 'Orchestrator', 'Implementer'],
  ['implementation', 'implementer', '005-impl-complete.md', 'Implementer', 'Orchestrator'],
  ['verification-trigger', 'orchestrator', '006-verify-trigger.md', 'Orchestrator', 'Verifier'],
  ['verification', 'verifier', '007-verify-complete.md', 'Verifier', 'Orchestrator'],
  ['summary', 'orchestrator', 'SUMMARY.md', 'Orchestrator', 'Human'],
] as const;

describe('Scenario: Initialise a feature', () => {
  it('runs the framework’s script with its arguments, makes branch, worktree and folders, and tells the next steps', async () => {
    const { repo, cli, json, path } = await open({ framework: true });
    const made = await json<OutputOf<'init'>>('init', 'auth-api');
    expect(await repo.scriptCalls()).toEqual([['auth-api', 'initial', '--skip-branch']]);
    expect(made).toMatchObject({
      feature: 'auth-api',
      run: 'initial',
      branch: 'feature/auth-api',
      initialiser: 'framework',
      specState: 'template',
    });
    expect(made.nextSteps).toEqual([
      'Fill in .tmops/auth-api/current/TASK_SPEC.md',
      'tmops start auth-api',
      'tmops status auth-api',
    ]);
    expect(await repo.git(['rev-parse', '--abbrev-ref', 'HEAD'], made.worktree)).toBe('feature/auth-api');
    expect(await repo.git(['rev-parse', '--abbrev-ref', 'HEAD'])).toBe('main');
    for (const folder of [
      'docs/internal',
      'docs/external',
      'docs/archive',
      'docs/images',
      'runs/initial/checkpoints',
      'runs/initial/logs',
    ]) {
      expect(existsSync(path('auth-api', folder)), folder).toBe(true);
    }
    expect(await readlink(path('auth-api', 'current'))).toBe('runs/initial');
    expect(await readFile(path('FEATURES.txt'), 'utf8')).toMatch(/^auth-api:[a-z]+:.+:feature\/auth-api$/m);
    const log = await linesOf<Record<string, unknown>>(path('.logs', 'tmops.log'));
    expect(log.find((line) => line['msg'] === 'run.initialised')).toMatchObject({
      feature: 'auth-api',
      run: 'initial',
      level: 'info',
    });
    expect((await cli('status', 'auth-api')).stdout).toContain('tmops start auth-api');
  });

  it('keeps a specification that a human has filled in, and begins a retry beside the earlier run', async () => {
    const { json, path, put } = await open({ framework: true });
    await json('init', 'auth-api');
    await put('auth-api', 'TASK_SPEC.md', '# Mine\n\nBuild it.\n');
    await json('init', 'auth-api');
    expect(await readFile(path('auth-api', 'current', 'TASK_SPEC.md'), 'utf8')).toBe('# Mine\n\nBuild it.\n');
    const retry = await json<OutputOf<'init'>>('init', 'auth-api', '--run-type', 'retry');
    expect(retry.run).toBe('retry');
    expect(await readlink(path('auth-api', 'current'))).toBe('runs/retry');
    expect(await readFile(path('auth-api', 'runs', 'initial', 'TASK_SPEC.md'), 'utf8')).toBe('# Mine\n\nBuild it.\n');
  });

  it.each(["'; rm -rf /; #", '../../../etc/passwd', 'ab', 'Auth-API', 'feature-${EVIL}', 'a'.repeat(21)])(
    'refuses the name %j and touches nothing',
    async (name) => {
      const { cli, repo } = await open();
      const before = await repo.git(['status', '--porcelain', '--ignored']);
      const { exitCode, stderr } = await cli('init', '--', name);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain('a feature name is 3 to 20');
      expect(await repo.git(['status', '--porcelain', '--ignored'])).toBe(before);
    },
  );
});

describe('Scenario: Orchestrate from orchestrator to verifier', () => {
  it('hands the work from pane to pane until the summary, each prompt once', async () => {
    const { cli, json, prompts, reached, events, path, repo, server } = await open({ play: 'demo', findsTests: true });
    const { worktree } = await json<OutputOf<'init'>>('init', 'auth-api');
    const start = await json<OutputOf<'start'>>('start', 'auth-api');
    expect(start.attach).toContain("attach -t '=tmops-auth-api'");
    const panes = (await server.run('list-panes', '-s', '-t', '=tmops-auth-api', '-F', '#{@tmops_role}')).split('\n');
    expect(panes.sort()).toEqual(['implementer', 'orchestrator', 'tester', 'verifier']);
    const end = await reached('auth-api', 'the run is completed', (status) => status.phase === 'completed', 60_000);
    expect(end.checkpoints.map((each) => each.state)).toEqual(STEPS.map(() => 'done'));
    const words = async (role: string) =>
      (await prompts('auth-api', role)).map((prompt) => prompt.text.replace(/ \[tmops#\d+\]$/, ''));
    expect(await words('tester')).toEqual([
      'Read .tmops/auth-api/current/roles/tester.md and follow it.',
      '[BEGIN]: Start test writing',
    ]);
    expect(await words('orchestrator')).toEqual([
      'Read .tmops/auth-api/current/roles/orchestrator.md and follow it.',
      '[BEGIN]: Start orchestration for auth-api',
      '[CONFIRMED]: Tester has completed',
      '[CONFIRMED]: Implementer has completed',
      '[CONFIRMED]: Verifier has completed',
    ]);
    const outcomes = (await events('auth-api')).filter((event) => event.kind === 'prompt.taken');
    expect(outcomes).toHaveLength(11);
    expect((await repo.git(['log', '--format=%s', 'main..feature/auth-api'])).split('\n')).toHaveLength(2);
    await repo.git(['status'], worktree);
    // Written a moment after the fact is in the journal.
    const state = await until('state.json tells the end', async () => {
      const text = await readFile(path('auth-api', 'runs', 'current', 'state.json'), 'utf8');
      const read = JSON.parse(text) as Record<string, unknown>;
      return read['phase'] === 'completed' ? read : null;
    });
    expect(state).toMatchObject({ version: 1, feature: 'auth-api', phase: 'completed', step: null });
    const metrics = await until('metrics.json tells the whole run', async () => {
      const text = await readFile(path('auth-api', 'current', 'metrics.json'), 'utf8');
      const read = JSON.parse(text) as { timeline: unknown[]; sources: Record<string, string> };
      return read.timeline.length === 7 && Object.values(read.sources).includes('measured') ? read : null;
    });
    expect(new Set(Object.values(metrics.sources))).toEqual(new Set(['measured', 'claimed']));
    expect((await cli('events', 'auth-api')).stdout).toContain('All steps are done.');
  }, 90_000);
});

describe('Scenario: Two features at once keep apart', () => {
  it('each has its branch, worktree, session, agents and checkpoints', async () => {
    const { json, reached, repo, server } = await open({ play: 'demo' });
    const features = ['feat', 'feat-long'];
    for (const feature of features) await json('init', feature);
    await Promise.all(features.map((feature) => json('start', feature)));
    const sessions = (await server.run('list-sessions', '-F', '#{session_name}')).split('\n');
    expect(sessions.sort()).toEqual(['tmops-feat', 'tmops-feat-long']);
    await Promise.all(
      features.map((feature) =>
        reached(feature, `${feature} is completed`, (status) => status.phase === 'completed', 90_000),
      ),
    );
    for (const feature of features) {
      const files = (await repo.git(['diff', '--name-only', `main..feature/${feature}`])).split('\n').sort();
      expect(files).toEqual([`src/${feature}.mjs`, `tests/${feature}.test.mjs`]);
    }
    await json('stop', 'feat');
    expect((await server.run('list-sessions', '-F', '#{session_name}')).split('\n')).toEqual(['tmops-feat-long']);
  }, 120_000);

  it('queues one beyond the limit, naming those that run, and both are completed', async () => {
    const { json, reached } = await open({
      play: 'instant',
      config: 'features:\n  concurrent_limit: 1\nproject:\n  test_command: npm test',
    });
    await json('init', 'one-api');
    await json('init', 'two-api');
    await json('start', 'one-api');
    const { queue } = await json<OutputOf<'start'>>('start', 'two-api');
    // The first one may be done by then.
    if (queue) expect(queue).toMatchObject({ position: 1, length: 1 });
    for (const feature of ['one-api', 'two-api'])
      await reached(feature, `${feature} is completed`, ({ phase }) => phase === 'completed', 90_000);
  }, 120_000);
});

describe('Scenario: Manual fallback', () => {
  describe('at any step', () => {
    let shared: Product;
    beforeAll(async () => {
      shared = await openProduct({ play: 'wait' });
    });
    afterAll(() => shared.dispose());

    it.each(STEPS.map(([step], index) => [step, index] as const))(
      'stopped in the step %s, carried on by hand with files, started again: it goes on from there',
      async (_step, index) => {
        const { json, path, put, reached, status, prompts } = shared;
        const feature = `by-hand-${index + 1}`;
        await json('init', feature);
        await json('start', feature);
        await reached(feature, 'the first step has begun', ({ prompts: all }) =>
          all.some((prompt) => prompt.purpose === 'step discovery' && prompt.outcome === 'accepted'),
        );
        await json('stop', feature);
        for (const [, , file, from, to] of STEPS.slice(0, index)) {
          await put(feature, file === 'SUMMARY.md' ? file : `checkpoints/${file}`, checkpointText(feature, from, to));
        }
        await json('start', feature);
        const [step, role] = STEPS[index] ?? STEPS[0];
        const now = await reached(
          feature,
          `it is in ${step}`,
          (view) =>
            view.step === step &&
            view.prompts.some((prompt) => prompt.purpose.endsWith(` ${step}`) && prompt.outcome === 'accepted'),
        );
        expect(now.role).toBe(role);
        expect((await status(feature)).checkpoints.map((each) => each.state === 'done')).toEqual(
          STEPS.map((_each, place) => place < index),
        );
        const asked = (await prompts(feature, role)).filter((prompt) => !prompt.text.startsWith('Read '));
        expect(asked.length, JSON.stringify(asked)).toBeGreaterThanOrEqual(1);
        expect(existsSync(path(feature, 'current', 'journal.jsonl'))).toBe(true);
        await json('stop', feature);
      },
    );
  });

  it('with an error injected into the automation, by hand in the pane and with plain files, then on by itself', async () => {
    const { json, put, reached, endSupervisor, server, status } = await open({ play: 'wait' });
    await json('init', 'auth-api');
    await json('start', 'auth-api');
    await reached('auth-api', 'the first step has begun', ({ prompts: all }) =>
      all.some((prompt) => prompt.purpose === 'step discovery' && prompt.outcome === 'accepted'),
    );
    await endSupervisor('SIGKILL');
    const tester =
      (await server.run('list-panes', '-s', '-t', '=tmops-auth-api', '-F', '#{@tmops_role} #{pane_id}'))
        .split('\n')
        .find((line) => line.startsWith('tester'))
        ?.split(' ')[1] ?? '';
    await server.run('send-keys', '-t', tester, '-l', '[BEGIN]: Start test writing');
    await server.run('send-keys', '-t', tester, 'Enter');
    await put('auth-api', 'checkpoints/001-discovery-trigger.md', checkpointText('auth-api', 'Orchestrator', 'Tester'));
    await put('auth-api', 'checkpoints/003-tests-complete.md', checkpointText('auth-api', 'Tester', 'Orchestrator'));
    await reached(
      'auth-api',
      'it goes on with the implementer’s trigger',
      (view) =>
        view.step === 'implementation-trigger' &&
        view.prompts.some(
          (prompt) => prompt.purpose === 'step implementation-trigger' && prompt.outcome === 'accepted',
        ),
    );
    expect((await status('auth-api')).prompts.some((prompt) => prompt.purpose === 'step testing')).toBe(false);
  });
});

it('leaves nothing behind', async () => {
  const { json, repo, server, dispose, path } = await open({ play: 'instant' });
  await json('init', 'auth-api');
  await json('start', 'auth-api');
  const pid = await until('the supervisor’s pid', () => readFile(path('.supervisor', 'pid'), 'utf8').catch(() => null));
  await dispose();
  product = null;
  expect(existsSync(`/proc/${pid.trim()}`)).toBe(false);
  expect(await server.alive()).toBe(false);
  expect(existsSync(repo.base)).toBe(false);
});
