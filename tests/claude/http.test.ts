import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, test } from 'vitest';
import { httpPlace } from '../rig/http-client.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';

/** The real Claude Code as a client of MCP over HTTP, told of it by the very command that tmops http prints. */

let product: Product;
let home = '';
afterEach(async () => {
  await product.dispose();
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

test('Claude Code is connected, and not with a wrong token', async () => {
  const claude = await fetchClaude();
  product = await openProduct({ config: 'server: {http: {enabled: true}}' });
  home = await realpath(await mkdtemp(join(tmpdir(), 'tmops-home-')));
  await claudeHome(home, { trusted: [product.repo.root] });
  const env = claudeEnvironment({ home, port: 9 });
  const options = {
    cwd: product.repo.root,
    env: { ...env, PATH: `${dirname(claude)}:${env['PATH'] ?? ''}` },
    extendEnv: false,
  };
  const { register, url } = await httpPlace(product);
  await execa('/bin/sh', ['-c', register], options);
  await execa(
    claude,
    ['mcp', 'add', '--transport', 'http', 'stranger', url, '--header', 'Authorization: Bearer wrong'],
    options,
  );
  const { stdout } = await execa(claude, ['mcp', 'list'], options);
  const lines = stdout.split('\n');
  expect(lines.find((line) => line.startsWith('tmops:'))).toContain('✔ Connected');
  expect(lines.find((line) => line.startsWith('stranger:'))).not.toContain('Connected');
});
