import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { journaled, playText, redTest, wordsTo } from '../rig/flow.ts';
import { linesOf } from '../rig/json-lines.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/** A step between two of teamops: a module of the project. */
const GATED = `name: gated
extends: teamops
steps:
  - id: gate
    after: discovery
    module: gate
    with: { command: [npm, run, lint], limit: 3 }
`;

const CONFIG = `features:
  concurrent_limit: 20
  default_phases: [orchestrator, tester]
workflow: tools/gated.yaml
modules:
  gate: tools/gate.mjs`;

const PLAY = playText([
  { role: 'orchestrator', when: '[BEGIN]: Start orchestration', file: '001-discovery-trigger.md' },
  { role: 'orchestrator', when: 'Tester has completed', file: 'SUMMARY.md' },
  { role: 'tester', when: '[BEGIN]: Start test writing', acts: [redTest], file: '003-tests-complete.md' },
]);

/** Notes each call and what it was given, then does what the stage is to do. */
const moduleText = (does: { validate?: string; execute?: string; rollback?: string }): string =>
  [
    "import { appendFileSync, existsSync } from 'node:fs';",
    'const note = (stage, context) => appendFileSync(`${context.runDir}/calls.jsonl`, `${JSON.stringify({ stage, ...context })}\\n`);',
    ...(['validate', 'execute', 'rollback'] as const).map(
      (stage) => `export async function ${stage}(context) { note('${stage}', context); ${does[stage] ?? ''} }`,
    ),
  ].join('\n');

let product: Product;
const open = (): Promise<Product> =>
  openProduct({
    play: 'tools/play.yaml',
    config: CONFIG,
    files: { 'tools/gated.yaml': GATED, 'tools/play.yaml': PLAY },
  });

beforeAll(async () => {
  product = await open();
});
afterAll(() => product.dispose());

const write = (does: Parameters<typeof moduleText>[0]): Promise<void> =>
  product.repo.write('tools/gate.mjs', moduleText(does));

const calls = (feature: string): Promise<{ stage: string; with: unknown; [key: string]: unknown }[]> =>
  linesOf(product.path(feature, 'current', 'calls.jsonl'));

const stages = async (feature: string): Promise<string[]> => (await calls(feature)).map(({ stage }) => stage);

const failed = (feature: string, why: string): Promise<OutputOf<'status'>> =>
  product.reached(feature, `the module failed with ${why}`, ({ attention }) =>
    attention.some(({ code, sentence }) => code === 'module-failed' && sentence.includes(why)),
  );

const completed = (feature: string): Promise<OutputOf<'status'>> =>
  product.reached(feature, `${feature} is completed`, ({ phase }) => phase === 'completed');

it('stays in the step while its module fails, says why, and goes on with the repaired one', async () => {
  await write({ validate: "throw new Error('npm run lint is no script of package.json');" });
  const { worktree } = await product.json<OutputOf<'init'>>('init', 'gated');
  await product.json('start', 'gated');
  const refused = await failed('gated', 'failed to validate: "npm run lint is no script of package.json"');
  expect(refused).toMatchObject({ phase: 'running', step: 'gate', role: null });
  expect(refused.waitsFor).toBe('The module gate failed; see attention.');
  expect(refused.attention[0]?.hint).toBe('Repair the cause, then: tmops retry gated');
  expect(await stages('gated')).toEqual(['validate']);

  await write({ execute: "throw new Error('3 problems in src/sum.js');" });
  await product.json('start', 'gated');
  const rolledBack = await failed('gated', '3 problems in src/sum.js');
  expect(rolledBack.attention[0]?.sentence).toBe(
    'The module of step gate failed to execute: "3 problems in src/sum.js" It was rolled back.',
  );
  expect((await stages('gated')).slice(1)).toEqual(['validate', 'execute', 'rollback']);

  await write({ execute: "throw new Error('2 problems left');", rollback: "throw new Error('cannot');" });
  await product.json('start', 'gated');
  expect((await failed('gated', '2 problems left')).attention[0]?.sentence).toBe(
    'The module of step gate failed to execute: "2 problems left; rolling it back failed too: cannot"',
  );
  expect(await wordsTo(product, 'gated', 'tester')).toHaveLength(1);

  await write({});
  await product.json('start', 'gated');
  const end = await completed('gated');
  expect(end.attention).toEqual([]);
  expect((await stages('gated')).slice(-2)).toEqual(['validate', 'execute']);
  for (const call of await calls('gated'))
    expect(call).toMatchObject({
      feature: 'gated',
      run: 'initial',
      step: 'gate',
      worktree,
      runDir: product.path('gated', 'runs', 'initial'),
      with: { command: ['npm', 'run', 'lint'], limit: 3 },
    });
  const done = (await product.events('gated')).filter((event) => event.kind === 'step.completed');
  expect(done.map(({ step, how }) => `${step} ${how}`)).toEqual([
    'discovery checkpoint',
    'gate module',
    'testing checkpoint',
    'summary checkpoint',
  ]);
  await product.json('stop', 'gated');
});

it('says so where the module cannot be used', async () => {
  const faults: readonly [string, string][] = [
    ['export const execute = ;', 'Unexpected token'],
    ['export const validate = () => undefined;', 'exports no function execute'],
  ];
  await product.json('init', 'faulty');
  for (const [text, told] of faults) {
    await product.repo.write('tools/gate.mjs', text);
    await product.json('start', 'faulty');
    await failed('faulty', told);
  }
  await product.json('stop', 'faulty');
});

it('executes again when the supervisor was killed in the middle of it', async () => {
  const gate = product.repo.base;
  await write({ execute: `while (!existsSync('${gate}/go')) await new Promise((go) => setTimeout(go, 10));` });
  await product.json('init', 'torn');
  await product.json('start', 'torn');
  await until('the module is at work', async () => (await stages('torn')).includes('execute'));
  await product.endSupervisor('SIGKILL');
  await until('it is at work again', async () => (await stages('torn')).filter((stage) => stage === 'execute')[1]);
  await product.repo.write('../go', '');
  await completed('torn');
  await journaled(
    product,
    'torn',
    'one end of the step',
    (events) => events.filter((event) => event.kind === 'step.completed' && event.step === 'gate').length === 1,
  );
  await product.json('stop', 'torn');
});

it('is refused at the start, pointing at the step, where the configuration registers no such module', async () => {
  await product.configure({ play: 'wait', config: CONFIG.replace('  gate: tools', '  gates: tools') });
  await product.json('init', 'unknown');
  const { exitCode, stderr } = await product.cli('start', 'unknown');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/tools\/gated\.yaml:6:13: /);
  expect(stderr).toContain('did you mean gates?');
});
