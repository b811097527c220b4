import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { greenCode, journaled, playText, redTest, watchersOf, wordsTo, write, type Cue } from '../rig/flow.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

type Rollback = OutputOf<'rollback'>;
type Status = OutputOf<'status'>;

const run = (...argv: string[]): object => ({ run: { argv, expect: 'any' } });
const commits = (message: string): object[] => [
  run('git', 'add', '--all'),
  run('git', 'commit', '--quiet', '--message', message),
];
const orchestrator = (when: string, file: string): Cue => ({ role: 'orchestrator', when, file });

/** The shipped team: tests are committed, so is the code but for one file. */
const team = (thinkMs?: number): string =>
  playText([
    orchestrator('[BEGIN]: Start orchestration', '001-discovery-trigger.md'),
    orchestrator('Tester has completed', '004-impl-trigger.md'),
    orchestrator('Implementer has completed', '006-verify-trigger.md'),
    orchestrator('Verifier has completed', 'SUMMARY.md'),
    {
      ...{ role: 'tester', when: '[BEGIN]: Start test writing', acts: [redTest, ...commits('Tests')] },
      ...{ file: '003-tests-complete.md', ...(thinkMs === undefined ? {} : { thinkMs }) },
    },
    {
      ...{ role: 'implementer', when: '[BEGIN]: Start implementation', file: '005-impl-complete.md' },
      acts: [greenCode, write('src/sum.js', 'export const sum = (a, b) => b + a;\n'), ...commits('Code'), LOOSE],
    },
    { role: 'verifier', when: '[BEGIN]: Start verification', file: '007-verify-complete.md' },
  ]);
const LOOSE = write('src/loose.mjs', 'export {};\n');
const SUM = 'export const sum = (a, b) => a + b;\n';
const STEPS = [
  ...['testing', 'implementation-trigger', 'implementation', 'verification-trigger', 'verification', 'summary'],
];
const CONFIG = 'features:\n  concurrent_limit: 20';
/** A whole run with the tests of its checks, on a busy machine. */
const RUN_WITHIN_MS = 90_000;
/** Less, so that a run which stands still tells why before its test is ended. */
const COMPLETED_WITHIN_MS = 40_000;

let product: Product;
beforeAll(async () => {
  const files = { 'tools/team.yaml': team(), 'tools/slow.yaml': team(600_000) };
  product = await openProduct({ config: CONFIG, play: 'tools/team.yaml', files });
});
afterAll(() => product.dispose());

/** The working tree of a feature, seen from outside of tmops. */
class Tree {
  readonly #feature: string;
  readonly path: string;
  constructor(feature: string, path: string) {
    this.#feature = feature;
    this.path = path;
  }
  git(...args: string[]): Promise<string> {
    return product.repo.git(args, this.path);
  }
  has(...files: string[]): string[] {
    return files.filter((file) => existsSync(join(this.path, file)));
  }
  read(file: string): Promise<string> {
    return readFile(join(this.path, file), 'utf8');
  }
  async put(file: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.path, file)), { recursive: true });
    await writeFile(join(this.path, file), text);
  }
  /** What git says of branch, index and files, and each checkpoint that is there. */
  async whole(): Promise<object> {
    const folder = product.path(this.#feature, 'current', 'checkpoints');
    return {
      head: await this.git('rev-parse', 'HEAD^{tree}'),
      status: await this.git('status', '--porcelain', '--untracked-files=all'),
      diff: await this.git('diff', 'HEAD'),
      staged: await this.git('diff', '--cached'),
      checkpoints: (await readdir(folder)).filter((name) => name.endsWith('.md')).sort(),
    };
  }
  code(): string[] {
    return this.has(`src/${this.#feature}.mjs`, 'src/loose.mjs');
  }
  tests(): string[] {
    return this.has(`tests/${this.#feature}.test.mjs`);
  }
}

