import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { placeFiles } from '../../src/compose/kept-place.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { BUFFER_LEFT_AFTER_S } from '../../src/core/gc.ts';
import { startTimeOf } from '../../src/journal/holder.ts';
import { agentsOf, isAlive, playText, watchersOf } from '../rig/flow.ts';
import { openProduct, program, type Product } from '../rig/product.ts';
import { sampleRepo, type SampleRepo } from '../rig/repo.ts';
import { until } from '../rig/wait.ts';

type Gc = OutputOf<'gc'>;

const WITHIN_MS = 60_000;
/** Agents that think for as good as ever, so that a run stays where it is. */
const PLAY = playText([{ role: 'orchestrator', when: '[BEGIN]: Start orchestration', thinkMs: 600_000 }]);
const CONFIG = 'features:\n  concurrent_limit: 20';

let product: Product;
const stands: ChildProcess[] = [];

beforeAll(async () => {
  const files = { 'tools/slow.yaml': PLAY };
  product = await openProduct({ play: 'tools/slow.yaml', config: CONFIG, files, framework: true, name: 'hier und da' });
});
afterAll(async () => {
  for (const child of stands) child.kill('SIGKILL');
  await product.dispose();
});

const gc = (...flags: string[]): Promise<Gc> => product.json('gc', ...flags);
const tmux = (...command: string[]): Promise<string> => product.server.run(...command);
const sessions = async (): Promise<string[]> => (await tmux('list-sessions', '-F', '#{session_name}')).split('\n');
const filesOf = (root: string) => {
  const place = socketOfWorkspace(root);
  if (!place.ok) throw new Error(place.failure.sentence);
  return placeFiles(place.socketPath);
};
/** Without what others of this user left, such as tests that run beside this one: their places lie in the same folder. */
const ours = (list: Gc['removed']): Gc['removed'] => {
  const here = filesOf(product.repo.root).socket.replace(/[.]sock$/, '');
  return list.filter(({ kind, what }) => !['place', 'scratch'].includes(kind) || what.startsWith(here));
};
const ofKind = (list: Gc['removed'], kind: string): string[] =>
  list.filter((each) => each.kind === kind).map(({ what, why }) => `${what}: ${why}`);

/** A feature whose agents have read; their process ids. `path` leads to the workspace's `.tmops`. */
async function started(where: Product, feature: string): Promise<number[]> {
  await where.json('init', feature);
  await where.json('start', feature);
  await where.reached(feature, 'its agents have read', ({ panes }) => panes.every(({ state }) => state !== 'starting'));
  const agents = await until('each has a process', async () => {
    const all = Object.values(await agentsOf(where, feature));
    return all.length === 4 && all.every(({ pid }) => pid !== null) ? all : null;
  });
  return agents.map(({ pid }) => pid ?? 0);
}

/** Neither the supervisor nor who would start it again. */
async function killWatchers(where: Product): Promise<void> {
  const { guard, supervisor } = await watchersOf(where);
  for (const pid of [guard, supervisor]) process.kill(pid, 'SIGKILL');
  await until('both are gone', async () => !(await isAlive(guard)) && !(await isAlive(supervisor)));
}

