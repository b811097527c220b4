import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { openProduct, checkpointText, type Product, type ProductOptions } from '../rig/product.ts';
import { codeOf, outputOf, roleLink, type RoleLink } from '../rig/role-link.ts';
import { until } from '../rig/wait.ts';

/** Runs that one client plays, in the states that a run may be in when a tool of a role is called. */

const opened: { dispose(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.dispose();
});

const WAIT = { waitMs: 20_000 };

interface Rig {
  readonly product: Product;
  door: RoleLink;
  tree: string;
  /** Calls an operation as whoever plays all roles. */
  readonly call: (op: string, input?: object, signal?: AbortSignal) => ReturnType<RoleLink['ask']>;
}

async function rig(options: ProductOptions = {}): Promise<Rig> {
  const product = await openProduct({ provider: 'client', ...options });
  opened.push(product);
  await product.json('init', 'auth-api');
  await product.json('start', 'auth-api');
  const made: Rig = {
    product,
    door: await roleLink(product),
    tree: (await product.status('auth-api')).worktree ?? '',
    call: (op, input = {}, signal) => made.door.ask(op, { feature: 'auth-api', role: 'auto', ...input }, {}, signal),
  };
  opened.push({ dispose: () => Promise.resolve(made.door.link.close()) });
  expect(outputOf(await made.call('role-switch', WAIT))['message']).toContain('turn of the Orchestrator');
  return made;
}

const RED = "import '../src/new.mjs';\n";
const toTesting = async ({ call }: Rig): Promise<unknown> =>
  outputOf(await call('role-start', { step: 'discovery', next: 'testing', message: 'Begin', ...WAIT }))['role'];
const redTest = ({ call }: Rig) => call('role-write-test', { path: 'tests/new.test.mjs', content: RED });
const testsText = checkpointText('auth-api', 'Tester', '003');

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

describe('a checkpoint', { timeout: 60_000 }, () => {
  test('that did not hold is written anew, and the answer is about the new one', async () => {
    const made = await rig();
    const { call, product } = made;
    expect(await toTesting(made)).toBe('tester');
    const first = outputOf(await call('role-write-checkpoint', { text: testsText, ...WAIT }));
    const why = expect.stringMatching(
      /003-tests-complete.md was sent back. The tests pass, and new tests have to fail/,
    );
    expect(first).toMatchObject({ role: 'tester', message: why });
    expect(outputOf(await call('role-switch'))).toMatchObject({ role: 'tester', message: why });
    // The very same words, with nothing done: the workflow does not send it back once more, a human has to say.
    const again = outputOf(await call('role-write-checkpoint', { text: testsText, ...WAIT }));
    expect(again).toMatchObject({ role: 'tester', message: expect.stringContaining('did not hold: The tests pass') });
    await redTest(made);
    const right = outputOf(await call('role-write-checkpoint', { text: testsText, ...WAIT }));
    expect(right).toMatchObject({ role: 'orchestrator', message: expect.stringContaining('implementation-trigger') });
    // It was taken: the tester has no say any more, whoever calls.
    expect(codeOf(await call('role-write-test', { path: 'tests/a.test.mjs', content: '' }))).toBe('role-tool-refused');
    const { message, available_tools: tools } = outputOf(await call('role-switch'));
    expect([message, tools]).toEqual([
      expect.stringContaining('Orchestrator'),
      expect.arrayContaining(['start_implementation']),
    ]);
    // Of what hands over only that which ends this step; another one says so.
    expect(tools).not.toContain('start_testing');
    const wrong = await call('role-start', { step: 'discovery', next: 'testing', message: 'again' });
    expect(wrong).toMatchObject({
      failure: { code: 'role-tool-refused', hint: expect.stringContaining('start_implementation') },
    });
    const made_up = await call('role-start', { step: 'implementation-trigger', next: 'verification', message: 'x' });
    expect(codeOf(made_up)).toBe('role-tool-refused');
    expect((await product.status('auth-api')).phase).toBe('running');
  });

  test('that a human sends back comes with the words of the human', async () => {
    const made = await rig({
      config: 'workflow: tools/gated.yaml',
      files: {
        'tools/gated.yaml': JSON.stringify({
          name: 'gated',
          extends: 'teamops',
          steps: [
            {
              ...{ id: 'discovery', role: 'orchestrator', prompt: 'Begin', checkpoint: '001-discovery-trigger.md' },
              ...{ phase: 'discovery', gate: 'human' },
            },
          ],
        }),
      },
    });
    const { call, product } = made;
    const start = { step: 'discovery', next: 'testing', message: 'Begin', ...WAIT };
    expect(outputOf(await call('role-start', start))['message']).toContain('waits for a human to approve it');
    await product.json('reject', 'auth-api', '--comment', 'Name the file.');
    expect(outputOf(await call('role-switch', WAIT))['message']).toMatch(/was sent back.*Name the file\./s);
    expect(outputOf(await call('role-start', start))['message']).toContain('waits for a human to approve it');
    await product.json('approve', 'auth-api');
    expect(outputOf(await call('role-switch', WAIT))).toMatchObject({ role: 'tester' });
  });

  test('is whole or not there, however many write it at once and whatever stands in its place', async () => {
    const made = await rig();
    const { call, product } = made;
    const place = product.path('auth-api', 'current', 'checkpoints', '001-discovery-trigger.md');
    await execa('mkfifo', [place]);
    const start = { step: 'discovery', next: 'testing', message: 'Begin', ...WAIT };
    const refused = await call('role-start', start);
    expect(refused).toMatchObject({ failure: { code: 'disk', sentence: expect.stringContaining('001-discovery') } });
    await rm(place);
    const texts = Array.from({ length: 8 }, (_, at) =>
      checkpointText('auth-api', 'Orchestrator', `${at}`.repeat(20_000)),
    );
    const said = await Promise.all(texts.map((text) => call('role-write-checkpoint', { text, ...WAIT })));
    expect(said.filter(({ ok }) => ok).length).toBeGreaterThan(0);
    expect(texts).toContain(await readFile(place, 'utf8'));
    await until('the tester has its turn', async () => outputOf(await call('role-switch'))['role'] === 'tester');
    expect(await readdir(product.path('auth-api', 'current', 'checkpoints'))).toEqual(['001-discovery-trigger.md']);
  });
});

