import { chmod, copyFile, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
let base: string;
let tree: string;
let bin: string;

/** A tree that has what the script looks at, all in order, and a PATH with nothing but what is put there. */
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'tmops-prepare-')));
  tree = join(base, 'tree');
  bin = join(base, 'bin');
  await mkdir(bin);
  await file('config/package-managers.json', await readFile(join(packageRoot, 'config/package-managers.json'), 'utf8'));
  await file('package.json', '{}');
  await file('package-lock.json', lockOf('1.0.0'));
  await file('node_modules/.package-lock.json', lockOf('1.0.0'));
  await file('node_modules/one/package.json', '{}');
  await file('layouts/a.yaml', 'a: 1');
  await file('src/main.ts', 'main');
  await file('.ci/build.mjs', BUILD);
  await copyFile(join(packageRoot, '.ci/prepare.mjs'), join(tree, '.ci/prepare.mjs'));
  await symlink(process.execPath, join(bin, 'node'));
  await symlink('/usr/bin/env', join(bin, 'env'));
  await program('tmux', 'echo tmux 3.4');
  await program('npm', `echo "npm $*" >>${calls()}; exit 1`);
});
afterEach(() => rm(base, { recursive: true, force: true }));

const calls = (): string => join(base, 'calls');
const lockOf = (version: string): string =>
  JSON.stringify({ packages: { '': {}, 'node_modules/one': { version, integrity: `sha512-${version}` } } });

/** Stands for the real one: replaces dist/ and notes that it ran. */
const BUILD = `
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
writeFileSync('dist/tmops.js', '');
appendFileSync('../calls', 'build\\n');
`;

async function file(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), text);
}

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), 0o755);
}

interface Run {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Code that runs before the script, to let it see another machine. */
  readonly pretend?: string;
}

const ROOT = 'process.getuid = () => 0';
const SOMEBODY = 'process.getuid = () => 1000';
const OLD_NODE = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } })";

async function prepare({ flags = [], env = {}, pretend = ROOT }: Run = {}) {
  const imported = `--import=data:text/javascript,${encodeURIComponent(pretend)}`;
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [imported, join(tree, '.ci/prepare.mjs'), ...flags],
    {
      cwd: tree,
      env: { PATH: bin, ...env },
      extendEnv: false,
      reject: false,
    },
  );
  return { exitCode, stdout, stderr };
}

async function called(): Promise<string[]> {
  const text = await readFile(calls(), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

/** A package manager that notes how it was called and installs a tmux. */
const managerOf = (name: string, tmux = 'echo tmux 3.4'): Promise<void> =>
  program(
    name,
    [
      `echo "${name} $*\${DEBIAN_FRONTEND:+ ($DEBIAN_FRONTEND)}" >>${calls()}`,
      `case "$*" in *tmux) printf '#!/bin/sh\\n${tmux}\\n' >${bin}/tmux && /bin/chmod 755 ${bin}/tmux ;; esac`,
    ].join('\n'),
  );

describe('a tree that is in order', () => {
  it('is left alone, without a word, by a second run too', async () => {
    const silent = { exitCode: 0, stdout: '', stderr: '' };
    expect(await prepare()).toEqual(silent);
    expect(await prepare()).toEqual(silent);
    expect(await called()).toEqual([]);
  });

  test.each([
    [['--buld'], 2, 'does not know --buld'],
    [['--build', 'now'], 2, 'does not know now'],
  ])('%j is refused', async (flags, exitCode, words) => {
    const run = await prepare({ flags });
    expect(run).toMatchObject({ exitCode, stderr: expect.stringContaining(words) as string });
  });

  it('refuses an old node', async () => {
    const run = await prepare({ pretend: OLD_NODE });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toBe('prepare: this is node 20.18.3, and 20.19 or newer is needed: install Node 24.');
  });
});

describe('tmux that is missing', () => {
  beforeEach(() => rm(join(bin, 'tmux')));

  test.each([
    ['apt-get', ['apt-get update (noninteractive)', 'apt-get install -y tmux (noninteractive)']],
    ['dnf', ['dnf install -y tmux']],
    ['yum', ['yum install -y tmux']],
    ['pacman', ['pacman -Sy --noconfirm tmux']],
    ['apk', ['apk add --no-cache tmux']],
    ['zypper', ['zypper --non-interactive install tmux']],
    ['brew', ['brew install tmux']],
  ])('is installed by %s', async (name, expected) => {
    await managerOf(name);
    const run = await prepare();
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await called()).toEqual(expected);
    expect(run.stdout).toContain(`prepare: tmux is missing: env`);
    expect(run.stdout).toContain('prepare: installed tmux 3.4');
    expect((await prepare()).stdout).toBe('');
  });

  it('is installed with sudo by somebody else than root', async () => {
    await managerOf('apt-get');
    await program('sudo', `echo "sudo $*" >>${calls()}; shift; exec "$@"`);
    expect(await prepare({ pretend: SOMEBODY })).toMatchObject({ exitCode: 0 });
    expect(await called()).toEqual([
      'sudo -n env DEBIAN_FRONTEND=noninteractive apt-get update',
      'apt-get update (noninteractive)',
      'sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -y tmux',
      'apt-get install -y tmux (noninteractive)',
    ]);
  });

  const BY_HAND = 'sudo apt-get update && sudo apt-get install -y tmux';
  test.each<[string, () => Promise<void>, string]>([
    ['without sudo', async () => managerOf('apt-get'), `tmux is missing, and only root can install it: ${BY_HAND}.`],
    [
      'with a sudo that wants a password',
      async () => {
        await managerOf('apt-get');
        await program('sudo', 'echo "sudo: a password is required" >&2; exit 1');
      },
      `tmux could not be installed. Do it by hand: ${BY_HAND}.`,
    ],
    ['without a package manager', () => Promise.resolve(), 'install tmux by hand.'],
    ['with brew that fails', () => program('brew', 'exit 1'), 'Do it by hand: brew install tmux.'],
    ['with brew that installs nothing', () => program('brew', 'exit 0'), '`tmux -V` still fails'],
  ])('%s ends in a message', async (_how, set, words) => {
    await set();
    const run = await prepare({ pretend: SOMEBODY });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain(words);
  });

  it('is installed although the list of packages could not be fetched whole', async () => {
    await program(
      'apt-get',
      `[ "$1" = update ] && exit 100\nprintf '#!/bin/sh\\necho tmux 3.2a\\n' >${bin}/tmux && /bin/chmod 755 ${bin}/tmux`,
    );
    const run = await prepare();
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain('prepare: tmux 3.2a is older than 3.3: untested');
  });

  it('is left out when that is asked for', async () => {
    await managerOf('brew');
    expect(await prepare({ flags: ['--no-tmux'] })).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await called()).toEqual([]);
  });
});

