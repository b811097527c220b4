import { chmod, cp, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { openProduct, program, type Product } from '../rig/product.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi, type FakeApi, type Play } from './fake-api.ts';
import { fourRoles, leadPlay, teamPlay } from './plays.ts';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const PREFIX = 'mcp__plugin_tmops_tmops__';
const FEATURE = 'greeting';

let claude: string;
let dir: string;
beforeAll(async () => {
  claude = await fetchClaude();
});
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'tmops-plugin-')));
});
afterEach(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));

interface Run {
  readonly exitCode: number | undefined;
  readonly all: string;
}

/** Runs the real command with exactly `env`, and gives what it said on both streams. */
async function run(env: Readonly<Record<string, string>>, cwd: string, ...args: string[]): Promise<Run> {
  const { exitCode, all } = await execa(claude, args, {
    ...{ cwd, env, extendEnv: false, reject: false, all: true, stdin: 'ignore', timeout: 150_000 },
  });
  return { exitCode, all };
}

/** The same, for what has to go well. */
async function done(...asked: Parameters<typeof run>): Promise<string> {
  const { exitCode, all } = await run(...asked);
  expect(exitCode, all).toBe(0);
  return all;
}

async function install(env: Readonly<Record<string, string>>, marketplace: string): Promise<void> {
  await done(env, dir, 'plugin', 'marketplace', 'add', marketplace);
  await done(env, dir, 'plugin', 'install', 'tmops@tmops');
}

test.each(['.', 'config/plugin'])('claude plugin validate --strict %s finds nothing', async (path) => {
  const home = join(dir, 'home');
  await claudeHome(home, { trusted: [] });
  const all = await done(claudeEnvironment({ home, port: 9 }), packageRoot, 'plugin', 'validate', '--strict', path);
  expect(all).toContain('Validation passed');
});

describe('installed from a copy that holds no program, as a clone does', () => {
  let env: Record<string, string>;
  beforeEach(async () => {
    const copy = join(dir, 'copy');
    await cp(join(packageRoot, '.claude-plugin'), join(copy, '.claude-plugin'), { recursive: true });
    await cp(join(packageRoot, 'config', 'plugin'), join(copy, 'config', 'plugin'), { recursive: true });
    const home = join(dir, 'home');
    await claudeHome(home, { trusted: [] });
    const bin = join(dir, 'bin');
    await mkdir(bin);
    await symlink(process.execPath, join(bin, 'node'));
    env = { ...claudeEnvironment({ home, port: 9 }), PATH: `${bin}:/usr/bin:/bin` };
    await install(env, copy);
  });

  it('is listed, and says how to install tmops where there is none', async () => {
    expect(JSON.parse(await done(env, dir, 'plugin', 'list', '--json'))).toMatchObject([
      { id: 'tmops@tmops', enabled: true },
    ]);
    const listed = await done(env, dir, 'mcp', 'list');
    expect(listed).toMatch(/plugin:tmops:tmops: .*Failed to connect/);
    expect(listed).toContain('the program tmops is not on the PATH');
    expect(listed).toContain('npm install -g');
  });

  it('is connected once tmops is on the PATH, beside a server that was added by hand', async () => {
    await chmod(program, 0o755);
    await symlink(program, join(dir, 'bin', 'tmops'));
    expect(await done(env, dir, 'mcp', 'list')).toMatch(/plugin:tmops:tmops: .*✔ Connected/);
    await done(env, dir, 'mcp', 'add', 'tmops', '--', 'tmops', 'mcp');
    expect(await done(env, dir, 'mcp', 'list')).toMatch(/^tmops: tmops mcp - ✔ Connected/m);
  });
});

