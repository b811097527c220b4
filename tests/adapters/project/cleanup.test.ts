import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { CLEANUP_STEPS } from '../../../src/adapters/project/cleanup.ts';
import { isArchiveOf, type CleanupOrder, type CleanupPlan } from '../../../src/core/cleanup.ts';
import { orderFor, projectOf } from '../../rig/project.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

let repo: SampleRepo;
afterEach(() => repo.dispose());

const FEATURE = 'auth-api';
const tree = (): string => join(`${repo.root}.tmops`, FEATURE);

function cleanupFor(changes: Partial<CleanupOrder> = {}): CleanupOrder {
  return {
    ...{ workspaceRoot: repo.root, feature: FEATURE, branch: `feature/${FEATURE}`, worktree: tree() },
    ...{ toolsDir: repo.toolsDir, discard: false, deleteBranch: false, nowIso: '2025-03-04T05:06:07.008Z' },
    ...changes,
  };
}

/** A feature with commits, a snapshot ref, and another one whose name begins alike. */
async function prepared(options: { readonly framework: boolean }): Promise<void> {
  repo = await sampleRepo({ name: 'größe und app', ...options });
  await projectOf(repo).initialise(orderFor(repo));
  for (const feature of ['auth', 'x-auth-api'])
    await projectOf(repo).initialise(orderFor(repo, { feature, worktreePath: join(`${repo.root}.tmops`, feature) }));
  await writeFile(join(tree(), 'src/new.js'), 'export {};\n');
  await repo.git(['add', '--all'], tree());
  await repo.git(['commit', '--quiet', '--message', 'Work'], tree());
  for (const feature of [FEATURE, 'auth']) await repo.git(['update-ref', `refs/tmops/${feature}/initial/x`, 'HEAD']);
  await writeFile(join(tree(), 'loose.log'), 'ignored, and mine\n');
  await mkdir(join(tree(), 'node_modules'));
  await writeFile(join(tree(), 'node_modules', 'a.js'), '');
  await repo.write(`.tmops/${FEATURE}.run-manager.lock`, '');
}

async function planned(changes: Partial<CleanupOrder> = {}): Promise<CleanupPlan> {
  const found = await projectOf(repo).planCleanup(cleanupFor(changes));
  if (found.ok !== true) throw new Error(JSON.stringify(found));
  return found.plan;
}

/** What is left of the feature and of its neighbours, in git and on disk. */
async function leftovers(): Promise<object> {
  const tmops = await readdir(join(repo.root, '.tmops'));
  return {
    tmops: tmops.filter((name) => !name.startsWith('.')).sort(),
    listed: [...(await repo.read('.tmops/FEATURES.txt')).matchAll(/^[^:]+/gm)].map(([name]) => name).sort(),
    trees: (await readdir(`${repo.root}.tmops`)).sort(),
    worktrees: [...(await repo.git(['worktree', 'list', '--porcelain'])).matchAll(/^branch (.*)$/gm)].map(
      ([, branch]) => branch,
    ),
    refs: [...(await repo.git(['for-each-ref', '--format=%(refname)'])).matchAll(/^.+$/gm)].map(([name]) => name),
    marks: await readdir(join(repo.root, '.tmops', '.cleanup')),
  };
}

const gone = (refs: readonly string[], heads: readonly string[] = ['refs/heads/feature/auth-api']): object => ({
  tmops: ['FEATURES.txt', 'auth', 'x-auth-api'],
  listed: ['auth', 'x-auth-api'],
  trees: ['auth', 'x-auth-api'],
  worktrees: ['refs/heads/main', 'refs/heads/feature/auth', 'refs/heads/feature/x-auth-api'],
  refs: [
    'refs/heads/feature/auth',
    ...heads,
    'refs/heads/feature/x-auth-api',
    'refs/heads/main',
    ...refs.map((name) => `refs/tmops/_archive/20250304T050607008Z-auth-api/${name}`),
    'refs/tmops/auth/initial/x',
  ],
  marks: [],
});

