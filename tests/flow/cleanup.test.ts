import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { agentsOf, isAlive, playText } from '../rig/flow.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

type Cleanup = OutputOf<'cleanup'>;

const CONFIG = 'features:\n  concurrent_limit: 20';
/** An orchestrator that thinks for as good as ever, so that a run stays where it is. */
const SLOW = playText([
  { role: 'orchestrator', when: '[BEGIN]: Start orchestration', thinkMs: 600_000, file: '001-discovery-trigger.md' },
]);
const PLAY = { config: CONFIG, play: 'tools/slow.yaml', files: { 'tools/slow.yaml': SLOW } };
const WITHIN_MS = 60_000;

const treeOf = async (product: Product, feature: string): Promise<string> =>
  (await product.json<OutputOf<'init'>>('init', feature)).worktree;

/** The feature is going: each agent is there and has read. Gives their process ids. */
async function started(product: Product, feature: string): Promise<number[]> {
  await product.json('start', feature);
  await product.reached(feature, `${feature} has its agents`, ({ panes }) =>
    panes.every(({ state }) => state !== 'starting'),
  );
  const agents = await until('each has a process', async () => {
    const all = Object.values(await agentsOf(product, feature));
    return all.length === 4 && all.every(({ pid }) => pid !== null) ? all : null;
  });
  return agents.map(({ pid }) => pid ?? 0);
}

async function refused(product: Product, ...args: string[]): Promise<{ code: string; sentence: string; hint: string }> {
  const { exitCode, stderr } = await product.cli('--json', 'cleanup', ...args);
  expect(exitCode).not.toBe(0);
  return JSON.parse(stderr) as { code: string; sentence: string; hint: string };
}

/** What the machine still has of a feature. */
async function traces(product: Product, feature: string, worktree: string): Promise<object> {
  const { repo, server } = product;
  const asked = (...command: string[]): Promise<string> => server.run(...command).catch(() => '');
  const sessions = await asked('list-sessions', '-F', '#{session_name}');
  const buffers = await asked('list-buffers', '-F', '#{buffer_name}');
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  return {
    sessions: lines(sessions).filter((name) => new RegExp(`(^|[^a-z-])${feature}$`).test(name)),
    buffers: lines(buffers).filter((name) => name.startsWith('tmops-')),
    worktree: existsSync(worktree) || (await repo.git(['worktree', 'list', '--porcelain'])).includes(`${worktree}\n`),
    folder: existsSync(product.path(feature)),
    line: (await readFile(product.path('FEATURES.txt'), 'utf8')).includes(`${feature}:`),
    locks: (await readdir(product.path())).filter((name) => name.startsWith(`${feature}.`)),
    marks: await readdir(product.path('.cleanup')),
  };
}

const NONE = { sessions: [], buffers: [], worktree: false, folder: false, line: false, locks: [], marks: [] };

