import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../rig/wait.ts';
import { claudeEnvironment, claudeHome, fetchClaude } from './claude.ts';
import { startFakeApi } from './fake-api.ts';
import type { FakeApi } from './fake-api.ts';
import { startPane } from './pane.ts';
import type { Pane } from './pane.ts';
import { fourRoles, teamPlay } from './plays.ts';

let claude: string;
let dir: string;
let worktree: string;
let run: string;
let api: FakeApi;
let pane: Pane;

beforeAll(async () => {
  claude = await fetchClaude();
});

beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'tmops-claude-')));
  worktree = join(dir, 'tree');
  run = join(dir, 'root', '.tmops', 'greeting', 'runs', 'initial');
  await makeProject();
  const home = join(dir, 'home');
  await claudeHome(home, { trusted: [worktree] });
  const settings = {
    tui: 'default',
    permissions: {
      allow: ['Bash(npm test:*)', 'Bash(git add:*)', 'Bash(git commit:*)'],
      additionalDirectories: [join(dir, 'root', '.tmops', 'greeting')],
    },
  };
  api = await startFakeApi({ play: teamPlay(fourRoles) });
  pane = await startPane({
    cwd: worktree,
    env: claudeEnvironment({ home, port: api.port }),
    argv: [claude, '--permission-mode', 'acceptEdits', '--strict-mcp-config', '--settings', JSON.stringify(settings)],
  });
  await shown('accept edits on');
});

afterEach(async () => {
  await pane.end();
  await api.close();
  await rm(dir, { recursive: true, maxRetries: 5 });
});

test('a typed prompt reaches the API and its answer the screen, and the end leaves nothing', async () => {
  api.inject({ kind: 'error', status: 529 });
  await pane.submit('Is anybody there? [tmops#1]');
  await shown('● ok');
  const sessions = join(dir, 'home', '.claude', 'sessions', `${pane.pid}.json`);
  expect(await readFile(sessions, 'utf8')).toContain('"status"');
  expect(api.requests.map(({ outcome }) => outcome)).toEqual(['error', 'answered']);
  expect(api.requests[1]?.conversation?.prompts.map(({ text }) => text)).toEqual(['Is anybody there? [tmops#1]']);
  expect(api.failures).toEqual([]);
  await pane.end();
  expect(existsSync(sessions)).toBe(false);
  expect(await readdir(join(dir, 'home', 'tmp', 'cc-socks'))).toEqual([]);
  expect(existsSync(`/tmp/cc-socks/${pane.pid}.sock`)).toBe(false);
});

test('the four roles bring the feature from red tests to a summary without a question', async () => {
  await pane.submit('Read .tmops/greeting/current/roles/tester.md and follow it. [tmops#1]');
  await shown('[TESTER] WAITING: Ready for instructions');
  for (const { words, from, file } of fourRoles) {
    await pane.submit(`${words} greeting`);
    await shown(`[${from.toUpperCase()}] COMPLETE: ${file}`);
    expect(await readFile(join(run, 'checkpoints', file), 'utf8')).toContain(`**From:** ${from}`);
  }
  expect(api.failures).toEqual([]);
  const log = await execa('git', ['log', '--format=%s', '--name-only'], { cwd: worktree });
  expect(log.stdout.split('\n').filter((line) => line !== '')).toEqual([
    ...['Implement greeting', 'src/greeting.mjs'],
    ...['Add tests for greeting', 'tests/greeting.test.mjs'],
    ...['Begin', '.gitignore', 'package.json'],
  ]);
});

async function shown(text: string): Promise<void> {
  let screen = '';
  const look = async () => {
    screen = await pane.screen();
    return screen.includes(text);
  };
  await until(`"${text}" is on the screen`, look, { withinMs: 30_000 }).catch((cause: unknown) => {
    throw new Error(`${String(cause)}\n${screen}\n${api.failures.join('\n')}`);
  });
}

/** A repository with a linked worktree, whose `.tmops` leads to the one of the repository. */
async function makeProject(): Promise<void> {
  const root = join(dir, 'root');
  await mkdir(join(run, 'checkpoints'), { recursive: true });
  await mkdir(join(run, 'roles'));
  await writeFile(join(run, 'roles', 'tester.md'), '# Tester\n');
  await symlink('runs/initial', join(run, '..', '..', 'current'));
  await writeFile(join(root, '.gitignore'), '.tmops\n');
  await writeFile(join(root, 'package.json'), JSON.stringify({ scripts: { test: 'node --test tests/' } }));
  const author = ['-c', 'user.name=Tester', '-c', 'user.email=tester@example.invalid'];
  await execa('git', ['init', '-q', '-b', 'main'], { cwd: root });
  await execa('git', ['add', '-A'], { cwd: root });
  await execa('git', [...author, 'commit', '-q', '-m', 'Begin'], { cwd: root });
  await execa('git', ['worktree', 'add', '-q', '-b', 'feature/greeting', worktree], { cwd: root });
  await symlink(join(root, '.tmops'), join(worktree, '.tmops'));
}
