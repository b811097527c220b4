import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { FRAMEWORK_CLEANUP, FRAMEWORK_INIT } from './framework.ts';

const exec = promisify(execFile);

export interface SampleOptions {
  /** Name of the repository's folder; may hold spaces and Unicode. Default `sample`. */
  readonly name?: string;
  /** Puts a stand-in of the framework's tools beside the sources (not committed). */
  readonly framework?: boolean;
  /** false: a repository without a commit. */
  readonly commits?: boolean;
  /** Further files of the first commit, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A git repository in a temporary folder that holds nothing else; everything of a test belongs below `base`. */
export interface SampleRepo {
  readonly base: string;
  readonly root: string;
  readonly toolsDir: string;
  /** The environment for children: no configuration of the user, no GIT_*. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs git in the root (or in `at`) and gives what it printed, without the last line feed. */
  git(args: readonly string[], at?: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  read(path: string): Promise<string>;
  /** argv of each start of the framework's script, without `bash` and the script's path. */
  scriptCalls(): Promise<readonly (readonly string[])[]>;
  dispose(): Promise<void>;
}

const FILES: Readonly<Record<string, string>> = {
  'package.json': `${JSON.stringify({ name: 'sample', type: 'module', scripts: { test: 'node --test' } }, null, 2)}\n`,
  'src/sum.js': 'export const sum = (a, b) => a + b;\n',
  'test/sum.test.js':
    "import { test } from 'node:test';\nimport assert from 'node:assert';\nimport { sum } from '../src/sum.js';\n" +
    "test('sums', () => { assert.equal(sum(1, 2), 3); });\n",
  '.gitignore': 'node_modules/\n*.log\n',
};

/** Makes a sample repository on branch `main`. */
export async function sampleRepo(options: SampleOptions = {}): Promise<SampleRepo> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'tmops-repo-')));
  const root = join(base, options.name ?? 'sample');
  const home = join(base, 'home');
  await mkdir(root);
  await mkdir(home);
  const identity = '[user]\n\tname = Sample\n\temail = sample@example.invalid\n[init]\n\tdefaultBranch = main\n';
  await writeFile(join(home, '.gitconfig'), identity);
  const toolsDir = join(root, 'tmops_v6_portable', 'tmops_tools');
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const repo: SampleRepo = {
    base,
    root,
    toolsDir,
    environment,
    async git(args, at = root) {
      const { stdout } = await exec('git', [...args], { cwd: at, env: environment });
      return stdout.replace(/\n$/, '');
    },
    async write(path, text) {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    },
    read: (path) => readFile(join(root, path), 'utf8'),
    async scriptCalls() {
      const text = await readFile(join(toolsDir, 'calls.jsonl'), 'utf8').catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
        throw error;
      });
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as string[]);
    },
    dispose: () => rm(base, { recursive: true, force: true, maxRetries: 3 }),
  };
  await repo.git(['init', '--quiet']);
  for (const [path, text] of Object.entries({ ...FILES, ...options.files })) await repo.write(path, text);
  if (options.commits !== false) {
    await repo.git(['add', '--all']);
    await repo.git(['commit', '--quiet', '--message', 'Begin']);
  }
  if (options.framework) await installFramework(toolsDir);
  return repo;
}

/** Writes the stand-ins of `init_feature_multi.sh` and `cleanup_safe.sh` into `toolsDir`. */
export async function installFramework(toolsDir: string): Promise<void> {
  await mkdir(toolsDir, { recursive: true });
  await writeFile(join(toolsDir, 'init_feature_multi.sh'), FRAMEWORK_INIT);
  await writeFile(join(toolsDir, 'cleanup_safe.sh'), FRAMEWORK_CLEANUP);
}