describe('without the framework, on a path with spaces and Unicode', () => {
  let product: Product;
  let tree: string;
  let agents: number[];
  let others: number[];

  beforeAll(async () => {
    product = await openProduct({ ...PLAY, name: 'größe und app' });
    await treeOf(product, 'auth-api');
    tree = await treeOf(product, 'auth');
    others = await started(product, 'auth-api');
    agents = await started(product, 'auth');
    await writeFile(product.path('auth.run-manager.lock'), '');
  }, WITHIN_MS);
  afterAll(() => product.dispose());

  it('refuses one that runs or is paused, and names the command that ends it', async () => {
    expect(await refused(product, 'auth')).toMatchObject({
      code: 'cleanup-busy',
      hint: expect.stringContaining('tmops stop auth') as string,
    });
    await product.json('pause', 'auth');
    expect((await refused(product, 'auth')).sentence).toBe('auth is paused.');
    await product.json('stop', 'auth');
  });

  it('refuses uncommitted work with the files, and a dry run touches nothing', async () => {
    await writeFile(join(tree, 'src/mine.mjs'), 'export {};\n');
    const said = await refused(product, 'auth');
    expect(said.code).toBe('cleanup-dirty');
    expect(said.sentence).toContain('src/mine.mjs');
    expect(said.hint).toContain('--discard');
    const refs = await product.repo.git(['for-each-ref', 'refs/heads', 'refs/tmops/auth/', 'refs/tmops/_archive/']);
    const plan = await product.json<Cleanup>('cleanup', 'auth', '--discard', '--dry-run');
    expect(plan).toMatchObject({ done: false, branchKept: true });
    expect(plan.removed).toContain(`Worktree ${tree}`);
    expect(plan.removed).toContain('Not committed: src/mine.mjs');
    expect((await product.cli('cleanup', 'auth', '--discard', '--dry-run')).stdout).toMatch(
      /^This would clean auth up\. Nothing was touched\.\n/,
    );
    expect(await product.repo.git(['for-each-ref', 'refs/heads', 'refs/tmops/auth/', 'refs/tmops/_archive/'])).toBe(
      refs,
    );
    expect([existsSync(join(tree, 'src/mine.mjs')), existsSync(product.path('auth', 'current'))]).toEqual([true, true]);
    expect(existsSync(product.path('.cleanup'))).toBe(false);
  });

  it('over MCP: leaves no process, session, buffer, worktree, lock or line, keeps what was discarded, and its neighbour goes on', async () => {
    const client = await mcpClient(product);
    const answer = await client.callTool({ name: 'tmops_cleanup', arguments: { feature: 'auth', discard: true } });
    await client.close();
    const done = answer.structuredContent as Cleanup;
    expect(done).toMatchObject({ done: true, branch: 'feature/auth', branchKept: true });
    expect(await traces(product, 'auth', tree)).toEqual(NONE);
    expect(await Promise.all(agents.map(isAlive))).toEqual([false, false, false, false]);
    expect(await product.repo.git(['show', `${done.ref ?? ''}/discarded-files:src/mine.mjs`])).toBe('export {};');
    expect(existsSync(join(done.archive ?? '', 'current', 'journal.jsonl'))).toBe(true);
    expect(existsSync(join(done.archive ?? '', 'current', 'journal.jsonl.lock'))).toBe(false);
    expect(await product.repo.git(['rev-parse', '--verify', 'feature/auth'])).toMatch(/^[0-9a-f]{40}$/);
    // The one whose name begins alike.
    expect(await Promise.all(others.map(isAlive))).toEqual([true, true, true, true]);
    expect((await product.status('auth-api')).phase).toBe('running');
    const { features } = await product.json<OutputOf<'list'>>('list');
    expect(features.map(({ feature }) => feature)).toEqual(['auth-api']);
  });

  it('says so when it is called twice, or for a feature that never was', async () => {
    const again = await product.cli('cleanup', 'auth');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toMatch(/^Nothing is left of auth\.\n/);
    expect((await refused(product, 'nobody')).code).toBe('unknown-feature');
  });

  it('lets the feature be begun anew on its branch, and put away once more beside the first archive', async () => {
    tree = await treeOf(product, 'auth');
    expect((await product.status('auth')).phase).toBe('initialised');
    const done = await product.json<Cleanup>('cleanup', 'auth');
    expect(done.done).toBe(true);
    expect(await traces(product, 'auth', tree)).toEqual(NONE);
    expect((await readdir(product.path('.archive'))).length).toBe(2);
  });
});

describe('with the framework', () => {
  let product: Product;
  const hang = (): string => join(product.repo.toolsDir, 'hang');

  beforeAll(async () => {
    product = await openProduct({ ...PLAY, framework: true });
  });
  afterAll(() => product.dispose());

  it(
    'runs its script, keeps the branch that the script deletes, and ends the session of a run',
    async () => {
      const tree = await treeOf(product, 'auth-api');
      const agents = await started(product, 'auth-api');
      await product.json('stop', 'auth-api');
      const commit = await product.repo.git(['rev-parse', 'feature/auth-api']);
      const done = await product.json<Cleanup>('cleanup', 'auth-api');
      const place = socketOfWorkspace(product.repo.root);
      expect(place.ok && (await readdir(place.socketPath.replace(/\.sock$/, '.pipes')))).toEqual([]);
      expect(done.notes[0]).toMatch(/cleanup_safe\.sh auth-api safe$/);
      expect(done.archive).toMatch(/\.archive\/\d{8}-\d{6}-auth-api$/);
      expect(await traces(product, 'auth-api', tree)).toEqual(NONE);
      expect(await Promise.all(agents.map(isAlive))).toEqual([false, false, false, false]);
      expect(await product.repo.git(['rev-parse', 'feature/auth-api'])).toBe(commit);
    },
    WITHIN_MS,
  );

  it(
    'a supervisor that is killed in the middle of the script: a second call finishes',
    async () => {
      const tree = await treeOf(product, 'killed');
      const commit = await product.repo.git(['rev-parse', 'feature/killed']);
      await writeFile(hang(), '');
      const going = product.cli('cleanup', 'killed');
      const waiting = join(product.repo.toolsDir, 'hanging');
      await until('the script has moved the folder and deleted the branch', () => existsSync(waiting));
      await product.endSupervisor('SIGKILL');
      await rm(hang());
      // The script's own group: it has outlived the supervisor.
      process.kill(-Number(await readFile(waiting, 'utf8')), 'SIGKILL');
      await going;
      expect((await product.cli('cleanup', 'killed')).exitCode).toBe(0);
      expect(await traces(product, 'killed', tree)).toEqual(NONE);
      expect(await product.repo.git(['rev-parse', 'feature/killed'])).toBe(commit);
      const archives = (await readdir(product.path('.archive'))).filter((name) => name.endsWith('-killed'));
      expect(archives).toHaveLength(1);
    },
    WITHIN_MS,
  );
});