async function initialised(feature: string): Promise<Tree> {
  return new Tree(feature, (await product.json<OutputOf<'init'>>('init', feature)).worktree);
}
const completed = (feature: string): Promise<Status> =>
  product.reached(
    feature,
    `${feature} is completed`,
    ({ phase, panes }) => phase === 'completed' && panes.every(({ state }) => state === 'idle'),
    COMPLETED_WITHIN_MS,
  );
const rollback = (feature: string, ...args: string[]): Promise<Rollback> =>
  product.json<Rollback>('rollback', feature, ...args);
const inRun = (feature: string, ...names: string[]): boolean => existsSync(product.path(feature, 'current', ...names));
const asked = async (feature: string, role: string, words: string): Promise<number> =>
  (await wordsTo(product, feature, role)).filter((line) => line === words).length;
const files = ({ files: changed }: Rollback): Record<string, string> =>
  Object.fromEntries(changed.map(({ path, what }) => [path, what]));

describe('a run that is completed', () => {
  const FEATURE = 'whole-api';
  let tree: Tree;
  let before: object;
  let client: Client;

  beforeAll(async () => {
    tree = await initialised(FEATURE);
    await product.json('start', FEATURE);
    await completed(FEATURE);
    await until('the figures are written', () => inRun(FEATURE, 'metrics.json'));
    // A human goes on in the tree: beside the code, in it, staged and not, and among the tests.
    await tree.put('src/human.mjs', 'mine\n');
    await tree.put('src/staged.mjs', 'staged\n');
    await tree.git('add', 'src/staged.mjs');
    await tree.put('src/staged.mjs', 'and changed\n');
    await tree.put('tests/human.test.mjs', '// mine\n');
    before = await tree.whole();
    client = await mcpClient(product);
  }, RUN_WITHIN_MS);
  afterAll(() => client.close());

  const tool = async (args: Record<string, unknown>): Promise<Rollback> => {
    const answer = await client.callTool({ name: 'tmops_rollback', arguments: { feature: FEATURE, ...args } });
    if (answer.isError === true) throw new Error(JSON.stringify(answer.content));
    return answer.structuredContent as Rollback;
  };
  const undone = async (): Promise<void> => {
    await rollback(FEATURE, '--undo');
    await completed(FEATURE);
    expect(await tree.whole()).toEqual(before);
    expect([inRun(FEATURE, 'SUMMARY.md'), inRun(FEATURE, 'metrics.json')]).toEqual([true, true]);
  };

  it('says what a rollback would take, and touches nothing', async () => {
    const events = (await product.events(FEATURE)).length;
    const refs = await tree.git('for-each-ref');
    const plan = await rollback(FEATURE, '--to', 'implementer', '--dry-run');
    expect(plan).toMatchObject({ step: 'implementation', done: false, kept: null, blocked: null, number: 1 });
    expect(plan.steps).toEqual(['implementation', 'verification-trigger', 'verification', 'summary']);
    expect(files(plan)).toEqual({
      ...{ [`src/${FEATURE}.mjs`]: 'goes', 'src/loose.mjs': 'goes', 'src/sum.js': 'changes' },
      ...{ 'src/human.mjs': 'goes', 'src/staged.mjs': 'goes' },
    });
    expect(plan.commits.map(({ subject }) => subject)).toEqual(['Code']);
    expect(plan.checkpoints).toEqual([
      ...['checkpoints/005-impl-complete.md', 'checkpoints/006-verify-trigger.md'],
      ...['checkpoints/007-verify-complete.md', 'SUMMARY.md', 'metrics.json'],
    ]);
    const { stdout } = await product.cli('rollback', FEATURE, '--to', 'implementer', '--dry-run');
    expect(stdout).toMatch(/^This would roll back whole-api to implementation\. Nothing was touched\.\n/);
    expect(files(await rollback(FEATURE, '--to', 'verifier', '--dry-run'))).toEqual({});
    expect(await tree.whole()).toEqual(before);
    expect([(await product.events(FEATURE)).length, await tree.git('for-each-ref')]).toEqual([events, refs]);
  });

  it('verifier: keeps code and tests, withdraws review, summary and figures, and is put back by undo', async () => {
    const done = await rollback(FEATURE, '--to', 'verifier', '--why', 'look again');
    expect(done).toMatchObject({ done: true, step: 'verification', present: 'verification', commitCount: 0 });
    expect(await tree.whole()).toEqual({
      ...before,
      checkpoints: (before as { checkpoints: string[] }).checkpoints.slice(0, -1),
    });
    expect([inRun(FEATURE, 'SUMMARY.md'), inRun(FEATURE, 'metrics.json')]).toEqual([false, false]);
    const archive = ['.archive', 'rollback-001'];
    for (const file of ['checkpoints/007-verify-complete.md', 'SUMMARY.md', 'metrics.json'])
      expect(inRun(FEATURE, ...archive, file)).toBe(true);
    expect(await product.status(FEATURE)).toMatchObject({
      phase: 'running',
      step: 'verification',
      paused: { by: 'cli' },
    });
    await undone();
    expect(inRun(FEATURE, ...archive, 'SUMMARY.md')).toBe(false);
  });

  it('implementer, over MCP: keeps the tests, puts the source back, keeps what a human had not committed', async () => {
    const head = await tree.git('rev-parse', 'HEAD');
    const planned = await tool({ to: 'implementation', dryRun: true });
    const done = await tool({ to: 'implementation' });
    expect({ ...done, ...{ done: false, kept: null, present: null, waitsFor: '' } }).toEqual({
      ...planned,
      ...{ present: null, waitsFor: '' },
    });
    expect([tree.code(), tree.tests()]).toEqual([[], [`tests/${FEATURE}.test.mjs`]]);
    expect(await tree.read('src/sum.js')).toBe(SUM);
    // The branch goes on: what is verified later is what it holds.
    expect(await tree.git('rev-parse', 'HEAD^')).toBe(head);
    expect(await tree.git('log', '-1', '--format=%s')).toBe(`tmops rollback 2 of ${FEATURE}: implementation`);
    expect(await tree.git('status', '--porcelain')).toBe('?? tests/human.test.mjs');
    const ref = `refs/tmops/${FEATURE}/initial/rollback-2`;
    expect(done.kept?.ref).toBe(`${ref}-files`);
    expect(await tree.git('show', `${ref}-files:src/human.mjs`)).toBe('mine');
    expect(await tree.git('show', `${ref}-files:src/staged.mjs`)).toBe('and changed');
    expect(await tree.git('show', `${ref}-index:src/staged.mjs`)).toBe('staged');
    await undone();
    expect(await product.cli('rollback', FEATURE, '--undo')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has no rollback that could be undone') as string,
    });
  });

  it(
    'goes on from there when it is resumed: the step is asked for anew, and the run is completed again',
    async () => {
      await rm(join(tree.path, 'tests/human.test.mjs'));
      await rollback(FEATURE, '--to', 'implementer');
      await product.json('resume', FEATURE);
      await completed(FEATURE);
      expect(await asked(FEATURE, 'implementer', '[BEGIN]: Start implementation')).toBe(2);
      expect(await asked(FEATURE, 'tester', '[BEGIN]: Start test writing')).toBe(1);
      expect(tree.code()).toEqual([`src/${FEATURE}.mjs`, 'src/loose.mjs']);
      // The step began where it did before: a second rollback goes there as well, and its undoing comes back to the second work.
      const second = await tree.whole();
      await rollback(FEATURE, '--to', 'implementer');
      expect([tree.code(), await tree.read('src/sum.js')]).toEqual([[], SUM]);
      await rollback(FEATURE, '--undo');
      await completed(FEATURE);
      expect(await tree.whole()).toEqual(second);
    },
    RUN_WITHIN_MS,
  );
});

