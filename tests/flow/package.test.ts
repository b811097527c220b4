import { existsSync } from 'node:fs';
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProduct, type Product } from '../rig/product.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let dir: string;
let tmops: string;
let product: Product;

beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'tmops-package-')));
  // No network, no compiler, no scripts: what the tarball holds has to do.
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: dir,
    npm_config_offline: 'true',
    npm_config_cache: join(dir, 'cache'),
  };
  const npm = (...args: string[]) => execa('npm', args, { cwd: root, env, extendEnv: false });
  await npm('pack', '--ignore-scripts', '--pack-destination', dir);
  const tarball = (await readdir(dir)).find((name) => name.endsWith('.tgz')) ?? '';
  await npm('install', '--global', '--ignore-scripts', '--prefix', join(dir, 'prefix'), join(dir, tarball));
  tmops = join(dir, 'prefix', 'bin', 'tmops');
  product = await openProduct({ play: 'instant' });
}, 60_000);

afterAll(async () => {
  await product.dispose();
  await rm(dir, { recursive: true, force: true });
});

it('installs globally without dependencies, with its data and the licences of what it bundles', () => {
  const packed = join(dir, 'prefix', 'lib', 'node_modules', 'tmops');
  for (const file of [
    'dist/tmops.js',
    'dist/rehearsal.js',
    'dist/THIRD_PARTY_LICENSES.txt',
    'config/hook.sh',
    'config/launch.sh',
    'config/guard.sh',
    'layouts/quad.yaml',
    '.claude-plugin/marketplace.json',
    'config/plugin/.claude-plugin/plugin.json',
    'config/plugin/.mcp.json',
    'config/plugin/serve.sh',
    'config/plugin/commands/status.md',
    'config/plugin/skills/tmops/SKILL.md',
    'LICENSE',
    'README.md',
  ]) {
    expect(existsSync(join(packed, file)), file).toBe(true);
  }
  expect(existsSync(join(packed, 'node_modules'))).toBe(false);
  expect(existsSync(join(packed, 'src'))).toBe(false);
});

it('serves MCP from any repository, and runs a feature through its tools', async () => {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: tmops,
      args: ['mcp'],
      cwd: product.repo.root,
      env: { ...product.env },
      stderr: 'pipe',
    }),
  );
  const call = async (name: string, args: Record<string, unknown>) => {
    const result = await client.callTool({ name, arguments: args });
    expect(result.isError ?? false, JSON.stringify(result.content)).toBe(false);
    return result.structuredContent as Record<string, unknown>;
  };
  try {
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain('tmops_init_feature');
    expect(await call('tmops_init_feature', { feature: 'auth-api', runType: 'initial' })).toMatchObject({
      branch: 'feature/auth-api',
    });
    expect(await call('tmops_start_orchestration', { feature: 'auth-api' })).toMatchObject({
      session: 'tmops-auth-api',
    });
    let phase = '';
    for (let round = 0; round < 20 && phase !== 'completed'; round += 1)
      phase = String((await call('tmops_wait', { feature: 'auth-api', timeoutMs: 5000 }))['phase']);
    expect(phase).toBe('completed');
    expect(await call('tmops_read_pane', { feature: 'auth-api', role: 'tester' })).toMatchObject({
      untrusted_output: expect.stringContaining('tmops#') as string,
    });
    expect(await call('tmops_list_features', {})).toMatchObject({
      features: [{ feature: 'auth-api', phase: 'completed' }],
    });
    expect(await call('tmops_stop', { feature: 'auth-api' })).toMatchObject({ feature: 'auth-api' });
  } finally {
    await client.close();
  }
}, 60_000);
