import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { mcpClient } from '../rig/mcp-client.ts';
import { checkpointText } from '../rig/product.ts';
import { said } from '../rig/role-client.ts';
import { codeOf, outputOf } from '../rig/role-link.ts';
import { endRuns, redTest, rig, testsText, toTesting, WAIT } from '../rig/role-run.ts';
import { until } from '../rig/wait.ts';

/** Runs that one client plays, in the states that a run may be in when a tool of a role is called. */

afterEach(endRuns);

describe('a checkpoint', { timeout: 60_000 }, () => {
  test('that did not hold is written anew, and the answer is about the new one', async () => {
    const made = await rig();
    const { call, product } = made;
    expect(await toTesting(made)).toBe('tester');
    const first = outputOf(await call('role-write-checkpoint', { text: testsText, ...WAIT }));
    const why = expect.stringMatching(
      /003-tests-complete.md was sent back. The tests pass, and new tests have to fail/,
    ) as unknown;
    expect(first).toMatchObject({ role: 'tester', message: why });
    expect(outputOf(await call('role-switch'))).toMatchObject({ role: 'tester', message: why });
    // The very same words, with nothing done: the workflow does not send it back once more, a human has to say.
    const again = outputOf(await call('role-write-checkpoint', { text: testsText, ...WAIT }));
    expect(again).toMatchObject({
      role: 'tester',
      message: expect.stringContaining('did not hold: The tests pass') as unknown,
    });
    await redTest(made);
    const right = outputOf(await call('role-write-checkpoint', { text: testsText, ...WAIT }));
    expect(right).toMatchObject({
      role: 'orchestrator',
      message: expect.stringContaining('implementation-trigger') as unknown,
    });
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
      failure: { code: 'role-tool-refused', hint: expect.stringContaining('start_implementation') as unknown },
    });
    const madeUp = await call('role-start', { step: 'implementation-trigger', next: 'verification', message: 'x' });
    expect(codeOf(madeUp)).toBe('role-tool-refused');
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
    expect(refused).toMatchObject({
      failure: { code: 'disk', sentence: expect.stringContaining('001-discovery') as unknown },
    });
    await rm(place);
    const texts = Array.from({ length: 8 }, (_, at) =>
      checkpointText('auth-api', 'Orchestrator', `${at}`.repeat(20_000)),
    );
    const answers = await Promise.all(texts.map((text) => call('role-write-checkpoint', { text, ...WAIT })));
    expect(answers.filter(({ ok }) => ok).length).toBeGreaterThan(0);
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
    expect(outputOf(await call('role-status'))).toMatchObject({
      phase: 'stopped',
      available_tools: expect.any(Array) as unknown,
    });
    expect(outputOf(await call('role-switch'))).toMatchObject({
      role: 'auto',
      message: expect.stringContaining('stopped') as unknown,
    });

    await product.json('start', 'auth-api');
    expect(outputOf(await call('role-switch', WAIT))['message']).toContain('turn of the Orchestrator');
    for (const [op, input] of acts.toReversed()) expect(codeOf(await call(op, input)), op).toBe('ok');
  });

  test('is completed: nothing is left to do', async () => {
    const { call, product } = await rig();
    for (let steps = 0; steps < 7; steps += 1) await product.cli('skip', 'auth-api');
    await product.reached('auth-api', 'it is completed', ({ phase }) => phase === 'completed');
    expect(await call('role-write-checkpoint', { text: testsText })).toMatchObject({
      failure: { code: 'not-running', hint: 'Nothing is left to do for it.' },
    });
    const next = outputOf(await call('role-switch', WAIT));
    expect(next).toMatchObject({ message: 'auth-api is completed.', instructions: 'Nothing is left to do.' });
    expect(outputOf(await call('role-status'))).toMatchObject({ phase: 'completed', present: null, yours: false });
    const other = await call('role-read-spec');
    expect(other).toMatchObject({
      failure: {
        sentence: "It is no role's turn now, so that there is no tool read_spec.",
        hint: 'Allowed now: switch_role, check_status.',
      },
    });
  });

  test('is not written by a client that only reads, nor where the configuration says so of all', async () => {
    const { product } = await rig({ config: 'server: {read_only: true}' });
    const client = await mcpClient(product, ['--role', 'auto', '--feature', 'auth-api']);
    const begin = { name: 'start_testing', arguments: { message: 'Begin' } };
    expect(said(await client.callTool(begin))).toMatchObject({
      isError: true,
      text: expect.stringContaining('read-only') as unknown,
    });
    expect(said(await client.callTool({ name: 'check_status', arguments: {} }))).toMatchObject({ isError: false });
    await client.close();
  });

  test('is paused: the step after is not played before it has begun', async () => {
    const made = await rig();
    const { call, product } = made;
    await product.json('pause', 'auth-api');
    const next = outputOf(await call('role-start', { step: 'discovery', next: 'testing', message: 'x', ...WAIT }));
    expect(next).toMatchObject({
      role: 'tester',
      message: expect.stringMatching(/testing has not begun yet. It is paused/) as unknown,
    });
    const early = await redTest(made);
    expect(early).toMatchObject({
      ok: false,
      failure: { code: 'step-not-begun', sentence: expect.stringContaining('paused') as unknown },
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
    expect(next).toMatchObject({
      role: 'tester',
      message: expect.stringContaining('testing has not begun yet') as unknown,
    });
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