describe('a run whose session is closed', () => {
  // Tried again, it is another feature: what an attempt left behind is not gone over.
  let attempts = 0;

  it(
    'tester: keeps the tests and goes on with start, without asking that they pass first; what is in the way is said',
    async () => {
      const feature = `stopped-${(attempts += 1)}`;
      const tree = await initialised(feature);
      await tree.put('settings', 'as it was\n');
      await product.json('start', feature);
      await completed(feature);
      await product.json('stop', feature);
      await rollback(feature, '--to', 'tester');
      expect([tree.code(), tree.tests()]).toEqual([[], [`tests/${feature}.test.mjs`]]);
      expect(inRun(feature, 'checkpoints', '001-discovery-trigger.md')).toBe(true);
      expect(inRun(feature, 'checkpoints', '003-tests-complete.md')).toBe(false);
      await product.json('resume', feature);
      expect(await completed(feature)).toMatchObject({ attention: [] });
      expect(await asked(feature, 'tester', '[BEGIN]: Start test writing')).toBe(2);
      expect(await asked(feature, 'orchestrator', `[BEGIN]: Start orchestration for ${feature}`)).toBe(1);
      await saysWhatIsInTheWay(feature, tree);
    },
    RUN_WITHIN_MS,
  );

  /** A rollback that cannot come to its end says so, and goes on once the cause is repaired. */
  async function saysWhatIsInTheWay(feature: string, tree: Tree): Promise<void> {
    await product.json('stop', feature);
    await tree.git('rm', '--quiet', '--cached', 'settings');
    await appendFile(join(tree.path, '.gitignore'), 'settings\n');
    await tree.put('settings', 'changed, and nobody keeps it\n');
    const failed = await product.cli('rollback', feature, '--to', 'implementer');
    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr).toContain('settings, which git ignores, is in the way of another: move it away.');
    expect(await tree.read('settings')).toBe('changed, and nobody keeps it\n');
    expect((await product.status(feature)).attention).toMatchObject([{ code: 'rollback-failed' }]);
    await rm(join(tree.path, 'settings'));
    await rollback(feature, '--to', 'implementer');
    expect([tree.code(), await tree.read('settings')]).toEqual([[], 'as it was\n']);
    expect(await product.status(feature)).toMatchObject({ step: 'implementation', attention: [] });
  }
});

