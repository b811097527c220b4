import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GitError, mustGit, openRunner } from '../../../src/adapters/git/run.ts';
import { sampleRepo, type SampleRepo } from '../../rig/repo.ts';
import { until } from '../../rig/wait.ts';

let repo: SampleRepo;
beforeEach(async () => {
  repo = await sampleRepo();
});
afterEach(() => repo.dispose());

test('a failure tells argv, folder, exit code and what git said', async () => {
  const failure = await mustGit(openRunner({ environment: repo.environment }), repo.root, [
    'rev-parse',
    'nothing',
  ]).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(GitError);
  expect(failure).toMatchObject({ argv: ['rev-parse', 'nothing'], at: repo.root, exitCode: 128 });
  expect(String(failure)).toContain("ambiguous argument 'nothing'");
});

test('a git that never ends is killed with its children, also when it ignores the polite signal', async () => {
  const slow = join(repo.base, 'slow-git');
  const pids = join(repo.base, 'pids');
  await writeFile(slow, `#!/bin/bash\ntrap '' TERM\nsleep 600 &\necho $$ $! > ${pids}\nwait\nwait\nsleep 600\n`);
  await chmod(slow, 0o755);
  const run = openRunner({ environment: repo.environment, command: slow, timeoutMs: 300 });
  await expect(run(repo.root, ['status'])).rejects.toThrow('did not end within 300 ms');
  const [, own, child] = /(\d+) (\d+)/.exec(await repo.read('../pids')) ?? [];
  for (const pid of [Number(own), Number(child)]) {
    await until(`process ${pid} is gone`, () => !isAlive(pid), { withinMs: 3_000 });
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
