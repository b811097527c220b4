import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { among, holding, like, said, toolsOf, type ToolResult } from '../rig/role-client.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, type Product } from '../rig/product.ts';

/** One MCP client plays all roles in turn; the panes only show what is asked. */

const opened: (Product | Client)[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await ('dispose' in each ? each.dispose() : each.close());
});

const TEST = [
  "import { slugify } from '../src/slugify.js';",
  "if (slugify('A b') !== 'a-b') throw new Error('red');",
  '',
];
const SOURCE = "export const slugify = (text) => text.toLowerCase().replaceAll(' ', '-');\n";

async function started(config = ''): Promise<{ product: Product; client: Client; call: Call }> {
  const product = await openProduct({ provider: 'client', config });
  opened.push(product);
  await product.json('init', 'auth-api');
  await product.json('start', 'auth-api');
  const client = await mcpClient(product, ['--role', 'auto', '--feature', 'auth-api']);
  opened.push(client);
  const call: Call = async (name, args = {}) => said(await client.callTool({ name, arguments: args }));
  return { product, client, call };
}
type Call = (name: string, args?: Record<string, unknown>) => Promise<ToolResult>;

const checkpoint = (file: string, from: string): string =>
  [
    `# Checkpoint: ${file}`,
    '',
    `**From:** ${from}`,
    '**Feature:** auth-api',
    '',
    '## Work Completed',
    '',
    '- Done.',
    '',
    '## Next Action',
    '',
    'Go on.',
    '',
  ].join('\n');

describe('tmops mcp --role auto', { timeout: 120_000 }, () => {
  test('leads a feature from the specification to the summary, each role with its own tools', async () => {
    const { product, client, call } = await started();
    expect(await toolsOf(client)).toEqual(
      among('switch_role', 'start_testing', 'start_implementation', 'start_verification', 'write_test'),
    );
    const begun = await call('switch_role');
    expect(begun.output).toMatchObject({ role: 'orchestrator', file: null });
    expect(begun.output['available_tools']).toContain('start_testing');
    expect(String(begun.output['instructions'])).toContain('roles/orchestrator.md');

    // Another role's tool, and another role, are refused with what is allowed.
    expect(await call('write_test', { path: 'tests/slugify.test.js', content: 'x' })).toMatchObject({
      isError: true,
      text: like(/turn of the orchestrator, which has no tool write_test[^]*Allowed now: switch_role, start_testing/),
    });
    expect(await call('switch_role', { to: 'verifier' })).toMatchObject({
      isError: true,
      text: holding('role-not-next'),
    });

    const testing = await call('start_testing', { message: '- slugify(text) in src/slugify.js' });
    expect(testing).toMatchObject({ isError: false, output: { role: 'tester', file: '001-discovery-trigger.md' } });
    expect(testing.output['available_tools']).toEqual(among('write_test', 'run_tests', 'validate_tests'));

    expect(await call('read_spec')).toMatchObject({
      output: { path: 'TASK_SPEC.md', untrusted_output: holding('#') },
    });
    expect(await call('write_test', { path: 'src/slugify.js', content: SOURCE })).toMatchObject({
      isError: true,
      text: holding('file-not-allowed'),
    });
    expect(await call('write_test', { path: 'tests/slugify.test.js', content: TEST.join('\n') })).toMatchObject({
      output: { how: 'added' },
    });
    expect(await call('run_tests')).toMatchObject({
      output: { outcome: 'failed', wanted: 'fail', as_wanted: true, file: null },
    });
    expect(await call('validate_tests')).toMatchObject({ output: { valid: true } });
    expect(await call('commit', { message: 'Tests of slugify' })).toMatchObject({
      output: { commit: like(/^[0-9a-f]{40}$/), files: ['tests/slugify.test.js'] },
    });
    const bad = await call('write_checkpoint', { text: 'Done.' });
    expect(bad).toMatchObject({ isError: true, text: like(/line 1[^]*checkpoint-not-whole/) });
    expect(await call('write_checkpoint', { text: checkpoint('003-tests-complete.md', 'Tester') })).toMatchObject({
      output: { role: 'orchestrator', message: holding('Orchestrator') },
    });

    expect(await call('start_implementation', { message: '- Tests are red for want of src/slugify.js' })).toMatchObject(
      { output: { role: 'implementer' } },
    );
    expect(await call('read_tests')).toMatchObject({
      output: { files: among('tests/slugify.test.js') },
    });
    expect(await call('read_tests', { path: 'tests/slugify.test.js' })).toMatchObject({
      output: { untrusted_output: holding('slugify') },
    });
    expect(await call('write_source', { path: 'tests/slugify.test.js', content: '' })).toMatchObject({
      isError: true,
      text: holding('file-not-allowed'),
    });
    expect(await call('write_source', { path: '../../outside.js', content: SOURCE })).toMatchObject({
      isError: true,
      text: holding('file-outside'),
    });
    expect(await call('write_source', { path: 'src/slugify.js', content: SOURCE })).toMatchObject({
      output: { how: 'added', lines: 1 },
    });
    expect(await call('run_tests')).toMatchObject({ output: { outcome: 'passed', as_wanted: true } });
    expect(await call('check_coverage')).toMatchObject({
      isError: true,
      text: holding('no-coverage-command'),
    });
    expect(await call('commit', { message: 'slugify' })).toMatchObject({ output: { files: ['src/slugify.js'] } });
    expect(await call('write_checkpoint', { text: checkpoint('005-impl-complete.md', 'Implementer') })).toMatchObject({
      output: { role: 'orchestrator' },
    });

    expect(await call('start_verification', { message: '- See 005-impl-complete.md' })).toMatchObject({
      output: { role: 'verifier' },
    });
    expect(await call('read_all')).toMatchObject({
      output: { files: among('checkpoints/003-tests-complete.md', 'src/slugify.js') },
    });
    expect(await call('read_all', { path: 'checkpoints/003-tests-complete.md' })).toMatchObject({
      output: { untrusted_output: holding('From:') },
    });
    expect(await call('analyze_quality')).toMatchObject({
      output: {
        findings: [],
        lint: null,
        checks: among(expect.objectContaining({ step: 'implementation', state: 'passed' })),
      },
    });
    const report = await call('generate_report');
    const text = String(report.output['text']).replaceAll(/<[^>]*>/g, 'AUTO_APPROVED');
    expect(await call('write_checkpoint', { text })).toMatchObject({
      output: { role: 'orchestrator', file: '007-verify-complete.md' },
    });

    expect(await call('check_status')).toMatchObject({ output: { yours: true, present: { step: 'summary' } } });
    const summary = ['# Summary: auth-api', '', '## Outcome', '', 'Built.', ''].join('\n');
    expect(await call('write_checkpoint', { text: summary })).toMatchObject({
      isError: false,
      output: { message: holding('completed') },
    });
    expect(await product.status('auth-api')).toMatchObject({ phase: 'completed' });
    const log = await product.repo.git(['log', '--format=%s', 'feature/auth-api']);
    expect(log.split('\n').slice(0, 2)).toEqual(['slugify', 'Tests of slugify']);
    const written = await readFile(
      product.path('auth-api', 'current', 'checkpoints', '001-discovery-trigger.md'),
      'utf8',
    );
    expect(written).toMatch(/From:\*\* Orchestrator[^]*slugify\(text\)[^]*Tester: \[BEGIN\]/);
  });
});
