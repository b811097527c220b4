import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { examine, type ExamineOptions } from '../../../src/adapters/machine/examine.ts';
import type { Check } from '../../../src/adapters/machine/check.ts';
import { until } from '../../rig/wait.ts';

let base: string;
let bin: string;
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'tmops-machine-')));
  bin = join(base, 'bin');
  await mkdir(bin);
  await mkdir(join(base, 'work'));
  await program('tmux', 'echo "tmux 3.4"');
  await program('git', 'echo "git version 2.43.0"');
  await program('claude', 'echo "2.1.329 (Claude Code)"');
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), 0o755);
}

function options(changed: Partial<ExamineOptions> = {}): ExamineOptions {
  return {
    env: { PATH: bin, LANG: 'C.UTF-8' },
    platform: 'linux',
    nodeVersion: 'v24.0.0',
    user: { name: 'ann', uid: 1000 },
    installers: [{ program: 'get', needsRoot: true, env: {}, before: null, install: ['it'] }],
    commands: { tmux: 'tmux', git: 'git', claude: 'claude' },
    claude: {
      isDefault: true,
      configDir: join(base, '.claude'),
      configFile: join(base, '.claude.json'),
      passedOn: ['ANTHROPIC_API_KEY'],
      startRecordsTrust: false,
    },
    workspace: { ok: true, root: join(base, 'work') },
    faults: [],
    inside: {
      folders: [join(base, 'work'), join(base, 'work', '.tmops'), join(base, 'work.tmops')],
      trust: () => Promise.resolve('trusted'),
      socket: () => ({ ok: true, socketPath: '/run/x.sock' }),
      supervisor: () => Promise.resolve(null),
    },
    ...changed,
  };
}

const named = (checks: readonly Check[], name: string): Check | undefined =>
  checks.find((check) => check.name === name);

