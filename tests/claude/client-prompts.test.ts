import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { openProduct, program } from '../rig/product.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi } from './fake-api.ts';

test('what its user types becomes the prompt, with how the feature stands', async () => {
  const claude = await fetchClaude();
  const api = await startFakeApi({ play: () => ({ text: 'done' }) });
  const home = await realpath(await mkdtemp(join(tmpdir(), 'tmops-home-')));
  const product = await openProduct({ env: claudeEnvironment({ home, port: api.port }) });
  try {
    await claudeHome(home, { trusted: [product.repo.root] });
    await product.json('init', 'auth-api');
    const servers = join(home, 'mcp.json');
    await writeFile(
      servers,
      JSON.stringify({ mcpServers: { tmops: { command: process.execPath, args: [program, 'mcp'] } } }),
    );
    const words = ['-p', '/mcp__tmops__unblock auth-api', '--mcp-config', servers, '--strict-mcp-config'];
    const { env } = product;
    const said = await execa(claude, words, {
      ...{ cwd: product.repo.root, env, extendEnv: false, timeout: 60_000, reject: false, stdin: 'ignore' },
    });
    const typed = api.requests.flatMap(({ conversation }) => conversation?.prompts.map(({ text }) => text) ?? []);
    expect(typed.join('\n'), said.stderr + said.stdout).toContain('Find out why auth-api does not go on');
    expect(typed.join('\n')).toContain('auth-api, run initial, on the branch feature/auth-api: initialised');
    const { prompts } = await product.json<{ prompts: { name: string; uses: number }[] }>('prompts', 'list');
    expect(prompts.find(({ name }) => name === 'unblock')?.uses).toBe(1);
  } finally {
    await product.dispose();
    await api.close();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
