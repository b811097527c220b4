import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { version } from '../../src/compose/package.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { connectLink } from '../../src/link/client.ts';
import { journaled, partFile, partsWorkflow, playText, watchersOf } from '../rig/flow.ts';
import { openProduct, program, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

const ROLES = ['orchestrator', 'tester', 'implementer', 'verifier'];
const LIMIT = 'features:\n  concurrent_limit: 20';
/** Each name is the beginning of the next one. */
const NESTED = ['auth', 'auth-api', 'auth-api-v2'];

const sessionsOf = async ({ server }: Product): Promise<string[]> =>
  (await server.run('list-sessions', '-F', '#{session_name}').catch(() => ''))
    .split('\n')
    .filter((name) => name !== '');

const completed = (product: Product, feature: string, withinMs: number): Promise<unknown> =>
  journaled(
    product,
    feature,
    'is completed',
    (events) => events.some(({ kind }) => kind === 'run.completed'),
    withinMs,
  );

/** The name as a whole word: `auth` is in `auth-api`, and is another one. */
const names = (text: string): string[] => [
  ...new Set(text.match(/(?<![\w-])(auth(-[a-z0-9]+)*|many-\d+)(?![\w-])/g) ?? []),
];

describe('Concurrent features: names that are prefixes of each other, on a path with spaces and Unicode', () => {
  let product: Product;
  let trees: string[];

  beforeAll(async () => {
    product = await openProduct({ play: 'wait', config: LIMIT, name: 'größe und app', framework: true });
    trees = [];
    for (const feature of NESTED) trees.push((await product.json<OutputOf<'init'>>('init', feature)).worktree);
    // The longest first: a target that is a pattern would find it for all three.
    for (const feature of NESTED.toReversed()) await product.json('start', feature);
    for (const feature of NESTED)
      await journaled(product, feature, 'has begun', (events) => events.some(({ kind }) => kind === 'prompt.taken'));
  }, 60_000);
  afterAll(() => product.dispose());

  it('each has a session and panes of its own, and reading a pane reads its own', async () => {
    expect((await sessionsOf(product)).sort()).toEqual(NESTED.map((feature) => `tmops-${feature}`));
    for (const feature of NESTED) {
      const status = await product.reached(feature, 'its roles have read', ({ prompts }) =>
        ROLES.every((role) => prompts.some((each) => each.role === role && each.outcome === 'accepted')),
      );
      const own = await product.server.run('list-panes', '-s', '-t', `=tmops-${feature}:`, '-F', '#{pane_id}');
      expect(status.panes.map(({ pane }) => pane).sort()).toEqual(own.split('\n').sort());
      const read = await product.json<OutputOf<'readPane'>>('read-pane', feature, 'tester');
      const shown = read.untrusted_output.replaceAll(/\s+/g, '');
      expect(shown).toContain(`.tmops/${feature}/current/roles/tester.md`);
      for (const other of NESTED.filter((each) => each !== feature)) expect(shown).not.toContain(`.tmops/${other}/`);
    }
  });

  it('the framework’s relative paths hold inside each worktree, and its tools at the root see every feature', async () => {
    for (const [index, feature] of NESTED.entries()) {
      const tree = trees[index] ?? '';
      expect(await product.repo.git(['branch', '--show-current'], tree)).toBe(`feature/${feature}`);
      const script = `cat .tmops/${feature}/current/TASK_SPEC.md >/dev/null && ls .tmops/${feature}/runs/current/checkpoints >/dev/null && cat .tmops/FEATURES.txt && pwd`;
      const { stdout } = await execa('sh', ['-c', script], { cwd: tree });
      for (const each of NESTED) expect(stdout).toMatch(new RegExp(`^${each}:`, 'm'));
      const file = join(tree, '.tmops', feature, 'current', 'checkpoints', 'note.txt');
      await execa('sh', ['-c', `echo seen > .tmops/${feature}/runs/current/checkpoints/note.txt`], { cwd: tree });
      expect(existsSync(file)).toBe(true);
      expect(await readFile(product.path(feature, 'runs', 'initial', 'checkpoints', 'note.txt'), 'utf8')).toBe(
        'seen\n',
      );
    }
    const { features } = await product.json<OutputOf<'list'>>('list');
    expect(features.map(({ feature }) => feature)).toEqual(NESTED);
  });

  it('stopping and cleaning up the shortest leaves the others alone', async () => {
    await product.json('stop', 'auth');
    expect((await sessionsOf(product)).sort()).toEqual(['tmops-auth-api', 'tmops-auth-api-v2']);
    await product.json('cleanup', 'auth');
    await product.json('stop', 'auth-api');
    expect(await sessionsOf(product)).toEqual(['tmops-auth-api-v2']);
    expect((await product.status('auth-api-v2')).phase).toBe('running');
    const kept = await product.repo.git(['worktree', 'list', '--porcelain']);
    expect(trees.map((tree) => kept.includes(`worktree ${tree}\n`))).toEqual([false, true, true]);
  });
});

describe('Concurrent features: two supervisors that are started at once', () => {
  it('one wins, the others leave, and nothing is doubled', async () => {
    const product = await openProduct({ play: 'instant', config: LIMIT });
    try {
      await product.json('init', 'auth-api');
      await product.json('start', 'auth-api');
      await journaled(product, 'auth-api', 'has begun', (events) => events.some(({ kind }) => kind === 'step.began'));
      const { guard, supervisor } = await watchersOf(product);
      for (const pid of [guard, supervisor]) process.kill(pid, 'SIGKILL');
      const options = { cwd: product.repo.root, env: product.env, extendEnv: false, reject: false } as const;
      const many = Array.from({ length: 4 }, () =>
        execa(process.execPath, [program, 'supervise', '--root', product.repo.root], options),
      );
      const ended = new Set<number>();
      for (const [index, each] of many.entries()) void each.then(() => ended.add(index));
      await completed(product, 'auth-api', 60_000);
      await until('all but one have left', () => ended.size === many.length - 1);
      const winner = many.findIndex((_each, index) => !ended.has(index));
      const pid = Number(await readFile(product.path('.supervisor', 'pid'), 'utf8'));
      expect(many[winner]?.pid).toBe(pid);
      const losers = await Promise.all(many.filter((_each, index) => index !== winner));
      expect(losers.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
      const events = await product.events('auth-api');
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
      for (const role of ROLES) {
        const texts = (await product.prompts('auth-api', role)).map(({ text }) => text);
        expect(texts).toEqual([...new Set(texts)]);
      }
      // One more, to whom a completed run is nothing to watch: what is asked of it still finds its session.
      await product.endSupervisor();
      await product.json('stop', 'auth-api');
      expect(await sessionsOf(product)).toEqual([]);
    } finally {
      await product.dispose();
    }
  }, 90_000);
});

describe('Concurrent features: two workspaces at once with a feature of the same name', () => {
  it('each has its own run, and neither sees the other', async () => {
    const both = await Promise.all(['one', 'two'].map((name) => openProduct({ play: 'instant', config: LIMIT, name })));
    try {
      await Promise.all(
        both.map(async (product) => {
          await product.json('init', 'auth-api');
          await product.json('start', 'auth-api');
          await completed(product, 'auth-api', 60_000);
        }),
      );
      const pids = await Promise.all(both.map((each) => readFile(each.path('.supervisor', 'pid'), 'utf8')));
      expect(new Set(pids).size).toBe(2);
      for (const [index, product] of both.entries()) {
        const other = both[1 - index]?.repo.base ?? '';
        const own = (await product.events('auth-api')).map((event) => JSON.stringify(event)).join('\n');
        expect(own).toContain(product.repo.base);
        expect(own).not.toContain(other);
        for (const role of ROLES) expect(JSON.stringify(await product.prompts('auth-api', role))).not.toContain(other);
        await product.json('stop', 'auth-api');
        expect(await sessionsOf(product)).toEqual([]);
      }
    } finally {
      for (const product of both) await product.dispose();
    }
  }, 90_000);
});

describe('Concurrent features: 20 at once in one workspace', () => {
  const MANY = Array.from({ length: 20 }, (_each, index) => `many-${index + 1}`);
  const TEAM = ['writer', 'reader'];
  const PARTS = [...TEAM, ...TEAM];
  /** As many agents as one machine bears: two to a feature, which hand parts to each other. */
  const PLAY = playText([
    ...PARTS.map((role, index) => ({ role, when: `Write part ${index + 1}`, file: partFile(index + 1) })),
    { role: 'writer', when: 'Sum up', file: 'SUMMARY.md' },
  ]);

  it('all are completed, and nothing crosses', async () => {
    const product = await openProduct({
      play: 'tools/play.yaml',
      config: `${LIMIT}\n  default_phases: [writer, reader]\nworkflow: tools/parts.yaml`,
      files: { 'tools/parts.yaml': partsWorkflow('parts', PARTS), 'tools/play.yaml': PLAY },
    });
    try {
      await product.json('list');
      await asked(product, 'init', MANY);
      await asked(product, 'start', MANY);
      const sessions = await sessionsOf(product);
      const missing = MANY.filter((feature) => !sessions.includes(`tmops-${feature}`));
      expect(await Promise.all(missing.map((feature) => product.cli('status', feature)))).toEqual([]);
      // One after the other: looking at twenty journals at once takes their time from them.
      for (const feature of MANY) await completed(product, feature, 150_000);
      for (const feature of MANY) await keepsToItself(product, feature);
    } finally {
      await product.dispose();
    }
  }, 200_000);

  async function keepsToItself(product: Product, feature: string): Promise<void> {
    const run = product.path(feature, 'runs', 'initial');
    for (const role of TEAM) {
      const texts = (await product.prompts(feature, role)).map(({ text }) => text);
      expect(texts.filter((text) => text.startsWith('Write part'))).toHaveLength(2);
      expect(texts).toEqual([...new Set(texts)]);
      expect(names(texts.join('\n')).filter((name) => name !== feature)).toEqual([]);
    }
    const files = await readdir(join(run, 'checkpoints'));
    expect(files.sort()).toEqual(PARTS.map((_role, index) => partFile(index + 1)));
    for (const file of files) expect(names(await readFile(join(run, 'checkpoints', file), 'utf8'))).toEqual([feature]);
    const journal = names(await readFile(join(run, 'journal.jsonl'), 'utf8'));
    expect(journal.filter((name) => name !== feature)).toEqual([]);
  }
});

/** Over one connection: a process for each of twenty calls would be most of the time. */
async function asked(product: Product, op: string, features: readonly string[]): Promise<void> {
  const place = socketOfWorkspace(product.repo.root);
  if (!place.ok) throw new Error(place.failure.sentence);
  const connected = await connectLink(place.socketPath, version);
  if (!connected.ok) throw new Error(JSON.stringify(connected.fault));
  const { link } = connected;
  const caller = { door: 'socket', cwd: product.repo.root, env: product.env } as const;
  const input = op === 'init' ? { runType: 'initial' } : {};
  const replies = await Promise.all(features.map((feature) => link.call(op, { feature, ...input }, caller)));
  link.close();
  const log = await readFile(product.path('.logs', 'tmops.log'), 'utf8');
  const errors = log.split('\n').filter((line) => line.includes('broke off'));
  expect({ failed: replies.filter(({ ok }) => !ok), errors }).toEqual({ failed: [], errors: [] });
}
