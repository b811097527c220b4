import { describe, expect, test } from 'vitest';
import { say } from '../../src/config/say.ts';
import type { ConfigFault } from '../../src/config/faults.ts';
import { faultsOf, folder, load } from './workspace.ts';

const BLANK: ConfigFault = {
  kind: 'bad-value',
  file: '/p/f.yaml',
  line: 1,
  column: 1,
  text: '',
  sourceLine: '',
  key: '',
  expected: '',
};

function spoken(yaml: string, env: Record<string, string> = {}): string {
  const root = folder();
  const faults = faultsOf(load({ files: { 'tmops.config.yaml': yaml }, env }, root));
  return faults.map(say).join('\n').replaceAll(root, '/p');
}

describe('a fault for a human', () => {
  test('place, line, underline, suggestion, what is allowed', () => {
    expect(spoken('features:\n  concurrent_limt: 3\n')).toBe(
      [
        '/p/tmops.config.yaml:2:3: unknown key features.concurrent_limt',
        '  2 |   concurrent_limt: 3',
        '    |   ^^^^^^^^^^^^^^^',
        '  did you mean concurrent_limit?',
        '  expected one of concurrent_limit, pane_limit, default_phases, checkpoint_timeout, phase_limit, limit_retry, memory_warning, memory_limit',
      ].join('\n'),
    );
  });

  test('the marks stand under the text, behind tabs too', () => {
    expect(spoken('tmux:\n  cols:\t\t1\n')).toContain('  2 |   cols:\t\t1\n    |        \t\t^\n');
  });

  test('text in quotes keeps its own', () => {
    expect(spoken('isolation: "x"\n')).toContain(': isolation cannot be "x"\n');
    expect(spoken("isolation: 'x'\n")).toContain(": isolation cannot be 'x'\n");
  });

  test('a variable is shown as it was set', () => {
    expect(spoken('', { TMOPS_TMUX_COLS: 'wide' })).toBe(
      [
        'environment:1:17: tmux.cols cannot be "wide"',
        '  1 | TMOPS_TMUX_COLS=wide',
        '    |                 ^^^^',
        '  expected a whole number from 40 to 1000',
      ].join('\n'),
    );
  });

  test('a value that came out of a variable is not repeated', () => {
    const text = spoken('tmux: {cols: "${KEY}"}\n', { KEY: 'sk-very-secret' });
    expect(text).toContain('"${KEY}"');
    expect(text).not.toContain('sk-very-secret');
  });

  test('a long line is cut around the place', () => {
    const lines = spoken(`{layout: ${'x'.repeat(300)}, nope: 1}\n`).split('\n');
    expect(lines[1]?.length).toBeLessThan(120);
    const from = lines[2]?.indexOf('^') ?? -1;
    expect(lines[1]?.slice(from, from + 4)).toBe('nope');
    expect(spoken(`isolation: ${'y'.repeat(300)}\n`)).toContain(`"${'y'.repeat(60)}…"`);
  });

  test('control characters of a file do not reach the terminal', () => {
    expect(spoken('isolation: "\u001b[31mred\u202e"\n')).not.toMatch(/[\u001b\u202e]/);
  });

  const kinds: [ConfigFault['kind'], string][] = [
    ['syntax', 'this cannot be read'],
    ['duplicate-key', 'the key "t" stands here a second time'],
    ['unknown-key', 'unknown key a.b'],
    ['missing-key', 'a.b is missing'],
    ['bad-key', '"t" cannot be a name here (a.b)'],
    ['wrong-type', 'a.b cannot be "t"'],
    ['bad-value', 'a.b cannot be "t"'],
    ['unset-variable', '"t" names a variable that is not set (a.b)'],
    ['bad-expansion', '"t" cannot be expanded (a.b)'],
    ['unknown-variable', 'the variable t stands for no key of the configuration'],
    ['missing-file', '"t" names no file'],
    ['wrong-file', 'this file cannot be used'],
    ['unreadable-file', 'this file cannot be read'],
    ['too-large', 'a.b is too large'],
  ];
  test.each(kinds)('%s', (kind, words) => {
    expect(say({ ...BLANK, kind, key: 'a.b', text: 't' })).toBe(`/p/f.yaml:1:1: ${words}`);
  });

  test('a fault of a whole file', () => {
    expect(say({ ...BLANK, kind: 'missing-file', expected: 'this file' })).toBe(
      '/p/f.yaml:1:1: there is no such file\n  expected this file',
    );
    expect(say({ ...BLANK, kind: 'too-large' })).toBe('/p/f.yaml:1:1: this is too large');
    expect(say({ ...BLANK, kind: 'wrong-type', text: '- a' })).toBe('/p/f.yaml:1:1: the whole cannot be "- a"');
  });
});
