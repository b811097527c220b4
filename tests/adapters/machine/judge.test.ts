import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { installWords, readInstallers } from '../../../src/adapters/machine/installers.ts';
import { judgeLogin, type LoginFacts } from '../../../src/adapters/machine/login.ts';
import { judgeLogout, killsProcessesOf, type LogoutFacts } from '../../../src/adapters/machine/logout.ts';
import type { Answer } from '../../../src/adapters/machine/program.ts';
import { judgeClaude, judgeGit, judgeNode, judgeTmux } from '../../../src/adapters/machine/programs.ts';
import { firstLine, isAtLeast, readVersion } from '../../../src/adapters/machine/versions.ts';
import {
  judgeConfiguration,
  judgeEncoding,
  judgeSocket,
  judgeSupervisor,
  judgeTrust,
  judgeWorkspace,
} from '../../../src/adapters/machine/workspace.ts';
import { judgeWriting } from '../../../src/adapters/machine/writing.ts';

const said = (text: string): Answer => ({ kind: 'said', text });
const ABSENT: Answer = { kind: 'absent' };
const BROKEN: Answer = { kind: 'broken', why: 'cannot open shared object' };
const SILENT: Answer = { kind: 'silent', withinMs: 1800 };

describe('versions', () => {
  test.each([
    ['tmux 3.3a', 3, 3, '3.3a'],
    ['tmux 3.4', 3, 4, '3.4'],
    ['tmux next-3.6', 3, 6, 'next-3.6'],
    ['tmux 3.5-rc2', 3, 5, '3.5-rc2'],
    ['git version 2.39.5', 2, 39, '2.39.5'],
    ['git version 2.39.5 (Apple Git-154)', 2, 39, '2.39.5'],
    ['git version 2.45.1.windows.1', 2, 45, '2.45.1.windows.1'],
    ['2.1.329 (Claude Code)', 2, 1, '2.1.329'],
    ['v20.19.0', 20, 19, 'v20.19.0'],
    ['24.0.0-nightly\nmore 9.9', 24, 0, '24.0.0-nightly'],
  ])('%j is read', (text, major, minor, own) => {
    expect(readVersion(text)).toEqual({ major, minor, text: own });
  });

  test.each(['tmux master', 'tmux openbsd-7.4', '', 'usage: tmux'])('%j holds none', (text) => {
    expect(readVersion(text)).toBeNull();
  });

  test.each([
    ['3.3', '3.3', true],
    ['3.2', '3.3', false],
    ['4.0', '3.3', true],
    ['2.9', '2.30', false],
    ['2.100', '2.30', true],
  ])('%s is at least %s: %s', (text, needed, expected) => {
    const version = readVersion(text);
    expect(version && isAtLeast(version, needed)).toBe(expected);
  });

  it('cuts a long first line', () => {
    expect(firstLine(`\n${'x'.repeat(500)}\nsecond`)).toBe('x'.repeat(200));
  });
});

describe('programs', () => {
  test.each([
    ['v20.19.0', 'ok'],
    ['v24.1.0', 'ok'],
    ['v20.18.3', 'missing'],
    ['v18.20.0', 'missing'],
  ])('node %s: %s', (version, state) => {
    const verdict = judgeNode(version);
    expect(verdict).toMatchObject({ state, found: expect.stringContaining(version) as string });
    expect(verdict.fix === null).toBe(state === 'ok');
  });

  test.each<[Answer, string, string, string | null]>([
    [said('tmux 3.3a'), 'ok', '3.3a', null],
    [said('tmux next-3.6'), 'ok', 'next-3.6', null],
    [said('tmux 3.2a'), 'warning', '3.2a, older than 3.3: untested', 'Where the system has a newer one: get tmux'],
    [said('tmux master'), 'warning', 'tmux master, a version that cannot be compared: untested', null],
    [said('tmux openbsd-7.4'), 'warning', 'tmux openbsd-7.4, a version that cannot be compared: untested', null],
    [ABSENT, 'missing', 'not found on the PATH', 'get tmux'],
    [BROKEN, 'missing', 'tmux -V failed: cannot open shared object', 'get tmux'],
    [SILENT, 'warning', 'tmux -V did not answer within 1800 ms', 'Run it by hand and see: tmux -V'],
  ])('tmux %j: %s', (answer, state, found, fix) => {
    expect(judgeTmux(answer, 'get tmux')).toEqual({ state, found, fix });
  });

  test.each<[Answer, string, string | null]>([
    [said('git version 2.30.0'), 'ok', null],
    [said('git version 2.39.5 (Apple Git-154)'), 'ok', null],
    [said('git version 2.29.9'), 'missing', 'Install git 2.30 or newer.'],
    [said('git version 1.8.3.1'), 'missing', 'Install git 2.30 or newer.'],
    [ABSENT, 'missing', 'Install git 2.30 or newer.'],
    [SILENT, 'warning', 'Run it by hand and see: git --version'],
  ])('git %j without a package manager: %s', (answer, state, fix) => {
    expect(judgeGit(answer, null)).toMatchObject({ state, fix });
  });

  const INSTALL = 'npm install -g @anthropic-ai/claude-code';
  test.each<[Answer, string, boolean, string, string | null]>([
    [said('2.1.329 (Claude Code)'), 'claude', true, 'ok', null],
    [ABSENT, 'claude', true, 'missing', INSTALL],
    [ABSENT, 'claude', false, 'warning', INSTALL],
    [BROKEN, 'claude', true, 'missing', INSTALL],
    [SILENT, 'claude', true, 'warning', 'Run it by hand and see: claude --version'],
    [
      ABSENT,
      'my-claude',
      true,
      'missing',
      `Correct providers.claude_code.command (now my-claude) in tmops.config.yaml, or: ${INSTALL}`,
    ],
  ])('claude code %j as %s, default %s: %s', (answer, command, isDefault, state, fix) => {
    expect(judgeClaude(answer, { command, isDefault })).toMatchObject({ state, fix });
  });
});

