import { describe, expect, test } from 'vitest';
import { PERMISSION_MODES, refuseArgs, refuseMode } from '../../../src/adapters/agents/claude-args.ts';

describe('arguments that break the way Claude Code is run', () => {
  test.each([
    ['-p'],
    ['--print'],
    ['--output-format', 'json'],
    ['--input-format=stream-json'],
    ['--dangerously-skip-permissions'],
    ['--allow-dangerously-skip-permissions'],
    ['--session-id', 'x'],
    ['--resume'],
    ['-r', 'x'],
    ['-c'],
    ['--continue'],
    ['--fork-session'],
    ['--settings', '{}'],
    ['--settings={}'],
    ['--mcp-config', 'x.json'],
    ['--strict-mcp-config'],
    ['--permission-mode', 'bypassPermissions'],
    ['--permission-mode=auto'],
    ['--permission-mode'],
    ['--tmux'],
    ['-w'],
    ['--worktree', 'x'],
    ['--bare'],
    ['--safe-mode'],
    ['--bg'],
    ['--name', 'x'],
    ['--'],
    ['-pc'],
    ['-vd'],
    ['mcp', 'list'],
    ['fix the tests'],
    ['--help'],
    ['--ax-screen-reader'],
    ['--prompt-suggestions', 'true'],
  ])('%s %s', (...args) => {
    const refused = refuseArgs(args);
    expect(refused.length).toBeGreaterThan(0);
    for (const one of refused) {
      expect(one.arg.startsWith(args[0])).toBe(true);
      expect(one.why).toMatch(/^.{10,}[^.]$/);
      expect(one.instead).toMatch(/^[A-Z].{5,}\.$/);
    }
  });

  test('each is told, in order', () => {
    const refused = refuseArgs(['--print', '--model', 'opus', '-c', '--permission-mode', 'auto']);
    expect(refused.map((one) => one.arg)).toEqual(['--print', '-c', '--permission-mode auto']);
  });
});

test.each([
  [[]],
  [['--model', 'opus']],
  [['--model=opus', '--effort', 'high']],
  [['--permission-mode', 'plan']],
  [['--permission-mode=dontAsk']],
  [['--setting-sources', 'user']],
  [['--append-system-prompt', 'Speak plainly.']],
  [['--add-dir', '/a', '/b']],
  [['--allowedTools', 'Bash(npm run lint)', '--fallback-model', 'sonnet']],
  // What looks like a short flag is the value of one.
  [['-dprint']],
])('%j may be given', (args) => {
  expect(refuseArgs(args)).toEqual([]);
});

test('permission modes', () => {
  expect(PERMISSION_MODES.map((mode) => refuseMode(mode))).toEqual(PERMISSION_MODES.map(() => null));
  for (const mode of ['bypassPermissions', 'auto', 'default', 'yolo', '', 'toString']) {
    expect(refuseMode(mode), mode).toMatchObject({ instead: 'Use one of acceptEdits, manual, dontAsk, plan.' });
  }
});

test('what unsafe.permission_bypass allows is passed, and nothing else', () => {
  const bypassing = ['--dangerously-skip-permissions', '--permission-mode', 'bypassPermissions'];
  expect(refuseArgs(bypassing, true)).toEqual([]);
  expect(refuseArgs(bypassing)).toHaveLength(2);
  expect(refuseArgs(['-p', '--bare'], true)).toHaveLength(2);
  expect([refuseMode('auto', true), refuseMode('bypassPermissions', true)]).toEqual([null, null]);
  expect(refuseMode('yolo', true)).not.toBeNull();
});
