import { chmod, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InitOrder, InitOutcome } from '../../../src/core/init.ts';
import type { ProjectOptions } from '../../../src/adapters/project/work.ts';
import { orderFor, projectOf, treeOf } from '../../rig/project.ts';
import { installFramework, sampleRepo, type SampleRepo } from '../../rig/repo.ts';

let repo: SampleRepo;
beforeEach(async () => {
  repo = await sampleRepo({ name: 'my app ünï', framework: true });
});
afterEach(() => repo.dispose());

const SPEC = '.tmops/auth-api/runs/initial/TASK_SPEC.md';

async function done(
  changes: Partial<InitOrder> = {},
  options: Partial<ProjectOptions> = {},
): Promise<Extract<InitOutcome, { ok: true }>> {
  const outcome = await projectOf(repo, options).initialise(orderFor(repo, changes));
  if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.problem)}`);
  return outcome;
}

/** What the built-in initialiser leaves for the same order, specification and times aside. */
async function builtInTree(): Promise<Record<string, string>> {
  const other = await sampleRepo({ name: 'my app ünï' });
  try {
    await projectOf(other).initialise(orderFor(other));
    return await treeOf(join(other.root, '.tmops'));
  } finally {
    await other.dispose();
  }
}

describe('the script', () => {
  test('gets its argv, and the result on disk is that of the built-in initialiser', async () => {
    const outcome = await done();
    const script = join(repo.toolsDir, 'init_feature_multi.sh');
    expect(await repo.scriptCalls()).toEqual([['auth-api', 'initial', '--skip-branch']]);
    expect(outcome.initialiser).toEqual({
      kind: 'script',
      argv: ['bash', script, 'auth-api', 'initial', '--skip-branch'],
      tail: "Feature 'auth-api' is ready\n",
    });
    const [own, built] = [await treeOf(join(repo.root, '.tmops')), await builtInTree()];
    const shape = (tree: Record<string, string>) =>
      Object.entries(tree).map(([path, text]) => [
        path,
        text.startsWith('-> ') ? text : text.endsWith('/') ? 'folder' : 'file',
      ]);
    expect(shape(own)).toEqual(shape(built));
    expect(own['auth-api']).toBe('700 /');
    expect(outcome).toMatchObject({ specState: 'template', branchMade: true, run: 'initial' });
    expect(await repo.git(['branch', '--show-current'])).toBe('main');
    expect(await repo.git(['branch', '--show-current'], outcome.worktree)).toBe('feature/auth-api');
  });

  test('its line names the branch of the feature, once, with the time the script wrote', async () => {
    await repo.write(
      '.tmops/FEATURES.txt',
      '# by hand\nauth-api:active:2020-01-01T00:00:00+00:00:main\nother:done:x:y\n',
    );
    await done();
    await done();
    const text = await repo.read('.tmops/FEATURES.txt');
    expect(text).toMatch(/^# by hand\nauth-api:active:20\d\d-[^\n]+:feature\/auth-api\nother:done:x:y\n$/);
    expect(text).not.toContain('2020');
  });

  test('a specification that a human has filled in survives, byte for byte, every further init', async () => {
    await done();
    const text = '# Mine\r\n\nWith bytes \u0000 and no line feed at the end';
    await repo.write(SPEC, text);
    for (const run of [1, 2]) {
      const again = await done();
      expect(await repo.read(SPEC), `init ${run}`).toBe(text);
      expect(again.specState).toBe('filled');
      expect(again.kept).toContain(SPEC);
    }
    expect(await repo.scriptCalls()).toHaveLength(3);
  });

  test('one that only carries another date is a template still', async () => {
    await done();
    const text = (await repo.read(SPEC)).replace(/\d{4}-\d{2}-\d{2}/, '2020-02-02');
    await repo.write(SPEC, text);
    expect(await done()).toMatchObject({ specState: 'template' });
  });

  test('one of the preflight is no template', async () => {
    await repo.write(SPEC, '# Refined by preflight\n');
    expect(await done()).toMatchObject({ specState: 'filled' });
    expect(await repo.read(SPEC)).toBe('# Refined by preflight\n');
  });

  test('a retry makes its own run with the earlier specification and leaves the earlier run alone', async () => {
    await done();
    await repo.write(SPEC, 'Mine\n');
    await repo.write('.tmops/auth-api/runs/initial/checkpoints/001-discovery-trigger.md', 'x');
    const earlier = await treeOf(join(repo.root, '.tmops/auth-api/runs/initial'));
    expect(await done({ runType: 'retry' })).toMatchObject({
      run: 'retry',
      previousRun: 'initial',
      specState: 'filled',
    });
    expect(await done({ runType: 'retry' })).toMatchObject({ run: 'retry-2', previousRun: 'retry' });
    expect(await done()).toMatchObject({ run: 'retry-2' });
    expect((await repo.scriptCalls()).map(([, run]) => run)).toEqual(['initial', 'retry', 'retry-2', 'retry-2']);
    expect(await treeOf(join(repo.root, '.tmops/auth-api/runs/initial'))).toEqual(earlier);
    expect(await repo.read('.tmops/auth-api/current/TASK_SPEC.md')).toBe('Mine\n');
    expect(await repo.read('.tmops/auth-api/runs/PREVIOUS_RUN.txt')).toBe('retry\n');
  });

  test('with isolation branch it is run as it is, and the branch is checked out in the root', async () => {
    const outcome = await done({ isolation: 'branch' });
    expect(await repo.scriptCalls()).toEqual([['auth-api', 'initial']]);
    expect(await repo.git(['branch', '--show-current'])).toBe('feature/auth-api');
    expect(outcome).toMatchObject({ worktree: repo.root, branch: 'feature/auth-api' });
    expect(await repo.read('.tmops/FEATURES.txt')).toContain(':feature/auth-api\n');
    await done({ isolation: 'branch' });
  });

  test('with isolation branch a dirty tree is refused before the script runs', async () => {
    await repo.write('src/sum.js', 'dirty\n');
    const outcome = await projectOf(repo).initialise(orderFor(repo, { isolation: 'branch' }));
    expect(outcome).toMatchObject({ ok: false, step: 'branch', problem: { kind: 'dirty', files: ['src/sum.js'] } });
    expect(await repo.scriptCalls()).toEqual([]);
  });

  test('runs without its executable bit, and what would turn it aside does not reach it', async () => {
    await chmod(join(repo.toolsDir, 'init_feature_multi.sh'), 0o600);
    const trap = join(repo.base, 'trap.sh');
    await writeFile(trap, 'exit 9\n');
    const calls = join(repo.base, 'calls');
    const environment = {
      ...repo.environment,
      BASH_ENV: trap,
      CDPATH: '/',
      GIT_DIR: '/nowhere',
      TMOPS_PROJECT_ROOT: '/nowhere',
      FRAMEWORK_CALLS: calls,
    };
    await done({}, { environment });
    expect(await readFile(calls, 'utf8')).toBe('["auth-api","initial","--skip-branch"]\n');
  });
});

describe('when the script is not to be had', () => {
  test('one of another project is not run', async () => {
    const elsewhere = join(repo.base, 'other/tmops_v6_portable/tmops_tools');
    await installFramework(elsewhere);
    expect(await done({ toolsDir: elsewhere })).toMatchObject({
      initialiser: { kind: 'built-in', why: 'script-of-another-project' },
    });
    expect(await treeOf(join(repo.base, 'other'))).not.toHaveProperty('.tmops');
  });

  test('a framework that is linked into the project is run', async () => {
    const shared = join(repo.base, 'shared');
    await rename(join(repo.root, 'tmops_v6_portable'), shared);
    await symlink(shared, join(repo.root, 'tmops_v6_portable'));
    expect(await done()).toMatchObject({ initialiser: { kind: 'script' } });
  });

  test('a folder in its place counts as none', async () => {
    const toolsDir = join(repo.base, 'odd');
    await mkdir(join(toolsDir, 'init_feature_multi.sh'), { recursive: true });
    expect(await done({ toolsDir })).toMatchObject({ initialiser: { kind: 'built-in', why: 'no-script' } });
  });
});

describe('when the script fails', () => {
  test('the exit code and the end of its output are told; a filled specification comes back with the next init', async () => {
    await done();
    await repo.write(SPEC, 'Mine\n');
    const environment = { ...repo.environment, FRAMEWORK_FAIL: 'Error: something is wrong' };
    const outcome = await projectOf(repo, { environment }).initialise(orderFor(repo));
    expect(outcome).toMatchObject({
      ok: false,
      step: 'script',
      problem: {
        kind: 'script-failed',
        argv: ['bash', join(repo.toolsDir, 'init_feature_multi.sh'), 'auth-api', 'initial', '--skip-branch'],
        end: { kind: 'exited', exitCode: 1, tail: 'Error: something is wrong\n' },
      },
    });
    await done();
    expect(await repo.read(SPEC)).toBe('Mine\n');
  });

  test('one that never ends is stopped', async () => {
    const environment = { ...repo.environment, FRAMEWORK_HANG: '1' };
    const outcome = await projectOf(repo, { environment, scriptTimeoutMs: 300 }).initialise(orderFor(repo));
    expect(outcome).toMatchObject({ problem: { kind: 'script-failed', end: { kind: 'timed-out', afterMs: 300 } } });
  });

  test('one that works somewhere else is told', async () => {
    const environment = { ...repo.environment, FRAMEWORK_ROOT: join(repo.base, 'somewhere') };
    expect(await projectOf(repo, { environment }).initialise(orderFor(repo))).toMatchObject({
      problem: { kind: 'script-incomplete', missing: join(repo.root, '.tmops/auth-api/runs/initial') },
    });
  });
});
