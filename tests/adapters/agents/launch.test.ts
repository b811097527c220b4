import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { execa } from 'execa';
import { ProviderError } from '../../../src/adapters/agents/provider-error.ts';
import { writeLaunch } from '../../../src/adapters/agents/launch.ts';
import { alive, recordedExit, recordedProcess } from '../../../src/adapters/agents/process.ts';
import { until } from '../../rig/wait.ts';
import { agentFolder, type AgentFolder } from './agent-folder.ts';

let folder: AgentFolder;
beforeEach(async () => {
  folder = await agentFolder();
});
afterEach(async () => {
  await folder.remove();
});

const REPORT = `
  const report = { argv: process.argv.slice(3), env: process.env, cwd: process.cwd(), pid: process.pid, umask: process.umask() };
  require('node:fs').writeFileSync(process.argv[2] + '.half', JSON.stringify(report));
  require('node:fs').renameSync(process.argv[2] + '.half', process.argv[2]);
  setInterval(() => {}, 1000);
`;

interface Report {
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  pid: number;
  umask: number;
}

async function startReporter(args: string[], env: Record<string, string>): Promise<{ report: Report; pane: string }> {
  const script = join(folder.root, 'reporter.cjs');
  const out = join(folder.root, 'report.json');
  await writeFile(script, REPORT);
  const { argv } = await writeLaunch(folder.agentDir, {
    argv: [process.execPath, script, out, ...args],
    env,
    cwd: folder.root,
  });
  const pane = await folder.run(argv);
  const text = await until('the program has reported', () => readFile(out, 'utf8').catch(() => null));
  return { report: JSON.parse(text) as Report, pane };
}

describe('what the program gets', () => {
  const args = [
    '',
    '  a  b ',
    '$(touch pwned) `x` "y" \'z\'',
    '-n',
    'Ünï \\n ÁÂ 日本 🙂 \\',
    '*',
    '#{pane_id};',
    '\tx\r',
  ];

  test('its arguments exactly, and nothing is evaluated', async () => {
    const { report } = await startReporter(args, {});
    expect(report.argv).toEqual(args);
    expect(await readdir(folder.root)).not.toContain('pwned');
  });

  test('only the variables it was given, whatever their names', async () => {
    const given = {
      ANTHROPIC_API_KEY: 'secret "$x" `y` \\',
      EMPTY: '',
      // Names that the launcher uses itself.
      directory: '/nowhere',
      mask: '777',
      line: 'x',
      folder: 'y',
      stat: 'z',
    };
    const pane = { TMUX: '/tmp/tmux-0/default,1,2', TMUX_PANE: '%7', PWD: '/nowhere' };
    const { report } = await startReporter([], { ...given, ...pane });
    const { PWD, TERM, SHLVL, _, ...rest } = report.env;
    expect(rest).toEqual(given);
    expect([PWD, TERM]).toEqual([folder.root, 'tmux-256color']);
    expect([SHLVL ?? '1', _ ?? '']).toEqual(['1', expect.any(String)]);
  });

  test('its folder, and a umask that keeps what it writes private', async () => {
    const { report } = await startReporter([], {});
    expect(report.cwd).toBe(folder.root);
    expect(report.umask).toBe(0o077);
  });
});

test('neither arguments nor variables show in what tmux knows of the pane, and the files are private', async () => {
  const { pane } = await startReporter(['hidden-argument'], { SECRET: 'hidden-value' });
  const known = await folder.tmux('display-message', '-p', '-t', pane, '#{pane_start_command}');
  const environment = await folder.tmux('show-environment', '-g');
  expect(known + environment).not.toMatch(/hidden-/);
  for (const file of ['launch/argv', 'launch/env', 'launch/cwd', 'process']) {
    expect((await stat(join(folder.agentDir, file))).mode & 0o777, file).toBe(0o600);
  }
});

test('the recorded process is the program itself', async () => {
  const { report } = await startReporter([], {});
  const recorded = await recordedProcess(folder);
  expect(recorded?.pid).toBe(report.pid);
  expect(await alive(recorded!)).toBe('alive');
  expect(await alive({ ...recorded!, startTime: '1' })).toBe('gone');
  expect(await recordedExit(folder)).toEqual({ kind: 'unknown' });
});

