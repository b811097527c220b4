import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examineMachine } from '../../src/compose/doctor.ts';
import { workspaceOf } from '../../src/compose/link.ts';
import { supervisorPlace } from '../../src/compose/places.ts';
import { self, takeLock } from '../../src/journal/lock.ts';
import { sampleRepo, type SampleRepo } from '../rig/repo.ts';

let repo: SampleRepo;
beforeEach(async () => {
  repo = await sampleRepo();
});
afterEach(() => repo.dispose());

const rehearsed = (): Promise<void> => repo.write('tmops.config.yaml', 'providers: { default: rehearsal }\n');

/** The report on the sample, with the checks by name. */
async function examined(cwd = repo.root, env = repo.environment) {
  const view = await examineMachine((withinMs) => workspaceOf(cwd, withinMs), env);
  return { ok: view.ok, checks: Object.fromEntries(view.checks.map((check) => [check.name, check])) };
}

describe('examineMachine', () => {
  it('finds nothing missing where only rehearsed agents are wanted', async () => {
    await rehearsed();
    const { ok, checks } = await examined();
    expect(Object.values(checks).filter(({ state }) => state === 'missing')).toEqual([]);
    expect(ok).toBe(true);
    expect(checks['workspace']?.found).toBe(repo.root);
    expect(checks['write access']?.found).toBe(`${repo.root}, ${repo.root}/.tmops, ${repo.root}.tmops`);
    expect(checks['supervisor']?.found).toMatch(/^none runs/);
    expect(await repo.git(['status', '--porcelain'])).toBe('?? tmops.config.yaml');
  });

  it('misses a Claude Code that is wanted', async () => {
    await repo.write('tmops.config.yaml', 'providers: { claude_code: { command: no-such-claude } }\n');
    const { ok, checks } = await examined();
    expect(ok).toBe(false);
    expect(checks['claude code']).toMatchObject({ state: 'missing', found: 'not found on the PATH' });
    expect(checks['trust']).toMatchObject({ state: 'warning' });
  });

  it('points at each fault of the configuration', async () => {
    await repo.write('tmops.config.yaml', 'provider: rehearsal\nlayout: no-such-layout\n');
    const { ok, checks } = await examined();
    expect(ok).toBe(false);
    expect(checks['configuration']?.fix).toContain('tmops.config.yaml:1:1: unknown key provider');
    await repo.write('tmops.config.yaml', 'layout: no-such-layout\n');
    expect((await examined()).checks['configuration']?.fix).toContain('tmops.config.yaml:1:9');
  });

  it('says why a folder is no workspace, and looks at the rest', async () => {
    const { ok, checks } = await examined(repo.base);
    expect(ok).toBe(false);
    expect(checks['workspace']).toMatchObject({ state: 'missing' });
    expect(checks['workspace']?.fix).toContain('git init');
    expect(checks['git']?.state).toBe('ok');
    expect(checks['trust']).toBeUndefined();
  });

  it('survives a search for the workspace that fails', async () => {
    const view = await examineMachine(() => Promise.reject(new Error('git fell over')), repo.environment);
    expect(view.checks.find(({ name }) => name === 'workspace')?.found).toContain('git fell over');
  });

  it('names the supervisor that runs, and only while it does', async () => {
    const { lockFile } = supervisorPlace(repo.root);
    await mkdir(dirname(lockFile), { recursive: true });
    const lock = await takeLock(lockFile, await self());
    expect((await examined()).checks['supervisor']?.found).toBe(`process ${process.pid}`);
    if (lock.ok) await lock.release();
    // A process of that id that started at another time.
    await writeFile(lockFile, JSON.stringify({ pid: process.pid, startTime: '1', boot: '' }));
    expect((await examined()).checks['supervisor']?.found).toMatch(/^none runs/);
  });
});
