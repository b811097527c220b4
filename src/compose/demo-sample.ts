import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { runningSupervisor } from './running.ts';

/** The repository that the demo works on, and the tmux server it has for itself. */
export interface Sample {
  /** Holds all there is of it. */
  readonly folder: string;
  readonly root: string;
  readonly feature: string;
  /** Name of the tmux server (`tmux -L`). */
  readonly server: string;
  /** For every child of the demo. */
  readonly env: Readonly<Record<string, string>>;
}

/** Makes a small repository with one passing test in a new temporary folder. Agents in it take `slowStartS` seconds to start. */
export async function makeSample(env: Readonly<Record<string, string>>, slowStartS: number): Promise<Sample> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'tmops-demo-')));
  const server = `tmops-demo-${randomBytes(4).toString('hex')}`;
  const sample = { folder, root: join(folder, 'sample'), feature: 'slugify', server, env: ownEnvironment(env) };
  const files = { ...FILES, 'tmops.config.yaml': configuration(server, slowStartS) };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(sample.root, path)), { recursive: true });
    await writeFile(join(sample.root, path), text);
  }
  await git(sample, ['init', '--quiet', '--initial-branch', 'main']);
  for (const [key, value] of SETTINGS) await git(sample, ['config', key, value]);
  await git(sample, ['add', '--all']);
  await git(sample, ['commit', '--quiet', '--message', 'Begin']);
  return sample;
}

/** Runs git in the sample (or in `at`) and gives what it printed. */
export async function git({ root, env }: Sample, args: readonly string[], at = root): Promise<string> {
  const { stdout } = await execa('git', [...args], { cwd: at, env, extendEnv: false, timeout: 20_000 });
  return stdout;
}

/** Runs tmux on the server of the sample. Gives null when there is none. */
export async function tmux({ server, env }: Sample, args: readonly string[]): Promise<string | null> {
  const ran = await execa('tmux', ['-N', '-L', server, ...args], {
    env,
    extendEnv: false,
    reject: false,
    timeout: 5000,
  });
  return ran.failed ? null : ran.stdout;
}

/** Ends the supervisor and the tmux server of the sample; its files stay. Says what could not be ended. */
export async function endProcesses(sample: Sample): Promise<readonly string[]> {
  const stayed: string[] = [];
  const pid = await runningSupervisor(sample.root);
  if (pid !== null) {
    process.kill(pid, 'SIGTERM');
    const gone = await untilTrue(async () => (await runningSupervisor(sample.root)) === null);
    if (!gone) stayed.push(`the supervisor, process ${pid}`);
  }
  await tmux(sample, ['kill-server']);
  const gone = await untilTrue(async () => (await tmux(sample, ['list-sessions'])) === null);
  if (gone) await rm(socketFile(sample), { force: true });
  else stayed.push(`the tmux server ${sample.server}`);
  return stayed;
}

/** What the human would write into TASK_SPEC.md. */
export const SPEC = `# slugify

## Goal

Titles of articles become parts of web addresses, so that readers can tell what a link leads to.

## Behaviour

\`slugify(text)\`, exported by \`src/slugify.mjs\`, gives the text in lower-case letters and digits, its words joined by
single dashes: \`Hello brave new World\` becomes \`hello-brave-new-world\`.

## Acceptance criteria

- [ ] Words are joined by dashes.
- [ ] Accents are taken off.
- [ ] Other characters separate words.
- [ ] There is no dash at either end.
- [ ] Text without a letter or a digit gives an empty slug.

## Tests

In \`tests/slugify.test.mjs\`, run by \`node --test\`.
`;

const FILES: Readonly<Record<string, string>> = {
  'README.md': '# Sample\n\nA small project for the demo of tmops. Run its tests with `npm test`.\n',
  // Without a folder, so that old and new releases of node understand it alike.
  'package.json': `${JSON.stringify({ name: 'sample', private: true, type: 'module', scripts: { test: 'node --test' } }, null, 2)}\n`,
  'src/title.mjs': `/** The text with a capital first letter. */
export const title = (text) => text.charAt(0).toUpperCase() + text.slice(1);
`,
  'tests/title.test.mjs': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { title } from '../src/title.mjs';

test('the first letter is a capital', () => {
  assert.equal(title('hello'), 'Hello');
});
`,
  '.gitignore': 'node_modules/\n',
};

/** The user's own signing and hooks have no part in a sample. */
const SETTINGS = [
  ['user.name', 'tmops demo'],
  ['user.email', 'demo@example.invalid'],
  ['commit.gpgsign', 'false'],
  ['core.hooksPath', '/dev/null'],
] as const;

const configuration = (
  server: string,
  slowStartS: number,
): string => `# The demo has a tmux server and agents of its own.
tmux:
  socket_name: ${server}
providers:
  default: rehearsal
  rehearsal:
    slow_start: ${slowStartS}s
`;

/** Settings of tmops, git and node's test runner around the demo are not meant for it. */
function ownEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const foreign = (name: string): boolean => /^(TMOPS|GIT|TMUX|NODE_TEST)_|^TMUX$/.test(name) && name !== 'TMUX_TMPDIR';
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign(name)));
}

/** tmux leaves it behind (see tmux(1) on TMUX_TMPDIR). */
function socketFile({ env, server }: Sample): string {
  const base = env['TMUX_TMPDIR'] ?? '';
  return join(base === '' ? '/tmp' : base, `tmux-${userInfo().uid}`, server);
}

const GONE_WITHIN_MS = 5000;
const PAUSE_MS = 25;

async function untilTrue(look: () => Promise<boolean>): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < GONE_WITHIN_MS; waitedMs += PAUSE_MS) {
    if (await look()) return true;
    await pause(PAUSE_MS);
  }
  return false;
}