describe('a run that does not go', { timeout: 60_000 }, () => {
  test('is read and not written, and what is said tells why', async () => {
    const made = await rig();
    const { call, product } = made;
    const acts = [
      ['role-start', { step: 'discovery', next: 'testing', message: 'x' }],
      ['role-write-checkpoint', { text: checkpointText('auth-api', 'Orchestrator', 'Tester') }],
      ['role-report', { kind: 'progress', text: 'x' }],
    ] as const;
    await product.json('stop', 'auth-api');
    for (const [op, input] of acts) expect(codeOf(await call(op, input)), op).toBe('not-running');
    expect(outputOf(await call('role-status'))).toMatchObject({ phase: 'stopped', available_tools: expect.any(Array) });
    expect(outputOf(await call('role-switch'))).toMatchObject({
      role: 'auto',
      message: expect.stringContaining('stopped'),
    });

    await product.json('start', 'auth-api');
    // A step that goes on may be ended while the run is paused; the next one does not begin, and nobody plays it.
    await product.json('pause', 'auth-api');
    await until('the step goes on', async () => outputOf(await call('role-switch'))['role'] === 'orchestrator');
    await product.json('resume', 'auth-api');
    await product.reached(
      'auth-api',
      'the step has begun',
      ({ step, prompts }) => step === 'discovery' && prompts.length > 4,
    );
    await until('it has begun', async () => codeOf(await call('role-start', acts[0][1])) === 'ok', {
      withinMs: 10_000,
    });
    await product.json('pause', 'auth-api');
  });

  test('is paused: the step after is not played before it has begun', async () => {
    const made = await rig();
    const { call, product } = made;
    await product.json('pause', 'auth-api');
    const next = outputOf(await call('role-start', { step: 'discovery', next: 'testing', message: 'x', ...WAIT }));
    expect(next).toMatchObject({
      role: 'tester',
      message: expect.stringMatching(/testing has not begun yet. It is paused/),
    });
    const early = await redTest(made);
    expect(early).toMatchObject({
      ok: false,
      failure: { code: 'step-not-begun', sentence: expect.stringContaining('paused') },
    });
    expect(codeOf(await call('role-report', { kind: 'question', text: 'May I?' }))).toBe('ok');
    await product.json('resume', 'auth-api');
    expect(outputOf(await call('role-switch', WAIT))['message']).toContain('turn of the Tester');
    expect(codeOf(await redTest(made))).toBe('ok');
  });

  test('whose tests are red before the work begins waits for a human, and so does who plays it', async () => {
    const made = await rig({
      config: 'workflow: tools/generating.yaml\nproject: {test_command: [node, red.mjs]}',
      files: {
        'red.mjs': "import { existsSync } from 'node:fs';\nprocess.exit(existsSync('coverage/red') ? 1 : 0);\n",
        'tools/generating.yaml': JSON.stringify({ name: 'generating', extends: 'teamops', generated: ['coverage/**'] }),
      },
    });
    const { call, product } = made;
    // What tests leave behind is nobody's work, and may well be what breaks them.
    await mkdir(join(made.tree, 'coverage'));
    await writeFile(join(made.tree, 'coverage', 'red'), '');
    const next = outputOf(await call('role-start', { step: 'discovery', next: 'testing', message: 'x', ...WAIT }));
    expect(next).toMatchObject({ role: 'tester', message: expect.stringContaining('testing has not begun yet') });
    expect(codeOf(await redTest(made))).toBe('step-not-begun');
    expect(codeOf(await call('role-write-checkpoint', { text: testsText }))).toBe('step-not-begun');
    expect((await product.status('auth-api')).step).toBe('testing');
  });

  test('needs neither evidence nor tests to be played', async () => {
    const made = await rig({
      config: 'project: {test_command: null}\nevidence: {enabled: false}',
      files: { 'package.json': '{}' },
    });
    const { call } = made;
    expect(await toTesting(made)).toBe('tester');
    for (const op of ['role-run-tests', 'role-validate-tests'])
      expect(codeOf(await call(op)), op).toBe('no-test-command');
    expect(outputOf(await call('role-write-checkpoint', { text: testsText, ...WAIT }))).toMatchObject({
      role: 'orchestrator',
    });
  });
});

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