describe('package managers', () => {
  const installers = readInstallers(readFileSync('config/package-managers.json', 'utf8'));
  const root = { isRoot: true, hasSudo: false };
  const user = { isRoot: false, hasSudo: true };
  const bare = { isRoot: false, hasSudo: false };

  test.each<[readonly string[], Parameters<typeof installWords>[3], string | null]>([
    [['apt-get'], root, 'apt-get update && apt-get install -y tmux'],
    [['apt-get'], user, 'sudo apt-get update && sudo apt-get install -y tmux'],
    [['apt-get'], bare, "su -c 'apt-get update && apt-get install -y tmux'"],
    [['apt-get', 'brew'], user, 'sudo apt-get update && sudo apt-get install -y tmux'],
    [['dnf', 'yum'], root, 'dnf install -y tmux'],
    [['yum'], user, 'sudo yum install -y tmux'],
    [['pacman'], root, 'pacman -Sy --noconfirm tmux'],
    [['apk'], root, 'apk add --no-cache tmux'],
    [['zypper'], root, 'zypper --non-interactive install tmux'],
    [['brew'], user, 'brew install tmux'],
    [['brew'], bare, 'brew install tmux'],
    [[], root, null],
  ])('%j as %j', (present, rights, words) => {
    expect(installWords('tmux', installers, new Set(present), rights)).toBe(words);
  });

  it('refuses a file of another shape', () => {
    expect(() => readInstallers('[{"program": "apt-get"}]')).toThrow(/needsRoot/);
  });
});

describe('login', () => {
  const none: LoginFacts = {
    variables: [],
    passedOn: ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_USE_BEDROCK'],
    hasCredentials: false,
    namesAccount: false,
    isMac: false,
    isDefault: true,
  };
  test.each<[string, Partial<LoginFacts>, string, string]>([
    ['a key', { variables: ['ANTHROPIC_API_KEY'] }, 'ok', 'ANTHROPIC_API_KEY set'],
    ['a cloud provider', { variables: ['CLAUDE_CODE_USE_BEDROCK'] }, 'ok', 'CLAUDE_CODE_USE_BEDROCK set'],
    ['stored credentials', { hasCredentials: true }, 'ok', 'credentials are stored'],
    ['an account', { namesAccount: true }, 'ok', 'its configuration names an account'],
    ['a key kept back', { variables: ['ANTHROPIC_AUTH_TOKEN'] }, 'warning', 'not passed on'],
    ['a key kept back beside an account', { variables: ['ANTHROPIC_AUTH_TOKEN'], namesAccount: true }, 'ok', 'account'],
    ['nothing', {}, 'warning', 'no sign of a login'],
    ['nothing on macOS', { isMac: true }, 'warning', 'keychain'],
    ['nothing, but other agents', { isDefault: false }, 'ok', 'not needed'],
  ])('%s', (_what, facts, state, found) => {
    const verdict = judgeLogin({ ...none, ...facts });
    expect(verdict).toMatchObject({ state, found: expect.stringContaining(found) as string });
    expect(verdict.fix === null).toBe(state === 'ok');
  });
});

