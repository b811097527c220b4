import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { openProduct, program, type Product } from '../rig/product.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi, type FakeApi } from './fake-api.ts';
import { fourRolesByTools, soloPlay, teamPlay } from './plays.ts';

let claude: string;
let api: FakeApi | null = null;
let product: Product | null = null;
let home = '';

beforeAll(async () => {
  claude = await fetchClaude();
});

afterEach(async () => {
  await product?.dispose();
  await api?.close();
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
  product = null;
  api = null;
});

it('tools: mcp_only: four agents build a feature with the tools of their roles, and have no others that write', async () => {
  api = await startFakeApi({ play: teamPlay(fourRolesByTools) });
  home = await realpath(await mkdtemp(join(tmpdir(), 'tmops-home-')));
  const env = claudeEnvironment({ home, port: api.port });
  const names = Object.keys(env).filter((name) => /^(CLAUDE|ANTHROPIC_)/.test(name));
  product = await openProduct({
    provider: 'claude_code',
    config: `  claude_code:\n    command: ${claude}\n    tools: mcp_only\n    env: [${names.join(', ')}]\n`,
    files: { 'package.json': '{"name":"sample","type":"module","scripts":{"test":"node --test"}}\n' },
    env,
  });
  await claudeHome(home, { trusted: [product.repo.root] });
  const { json, reached, events, repo } = product;
  await json<OutputOf<'init'>>('init', 'greeting');
  await json<OutputOf<'start'>>('start', 'greeting');
  await reached('greeting', 'the run is completed', (status) => status.phase === 'completed', 150_000);

  const asking = (await events('greeting')).filter((event) => event.kind === 'agent.asking');
  expect(asking).toEqual([]);
  expect((await repo.git(['diff', '--name-only', 'main..feature/greeting'])).split('\n').sort()).toEqual([
    'src/greeting.mjs',
    'tests/greeting.test.mjs',
  ]);
  const offered = api.requests.map(({ conversation }) => conversation?.tools ?? []);
  const ofRole = (tool: string): readonly string[] =>
    offered.find((tools) => tools.includes(`mcp__tmops__${tool}`)) ?? [];
  for (const tool of ['start_testing', 'write_test', 'write_source', 'generate_report'])
    expect(ofRole(tool), tool).toEqual(expect.arrayContaining(['mcp__tmops__report', 'mcp__tmops__write_checkpoint']));
  expect(ofRole('write_test')).not.toContain('mcp__tmops__write_source');
  for (const tools of offered) for (const name of ['Write', 'Edit', 'Bash']) expect(tools).not.toContain(name);
  expect(api.failures).toEqual([]);
}, 180_000);

it('--role auto: one Claude Code plays all roles in turn, from the specification to the summary', async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'tmops-home-')));
  const play = soloPlay('Play the team', 'mcp__team__', { cwd: '/', feature: 'greeting' });
  api = await startFakeApi({ play: (conversation) => play(conversation) ?? { text: 'ok' } });
  product = await openProduct({
    provider: 'client',
    files: { 'package.json': '{"name":"sample","type":"module","scripts":{"test":"node --test"}}\n' },
    env: claudeEnvironment({ home, port: api.port }),
  });
  const { json, status, repo, env } = product;
  await claudeHome(home, { trusted: [repo.root] });
  await json<OutputOf<'init'>>('init', 'greeting');
  await json<OutputOf<'start'>>('start', 'greeting');
  const servers = join(home, 'mcp.json');
  const args = [program, 'mcp', '--role', 'auto', '--feature', 'greeting'];
  await writeFile(servers, JSON.stringify({ mcpServers: { team: { command: process.execPath, args } } }));
  const words = ['-p', 'Play the team', '--mcp-config', servers, '--strict-mcp-config', '--allowedTools', 'mcp__team'];
  const said = await execa(claude, words, {
    ...{ cwd: repo.root, env, extendEnv: false, timeout: 120_000, reject: false, stdin: 'ignore' },
  });
  expect(said.stdout, said.stderr).toContain('greeting is completed');
  expect(await status('greeting')).toMatchObject({ phase: 'completed' });
  expect((await repo.git(['diff', '--name-only', 'main..feature/greeting'])).split('\n').sort()).toEqual([
    'src/greeting.mjs',
    'tests/greeting.test.mjs',
  ]);
  expect(api.failures).toEqual([]);
}, 180_000);
