import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, program, type Product } from '../rig/product.ts';
import { said, toolsOf } from '../rig/role-client.ts';

/** What the environment and the configuration say of the tools of `tmops mcp`. */

let product: Product;
const clients: Client[] = [];
beforeAll(async () => {
  product = await openProduct({ provider: 'client' });
  await product.json('init', 'auth-api');
  await product.json('start', 'auth-api');
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});
afterAll(() => product.dispose());

async function client(env: Record<string, string>, ...flags: string[]): Promise<Client> {
  const opened = await mcpClient({ ...product, env: { ...product.env, ...env } }, flags);
  clients.push(opened);
  return opened;
}

const WRITES = 'tmops_pause';

it.each(['true', '1', 'yes'])(
  'a variable that asks for reading only is heeded, also in other words: %s',
  async (word) => {
    const reader = await client({ TMOPS_SERVER_READ_ONLY: word }, '--toolsets', 'all');
    const { tools } = await reader.listTools();
    expect(tools.map(({ annotations }) => annotations?.readOnlyHint)).toEqual(tools.map(() => true));
    await expect(reader.callTool({ name: WRITES, arguments: {} })).rejects.toThrow(
      /not among the tools of this server/,
    );
  },
);

it('what is wrong with a variable is said on stderr, and the usual tools are served', async () => {
  const env = { ...product.env, TMOPS_SERVER_TOOLSETS: 'nonsense' };
  const { stderr, exitCode } = await execa(process.execPath, [program, 'mcp'], {
    ...{ cwd: product.repo.root, env, extendEnv: false, input: '', timeout: 20_000 },
  });
  expect(stderr).toMatch(/^tmops mcp: The configuration is not valid\.\n[^]*TMOPS_SERVER_TOOLSETS[^]*nonsense/);
  expect(exitCode).toBe(0);
  expect(await toolsOf(await client({ TMOPS_SERVER_TOOLSETS: 'nonsense' }))).toContain(WRITES);
});

it('false is none', async () => {
  expect(await toolsOf(await client({ TMOPS_SERVER_READ_ONLY: 'false' }))).toContain(WRITES);
});

it('variables choose toolsets and single tools, and flags go before them', async () => {
  const env = { TMOPS_SERVER_TOOLSETS: 'upkeep', TMOPS_SERVER_TOOLS: 'tmops_wait' };
  expect((await toolsOf(await client(env))).sort()).toEqual(
    ['tmops_adopt', 'tmops_gc', 'tmops_settle_prompt', 'tmops_wait'].sort(),
  );
  expect(await toolsOf(await client(env, '--toolsets=', '--tools', 'tmops_stop'))).toEqual(['tmops_stop']);
});

it('a client that plays all roles does nothing but read then, either', async () => {
  const player = await client({ TMOPS_SERVER_READ_ONLY: 'true' }, '--role', 'auto', '--feature', 'auth-api');
  expect(said(await player.callTool({ name: 'check_status' }))).toMatchObject({ isError: false });
  expect(said(await player.callTool({ name: 'start_testing', arguments: { message: '- x' } }))).toMatchObject({
    ...{ isError: true, text: expect.stringContaining('(code: read-only)') as string },
  });
  expect((await product.status('auth-api')).step).toBe('discovery');
});

it('the configuration says so for both, also where something else in it is wrong', async () => {
  for (const config of ['server: {read_only: true}', 'server: {read_only: true, speed: 7}']) {
    await product.configure({ config, provider: 'client' });
    expect(await toolsOf(await client({})), config).not.toContain(WRITES);
  }
  await product.configure({ config: '', provider: 'client' });
});