describe('another workspace on the same tmux server', () => {
  let repo: SampleRepo;
  let other: Product;
  let agents: number[];

  beforeAll(async () => {
    const same = ['tmops.config.yaml', 'check.mjs', 'tools/slow.yaml'];
    const files = await Promise.all(same.map(async (file) => [file, await product.repo.read(file)] as const));
    repo = await sampleRepo({ files: Object.fromEntries(files) });
    other = elsewhere(repo);
    await started(product, 'here');
    agents = await started(other, 'there');
  }, WITHIN_MS);
  afterAll(() => repo.dispose());

  it('is left alone while its supervisor lives', async () => {
    const { removed, left } = await gc();
    const { socket } = filesOf(repo.root);
    expect(removed.filter(({ what }) => what.includes('there') || what.includes(socket))).toEqual([]);
    expect(left.filter(({ what }) => what.includes('there') || what.includes(socket))).toEqual([]);
    expect((await other.status('there')).phase).toBe('running');
  });

  it('whose supervisor was killed loses its socket and pipes, and nothing that it needs: it comes back and goes on', async () => {
    await killWatchers(other);
    const { socket, pipes, lock, note } = filesOf(repo.root);
    expect([socket, pipes, lock, note].map(existsSync)).toEqual([true, true, true, true]);
    const { removed } = await gc();
    const name = socket.replace(/sock$/, '*');
    expect(ofKind(removed, 'place')).toContain(`${name}: the supervisor of ${repo.root} died`);
    expect([socket, pipes, lock, note].map(existsSync)).toEqual([false, false, false, false]);
    expect(await sessions()).toContain('tmops-there');
    expect(await Promise.all(agents.map(isAlive))).toEqual([true, true, true, true]);
    await other.json('status', 'there');
    expect((await other.status('there')).phase).toBe('running');
    expect((await other.events('there')).filter(({ kind }) => kind === 'session.lost')).toEqual([]);
  });

  it('that was deleted loses its session, its agents and its place, and a dry run touches none of them', async () => {
    await killWatchers(other);
    const { socket } = filesOf(repo.root);
    const { root } = repo;
    await repo.dispose();
    const planned = await gc('--dry-run');
    expect(planned.done).toBe(false);
    expect(ofKind(planned.removed, 'session')).toEqual([`session tmops-there: its workspace ${root} is gone`]);
    expect(ofKind(planned.removed, 'place').join()).toContain(`the supervisor of ${root}, which is gone, died`);
    expect(await sessions()).toContain('tmops-there');
    expect(existsSync(socket)).toBe(true);
    expect(await Promise.all(agents.map(isAlive))).toEqual([true, true, true, true]);
    const { removed } = await gc();
    expect(ofKind(removed, 'session')).toEqual(ofKind(planned.removed, 'session'));
    expect(await sessions()).toEqual(['tmops-here']);
    expect(existsSync(socket)).toBe(false);
    expect(await Promise.all(agents.map(isAlive))).toEqual([false, false, false, false]);
    expect((await product.status('here')).phase).toBe('running');
  });
});

