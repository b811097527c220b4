import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InitOrder } from '../../../src/core/init.ts';
import { STEPS } from '../../../src/adapters/project/initialise.ts';
import { orderFor, projectOf, treeOf } from '../../rig/project.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

interface Scene {
  readonly name: string;
  readonly framework: boolean;
  readonly order: Partial<InitOrder>;
  readonly before: (repo: SampleRepo) => Promise<void>;
}

const SPEC = '.tmops/auth-api/runs/initial/TASK_SPEC.md';
const CARRY: Partial<InitOrder> = { copy: ['.env'], setupCommand: ['touch', 'node_modules.log'] };
const nothing = () => Promise.resolve();

async function filled(repo: SampleRepo): Promise<void> {
  await projectOf(repo).initialise(orderFor(repo));
  await repo.write(SPEC, 'Mine\n');
  await repo.write('.tmops/auth-api/runs/initial/checkpoints/001-discovery-trigger.md', 'x');
}

const SCENES: readonly Scene[] = [
  { name: 'initial, built in', framework: false, order: CARRY, before: nothing },
  { name: 'initial, script', framework: true, order: CARRY, before: nothing },
  { name: 'initial again with a filled specification, script', framework: true, order: {}, before: filled },
  { name: 'retry, built in', framework: false, order: { runType: 'retry' }, before: filled },
  { name: 'retry, script', framework: true, order: { runType: 'retry' }, before: filled },
  { name: 'branch in the root, built in', framework: false, order: { isolation: 'branch' }, before: nothing },
  { name: 'branch in the root, script', framework: true, order: { isolation: 'branch' }, before: nothing },
];

/** All that an initialisation leaves: `.tmops`, the worktree, the branches, and who is on which. Times do not count. */
async function endState(repo: SampleRepo): Promise<unknown> {
  const trees = await repo.git(['worktree', 'list', '--porcelain']);
  const tmops = await treeOf(join(repo.root, '.tmops'));
  const [, ...linked] = [...trees.matchAll(/^worktree (.*)$/gm)].map((match) => match[1] ?? '');
  const files = await Promise.all(linked.map((path) => treeOf(path)));
  for (const tree of files) delete tree['.git'];
  const ours = Object.entries(tmops).map(([path, text]) => [path, text.replaceAll(repo.base, 'base')] as const);
  return {
    tmops: {
      ...Object.fromEntries(ours.filter(([path]) => path !== 'auth-api/.init')),
      'FEATURES.txt': tmops['FEATURES.txt']?.replaceAll(/\d{4}-[^:]*:\d\d:\d\d[^:]*:/g, 'time:'),
    },
    files,
    branches: [...trees.matchAll(/^(?:branch|locked|prunable).*$/gm)].map((match) => match[0]),
    status: await repo.git(['status', '--porcelain', '--untracked-files=no']),
  };
}

async function prepared(scene: Scene): Promise<SampleRepo> {
  const repo = await sampleRepo({ name: 'my app', framework: scene.framework });
  await repo.write('.env', 'KEY=1\n');
  await scene.before(repo);
  return repo;
}

describe.each(SCENES)('$name', (scene) => {
  test('stopped after every step in turn and begun again, it ends in the same state', async () => {
    const smooth = await prepared(scene);
    const rough = await prepared(scene);
    try {
      expect(await projectOf(smooth).initialise(orderFor(smooth, scene.order))).toMatchObject({ ok: true });
      // After the last step nothing is left to carry on: a retry would rightly be one more.
      for (const { name } of STEPS.slice(0, -1)) {
        const step = (at: string) => {
          if (at === name) throw new Error(`stopped after ${name}`);
        };
        const stopped = projectOf(rough, { step }).initialise(orderFor(rough, scene.order));
        await expect(stopped).rejects.toThrow(`stopped after ${name}`);
      }
      expect(await projectOf(rough).initialise(orderFor(rough, scene.order))).toMatchObject({ ok: true });
      expect(await endState(rough)).toEqual(await endState(smooth));
    } finally {
      await smooth.dispose();
      await rough.dispose();
    }
  });
});

test('a human who fills the specification in after a crash is not overruled by what was kept before it', async () => {
  const repo = await prepared(SCENES[2]!);
  try {
    const step = (at: string) => {
      if (at === 'script') throw new Error('stopped');
    };
    await expect(projectOf(repo, { step }).initialise(orderFor(repo))).rejects.toThrow('stopped');
    expect(await repo.read(SPEC)).not.toBe('Mine\n');
    await repo.write(SPEC, 'Mine, second thoughts\n');
    await projectOf(repo).initialise(orderFor(repo));
    expect(await repo.read(SPEC)).toBe('Mine, second thoughts\n');
  } finally {
    await repo.dispose();
  }
});

test('a mark that is torn or foreign counts as none', async () => {
  const repo = await prepared(SCENES[3]!);
  try {
    for (const text of ['{"runType":"retry","ru', '[]', '{"runType":"retry","run":"../x","previous":null}', '']) {
      await repo.write('.tmops/auth-api/.init/order.json', text);
      expect(await projectOf(repo).initialise(orderFor(repo)), text).toMatchObject({ ok: true, run: 'initial' });
    }
  } finally {
    await repo.dispose();
  }
});

describe('killed', () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'tmops-kill-')));
    program = join(folder, 'init.mjs');
    await build({
      entryPoints: [new URL('../../rig/init-child.ts', import.meta.url).pathname],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    await writeFile(join(folder, 'package.json'), '{}');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Starts the order in a process of its own and kills that `afterMs` after its begin. */
  async function killed(repo: SampleRepo, order: InitOrder, afterMs: number): Promise<void> {
    const child = spawn(process.execPath, [program, JSON.stringify(order)], {
      env: repo.environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    child.stdout.resume();
    await Promise.race([exited, pause(afterMs)]);
    child.kill('SIGKILL');
    await exited;
  }

  async function isWhole(repo: SampleRepo, run: string): Promise<boolean> {
    if (!(await readdir(repo.root)).includes('.tmops')) return false;
    const tree = await treeOf(join(repo.root, '.tmops'));
    return tree['auth-api/current'] === `-> runs/${run}` && tree['auth-api/.init/order.json'] === undefined;
  }

  test.each(SCENES.filter(({ name }) => name === 'initial, built in' || name === 'retry, script'))(
    'at any moment and begun again, $name ends in the same state',
    async (scene) => {
      const smooth = await prepared(scene);
      const rough = await prepared(scene);
      try {
        await projectOf(smooth).initialise(orderFor(smooth, scene.order));
        const run = scene.order.runType ?? 'initial';
        let kills = 0;
        for (let afterMs = 0; !(await isWhole(rough, run)); afterMs += 10) {
          await killed(rough, orderFor(rough, scene.order), afterMs);
          kills += 1;
        }
        expect(kills).toBeGreaterThan(2);
        expect(await endState(rough)).toEqual(await endState(smooth));
      } finally {
        await smooth.dispose();
        await rough.dispose();
      }
    },
    90_000,
  );
});