describe('a supervisor that is killed in the middle', () => {
  const FEATURE = 'killed-api';

  it(
    'orchestrator: the next one takes it back to the beginning, once, and the run begins anew',
    async () => {
      const tree = await initialised(FEATURE);
      const spec = product.path(FEATURE, 'current', 'TASK_SPEC.md');
      const asWritten = await readFile(spec, 'utf8');
      await product.json('start', FEATURE);
      await completed(FEATURE);
      const head = await tree.git('rev-parse', 'HEAD');
      // Another git has the index: the rollback cannot come to its end.
      const lock = await tree.git('rev-parse', '--path-format=absolute', '--git-path', 'index.lock');
      await writeFile(lock, '');
      const going = product.cli('rollback', FEATURE, '--to', 'orchestrator');
      await until('the branch has its commit', async () => (await tree.git('rev-parse', 'HEAD')) !== head);
      const { supervisor } = await watchersOf(product);
      await product.endSupervisor('SIGKILL');
      await rm(lock);
      await going;
      await product.cli('status', FEATURE);
      await journaled(product, FEATURE, 'it is done', (events) => events.find(({ kind }) => kind === 'rollback.done'));
      expect((await watchersOf(product)).supervisor).not.toBe(supervisor);
      const commit = await tree.git('rev-parse', 'HEAD');
      expect((await product.events(FEATURE)).filter(({ kind }) => kind.startsWith('rollback.'))).toMatchObject([
        { kind: 'rollback.began', step: 'discovery' },
        { kind: 'rollback.done', commit },
      ]);
      expect(await tree.git('rev-parse', 'HEAD^')).toBe(head);
      expect(await tree.git('diff', '--stat', `${head}~2`, 'HEAD')).toBe('');
      expect(await tree.git('status', '--porcelain')).toBe('');
      expect(await readdir(product.path(FEATURE, 'current', 'checkpoints'))).toEqual([]);
      expect(await readFile(spec, 'utf8')).toBe(asWritten);
      await product.json('resume', FEATURE);
      await completed(FEATURE);
      expect(await asked(FEATURE, 'orchestrator', `[BEGIN]: Start orchestration for ${FEATURE}`)).toBe(2);
      expect([tree.code().length, tree.tests().length]).toEqual([2, 1]);
    },
    RUN_WITHIN_MS,
  );
});