describe('dependencies', () => {
  const npmCi = `mkdir -p node_modules/one; echo "npm $*" >>`;

  test.each<[string, () => Promise<void>]>([
    ['node_modules is missing', () => rm(join(tree, 'node_modules'), { recursive: true })],
    ['a package is missing', () => rm(join(tree, 'node_modules/one'), { recursive: true })],
    ['the lock asks for another version', () => file('package-lock.json', lockOf('1.0.1'))],
    ['they are of another node', () => file('node_modules/.tmops-stamp', 'something node 4\n')],
  ])('are installed where %s, once', async (_why, change) => {
    await change();
    await program('npm', `PATH=/usr/bin:/bin; ${npmCi}${calls()}`);
    const run = await prepare({ env: { NODE_ENV: 'production' } });
    expect(run).toMatchObject({ exitCode: 0, stdout: 'prepare: installing the dependencies: npm ci' });
    expect(await called()).toEqual(['npm ci --include=dev --prefer-offline --no-audit --no-fund --loglevel=error']);
    expect(await prepare()).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await called()).toHaveLength(1);
  });

  it('of other systems need not be there', async () => {
    const lock = JSON.parse(lockOf('1.0.0')) as { packages: Record<string, unknown> };
    lock.packages['node_modules/other-os'] = { version: '2.0.0', integrity: 'sha512-2', optional: true };
    await file('package-lock.json', JSON.stringify(lock));
    expect(await prepare()).toMatchObject({ exitCode: 0, stdout: '' });
  });

  it('that cannot be installed end it', async () => {
    await rm(join(tree, 'node_modules'), { recursive: true });
    const run = await prepare();
    expect(run).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('npm ci failed') as string });
    await rm(join(bin, 'npm'));
    expect(await prepare()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('npm cannot be run') as string,
    });
  });
});

describe('the build', () => {
  const build = async (): Promise<number> => {
    const before = (await called()).length;
    expect(await prepare({ flags: ['--build'] })).toMatchObject({ exitCode: 0, stderr: '' });
    return (await called()).length - before;
  };

  it('is made when it is missing or of another state of the tree', async () => {
    expect(await build()).toBe(1);
    expect(await build()).toBe(0);
    for (const path of ['src/main.ts', 'src/new/file.ts', 'layouts/a.yaml', 'config/new.yaml', 'package.json']) {
      await file(path, 'changed');
      expect([path, await build(), await build()]).toEqual([path, 1, 0]);
    }
    await rm(join(tree, 'src/new/file.ts'));
    expect(await build()).toBe(1);
  });

  it('is made again when another build took its place', async () => {
    expect(await build()).toBe(1);
    await rm(join(tree, 'dist'), { recursive: true });
    await file('dist/tmops.js', 'by hand');
    expect(await build()).toBe(1);
  });

  it('that fails ends it, and is tried again', async () => {
    await file('.ci/build.mjs', 'process.exit(3);');
    const run = await prepare({ flags: ['--build'] });
    expect(run).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('the build failed') as string });
    await file('.ci/build.mjs', BUILD);
    expect(await build()).toBe(1);
  });
});