describe('examine', () => {
  it('finds everything in order', async () => {
    await writeFile(join(base, '.claude.json'), '{"oauthAccount": {"emailAddress": "ann@example.invalid"}}');
    const checks = await examine(options());
    expect(checks.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual([
      'node',
      'tmux',
      'git',
      'claude code',
      'login',
      'logging out',
      'encoding',
      'workspace',
      'configuration',
      'write access',
      'trust',
      'socket',
      'supervisor',
    ]);
    expect(await readdir(join(base, 'work'))).toEqual([]);
  });

  it('leaves out what needs a workspace', async () => {
    const failure = { sentence: 'No repository here.', hint: 'git init' };
    const checks = await examine(options({ inside: null, workspace: { ok: false, failure } }));
    expect(named(checks, 'workspace')).toMatchObject({ state: 'missing', fix: 'git init' });
    expect(named(checks, 'trust')).toBeUndefined();
  });

  it('names the command that installs what is absent', async () => {
    await rm(join(bin, 'tmux'));
    await rm(join(bin, 'claude'));
    await program('get', 'exit 1');
    await program('sudo', 'exit 1');
    const checks = await examine(options());
    expect(named(checks, 'tmux')).toMatchObject({ state: 'missing', fix: 'sudo get it tmux' });
    expect(named(checks, 'claude code')).toMatchObject({ state: 'missing' });
  });

  test.each([
    ['crashes', 'echo "no library" >&2; exit 127', 'missing', 'tmux -V failed: no library'],
    ['is killed', 'kill -9 $$', 'missing', /tmux -V failed: .*SIGKILL/],
    ['floods', 'exec /usr/bin/yes', 'missing', /tmux -V failed/],
    ['is of another kind', 'echo "hello there"', 'warning', 'hello there, a version that cannot be compared: untested'],
  ])('a tmux that %s leaves the other checks alone', async (_how, script, state, found) => {
    await program('tmux', script);
    const checks = await examine(options());
    expect(named(checks, 'tmux')?.state).toBe(state);
    expect(named(checks, 'tmux')?.found).toMatch(found);
    expect(named(checks, 'git')?.state).toBe('ok');
  });

  it('cannot run a file that is no program', async () => {
    await writeFile(join(bin, 'tmux'), 'text', { mode: 0o644 });
    await chmod(join(bin, 'tmux'), 0o644);
    expect(named(await examine(options()), 'tmux')).toMatchObject({ state: 'missing' });
  });

  it('waits only so long, and ends what hangs with its children', async () => {
    await program('git', `/bin/sleep 60 & echo $! >${join(base, 'pid')}; wait`);
    const begun = performance.now();
    const checks = await examine(options({ withinMs: 600 }));
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(named(checks, 'git')).toMatchObject({
      state: 'warning',
      found: 'git --version did not answer within 540 ms',
    });
    expect(named(checks, 'tmux')?.state).toBe('ok');
    const [pid = ''] = (await readText(join(base, 'pid'))).split('\n');
    await until('the child of the hanging git is gone', async () => !(await isAlive(pid)), { withinMs: 3000 });
  });

  it('turns a check that throws or hangs into a warning', async () => {
    const { inside } = options();
    const checks = await examine(
      options({
        withinMs: 500,
        inside: inside && {
          ...inside,
          trust: () => Promise.reject(new Error('the disk is gone')),
          supervisor: () => new Promise(() => undefined),
          socket: () => {
            throw new Error('no such folder');
          },
        },
      }),
    );
    expect(named(checks, 'trust')?.found).toBe('could not be looked at: the disk is gone');
    expect(named(checks, 'socket')?.found).toBe('could not be looked at: no such folder');
    expect(named(checks, 'supervisor')).toEqual({
      name: 'supervisor',
      state: 'warning',
      found: 'could not be looked at within 500 ms',
      fix: null,
    });
  });

  it('tells a folder that cannot be written to', async () => {
    await writeFile(join(base, 'work', '.tmops'), 'a file');
    const check = named(await examine(options()), 'write access');
    expect(check).toMatchObject({ state: 'missing', found: `cannot write to ${base}/work/.tmops (ENOTDIR)` });
  });

  it('asks logind', async () => {
    await program(
      'loginctl',
      '[ "$1" = show-user ] && { [ "$2" = ann ] && echo Linger=no; exit; }\n' +
        'printf "KillUserProcesses=yes\\nKillOnlyUsers=\\nKillExcludeUsers=root\\n"',
    );
    const ann = named(await examine(options()), 'logging out');
    expect(ann?.state).toBe('warning');
    expect(ann?.fix).toContain('loginctl enable-linger');
    await program('loginctl', 'echo "System has not been booted with systemd" >&2; exit 1');
    expect(named(await examine(options()), 'logging out')).toMatchObject({ state: 'ok' });
  });
});

describe('login', () => {
  const SECRET = 'sk-made-up-0123456789';
  const login = async (changed: Partial<ExamineOptions> = {}): Promise<Check | undefined> => {
    const checks = await examine(options(changed));
    expect(JSON.stringify(checks)).not.toContain(SECRET);
    return named(checks, 'login');
  };

  it('takes a variable that is set', async () => {
    const check = await login({ env: { PATH: bin, ANTHROPIC_API_KEY: SECRET } });
    expect(check).toMatchObject({ state: 'ok', found: 'ANTHROPIC_API_KEY set' });
    expect((await login({ env: { PATH: bin, ANTHROPIC_API_KEY: '' } }))?.state).toBe('warning');
  });

  it('takes stored credentials', async () => {
    await mkdir(join(base, '.claude'));
    await writeFile(join(base, '.claude', '.credentials.json'), SECRET);
    expect(await login()).toMatchObject({ state: 'ok', found: 'credentials are stored' });
  });

  test.each([
    ['{"oauthAccount": {"accountUuid": "1"}, "primaryApiKey": "sk-made-up-0123456789"}', 'ok'],
    ['{"oauthAccount": {}}', 'warning'],
    ['{"oauthAccount": null}', 'warning'],
    ['{"numStartups": 1}', 'warning'],
    ['{"oauthAcc', 'warning'],
  ])('reads %s', async (text, state) => {
    await writeFile(join(base, '.claude.json'), text);
    expect((await login())?.state).toBe(state);
  });
});

async function readText(file: string): Promise<string> {
  return until(`${file} is there`, () => readFile(file, 'utf8').catch(() => null));
}

async function isAlive(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}