describe('a run that cannot be rolled back now', () => {
  const FEATURE = 'busy-api';
  const refused = async (...args: string[]): Promise<string> => {
    const { exitCode, stderr } = await product.cli('--json', 'rollback', FEATURE, ...args);
    expect(exitCode).not.toBe(0);
    return (JSON.parse(stderr) as { code: string }).code;
  };

  it('says what is in the way: an agent at work, a hand in a pane, a merge, another branch; and nothing is touched', async () => {
    await product.configure({ config: CONFIG, play: 'tools/slow.yaml' });
    const tree = await initialised(FEATURE);
    await product.json('start', FEATURE);
    await product.reached(FEATURE, 'the tester works', ({ prompts }) =>
      prompts.some(({ purpose, outcome }) => purpose === 'step testing' && outcome === 'accepted'),
    );
    expect(await refused('--to', 'tester')).toBe('agent-at-work');
    expect(await rollback(FEATURE, '--to', 'tester', '--dry-run')).toMatchObject({
      blocked: { code: 'agent-at-work' },
    });
    expect(await refused('--to', 'implementer')).toBe('step-ahead');
    expect(await refused('--to', 'nobody')).toBe('unknown-phase');
    expect(await refused()).toBe('bad-arguments');
    expect(await refused('--to', 'tester', '--undo')).toBe('bad-arguments');
    expect(await refused('--undo')).toBe('nothing-to-undo');
    await product.json('stop', FEATURE);
    await writeFile(await tree.git('rev-parse', '--path-format=absolute', '--git-path', 'MERGE_HEAD'), 'x\n');
    expect(await refused('--to', 'tester')).toBe('rollback-under-way');
    await rm(await tree.git('rev-parse', '--path-format=absolute', '--git-path', 'MERGE_HEAD'));
    await tree.git('switch', '--quiet', '--detach');
    expect(await refused('--to', 'tester')).toBe('rollback-other-branch');
    await tree.git('switch', '--quiet', `feature/${FEATURE}`);
    expect((await product.events(FEATURE)).some(({ kind }) => kind.startsWith('rollback.'))).toBe(false);
    expect(await tree.git('for-each-ref', `refs/tmops/${FEATURE}/initial/rollback-1*`)).toBe('');
  });

  it('can be once it is stopped, and start goes on from there', async () => {
    expect(await rollback(FEATURE, '--to', 'tester')).toMatchObject({ done: true, fileCount: 0, steps: STEPS });
    expect(await product.status(FEATURE)).toMatchObject({ phase: 'stopped', step: 'testing' });
    await product.json('start', FEATURE);
    await product.reached(FEATURE, 'the tester is asked anew', ({ prompts }) =>
      prompts.some(
        ({ purpose, prompt, outcome }) => purpose === 'step testing' && prompt > 6 && outcome === 'accepted',
      ),
    );
    await product.json('stop', FEATURE);
  });

  it('is refused while a human holds a pane', async () => {
    await product.json('start', FEATURE);
    await product.json('pause', FEATURE);
    await product.json('take', FEATURE, 'verifier');
    await product.reached(FEATURE, 'all have read', ({ panes }) => panes.every(({ state }) => state === 'idle'));
    expect(await refused('--to', 'tester')).toBe('pane-held');
    await product.json('give', FEATURE);
    expect(await rollback(FEATURE, '--to', 'tester')).toMatchObject({ done: true, fileCount: 0 });
  });
});
