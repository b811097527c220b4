import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGit } from '../../src/adapters/git/open.ts';
import { newRun, type Run } from '../../src/core/run.ts';
import { workflowSchema } from '../../src/core/workflow.ts';
import { moveReports } from '../../src/engine/archive.ts';
import type { RunLoop } from '../../src/engine/loop.ts';
import { runPlace, type RunPlace } from '../../src/engine/place.ts';
import type { Rewinder } from '../../src/engine/ports.ts';
import { performRollback, planRollback, planUndo } from '../../src/engine/rollback.ts';
import { loopFrom } from '../rig/ports.ts';
import { sampleRepo, type SampleRepo } from '../rig/repo.ts';
import { identity, settings, small } from '../rig/run.ts';

const role = (title: string, more: object) => ({ title, instructions: `${title}.md`, ...more });
const workflow = workflowSchema.parse({
  ...small,
  tests: ['test/**'],
  roles: { tester: role('Tester', { allow_writes: ['{tests}'] }), coder: role('Coder', { deny_writes: ['{tests}'] }) },
  steps: [
    { id: 'testing', role: 'tester', prompt: 'Test', checkpoint: '001.md' },
    { id: 'code', role: 'coder', prompt: 'Code', checkpoint: '002.md' },
    { id: 'more', role: 'coder', prompt: 'More', checkpoint: '003.md' },
  ],
});

let repo: SampleRepo;
let place: RunPlace;
let base: string;
beforeEach(async () => {
  repo = await sampleRepo();
  await repo.write('.git/info/exclude', '.tmops\n');
  base = await repo.git(['rev-parse', 'HEAD']);
  place = runPlace(repo.root, 'auth-api', 'initial', (feature, run) => `.tmops/${feature}/runs/${run}/checkpoints`);
  await work();
});
afterEach(() => repo.dispose());

/** Tests and code of a day, the first half committed, and two checkpoints. */
async function work(): Promise<void> {
  await repo.write('test/new.test.js', 'test\n');
  await repo.write('src/sum.js', 'better\n');
  await repo.write('src/deep/new.js', 'new\n');
  await repo.git(['add', '--all']);
  await repo.git(['commit', '--quiet', '--message', 'Work']);
  await repo.write('src/staged.js', 'staged\n');
  await repo.git(['add', '--all']);
  await repo.write('src/loose.js', 'loose\n');
  for (const file of ['001.md', '002.md']) await put(join(place.checkpointsDir, file), file);
  await put(place.metricsFile, '{}');
}
async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** Two steps are done; nothing but the beginning is known of how the project was. */
function working(over: Partial<Run> = {}): Run {
  const step = { at: 1, how: 'checkpoint', mtimeMs: 1, beganAt: 1 } as const;
  return {
    ...newRun,
    workflow,
    settings,
    identity: { ...identity, branch: 'main', worktree: repo.root, base },
    life: { kind: 'running', startedAt: 1, surveyed: true, stepBeganAt: null },
    done: { testing: step, code: step },
    paused: { at: 1, by: 'cli', why: '' },
    ...over,
  };
}

const rewinderOf = (command?: string): Rewinder =>
  openGit({ environment: repo.environment, ...(command === undefined ? {} : { command }) }).rewinder;
const rewinder = (): Rewinder => rewinderOf();

/** Notes that the work is to go back to the step, or that this is undone, as the operation does. */
async function begun(loop: RunLoop, to: string | null): Promise<void> {
  const scene = { run: loop.run(), place, rewinder: rewinder() };
  const planned = to === null ? await planUndo(scene) : await planRollback(scene, to);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problem));
  const { plan } = planned;
  const from = await rewinder().keep(repo.root, plan.from, `auth-api/initial/${to === null ? 'undo' : 'rollback'}-1`);
  await loop.submit(
    to === null
      ? { kind: 'undo-rollback', by: 'cli', from, checkpoints: plan.going }
      : { kind: 'roll-back', step: to, by: 'cli', why: '', from, to: plan.to, checkpoints: plan.going },
  );
}
const perform = (loop: RunLoop, by = rewinder(), isClosed = (): boolean => false): Promise<void> =>
  performRollback({ loop, place, rewinder: by }, 1, isClosed);

