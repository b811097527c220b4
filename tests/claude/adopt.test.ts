import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi, type FakeApi } from './fake-api.ts';
import { fourRoles, instantPlay } from './plays.ts';

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

const SECRET = 'The magic word is abracadabra.';

async function open(): Promise<Product> {
  const play = instantPlay(fourRoles);
  api = await startFakeApi({ play });
  home = await realpath(await mkdtemp(join(tmpdir(), 'tmops-home-')));
  const env = claudeEnvironment({ home, port: api.port });
  const names = Object.keys(env).filter((name) => /^(CLAUDE|ANTHROPIC_)/.test(name));
  product = await openProduct({
    provider: 'claude_code',
    framework: true,
    config: `  claude_code:\n    command: ${claude}\n    env: [${names.join(', ')}]\nevidence:\n  enabled: false\n`,
    env,
  });
  await claudeHome(home, { trusted: [product.repo.root] });
  return product;
}

/** A run made by hand up to the tests, with the framework's script and plain files. */
async function byHand({ repo, path }: Product): Promise<void> {
  const script = join(repo.toolsDir, 'init_feature_multi.sh');
  await execa('bash', [script, 'greeting'], { cwd: repo.root, env: repo.environment, extendEnv: false });
  const put = async (file: string, text: string): Promise<void> => {
    const target = path('greeting', 'runs', 'initial', file);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  };
  await put('TASK_SPEC.md', '# Mine\n\nGreet.\n');
  await put('checkpoints/001-discovery-trigger.md', checkpointText('greeting', 'Orchestrator', 'Tester'));
  await put('checkpoints/003-tests-complete.md', checkpointText('greeting', 'Tester', 'Orchestrator'));
}

/** A human's own Claude Code in a pane of the same tmux server, in which something has been said. */
async function talk({ server, repo, env }: Product): Promise<string> {
  const argv = ['env', '-i', ...Object.entries({ ...env, TERM: 'tmux-256color' }).map((pair) => pair.join('='))];
  const start = [...argv, claude, '--permission-mode', 'acceptEdits', '--settings', '{"tui":"default"}'];
  const shape = ['-d', '-x', '109', '-y', '49', '-c', repo.root, '-P', '-F', '#{pane_id}'];
  const pane = (await server.run('new-session', ...shape, ...start)).trim();
  const shows = (text: string) =>
    until(text, async () => (await server.run('capture-pane', '-p', '-t', pane)).includes(text), { withinMs: 30_000 });
  await shows('accept edits on');
  await server.run('send-keys', '-t', pane, '-l', SECRET);
  await shows(SECRET);
  await server.run('send-keys', '-t', pane, 'Enter');
  await shows('● ok');
  return pane;
}

it('carries on the conversation that the human led in a pane of their own, once they have ended it there', async () => {
  const made = await open();
  const { json, cli, reached, events, server, path } = made;
  await byHand(made);
  const pane = await talk(made);
  const adopted = await json<OutputOf<'adopt'>>('adopt', 'greeting', '--panes', `implementer=${pane}`);
  const [conversation] = adopted.conversations;
  expect(conversation).toMatchObject({ role: 'implementer', pane });

  const refused = await cli('--json', 'start', 'greeting');
  expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'conversation-open' });
  expect(await server.run('capture-pane', '-p', '-t', pane)).toContain(SECRET);
  expect((await server.run('list-sessions', '-F', '#{session_name}')).split('\n')).not.toContain('tmops-greeting');

  await server.run('send-keys', '-t', pane, '-l', '/exit');
  await server.run('send-keys', '-t', pane, 'Enter');
  await until('it has ended', async () => !(await server.run('list-panes', '-a', '-F', '#{pane_id}')).includes(pane), {
    withinMs: 20_000,
  }).catch((error: unknown) => {
    // The last pane of a server takes the server with it.
    if (!String(error).includes('no server running')) throw error;
  });
  await json('start', 'greeting');
  await reached('greeting', 'the run is completed', (status) => status.phase === 'completed', 120_000);

  const launched = (await events('greeting')).filter((event) => event.kind === 'agent.launched');
  expect(launched.find(({ role }) => role === 'implementer')).toMatchObject({
    sessionId: conversation?.sessionId,
    resume: true,
  });
  const implementing = (api?.requests ?? []).flatMap(({ conversation: said }) =>
    said?.prompts.some(({ text }) => text.includes('[BEGIN]: Start impl')) === true ? [said.text] : [],
  );
  expect(implementing.length).toBeGreaterThan(0);
  for (const text of implementing) expect(text).toContain(SECRET);
  expect(await readFile(path('greeting', 'current', 'checkpoints', '005-impl-complete.md'), 'utf8')).not.toBe('');
  expect(api?.failures).toEqual([]);
});