describe('how it ended', () => {
  const shell = async (script: string): Promise<string> => {
    const { argv } = await writeLaunch(folder.agentDir, { argv: ['/bin/sh', '-c', script], env: {}, cwd: folder.root });
    return folder.run(argv);
  };
  const ended = (): Promise<unknown> =>
    until('the exit is written', async () => {
      const exit = await recordedExit(folder);
      return exit.kind === 'unknown' ? null : exit;
    });
  const waiting = 'exec sleep 600';

  test.each([
    ['exit 0', { kind: 'code', code: 0 }, '0'],
    ['exit 7', { kind: 'code', code: 7 }, '7'],
    ['kill -KILL $$', { kind: 'signal', signal: 'SIGKILL' }, '137'],
    ['kill -SEGV $$', { kind: 'signal', signal: 'SIGSEGV' }, '139'],
  ])('%s', async (script, exit, status) => {
    const pane = await shell(script);
    expect(await ended()).toEqual(exit);
    const dead = await until('the pane is dead', async () => {
      const told = await folder.tmux('display-message', '-p', '-t', pane, '#{pane_dead} #{pane_dead_status}');
      return told.startsWith('1') ? told : null;
    });
    // tmux 3.3a loses the status of some panes.
    expect([`1 ${status}`, '1 ']).toContain(dead);
  });

  test.each([
    ['the session is killed', (): Promise<string> => folder.tmux('kill-server'), 'SIGHUP'],
    [
      'the leader of the pane is killed',
      async (pane: string) => {
        process.kill(Number(await folder.tmux('display-message', '-p', '-t', pane, '#{pane_pid}')), 'SIGKILL');
      },
      'SIGHUP',
    ],
    [
      'the program gets SIGTERM',
      async () => {
        process.kill((await recordedProcess(folder))!.pid, 'SIGTERM');
      },
      'SIGTERM',
    ],
  ])('is written when %s', async (_name, end, signal) => {
    const pane = await shell(waiting);
    await until('the program runs', () => recordedProcess(folder));
    await end(pane);
    expect(await ended()).toEqual({ kind: 'signal', signal });
  });

  test('a program that is not there', async () => {
    const { argv } = await writeLaunch(folder.agentDir, { argv: ['/no/such/program'], env: {}, cwd: folder.root });
    await folder.run(argv);
    expect(await ended()).toEqual({ kind: 'code', code: 127 });
  });

  test('a folder that is gone', async () => {
    const cwd = join(folder.root, 'gone');
    const { argv } = await writeLaunch(folder.agentDir, { argv: ['/bin/sh'], env: {}, cwd });
    const pane = await folder.run(argv);
    expect(await ended()).toEqual({ kind: 'code', code: 97 });
    // The end is on disk before tmux has drawn what was said of it.
    await until('the pane says why', async () =>
      (await folder.tmux('capture-pane', '-p', '-J', '-t', pane)).includes(`cannot be entered: ${cwd}`),
    );
    expect(await recordedProcess(folder)).toBeNull();
  });

  test('writing a launch again forgets the earlier process', async () => {
    await shell('exit 3');
    await ended();
    await writeLaunch(folder.agentDir, { argv: ['/bin/sh'], env: {}, cwd: folder.root });
    expect([await recordedExit(folder), await recordedProcess(folder)]).toEqual([{ kind: 'unknown' }, null]);
  });
});

describe('what cannot be passed', () => {
  test.each([
    ['a line break in an argument', { argv: ['claude', 'a\nb'], env: {}, cwd: '/' }],
    ['a NUL in an argument', { argv: ['claude', 'a\0b'], env: {}, cwd: '/' }],
    ['no command', { argv: [], env: {}, cwd: '/' }],
    ['a relative folder', { argv: ['claude'], env: {}, cwd: 'src' }],
    ['a folder with a line break', { argv: ['claude'], env: {}, cwd: '/a\nb' }],
  ])('%s is refused', async (_name, launch) => {
    await expect(writeLaunch(folder.agentDir, launch)).rejects.toBeInstanceOf(ProviderError);
  });

  test('variables that a line cannot hold are left out and named', async () => {
    const env = { GOOD: '1', TWO: 'a\nb', 'with-dash': 'x', 'BASH_FUNC_f%%': '() { :; }', UID: '0', NUL: 'a\0' };
    const { omitted } = await writeLaunch(folder.agentDir, { argv: ['x'], env, cwd: '/' });
    expect(omitted).toEqual(['TWO', 'with-dash', 'BASH_FUNC_f%%', 'NUL']);
    expect(await readFile(join(folder.agentDir, 'launch', 'env'), 'utf8')).toBe('GOOD=1\n');
  });
});

test('the launcher says what it expects when it is called wrongly', async () => {
  const { argv } = await writeLaunch(folder.agentDir, { argv: ['x'], env: {}, cwd: '/' });
  await mkdir(join(folder.root, 'empty'));
  const result = await execa(argv[0]!, [argv[1]!, join(folder.root, 'empty')], { reject: false });
  expect([result.exitCode, result.stderr]).toEqual([96, expect.stringContaining('expected one argument')]);
});
