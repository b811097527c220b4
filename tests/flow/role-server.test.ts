import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, type Product, type ProductOptions } from '../rig/product.ts';
import { holding, like, said, toolsOf, type ToolResult } from '../rig/role-client.ts';

/** What an agent's own server does for it. The agents here wait; their tools are called with the token of their pane. */

const opened: (Product | Client)[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await ('dispose' in each ? each.dispose() : each.close());
});

type Call = (name: string, args?: Record<string, unknown>) => Promise<ToolResult>;
interface Desk {
  readonly client: Client;
  readonly call: Call;
}

async function started(options: ProductOptions = {}): Promise<Product> {
  const product = await openProduct({ play: 'wait', ...options });
  opened.push(product);
  await product.json('init', 'auth-api');
  await product.json('start', 'auth-api');
  await product.reached('auth-api', 'the first step', ({ step }) => step !== null);
  return product;
}

/** The server of a role as its pane's agent starts it; `pane`: whose token it shows. */
async function desk(product: Product, role: string, pane = role): Promise<Desk> {
  const token = (await readFile(product.path('auth-api', 'current', 'agents', pane, 'token'), 'utf8')).trim();
  const env = { ...product.env, TMOPS_AGENT_TOKEN: token };
  const client = await mcpClient({ ...product, env }, ['--role', role, '--feature', 'auth-api']);
  opened.push(client);
  const call: Call = async (name, args = {}) => said(await client.callTool({ name, arguments: args }));
  return { client, call };
}

const BRIEF = { message: '- slugify(text) in src/slugify.js' };