describe('at work, installed from a clone that is built', () => {
  let api: FakeApi;
  let product: Product;
  afterEach(async () => {
    await product.dispose();
    await api.close();
  });

  async function open(play: Play, team: 'rehearsal' | 'claude_code'): Promise<void> {
    api = await startFakeApi({ play });
    const home = join(dir, 'home');
    const env = claudeEnvironment({ home, port: api.port });
    const names = Object.keys(env).filter((name) => /^(CLAUDE|ANTHROPIC_)/.test(name));
    product = await openProduct({
      provider: team,
      ...(team === 'claude_code' && {
        config: `  claude_code:\n    command: ${claude}\n    env: [${names.join(', ')}]\n`,
        files: { 'package.json': '{"name":"sample","type":"module","scripts":{"test":"node --test"}}\n' },
      }),
      env,
    });
    await claudeHome(home, { trusted: [product.repo.root] });
    await install(product.env, packageRoot);
  }

  const inProject = (...args: string[]) => run(product.env, product.repo.root, ...args);

  it('/tmops:status asks the tool without a question and gets the truth', async () => {
    await open(({ prompts }) => {
      const prompt = prompts.at(-1);
      const call = { name: `${PREFIX}tmops_get_status`, input: { feature: FEATURE } };
      return prompt?.steps === 0 ? { calls: [call] } : { text: prompt?.results.at(-1)?.text ?? '' };
    }, 'rehearsal');
    await product.json('init', FEATURE);
    const { all } = await inProject('-p', `/tmops:status ${FEATURE}`);
    expect(JSON.parse(all)).toMatchObject({ feature: FEATURE, phase: 'initialised', branch: 'feature/greeting' });
    const [first] = api.requests.flatMap(({ conversation }) => conversation ?? []);
    expect(first?.prompts[0]?.text).toContain(`where this feature stands: ${FEATURE}`);
    expect(first?.tools).toContain(`${PREFIX}tmops_get_status`);
    // The tools that are looked up first, the skill, and when to look for them.
    expect(first?.text).toContain(`${PREFIX}tmops_take_over`);
    expect(first?.text).toContain('tmops:tmops');
    expect(first?.text).toContain('tmops builds one feature with a team');
    expect(api.failures).toEqual([]);
  });

  it('/tmops:take may call the one tool that it is for, and no other that changes something', async () => {
    const calls = [`${PREFIX}tmops_take_over`, `${PREFIX}tmops_stop`];
    await open(({ prompts }) => {
      const prompt = prompts.at(-1);
      const name = calls[prompt?.steps ?? calls.length];
      if (name !== undefined) return { calls: [{ name, input: { feature: FEATURE } }] };
      return { text: JSON.stringify(prompt?.results) };
    }, 'rehearsal');
    await product.json('init', FEATURE);
    const { all } = await inProject('-p', `/tmops:take ${FEATURE}`);
    const [taken, stopped] = JSON.parse(all) as { failed: boolean; text: string }[];
    // It has not been started: the answer is tmops' own.
    expect(taken?.text).toContain('code:');
    expect(stopped).toMatchObject({ failed: true });
    expect(stopped?.text).toMatch(/permission/i);
  });

  it('/tmops:start leads a whole feature, built by four real agents that do not see the plugin', async () => {
    const team = teamPlay(fourRoles);
    const lead = leadPlay({ words: 'Start or go on with the feature', prefix: PREFIX, feature: FEATURE });
    await open((conversation) => lead(conversation) ?? team(conversation), 'claude_code');
    const { all } = await inProject('--permission-mode', 'acceptEdits', '-p', `/tmops:start ${FEATURE} Greet by name`);
    expect(all).toContain(`${FEATURE} is completed on feature/${FEATURE}`);
    const status = await product.json<OutputOf<'status'>>('status', FEATURE);
    expect(status).toMatchObject({ phase: 'completed', attention: [] });
    expect((await product.repo.git(['diff', '--name-only', `main..feature/${FEATURE}`])).split('\n').sort()).toEqual([
      'src/greeting.mjs',
      'tests/greeting.test.mjs',
    ]);
    const spoken = api.requests.flatMap(({ conversation }) => conversation ?? []);
    const agents = spoken.filter(({ text }) => !text.includes('Start or go on with the feature'));
    expect(agents.length).toBeGreaterThan(10);
    const seen = agents.map(({ text, tools }) => [text, ...tools].join('\n'));
    expect(seen.filter((text) => text.includes(PREFIX) || text.includes('tmops:tmops'))).toEqual([]);
    expect(api.failures).toEqual([]);
  });
});
