import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../src/audit/record.ts';
import { playText } from '../rig/flow.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/** What stays of calls: who made them, through which door, and what became of them. */

type Call = Extract<AuditRecord, { kind: 'call' }>;

const SECRET = 'sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789';
const MODULE = `export function before(call) {
  if (call.operation === 'pause' && call.arguments.feature === 'audited') throw new Error('not on a Friday');
}
export function after(call) { if (call.operation === 'list') throw new Error('after the fact'); }
`;

let product: Product;
let client: Client;

beforeAll(async () => {
  product = await openProduct({
    play: 'tools/play.yaml',
    config: 'modules: {guard: tools/guard.mjs}\ncall_modules: [guard]\nevidence: {enabled: false}',
    files: { 'tools/play.yaml': playText([]), 'tools/guard.mjs': MODULE },
  });
  await product.json('init', 'audited');
  client = await mcpClient(product);
});
afterAll(async () => {
  await client.close();
  await product.dispose();
});

const file = (): string => join(product.repo.root, '.tmops', '.audit', 'audit.jsonl');
const written = async (): Promise<Call[]> =>
  (await readFile(file(), 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Call);

async function tool(name: string, args: object, meta?: object): Promise<{ isError: boolean; text: string }> {
  const params = { name, arguments: { ...args }, ...(meta && { _meta: { ...meta } }) };
  const { isError, content } = await client.callTool(params);
  return { isError: isError === true, text: (content as { text: string }[])[0]?.text ?? '' };
}

describe('a call that changes something', () => {
  it('is on record before its answer is there: from the command line', async () => {
    await product.json('start', 'audited');
    expect((await written()).findLast(({ operation }) => operation === 'start')).toMatchObject({
      ...{ principal: expect.stringMatching(/^cli:\d+$/) as string, door: 'cli', target: 'audited', outcome: 'ok' },
      arguments: { feature: 'audited' },
    });
  });

  it('from MCP: with the client and its own id of the call', async () => {
    await tool(
      'tmops_send_message',
      { feature: 'audited', role: 'tester', text: 'go on' },
      { 'claudecode/toolUseId': 'toolu_01' },
    );
    expect((await written()).at(-1)).toMatchObject({
      ...{ door: 'mcp', client: 'test 1.0.0', toolUseId: 'toolu_01', operation: 'message', target: 'audited/tester' },
    });
  });

  it('and was refused, for its arguments or otherwise', async () => {
    expect(await tool('tmops_stop', { feature: '../../etc' })).toMatchObject({ isError: true });
    await until('it is on record', async () => {
      const { operation, outcome } = (await written()).at(-1) ?? {};
      return operation === 'stop' && outcome === 'bad-arguments';
    });
    const said = await tool('tmops_send_message', { feature: 'audited', role: 'tester', text: `use ${SECRET}` });
    expect(said).toMatchObject({ isError: true });
    expect((await written()).at(-1)).toMatchObject({ operation: 'message', outcome: 'secret-in-words' });
    expect(await readFile(file(), 'utf8')).not.toContain(SECRET);
  });
});

describe('a module that sees calls', () => {
  it('refuses what it does not want, in its own words, and nothing happens', async () => {
    const { isError, text } = await tool('tmops_pause', { feature: 'audited' });
    expect({ isError, text }).toMatchObject({
      isError: true,
      text: expect.stringContaining('not on a Friday') as string,
    });
    expect((await product.status('audited')).paused).toBe(null);
    expect((await written()).at(-1)).toMatchObject({ operation: 'pause', outcome: 'refused-by-module' });
  });

  it('that fails after a call changes nothing of it', async () => {
    expect(await tool('tmops_list_features', {})).toMatchObject({ isError: false });
    expect(await readFile(join(product.repo.root, '.tmops', '.logs', 'tmops.log'), 'utf8')).toContain('after the fact');
  });

  it('that is not there refuses everything but doctor', async () => {
    await writeFile(join(product.repo.root, 'tools', 'guard.mjs'), 'throw new Error("broken");\n');
    expect((await tool('tmops_get_status', { feature: 'audited' })).text).toContain(
      'The module guard refuses status: broken',
    );
    expect(await tool('tmops_doctor', {})).toMatchObject({ isError: false });
    await writeFile(join(product.repo.root, 'tools', 'guard.mjs'), MODULE);
    expect(await tool('tmops_get_status', { feature: 'audited' })).toMatchObject({ isError: false });
  });
});

describe('a client that only reads', () => {
  it('is offered what reads and nothing else, whatever it chose, and asks for no more', async () => {
    const reader = await mcpClient(product, ['--read-only', '--toolsets', 'all']);
    try {
      const { tools } = await reader.listTools();
      expect(tools.map(({ annotations }) => annotations?.readOnlyHint)).toEqual(tools.map(() => true));
      expect(tools.map(({ name }) => name)).toContain('tmops_get_status');
      await expect(reader.callTool({ name: 'tmops_stop', arguments: { feature: 'audited' } })).rejects.toThrow(
        /tmops_stop is not among the tools of this server.*--read-only/,
      );
    } finally {
      await reader.close();
    }
  });
});

describe('tmops audit', () => {
  it('verify says that all is whole, also after the supervisor was killed; and finds a change', async () => {
    await product.endSupervisor('SIGKILL');
    await product.json('list');
    const whole = await product.cli('audit', 'verify');
    expect(whole).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('The audit log is whole') as string });
    const text = await readFile(file(), 'utf8');
    await writeFile(file(), text.replace('"outcome":"ok"', '"outcome":"no"'));
    expect(await product.cli('audit', 'verify')).toMatchObject({
      ...{ exitCode: 1, stdout: expect.stringContaining('its hash is not that of its content') as string },
    });
    await writeFile(file(), text);
    expect(await product.cli('audit', 'verify')).toMatchObject({ exitCode: 0 });
  });

  it('show and its figures', async () => {
    const { records } = await product.json<{ records: Call[] }>('audit', 'show', '--operation', 'start');
    expect(records).toMatchObject([{ operation: 'start', target: 'audited' }]);
    const { stdout } = await product.cli('audit', 'show', '--summary');
    expect(stdout).toMatch(/^ {2}operation +calls +p50 ms/);
    expect(stdout).toMatch(/stop .*bad-arguments 1/);
  });

  it('is for its owner alone', async () => {
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await stat(join(file(), '..'))).mode & 0o777).toBe(0o700);
  });
});