describe('logging out', () => {
  test.each<[LogoutFacts, string, string | null]>([
    [null, 'ok', null],
    [{ kills: false, lingers: false, inUserManager: false }, 'ok', null],
    [{ kills: true, lingers: false, inUserManager: false }, 'warning', 'loginctl enable-linger'],
    [{ kills: true, lingers: true, inUserManager: false }, 'warning', 'systemd-run --user --scope tmops start'],
    [{ kills: true, lingers: true, inUserManager: true }, 'ok', null],
    [{ kills: false, lingers: false, inUserManager: true }, 'warning', 'loginctl enable-linger'],
  ])('%j: %s', (facts, state, fix) => {
    const verdict = judgeLogout(facts);
    expect(verdict.state).toBe(state);
    if (fix === null) expect(verdict.fix).toBeNull();
    else expect(verdict.fix).toContain(fix);
  });

  test.each([
    ['KillUserProcesses=no', false],
    ['KillUserProcesses=yes\nKillExcludeUsers=root', true],
    ['KillUserProcesses=yes\nKillOnlyUsers=\nKillExcludeUsers=root ann', false],
    ['KillUserProcesses=yes\nKillOnlyUsers=bob', false],
    ['KillUserProcesses=yes\nKillOnlyUsers=bob ann', true],
    ['', false],
  ])('%j ends what ann runs: %s', (text, expected) => {
    expect(killsProcessesOf('ann', text)).toBe(expected);
  });
});

describe('the rest', () => {
  test.each<[Record<string, string>, string, string]>([
    [{ LANG: 'C.UTF-8' }, 'ok', 'LANG=C.UTF-8'],
    [{ LANG: 'de_DE.utf8' }, 'ok', 'LANG=de_DE.utf8'],
    [{ LC_ALL: 'C', LANG: 'C.UTF-8' }, 'warning', 'LC_ALL=C'],
    [{ LC_ALL: '', LC_CTYPE: 'UTF-8' }, 'ok', 'LC_CTYPE=UTF-8'],
    [{ LANG: 'en_US.ISO-8859-1' }, 'warning', 'LANG=en_US.ISO-8859-1'],
    [{}, 'warning', 'no locale is set'],
  ])('encoding %j: %s', (env, state, found) => {
    expect(judgeEncoding(env)).toMatchObject({ state, found: expect.stringContaining(found) as string });
  });

  test.each<[Parameters<typeof judgeTrust>[0], string]>([
    [{ state: 'trusted', isDefault: true, startRecords: false }, 'ok'],
    [{ state: 'untrusted', isDefault: true, startRecords: false }, 'warning'],
    [{ state: 'unknown', isDefault: true, startRecords: false }, 'warning'],
    [{ state: 'untrusted', isDefault: true, startRecords: true }, 'ok'],
    [{ state: 'untrusted', isDefault: false, startRecords: false }, 'ok'],
  ])('trust %j: %s', (facts, state) => {
    const verdict = judgeTrust(facts);
    expect(verdict.state).toBe(state);
    if (state === 'warning') expect(verdict.fix).toContain('--trust');
  });

  it('tells faults of the configuration whole', () => {
    expect(judgeConfiguration([])).toEqual({ state: 'ok', found: 'valid', fix: null });
    expect(judgeConfiguration(['a:1:2: x'])).toEqual({ state: 'missing', found: 'a fault in it', fix: 'a:1:2: x' });
    expect(judgeConfiguration(['a', 'b'])).toEqual({ state: 'missing', found: '2 faults in it', fix: 'a\nb' });
  });

  it('passes on what others found', () => {
    const failure = { sentence: 'It is not so.', hint: 'Make it so.' };
    const wrong = { state: 'missing', found: 'It is not so.', fix: 'Make it so.' };
    expect(judgeWorkspace({ ok: true, root: '/a' })).toEqual({ state: 'ok', found: '/a', fix: null });
    expect(judgeWorkspace({ ok: false, failure })).toEqual(wrong);
    expect(judgeSocket({ ok: true, socketPath: '/tmp/ä.sock' }).found).toBe('/tmp/ä.sock (12 bytes)');
    expect(judgeSocket({ ok: false, failure })).toEqual(wrong);
    expect(judgeSupervisor(12)).toEqual({ state: 'ok', found: 'process 12', fix: null });
    expect(judgeSupervisor(null).state).toBe('ok');
  });

  test.each([
    [
      'EACCES',
      `See whose it is: ls -ld '/it'\\''s'; make it yours to write: chmod -R u+rwX '/it'\\''s', or: sudo chown -R "$(id -un)" '/it'\\''s'`,
    ],
    [
      'EROFS',
      `It is mounted read-only; see: findmnt -T '/it'\\''s'; then: sudo mount -o remount,rw "$(findmnt -no TARGET -T '/it'\\''s')"`,
    ],
    ['ENOSPC', "The disk is full; see: df -h '/it'\\''s'"],
  ])('a folder that refuses with %s', (code, fix) => {
    expect(judgeWriting(['/a', "/it's"], [{ folder: "/it's", code }])).toEqual({
      state: 'missing',
      found: `cannot write to /it's (${code})`,
      fix,
    });
  });
});