describe('in the workspace itself', () => {
  it(
    'what kills left goes, each with its reason, and what is somebody’s stays',
    async () => {
      const lost = await started(product, 'lost');
      await product.json('init', 'old');
      const { scratch } = filesOf(product.repo.root);
      const tree = join(scratch, '0f0f0f0f', 'sample');
      await mkdir(dirname(tree), { recursive: true, mode: 0o700 });
      await product.repo.git(['worktree', 'add', '--detach', tree, 'HEAD']);
      // A cleanup whose supervisor is killed in the middle of the framework's script.
      await product.json('init', 'half');
      await writeFile(join(product.repo.toolsDir, 'hang'), '');
      const { root } = product.repo;
      const going = execa(process.execPath, [program, 'cleanup', 'half'], {
        ...{ cwd: root, env: product.env, extendEnv: false, reject: false },
      });
      const hanging = join(product.repo.toolsDir, 'hanging');
      await until('the script has moved the folder', () => existsSync(hanging));
      // Whoever asked would ask again.
      going.kill('SIGKILL');
      await going;
      await killWatchers(product);
      await rm(join(product.repo.toolsDir, 'hang'));
      process.kill(-Number(await readFile(hanging, 'utf8')), 'SIGKILL');
      // What people do by hand: one feature is deleted, one put into the archive.
      const worktree = (await product.repo.git(['worktree', 'list'])).match(/\S.*\/lost(?=\s)/)?.[0] ?? '';
      await rm(product.path('lost'), { recursive: true });
      await rm(worktree, { recursive: true });
      const archive = product.path('.archive', '20260102-old');
      await rename(product.path('old'), archive);
      const lock = join(archive, 'runs', 'initial', 'journal.jsonl.lock');
      expect(existsSync(lock)).toBe(true);
      // An agent that has outlived its pane, and a process that has the number of another one by now.
      const orphan = await standIn(join(archive, 'runs', 'initial', 'agents', 'tester'), true);
      const stranger = await standIn(join(archive, 'runs', 'initial', 'agents', 'verifier'), false);
      await tmux('set-buffer', '-b', 'tmops-tmops-lost-12345678901', 'text of ours');
      await tmux('set-buffer', '-b', 'mine', 'text of the user');
      const made = Number(await tmux('list-buffers', '-F', '#{buffer_created}', '-f', '#{m:tmops-*,#{buffer_name}}'));
      await until('no paste takes so long', () => Date.now() / 1000 - made > BUFFER_LEFT_AFTER_S + 1);

      const planned = await gc('--dry-run');
      expect(existsSync(lock) && existsSync(tree) && (await isAlive(orphan))).toBe(true);
      expect(await Promise.all(lost.map(isAlive))).toEqual([true, true, true, true]);
      const { removed } = await gc();
      const named = (list: Gc['removed']): string[] => ours(list).map(({ kind, what }) => `${kind} ${what}`);
      expect(named(removed).sort()).toEqual(named(planned.removed).sort());
      expect(ours(removed).map(({ kind, what, why }) => [kind, what, why])).toEqual([
        ['cleanup', 'the cleanup of half', 'it was cut short; it is finished as it was begun'],
        ['session', 'session tmops-lost', 'there is no feature lost any more'],
        ['buffer', 'buffer tmops-tmops-lost-12345678901', 'whoever was to paste it died before they did'],
        [
          'agent',
          `process ${orphan}, the tester of 20260102-old (run initial)`,
          'its pane is gone, and its run is over',
        ],
        ['lock', lock, 'whoever held it died'],
        ['scratch', dirname(tree), 'tests were tried in it, and nobody uses it any more'],
        [
          'worktree',
          `git's record of ${worktree}`,
          'its folder and its feature are gone; the branch feature/lost stays',
        ],
      ]);
      expect(await sessions()).toEqual(['tmops-here']);
      expect(await Promise.all(lost.map(isAlive))).toEqual([false, false, false, false]);
      expect([await isAlive(orphan), await isAlive(stranger)]).toEqual([false, true]);
      expect([existsSync(lock), existsSync(tree), existsSync(product.path('.cleanup', 'half.json'))]).toEqual([
        false,
        false,
        false,
      ]);
      expect(await tmux('list-buffers', '-F', '#{buffer_name}')).toBe('mine');
      expect(await product.repo.git(['worktree', 'list'])).not.toMatch(/lost|half|scratch/);
      expect(await product.repo.git(['branch', '--list', 'feature/lost', 'feature/half'])).toMatch(/half\n.*lost/);
      expect(existsSync(archive)).toBe(true);
      expect((await product.status('here')).phase).toBe('running');
      // A second call finds nothing.
      const again = await gc();
      expect(ours(again.removed)).toEqual([]);
    },
    WITHIN_MS,
  );

  it('leaves a session alone that somebody made a pane in, and says why', async () => {
    await started(product, 'used');
    await tmux('split-window', '-t', '=tmops-used:', 'exec sleep 1000');
    // The supervisor, which writes the state of a run it still has, may make the folder again once.
    const { removed, left } = await until('the session is told of', async () => {
      await rm(product.path('used'), { recursive: true, force: true, maxRetries: 5 });
      const told = await gc();
      return told.left.some(({ kind }) => kind === 'session') && told;
    });
    expect(ofKind(removed, 'session')).toEqual([]);
    expect(ofKind(left, 'session')).toEqual([
      'session tmops-used: there is no feature used any more, but it has a pane that tmops did not make',
    ]);
    expect(await sessions()).toContain('tmops-used');
  });
});

/** The product's commands in another repository, on the same tmux server. */
function elsewhere(repo: SampleRepo): Product {
  const path = (...parts: string[]): string => join(repo.root, '.tmops', ...parts);
  const cli: Product['cli'] = async (...args) => {
    const options = { cwd: repo.root, env: product.env, extendEnv: false, reject: false } as const;
    const { exitCode = -1, stdout, stderr } = await execa(process.execPath, [program, ...args], options);
    return { exitCode, stdout, stderr };
  };
  const json = async <T>(...args: string[]): Promise<T> => {
    const { exitCode, stdout, stderr } = await cli('--json', ...args);
    if (exitCode !== 0) throw new Error(`tmops ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    return JSON.parse(stdout) as T;
  };
  const status: Product['status'] = (feature) => json('status', feature);
  const reached: Product['reached'] = (feature, what, fits) =>
    until(what, async () => {
      const now = await status(feature);
      return fits(now) ? now : null;
    });
  const events: Product['events'] = async (feature) =>
    (await readFile(path(feature, 'current', 'journal.jsonl'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Awaited<ReturnType<Product['events']>>[number]);
  return { ...product, repo, cli, json, path, status, reached, events };
}

/** A process that an agent's folder names, with its own start time or another. */
async function standIn(agentDir: string, isIt: boolean): Promise<number> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  stands.push(child);
  const pid = child.pid ?? 0;
  const started = await startTimeOf(pid);
  if (started.kind !== 'alive') throw new Error('The stand-in did not start');
  await mkdir(agentDir, { recursive: true });
  await writeFile(join(agentDir, 'process'), `${pid}\n${isIt ? started.startTime : '1'}\n`);
  return pid;
}