describe.each([{ framework: false }, { framework: true }])('framework: $framework', (scene) => {
  test('stopped after every step in turn and begun again, all is put away once and nothing of others is touched', async () => {
    await prepared(scene);
    await writeFile(join(tree(), 'src/new.js'), 'not committed\n');
    const commit = await repo.git(['rev-parse', `feature/${FEATURE}`]);
    for (const { name } of CLEANUP_STEPS.slice(0, -1)) {
      const step = (at: string): void => {
        if (at === name) throw new Error(`stopped after ${name}`);
      };
      const plan = await planned({ discard: true, nowIso: new Date().toISOString() }).catch(() => null);
      if (name === 'mark') expect(plan).toMatchObject({ keeps: true, dirty: ['src/new.js'], resumed: false });
      else expect(plan).toMatchObject({ resumed: true });
      await expect(projectOf(repo, { step }).cleanUp(plan!)).rejects.toThrow(`stopped after ${name}`);
    }
    const plan = await planned();
    await projectOf(repo).cleanUp(plan);
    const ref = `refs/tmops/_archive/${plan.stamp}-${FEATURE}`;
    const state = JSON.stringify(await leftovers()).replaceAll(plan.stamp, '20250304T050607008Z');
    const refs = ['discarded-files', 'discarded-head', 'discarded-index', 'initial/x'];
    expect(JSON.parse(state)).toEqual(gone(refs));
    expect(await repo.git(['show', `${ref}/discarded-files:src/new.js`])).toBe('not committed');
    expect(await repo.git(['rev-parse', `feature/${FEATURE}`])).toBe(commit);
    expect(await readFile(join(plan.backup, 'worktree', 'loose.log'), 'utf8')).toBe('ignored, and mine\n');
    const archives = await readdir(join(repo.root, '.tmops', '.archive'));
    expect(archives.filter((name) => isArchiveOf(FEATURE, name))).toHaveLength(1);
    expect(existsSync(join(repo.root, '.tmops/.archive', archives[0]!, 'current', 'TASK_SPEC.md'))).toBe(true);
    expect(await projectOf(repo).planCleanup(cleanupFor())).toMatchObject({
      ok: 'nothing',
      archives: [join(repo.root, '.tmops/.archive', archives[0]!)],
    });
    if (scene.framework)
      expect(await readFile(join(repo.toolsDir, 'cleanups.jsonl'), 'utf8')).toBe('["auth-api","safe"]\n');
  });

  test('the branch goes when asked, if it is merged or discarded, and a ref keeps its commits', async () => {
    await prepared(scene);
    const project = projectOf(repo);
    const commit = await repo.git(['rev-parse', `feature/${FEATURE}`]);
    expect(await project.planCleanup(cleanupFor({ deleteBranch: true }))).toMatchObject({
      ok: false,
      problem: { kind: 'not-merged', count: 1, commits: [{ commit, subject: 'Work' }] },
    });
    const plan = await planned({ deleteBranch: true, discard: true });
    await project.cleanUp(plan);
    expect(await leftovers()).toEqual(gone(['branch', 'initial/x'], []));
    expect(await repo.git(['rev-parse', `${plan.ref}/branch`])).toBe(commit);
  });
});

test('refuses what would be lost: changes, a merge in the middle, a lock, and in the root even with discard', async () => {
  await prepared({ framework: false });
  const problem = async (changes: Partial<CleanupOrder> = {}): Promise<unknown> =>
    projectOf(repo).planCleanup(cleanupFor(changes));
  await writeFile(join(tree(), 'note.txt'), 'mine');
  expect(await problem()).toMatchObject({ problem: { kind: 'dirty', count: 1, files: ['note.txt'] } });
  const merge = await repo.git(['rev-parse', '--path-format=absolute', '--git-path', 'MERGE_HEAD'], tree());
  await writeFile(merge, 'x\n');
  expect(await problem({ discard: true })).toMatchObject({ problem: { kind: 'under-way', what: 'merge' } });
  await repo.git(['worktree', 'lock', '--reason', 'mine', tree()]);
  expect(await problem({ discard: true })).toMatchObject({ problem: { kind: 'worktree-locked', reason: 'mine' } });
  await repo.git(['switch', '--quiet', '-c', 'feature/other']);
  await repo.write('loose.txt', 'mine');
  expect(await problem({ worktree: repo.root, branch: 'feature/other', discard: true })).toMatchObject({
    problem: { kind: 'dirty', path: repo.root },
  });
  expect(existsSync(join(repo.root, '.tmops', '.cleanup'))).toBe(false);
});

test('commits that no branch holds are kept; a branch that somebody else made is left alone', async () => {
  await prepared({ framework: false });
  await repo.git(['switch', '--quiet', '--detach'], tree());
  await repo.git(['commit', '--quiet', '--allow-empty', '--message', 'Lost'], tree());
  const lost = await repo.git(['rev-parse', 'HEAD'], tree());
  const plan = await planned();
  expect(plan.keeps).toBe(true);
  await projectOf(repo).cleanUp(plan);
  expect(await repo.git(['rev-parse', `${plan.ref}/discarded-head`])).toBe(lost);
});

test.skipIf(process.getuid?.() === 0)('a folder that may not be removed is named; a second call finishes', async () => {
  await prepared({ framework: false });
  const cache = join(tree(), 'node_modules');
  await chmod(cache, 0o500);
  const plan = await planned();
  await expect(projectOf(repo).cleanUp(plan)).rejects.toMatchObject({
    hint: expect.stringContaining('chmod') as string,
  });
  await chmod(join(plan.aside, 'node_modules'), 0o700);
  await projectOf(repo).cleanUp(await planned());
  expect(await leftovers()).toEqual(gone(['initial/x']));
});

test('a framework that refuses is done without, and it is said', async () => {
  await prepared({ framework: true });
  await repo.write('src/sum.js', 'changed in the root\n');
  const done = await projectOf(repo).cleanUp(await planned());
  expect(done.script?.failure).toBe('exit code 1: Error: uncommitted changes');
  expect(await leftovers()).toEqual(gone(['initial/x']));
  expect(await repo.read('src/sum.js')).toBe('changed in the root\n');
});

test('the archive of a feature is told from that of one whose name ends alike', () => {
  expect(isArchiveOf('api', '20250304T050607008Z-api')).toBe(true);
  expect(isArchiveOf('api', '2025-03-04-api')).toBe(true);
  expect(isArchiveOf('api', '20250304-121314-api')).toBe(true);
  expect(isArchiveOf('api', '20250304-121314-auth-api')).toBe(false);
});