describe('tmops mcp --role', { timeout: 120_000 }, () => {
  test('gives each role its own tools and no others', async () => {
    const product = await started();
    const common = ['check_status', 'write_checkpoint', 'report'];
    const expected: Record<string, string[]> = {
      orchestrator: ['start_testing', 'start_implementation', 'start_verification', 'read_spec'],
      tester: ['read_spec', 'write_test', 'run_tests', 'validate_tests', 'commit'],
      implementer: ['read_spec', 'read_tests', 'write_source', 'run_tests', 'check_coverage', 'commit'],
      verifier: ['read_all', 'run_tests', 'analyze_quality', 'generate_report'],
    };
    for (const [role, tools] of Object.entries(expected)) {
      const { client, call } = await desk(product, role);
      expect((await toolsOf(client)).sort(), role).toEqual([...common, ...tools].sort());
      expect(await call('check_status'), role).toMatchObject({
        output: { role, yours: role === 'orchestrator', present: { step: 'discovery' } },
      });
      await expect(call('tmops_skip_step', { feature: 'auth-api' }), role).rejects.toThrow(
        /Unknown tool for the .*Allowed: /,
      );
    }
  });

  test('knows whose call it is by the pane’s token, whatever the caller says', async () => {
    const product = await started();
    const stranger = await mcpClient(product, ['--role', 'tester', '--feature', 'auth-api']);
    opened.push(stranger);
    await expect(stranger.listTools()).rejects.toThrow(
      /for its own agent, and this call comes from outside of its pane/,
    );
    const other = await desk(product, 'implementer', 'tester');
    await expect(other.client.listTools()).rejects.toThrow(
      /pane of auth-api's tester, which has the tools of that role alone/,
    );
    const auto = await mcpClient(product, ['--role', 'auto', '--feature', 'auth-api']);
    opened.push(auto);
    await expect(auto.listTools()).rejects.toThrow(/Each role of this feature has an agent of its own/);
    const { call } = await desk(product, 'tester');
    expect(await call('write_test', { path: 'tests/a.test.js', content: '', role: 'implementer' })).toMatchObject({
      isError: true,
      text: holding('does not take "role"'),
    });
  });

  test('leads from step to step by what the tools write, each agent in its own role', async () => {
    const product = await started();
    const orchestrator = await desk(product, 'orchestrator');
    const tester = await desk(product, 'tester');
    expect(await tester.call('write_checkpoint', { text: '# x' })).toMatchObject({
      isError: true,
      text: like(/at no step of the tester: it is at discovery[^]*not-your-step/),
    });
    expect(await orchestrator.call('start_implementation', BRIEF)).toMatchObject({
      isError: true,
      text: holding('discovery, which that tool does not end'),
    });
    expect(await orchestrator.call('start_testing', BRIEF)).toMatchObject({
      output: {
        file: '001-discovery-trigger.md',
        role: 'orchestrator',
        instructions: holding('End your turn'),
      },
    });
    await product.reached('auth-api', 'testing', ({ step }) => step === 'testing');
    expect(await tester.call('check_status')).toMatchObject({ output: { yours: true, present: { step: 'testing' } } });
    const shown = await product.json<{ untrusted_output: string }>('read-checkpoint', 'auth-api', 'discovery');
    expect(shown.untrusted_output).toContain('slugify(text)');
  });

  test('what a role reports is told to the humans until it goes on', async () => {
    const product = await started();
    const { call } = await desk(product, 'orchestrator');
    expect(await call('report', { kind: 'question', text: 'Which database is meant?' })).toMatchObject({
      output: { message: holding('humans are told') },
    });
    const asked = await product.status('auth-api');
    expect(asked.attention).toContainEqual(
      expect.objectContaining({ code: 'role-question', sentence: holding('Which database') }),
    );
    expect(await call('report', { kind: 'progress', text: 'Half of the criteria are read.' })).toMatchObject({
      isError: false,
    });
    const going = await product.status('auth-api');
    expect(going.attention.filter(({ code }) => code === 'role-question')).toEqual([]);
    expect(going.panes.find(({ role }) => role === 'orchestrator')?.report).toMatchObject({ what: 'progress' });
  });

  test('tests that are really red move on from the tester, really green ones from the implementer, where the workflow says so', async () => {
    const workflow = [
      'name: quick',
      'extends: teamops',
      'steps:',
      '  - { id: testing, role: tester, prompt: "[BEGIN]: Start test writing", checkpoint: 003-tests-complete.md, phase: testing, moves_on: tests, evidence: { before: tests-pass, tests: fail, without_added: tests-pass } }',
      '  - { id: implementation, role: implementer, prompt: "[BEGIN]: Start implementation", checkpoint: 005-impl-complete.md, phase: implementation, moves_on: tests, evidence: { tests: pass } }',
      '',
    ].join('\n');
    const product = await started({ config: 'workflow: ./quick.yaml', files: { 'quick.yaml': workflow } });
    const [orchestrator, tester, implementer] = [
      await desk(product, 'orchestrator'),
      await desk(product, 'tester'),
      await desk(product, 'implementer'),
    ];
    await orchestrator.call('start_testing', BRIEF);
    await product.reached('auth-api', 'testing', ({ step }) => step === 'testing');
    expect(await tester.call('run_tests')).toMatchObject({
      output: { outcome: 'passed', as_wanted: false, file: null },
    });
    const red = "import { slugify } from '../src/slugify.js';\nif (slugify('A b') !== 'a-b') throw new Error('red');\n";
    await tester.call('write_test', { path: 'tests/slugify.test.js', content: red });
    expect(await tester.call('run_tests')).toMatchObject({
      output: { outcome: 'failed', as_wanted: true, file: '003-tests-complete.md' },
    });
    await product.reached('auth-api', 'the trigger', ({ step }) => step === 'implementation-trigger', 60_000);
    await orchestrator.call('start_implementation', { message: '- The tests are red.' });
    await product.reached('auth-api', 'implementation', ({ step }) => step === 'implementation', 60_000);
    const source = "export const slugify = (text) => text.toLowerCase().replaceAll(' ', '-');\n";
    await implementer.call('write_source', { path: 'src/slugify.js', content: source });
    expect(await implementer.call('run_tests')).toMatchObject({
      output: { outcome: 'passed', file: '005-impl-complete.md' },
    });
    await product.reached('auth-api', 'the next trigger', ({ step }) => step === 'verification-trigger', 60_000);
  });

  test('coverage and lint come from the commands of the configuration', async () => {
    const config = [
      'project:',
      '  test_command: node check.mjs',
      '  coverage_command: node cover.mjs',
      '  lint_command: node lint.mjs',
    ];
    const product = await started({
      config: config.join('\n'),
      files: {
        'cover.mjs':
          "console.log('File | % Stmts | % Branch | % Funcs | % Lines |\\nAll files | 91.2 | 80 | 100 | 90.5 |');\n",
        'lint.mjs': "console.log('src/sum.js:1 bad'); process.exit(1);\n",
      },
    });
    const implementer = await desk(product, 'implementer');
    expect(await implementer.call('check_coverage')).toMatchObject({ output: { outcome: 'passed', percent: 90.5 } });
    const verifier = await desk(product, 'verifier');
    expect(await verifier.call('analyze_quality')).toMatchObject({
      output: { lint: { outcome: 'failed', untrusted_output: holding('bad') } },
    });
  });
});
