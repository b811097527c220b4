import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi, type FakeApi } from './fake-api.ts';
import { fourRoles, teamPlay } from './plays.ts';

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

/** The product with the real Claude Code, its home pre-answered, against the fake API. */
async function open(config = ''): Promise<Product> {
  api = await startFakeApi({ play: teamPlay(fourRoles) });
  home = await realpath(await mkdtemp(join(tmpdir(), 'tmops-home-')));
  const env = claudeEnvironment({ home, port: api.port });
  product = await openProduct({
    provider: 'claude_code',
    config: `  claude_code:\n    command: ${claude}\n    env: [${Object.keys(env)
      .filter((name) => /^(CLAUDE|ANTHROPIC_)/.test(name))
      .join(', ')}]\n${config}`,
    files: { 'package.json': '{"name":"sample","type":"module","scripts":{"test":"node --test"}}\n' },
    env,
  });
  await claudeHome(home, { trusted: [product.repo.root] });
  return product;
}

describe('the real Claude Code in four panes', () => {
  it('builds a feature from specification to summary, each prompt once and no dialog', async () => {
    const { json, reached, events, repo, server } = await open();
    await json<OutputOf<'init'>>('init', 'greeting');
    const start = await json<OutputOf<'start'>>('start', 'greeting');
    expect(start.provider).toBe('claude_code');
    await reached('greeting', 'the run is completed', (status) => status.phase === 'completed', 120_000);
    const journal = await events('greeting');
    expect(journal.filter((event) => event.kind === 'agent.asking')).toEqual([]);
    const taken = journal.filter((event) => event.kind === 'prompt.taken');
    expect(taken).toHaveLength(11);
    const typed = (api?.requests ?? []).flatMap(
      (request) => request.conversation?.prompts.map((prompt) => prompt.text) ?? [],
    );
    for (let prompt = 1; prompt <= 11; prompt += 1) {
      const lines = new Set(typed.filter((text) => text.includes(`[tmops#${prompt}]`)));
      expect([...lines], `prompt ${prompt}`).toHaveLength(1);
    }
    expect((await repo.git(['diff', '--name-only', 'main..feature/greeting'])).split('\n').sort()).toEqual([
      'src/greeting.mjs',
      'tests/greeting.test.mjs',
    ]);
    const panes = await server.run('list-panes', '-s', '-t', '=tmops-greeting', '-F', '#{@tmops_role} #{@tmops_state}');
    expect(panes.split('\n')).toHaveLength(4);
    expect(api?.failures).toEqual([]);
  });

  it('does so where nobody is asked (dontAsk) too', async () => {
    const { json, reached } = await open('    permission_mode: dontAsk\n');
    await json<OutputOf<'init'>>('init', 'greeting');
    await json<OutputOf<'start'>>('start', 'greeting');
    await reached('greeting', 'the run is completed', (status) => status.phase === 'completed', 120_000);
    expect(api?.failures).toEqual([]);
  });

  it('says what to do when the folder is not trusted, and types nothing', async () => {
    const { cli, json, env } = await open();
    await claudeHome(env['HOME'] ?? '', { trusted: [] });
    await json('init', 'greeting');
    const refused = await cli('start', 'greeting');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('--trust');
  });
});
