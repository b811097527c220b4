import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { codeOf, outputOf, roleLink } from '../rig/role-link.ts';
import { endRuns, redTest, rig, testsText, toTesting, WAIT, type Rig } from '../rig/role-run.ts';
import { until } from '../rig/wait.ts';

/** What the tools of a role run of the project's own, and what becomes of it when a call ends before it has. */

afterEach(endRuns);

/** Tests that take as long as the file `slow` is there, and leave a trace of their process. */
const SLOW = {
  config: 'project:\n  test_command: [node, slow.mjs]\n',
  files: {
    'slow.mjs': [
      "import { existsSync, writeFileSync } from 'node:fs';",
      "writeFileSync('../tests.pid', String(process.pid));",
      "const wait = () => (existsSync('../slow') ? setTimeout(wait, 20) : process.exit(existsSync('src/new.mjs') ? 0 : 1));",
      "existsSync('tests/new.test.mjs') ? wait() : process.exit(0);",
      '',
    ].join('\n'),
  },
};
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
const pidOf = async (tree: string): Promise<number> => Number(await readFile(join(tree, '..', 'tests.pid'), 'utf8'));

describe('tests that run', { timeout: 60_000 }, () => {
  const slow = async (): Promise<Rig> => {
    const made = await rig(SLOW);
    await toTesting(made);
    expect(codeOf(await redTest(made))).toBe('ok');
    await writeFile(join(made.tree, '..', 'slow'), '');
    await rm(join(made.tree, '..', 'tests.pid'), { force: true });
    return made;
  };
  const begun = ({ tree }: Rig): Promise<number> =>
    until('the tests run', async () => (existsSync(join(tree, '..', 'tests.pid')) ? pidOf(tree) : 0));

  test('end when the call is cancelled, and the next call is answered', async () => {
    const made = await slow();
    const cancelled = new AbortController();
    const asked = made.call('role-run-tests', {}, cancelled.signal);
    const queued = new AbortController();
    const behind = made.call('role-run-tests', {}, queued.signal);
    const pid = await begun(made);
    queued.abort();
    cancelled.abort();
    expect([codeOf(await asked), codeOf(await behind)]).toEqual(['cancelled', 'cancelled']);
    await until('they have ended', () => !isAlive(pid));
    await rm(join(made.tree, '..', 'slow'));
    expect(outputOf(await made.call('role-run-tests'))).toMatchObject({ outcome: 'failed', as_wanted: true });
  });

  test('end with a supervisor that is killed; the next one takes the role up where it was', async () => {
    const made = await slow();
    const { product } = made;
    const asked = made.call('role-run-tests');
    const pid = await begun(made);
    await product.endSupervisor('SIGKILL');
    expect(codeOf(await asked)).toMatch(/^supervisor-/);
    await rm(join(made.tree, '..', 'slow'));
    await product.json('status', 'auth-api');
    made.door = await roleLink(product);
    await until('it is played again', async () => codeOf(await made.call('role-run-tests')) === 'ok');
    expect(outputOf(await made.call('role-run-tests'))).toMatchObject({ outcome: 'failed', as_wanted: true });
    expect(isAlive(pid)).toBe(false);
    expect(outputOf(await made.call('role-write-checkpoint', { text: testsText, ...WAIT }))).toMatchObject({
      role: 'orchestrator',
    });
  });

  test('end the step by themselves where the workflow says so, with the sections it wants', async () => {
    const made = await rig({
      config: 'workflow: tools/moving.yaml',
      files: {
        'tools/moving.yaml': JSON.stringify({
          name: 'moving',
          extends: 'teamops',
          steps: [
            {
              ...{ id: 'testing', role: 'tester', prompt: 'Write tests', checkpoint: '003-tests-complete.md' },
              ...{ phase: 'testing', evidence: { before: 'tests-pass', tests: 'fail', without_added: 'tests-pass' } },
              ...{ sections: ['Work Completed', 'Test Results', 'Next Action'], moves_on: 'tests' },
            },
          ],
        }),
      },
    });
    const { call, product } = made;
    await toTesting(made);
    // Green: nothing is claimed.
    expect(outputOf(await call('role-run-tests', WAIT))).toMatchObject({
      outcome: 'passed',
      as_wanted: false,
      file: null,
    });
    await redTest(made);
    const both = await Promise.all([call('role-run-tests', WAIT), call('role-run-tests', WAIT)]);
    expect(both.map((each) => outputOf(each)['outcome'])).toEqual(['failed', 'failed']);
    expect(both.map((each) => outputOf(each)['file'])).toContain('003-tests-complete.md');
    await until(
      'the next role has its turn',
      async () => outputOf(await call('role-switch'))['role'] === 'orchestrator',
    );
    const text = await readFile(product.path('auth-api', 'current', 'checkpoints', '003-tests-complete.md'), 'utf8');
    expect(text.match(/^## .*$/gm)).toEqual(['## Test Results', '## Work Completed', '## Next Action']);
  });
});

test('what validate_tests keeps of the tree is one ref, and goes with the feature', { timeout: 60_000 }, async () => {
  const made = await rig();
  const { call, product } = made;
  await toTesting(made);
  await redTest(made);
  for (let times = 0; times < 3; times += 1)
    expect(outputOf(await call('role-validate-tests'))).toMatchObject({ valid: true });
  const refs = async (): Promise<string[]> =>
    (await product.repo.git(['for-each-ref', '--format=%(refname)', 'refs/tmops']))
      .split('\n')
      .filter((ref) => ref.includes('-trial'));
  expect(await refs()).toEqual(['refs/tmops/auth-api/initial/testing-after-trial']);
  await product.json('stop', 'auth-api');
  await product.json('cleanup', 'auth-api', '--discard');
  expect((await refs()).filter((ref) => !ref.startsWith('refs/tmops/_archive/'))).toEqual([]);
});