/** The whole state that a rollback is about. */
async function whole(): Promise<object> {
  const { index, files } = await rewinder().look(repo.root);
  const there = (await readdir(place.runDir, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(place.runDir.length + 1));
  return {
    head: await repo.git(['rev-parse', 'HEAD^{tree}']),
    commits: await repo.git(['log', '--format=%s']),
    ...{ index, files, there: there.sort() },
  };
}

describe('a crash between any two commands of git', () => {
  /** Ends before the command of that number; counts them. Each attempt begins from a copy of the repository. */
  async function dying(at: number): Promise<{ command: string; calls: () => Promise<number> }> {
    const [command, count] = [join(repo.base, 'git.sh'), join(repo.base, 'count')];
    await writeFile(count, '');
    const die = `[ "$(wc -c < '${count}')" -lt ${at} ] || exit 97`;
    await writeFile(command, `#!/bin/sh\n${die}\nprintf x >> '${count}'\nexec git "$@"\n`, { mode: 0o700 });
    return { command, calls: async () => (await readFile(count, 'utf8')).length };
  }

  it.each(['back', 'undo'])(
    'leaves a run that comes to the same end: %s',
    async (direction) => {
      const { loop: first } = loopFrom(working());
      await begun(first, 'code');
      if (direction === 'undo') {
        await perform(first);
        await repo.write('src/second.js', 'second\n');
        await put(join(place.checkpointsDir, '002.md'), 'second');
        await begun(first, null);
      }
      const start = first.run();
      const saved = join(repo.base, 'saved');
      await cp(repo.root, saved, { recursive: true, verbatimSymlinks: true });
      const undisturbed = await dying(1000);
      const { loop } = loopFrom(start);
      await perform(loop, rewinderOf(undisturbed.command));
      expect(loop.run().rollback).toBeNull();
      const end = await whole();
      const steps = await undisturbed.calls();
      expect(steps).toBeGreaterThan(20);
      // Each third one, at other places when it is undone.
      for (let at = direction === 'back' ? 0 : 1; at < steps; at += 3) {
        await rm(repo.root, { recursive: true });
        await cp(saved, repo.root, { recursive: true, verbatimSymlinks: true });
        const { command } = await dying(at);
        const { loop: again, journal } = loopFrom(start);
        await perform(again, rewinderOf(command), () => true);
        expect(journal).toEqual([]);
        await perform(again);
        expect([at, again.run().rollback, await whole()]).toEqual([at, null, end]);
        expect(journal.find(({ kind }) => kind === 'rollback.done')).toMatchObject({
          commit: await repo.git(['rev-parse', 'HEAD']),
        });
      }
    },
    120_000,
  );
});

describe('what was changed between the look and the deed', () => {
  it('is kept as well, under a ref that the journal names', async () => {
    const { loop, journal } = loopFrom(working());
    await begun(loop, 'code');
    await repo.write('src/loose.js', 'changed in the last moment\n');
    await repo.write('test/other.test.js', 'stays\n');
    await perform(loop);
    const done = journal.find(({ kind }) => kind === 'rollback.done');
    const late = done?.kind === 'rollback.done' ? (done.late ?? '') : '';
    expect(late).toMatch(/^refs\/tmops\/auth-api\/initial\/rollback-1-late-[0-9a-f]{12}-files$/);
    expect(await repo.git(['show', `${late}:src/loose.js`])).toBe('changed in the last moment');
    expect(await repo.read('test/other.test.js')).toBe('stays\n');
  });
});

describe('a plan', () => {
  it('goes back to where the feature began while nothing else is known and no earlier work is in the way', async () => {
    const scene = { run: working(), place, rewinder: rewinder() };
    const planned = await planRollback(scene, 'coder');
    expect(planned).toMatchObject({
      ok: true,
      plan: { point: { kind: 'base', commit: base }, going: expect.any(Array) as [] },
    });
    expect(planned.ok && planned.plan.changes.map(({ path }) => path).sort()).toEqual([
      ...['src/deep/new.js', 'src/loose.js', 'src/staged.js', 'src/sum.js'],
    ]);
    expect(planned.ok && planned.plan.going).toEqual(['checkpoints/002.md', 'metrics.json']);
  });

  it('is refused where earlier work could not be told from what goes, or nothing is known', async () => {
    const scene = { run: working(), place, rewinder: rewinder() };
    expect(await planRollback(scene, 'more')).toMatchObject({
      ok: false,
      problem: { kind: 'unclear', step: 'more', files: expect.arrayContaining(['src/sum.js']) as string[] },
    });
    const run = working({ identity: { ...identity, worktree: repo.root, branch: 'main', base: null } });
    expect(await planRollback({ ...scene, run }, 'code')).toMatchObject({ ok: false, problem: { kind: 'no-point' } });
  });
});

describe('the archive', () => {
  const move = { number: 1, direction: 'back', going: ['checkpoints/002.md', 'metrics.json'], coming: [] } as const;

  it('takes what goes once, leaves what somebody wrote since, and gives back what was taken', async () => {
    await moveReports(place, move);
    await put(join(place.checkpointsDir, '002.md'), 'written since');
    await moveReports(place, move);
    const archived = join(place.runDir, '.archive', 'rollback-001', 'checkpoints', '002.md');
    expect(await readFile(archived, 'utf8')).toBe('002.md');
    expect(await readFile(join(place.checkpointsDir, '002.md'), 'utf8')).toBe('written since');
    const back = { number: 1, direction: 'undo', going: ['checkpoints/002.md'], coming: move.going } as const;
    await moveReports(place, back);
    await moveReports(place, back);
    expect(await readFile(join(place.checkpointsDir, '002.md'), 'utf8')).toBe('002.md');
    expect(await readFile(join(place.runDir, '.archive', 'undo-001', 'checkpoints', '002.md'), 'utf8')).toBe(
      'written since',
    );
  });

  it('is no link', async () => {
    await symlink(repo.base, join(place.runDir, '.archive'));
    await expect(moveReports(place, move)).rejects.toThrow('is a link, which is not followed');
    expect(await readFile(join(place.checkpointsDir, '002.md'), 'utf8')).toBe('002.md');
  });
});
