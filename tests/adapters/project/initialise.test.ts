import { chmod, mkdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InitOrder, InitOutcome } from '../../../src/core/init.ts';
import { orderFor, projectOf, SPEC_TEMPLATE, treeOf } from '../../rig/project.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';

let repo: SampleRepo;
beforeEach(async () => {
  repo = await sampleRepo({ name: 'my app ünï 日本' });
});
afterEach(() => repo.dispose());

const init = (changes: Partial<InitOrder> = {}) => projectOf(repo).initialise(orderFor(repo, changes));
const at = (path: string) => join(repo.root, path);

/** The outcome of an order that is expected to be carried out. */
async function done(changes: Partial<InitOrder> = {}): Promise<Extract<InitOutcome, { ok: true }>> {
  const outcome = await init(changes);
  if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.problem)}`);
  return outcome;
}

describe('initial, built in', () => {
  test('leaves on disk what the contract says, and tells it', async () => {
    const outcome = await done();
    const spec = (await readFile(SPEC_TEMPLATE, 'utf8')).replaceAll('{feature}', 'auth-api');
    expect(await treeOf(at('.tmops'))).toEqual({
      'FEATURES.txt': '600 auth-api:active:2025-03-04T05:06:07.000Z:feature/auth-api\n',
      'auth-api': '700 /',
      'auth-api/current': '-> runs/initial',
      'auth-api/docs': '700 /',
      'auth-api/docs/archive': '700 /',
      'auth-api/docs/external': '700 /',
      'auth-api/docs/images': '700 /',
      'auth-api/docs/internal': '700 /',
      'auth-api/runs': '700 /',
      'auth-api/runs/current': '-> initial',
      'auth-api/runs/initial': '700 /',
      'auth-api/runs/initial/.TASK_SPEC.template.md': `600 ${spec}`,
      'auth-api/runs/initial/TASK_SPEC.md': `600 ${spec}`,
      'auth-api/runs/initial/checkpoints': '700 /',
      'auth-api/runs/initial/logs': '700 /',
      'auth-api/runs/initial/logs/implementer.log': '600 ',
      'auth-api/runs/initial/logs/orchestrator.log': '600 ',
      'auth-api/runs/initial/logs/tester.log': '600 ',
      'auth-api/runs/initial/logs/verifier.log': '600 ',
    });
    const worktree = join(`${repo.root}.tmops`, 'auth-api');
    expect(outcome).toMatchObject({
      feature: 'auth-api',
      run: 'initial',
      previousRun: null,
      branch: 'feature/auth-api',
      branchMade: true,
      worktree,
      runDir: at('.tmops/auth-api/runs/initial'),
      specFile: at('.tmops/auth-api/runs/initial/TASK_SPEC.md'),
      specState: 'template',
      testCommand: { argv: ['npm', 'test'], reason: 'package.json scripts.test' },
      initialiser: { kind: 'built-in', why: 'no-script' },
      setup: 'none',
      kept: [],
      changed: ['.git/info/exclude'],
    });
    expect(outcome.made).toContain('.tmops/auth-api/runs/initial/TASK_SPEC.md');
    expect(outcome.made).toContain('../my app ünï 日本.tmops/auth-api');
    expect(outcome.made).toContain('../my app ünï 日本.tmops/auth-api/.tmops');
    expect(outcome.durationMs).toBeGreaterThan(0);
  });

  test('the worktree is on the branch, sees .tmops by the relative paths, and git sees none of it', async () => {
    const { worktree } = await done();
    expect(await repo.git(['branch', '--show-current'], worktree)).toBe('feature/auth-api');
    expect(await repo.git(['branch', '--show-current'])).toBe('main');
    expect(await realpath(join(worktree, '.tmops/auth-api/current/TASK_SPEC.md'))).toBe(
      at('.tmops/auth-api/runs/initial/TASK_SPEC.md'),
    );
    expect(await repo.git(['status', '--porcelain'], worktree)).toBe('');
    expect(await repo.git(['status', '--porcelain'])).toBe('');
    await repo.git(['add', '--all'], worktree);
    expect(await repo.git(['status', '--porcelain'], worktree)).toBe('');
  });

  test('a second one keeps everything, a filled specification too', async () => {
    await done();
    await repo.write('.tmops/auth-api/current/TASK_SPEC.md', 'My specification\r\n');
    await repo.write('.tmops/auth-api/runs/initial/checkpoints/001-discovery-trigger.md', 'x');
    const before = await treeOf(at('.tmops'));
    const again = await done({ nowIso: '2026-01-01T00:00:00.000Z' });
    expect(await treeOf(at('.tmops'))).toEqual(before);
    expect(again).toMatchObject({ run: 'initial', specState: 'filled', made: [], changed: [], branchMade: false });
    expect(again.kept).toContain('.tmops/auth-api/runs/initial/TASK_SPEC.md');
    expect(again.kept).toContain('.tmops/FEATURES.txt');
  });

  test('mends what was lost: link, log, worktree, line, current', async () => {
    const { worktree } = await done();
    const before = await treeOf(at('.tmops'));
    await rm(worktree, { recursive: true });
    await rm(at('.tmops/FEATURES.txt'));
    await rm(at('.tmops/auth-api/runs/initial/logs/tester.log'));
    await rm(at('.tmops/auth-api/current'));
    const again = await done();
    expect(await treeOf(at('.tmops'))).toEqual(before);
    expect(again.made).toEqual([
      '.tmops/FEATURES.txt',
      '.tmops/auth-api/runs/initial/logs/tester.log',
      '.tmops/auth-api/current',
      '../my app ünï 日本.tmops/auth-api',
      '../my app ünï 日本.tmops/auth-api/.tmops',
    ]);
    expect(await realpath(join(worktree, '.tmops'))).toBe(at('.tmops'));
  });

  test('takes up a feature that was begun by hand in the root, once the root is on another branch', async () => {
    await repo.git(['checkout', '--quiet', '-b', 'feature/auth-api']);
    expect(await init()).toMatchObject({
      ok: false,
      step: 'worktree',
      problem: { kind: 'branch-elsewhere', branch: 'feature/auth-api', at: repo.root },
    });
    await repo.git(['checkout', '--quiet', 'main']);
    expect(await done()).toMatchObject({ branchMade: false });
  });

  test('two features at once keep apart and both stand in FEATURES.txt', async () => {
    const project = projectOf(repo);
    const names = ['auth-api', 'billing', 'search', 'reports'];
    const outcomes = await Promise.all(names.map((feature) => project.initialise(orderFor(repo, { feature }))));
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, true, true, true]);
    expect((await project.listFeatures(repo.root)).map(({ feature, run }) => [feature, run])).toEqual(
      names.sort().map((name) => [name, 'initial']),
    );
    expect((await repo.read('.tmops/FEATURES.txt')).split('\n')).toHaveLength(5);
  });

  test('roles are data', async () => {
    await done({ roles: ['orchestrator', 'security-reviewer'] });
    const tree = await treeOf(at('.tmops/auth-api/runs/initial/logs'));
    expect(Object.keys(tree)).toEqual(['orchestrator.log', 'security-reviewer.log']);
  });
});

describe('isolation branch, built in', () => {
  test('checks the branch out in the root; no worktree, copy or set-up', async () => {
    const outcome = await done({ isolation: 'branch', copy: ['*.json'], setupCommand: ['false'] });
    expect(outcome).toMatchObject({ worktree: repo.root, branchMade: true, setup: 'none' });
    expect(await repo.git(['branch', '--show-current'])).toBe('feature/auth-api');
    expect(await repo.git(['worktree', 'list', '--porcelain'])).not.toContain('.tmops');
    expect(await repo.git(['status', '--porcelain'])).toBe('');
  });

  test('refuses uncommitted changes and makes nothing', async () => {
    await repo.write('src/sum.js', 'dirty\n');
    expect(await init({ isolation: 'branch' })).toMatchObject({
      ok: false,
      step: 'branch',
      problem: { kind: 'dirty', path: repo.root, count: 1, files: ['src/sum.js'] },
    });
    await expect(readFile(at('.tmops/FEATURES.txt'))).rejects.toThrow('ENOENT');
    expect(await repo.git(['branch', '--show-current'])).toBe('main');
  });
});

describe('retry', () => {
  test('opens a new run, turns current, names the one before and leaves it as it was', async () => {
    await done();
    await repo.write('.tmops/auth-api/current/TASK_SPEC.md', 'My specification\n');
    await repo.write('.tmops/auth-api/runs/initial/checkpoints/001-discovery-trigger.md', 'x');
    const earlier = await treeOf(at('.tmops/auth-api/runs/initial'));
    const first = await done({ runType: 'retry', nowIso: '2026-01-01T00:00:00.000Z' });
    expect(first).toMatchObject({
      run: 'retry',
      previousRun: 'initial',
      specState: 'filled',
      changed: ['.tmops/auth-api/current', '.tmops/auth-api/runs/current', '.tmops/FEATURES.txt'],
    });
    expect(await treeOf(at('.tmops/auth-api/runs/initial'))).toEqual(earlier);
    const tree = await treeOf(at('.tmops'));
    expect(tree).toMatchObject({
      'FEATURES.txt': '600 auth-api:active:2026-01-01T00:00:00.000Z:feature/auth-api\n',
      'auth-api/current': '-> runs/retry',
      'auth-api/runs/current': '-> retry',
      'auth-api/runs/PREVIOUS_RUN.txt': '600 initial\n',
      'auth-api/runs/retry/TASK_SPEC.md': '600 My specification\n',
      'auth-api/runs/retry/checkpoints': '700 /',
    });
    const second = await done({ runType: 'retry' });
    expect(second).toMatchObject({ run: 'retry-2', previousRun: 'retry' });
    expect(await repo.read('.tmops/auth-api/runs/PREVIOUS_RUN.txt')).toBe('retry\n');
    // An initial order afterwards looks after the run that is current.
    expect(await done()).toMatchObject({ run: 'retry-2', made: [], changed: [] });
  });

  test('an unwritten specification stays known as such', async () => {
    await done();
    expect(await done({ runType: 'retry' })).toMatchObject({ specState: 'template' });
  });

  test('carries on from a run that only runs/current or a folder names', async () => {
    await done();
    await rm(at('.tmops/auth-api/current'));
    expect(await done({ runType: 'retry' })).toMatchObject({ previousRun: 'initial' });
    await rm(at('.tmops/auth-api/current'));
    await rm(at('.tmops/auth-api/runs/current'));
    expect(await done({ runType: 'retry' })).toMatchObject({ run: 'retry-2', previousRun: 'initial' });
  });

  test('needs a run', async () => {
    expect(await init({ runType: 'retry' })).toMatchObject({
      ok: false,
      step: 'plan',
      problem: { kind: 'no-run-to-retry', feature: 'auth-api' },
    });
  });
});

describe('what is refused', () => {
  test.each(['ab', 'Auth', 'a/b', '../x', 'a'.repeat(21), '', 'auth api', 'äpfel', 'auth\n'])(
    'the name %j',
    async (feature) => {
      expect(await init({ feature, worktreePath: `${repo.root}.tmops/x` })).toMatchObject({
        ok: false,
        step: 'plan',
        problem: { kind: 'bad-name', name: feature, pattern: '^[a-z0-9-]{3,20}$' },
      });
    },
  );

  test.each([
    ['.tmops', 'folder'],
    ['.tmops/auth-api', 'folder'],
    ['.tmops/auth-api/runs', 'folder'],
    ['.tmops/auth-api/runs/initial', 'folder'],
    ['.tmops/auth-api/runs/initial/checkpoints', 'folder'],
    ['.tmops/auth-api/docs/images', 'folder'],
    ['.tmops/FEATURES.txt', 'file'],
    ['.tmops/auth-api/runs/initial/TASK_SPEC.md', 'file'],
    ['.tmops/auth-api/runs/initial/logs/tester.log', 'file'],
  ])('a link in place of %s', async (path, wanted) => {
    const outside = join(repo.base, 'outside');
    await mkdir(outside);
    await mkdir(join(at(path), '..'), { recursive: true });
    await symlink(outside, at(path));
    expect(await init()).toMatchObject({
      ok: false,
      step: 'plan',
      problem: { kind: 'in-the-way', path: at(path), what: 'link', wanted },
    });
    expect(await treeOf(outside)).toEqual({});
    expect(await repo.git(['branch', '--list', 'feature/*'])).toBe('');
  });

  test.each(['../../outside', '/tmp', 'runs/../../other', 'runs/initial/checkpoints'])(
    'a current that points at %s',
    async (target) => {
      await mkdir(at('.tmops/auth-api'), { recursive: true });
      await symlink(target, at('.tmops/auth-api/current'));
      expect(await init()).toMatchObject({
        ok: false,
        problem: { kind: 'link-out', path: at('.tmops/auth-api/current'), target },
      });
    },
  );

  test('a current that is a folder', async () => {
    await mkdir(at('.tmops/auth-api/current'), { recursive: true });
    expect(await init()).toMatchObject({
      ok: false,
      problem: { kind: 'in-the-way', path: at('.tmops/auth-api/current'), what: 'folder', wanted: 'link' },
    });
  });

  test('a .tmops in the worktree that is not our link: committed files, or a link elsewhere', async () => {
    await repo.write('.tmops/FEATURES.txt', '');
    await repo.git(['add', '--force', '.tmops']);
    await repo.git(['commit', '--quiet', '-m', 'Committed by mistake']);
    const worktree = join(`${repo.root}.tmops`, 'auth-api');
    expect(await init()).toMatchObject({
      ok: false,
      step: 'link',
      problem: { kind: 'in-the-way', path: join(worktree, '.tmops'), what: 'folder', wanted: 'link' },
    });
    await rm(join(worktree, '.tmops'), { recursive: true });
    await symlink(repo.base, join(worktree, '.tmops'));
    expect(await init()).toMatchObject({
      ok: false,
      problem: { kind: 'link-out', path: join(worktree, '.tmops'), target: repo.base },
    });
    await rm(join(worktree, '.tmops'));
    await symlink(join(repo.base, 'moved away/.tmops'), join(worktree, '.tmops'));
    await done();
    expect(await realpath(join(worktree, '.tmops'))).toBe(at('.tmops'));
  });

  test('a template that is missing', async () => {
    const file = join(repo.base, 'none.md');
    expect(await init({ specTemplateFile: file })).toMatchObject({ ok: false, problem: { kind: 'no-template', file } });
  });
});

describe('set-up and copies', () => {
  test('the set-up runs once in the worktree, again only for a new one or another command', async () => {
    await repo.write('.env', 'KEY=1\n');
    const log = join(repo.base, 'setups');
    await writeFile(
      join(repo.base, 'setup.sh'),
      `#!/bin/sh\nset -e\ncat .env\npwd >> '${log}'\ntest -z "$GIT_DIR$TMOPS_PROJECT_ROOT$CDPATH"\n`,
    );
    const order = { copy: ['.env', 'absent'], setupCommand: ['sh', join(repo.base, 'setup.sh')] };
    const environment = { ...repo.environment, GIT_DIR: '/x', TMOPS_PROJECT_ROOT: '/x', CDPATH: '/x' };
    const project = projectOf(repo, { environment });
    const first = await project.initialise(orderFor(repo, order));
    expect(first).toMatchObject({
      ok: true,
      setup: 'done',
      copy: { copied: ['.env'], files: 1, skipped: [{ path: 'absent', why: 'no-match' }] },
    });
    expect(await project.initialise(orderFor(repo, order))).toMatchObject({ setup: 'done-before' });
    const worktree = join(`${repo.root}.tmops`, 'auth-api');
    await rm(worktree, { recursive: true });
    expect(await project.initialise(orderFor(repo, order))).toMatchObject({ setup: 'done' });
    const other = { ...order, setupCommand: [...order.setupCommand, 'more'] };
    expect(await project.initialise(orderFor(repo, other))).toMatchObject({ setup: 'done' });
    expect((await readFile(log, 'utf8')).trim().split('\n')).toEqual([worktree, worktree, worktree]);
  });

  test('a set-up that fails is told with the end of its output, and tried again', async () => {
    const script = join(repo.base, 'setup.sh');
    await writeFile(script, 'echo broken >&2; exit 3\n');
    const order = { setupCommand: ['sh', script] };
    expect(await init(order)).toMatchObject({
      ok: false,
      step: 'setup',
      problem: { kind: 'setup-failed', argv: ['sh', script], end: { kind: 'exited', exitCode: 3, tail: 'broken\n' } },
    });
    await writeFile(script, 'exit 0\n');
    expect(await done(order)).toMatchObject({ setup: 'done' });
    await chmod(script, 0o600);
    expect(await init({ setupCommand: ['no-such-command'] })).toMatchObject({
      problem: { kind: 'setup-failed', end: { kind: 'not-started' } },
    });
  });
});
