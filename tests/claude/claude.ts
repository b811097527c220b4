import { access, constants, mkdir, mkdtemp, readdir, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const VERSION = '2.1.329';
const PACKAGE = `@anthropic-ai/claude-code@${VERSION}`;
// Made up; the stand-in for the API asks for none.
const KEY = 'sk-ant-made-up-for-tests-000000000000000000';
const FETCH_WITHIN_MS = 540_000;

/**
 * The path of the pinned Claude Code, fetched with npm on first use. `TMOPS_CLAUDE` names another binary,
 * `TMOPS_TEST_CACHE` another folder than `~/.cache/tmops-tests`. Throws an Error that says what to do when it cannot be had.
 */
export async function fetchClaude(): Promise<string> {
  const named = process.env['TMOPS_CLAUDE'];
  if (named !== undefined) {
    if (await runnable(named)) return named;
    throw new Error(`TMOPS_CLAUDE is "${named}", which is no executable file; unset it or name Claude Code ${VERSION}`);
  }
  const cache = process.env['TMOPS_TEST_CACHE'] ?? join(homedir(), '.cache', 'tmops-tests');
  const kept = join(cache, `claude-${VERSION}`);
  const binary = join(kept, 'claude');
  if (await runnable(binary)) return binary;
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, 'fetching-'));
  try {
    await install(fresh);
    await rename(fresh, kept);
  } catch (cause) {
    // Somebody else was quicker: theirs is as good.
    if (!(await runnable(binary))) throw cause;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return binary;
}

/**
 * Makes `dir` a HOME in which Claude Code asks nothing at its start: no onboarding, the made-up key approved, the folders
 * `trusted` (which must exist) trusted. Git has an author there.
 */
export async function claudeHome(dir: string, options: { trusted: readonly string[] }): Promise<void> {
  const trusted = await Promise.all(options.trusted.map((folder) => realpath(folder)));
  const answers = {
    hasCompletedOnboarding: true,
    hasSeenAutoDefaultNotice: true,
    customApiKeyResponses: { approved: [KEY.slice(-20)], rejected: [] },
    projects: Object.fromEntries(trusted.map((folder) => [folder, { hasTrustDialogAccepted: true }])),
  };
  await mkdir(join(dir, '.claude'), { recursive: true });
  await mkdir(join(dir, 'tmp'), { recursive: true });
  await writeFile(join(dir, '.claude', '.claude.json'), JSON.stringify(answers));
  await writeFile(join(dir, '.gitconfig'), '[user]\n\tname = Tester\n\temail = tester@example.invalid\n');
}

/** All that Claude Code may see of the environment. A stray ANTHROPIC_ or CLAUDE_ variable changes what it does. */
export function claudeEnvironment(options: { home: string; port: number }): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    HOME: options.home,
    // Its scratch folders and its socket stay in the HOME too.
    TMPDIR: join(options.home, 'tmp'),
    CLAUDE_CONFIG_DIR: join(options.home, '.claude'),
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${options.port}`,
    ANTHROPIC_API_KEY: KEY,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    // The npm that agents run would look for its own update in a HOME as new as this.
    npm_config_update_notifier: 'false',
  };
}

async function runnable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Leaves a link `claude` in `folder`: the package's own install script would make one, but no script of it is run. */
async function install(folder: string): Promise<void> {
  const argv = ['install', '--prefix', folder, '--no-save', '--ignore-scripts', PACKAGE];
  const result = await execa('npm', argv, { cwd: folder, timeout: FETCH_WITHIN_MS, reject: false });
  if (result.failed) {
    throw new Error(
      `Could not fetch ${PACKAGE} with npm: ${result.stderr.slice(-1_000)}\n` +
        'It is fetched once and then kept. Run this again with access to your npm registry, or set TMOPS_CLAUDE to the ' +
        `path of a Claude Code ${VERSION} that is on this machine already.`,
    );
  }
  const scope = join('node_modules', '@anthropic-ai');
  const platform = (await readdir(join(folder, scope))).find((name) => name.startsWith('claude-code-'));
  if (platform === undefined) {
    throw new Error(`${PACKAGE} came without a binary for ${process.platform}-${process.arch}; set TMOPS_CLAUDE`);
  }
  await symlink(join(scope, platform, 'claude'), join(folder, 'claude'));
}
