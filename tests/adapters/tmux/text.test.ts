import { describe, expect, it } from 'vitest';
import { childArguments, cutAtMarks, quote, withMarks } from '../../../src/adapters/tmux/commands.ts';
import { shown, unexpanded, unshown, wholeRowPattern } from '../../../src/adapters/tmux/text.ts';

describe('quote', () => {
  it.each([
    ['', "''"],
    ['a b;', "'a b;'"],
    ["it's", "'it'\\''s'"],
    ['$x ~ #{y} \\', "'$x ~ #{y} \\'"],
    ['\r', `''"\\r"''`],
    ['\x1b[A', `''"\\e"'[A'`],
    ['%1', "'%1'"],
  ])('writes %j as %s', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  it.each(['a\nb', '\0', '\x9b1m', '\x85', '\ud800'])('refuses %j', (text) => {
    expect(() => quote(text)).toThrow('Internal error');
  });
});

describe('chains', () => {
  it('escapes a last semicolon in the arguments of a process', () => {
    expect(
      childArguments([
        ['set-buffer', 'a;'],
        ['x', ';', 'b\\;', 'c;d'],
      ]),
    ).toEqual(['set-buffer', 'a\\;', ';', 'x', '\\;', 'b\\\\;', 'c;d']);
  });

  it('tells apart what each command printed', () => {
    const chain = [['list-a'], ['set-option', 'x'], ['list-b'], ['list-c'], ['set-buffer']];
    const mark = ['display-message', '-p', 'M'];
    expect(withMarks(chain, 'M')).toEqual([
      ['list-a'],
      mark,
      ['set-option', 'x'],
      ['list-b'],
      mark,
      ['list-c'],
      mark,
      ['set-buffer'],
    ]);
    expect(cutAtMarks(chain, ['1', 'M', 'M', '3', '', 'M'], 'M')).toEqual([['1'], [], [], ['3', ''], []]);
    expect(cutAtMarks([['list-a']], [], 'M')).toEqual([[]]);
  });
});

describe('shown', () => {
  it.each([
    ['plain', 'plain'],
    ['#[fg=red] #(touch x)', '##[fg=red] ##(touch x)'],
    ['two\nlines\x1b', 'two lines '],
    ['🙂'.repeat(400), '🙂'.repeat(300)],
  ])('makes %j harmless', (text, result) => {
    expect(shown(text)).toBe(result);
  });

  it('can be undone', () => {
    expect(unshown(shown('a#b##c###[d'))).toBe('a#b##c###[d');
  });
});

describe('unexpanded', () => {
  it.each([
    ['/a b/c', '/a b/c'],
    ['/50%d', '/50%d'],
    ['/#{pane_id}', '/##{pane_id}'],
    ['/a##b#', '/a####b##'],
    ['/#[x]##[y]', '/#[x]##[y]'],
  ])('writes %j as %s', (text, result) => {
    expect(unexpanded(text)).toBe(result);
  });
});

describe('wholeRowPattern', () => {
  it.each([
    ['Read it. [tmops#7]', '^Read it[.] [[]tmops[#]7[]]( |\u00a0)*$'],
    ['a^b\\c{d}e%f   ', '^a\\^b[\\]c[{]d.e.f( |\u00a0)*$'],
    ['❯\u00a0ü🙂 é', '^❯\u00a0ü🙂 é( |\u00a0)*$'],
  ])('finds %j with %s', (row, pattern) => {
    expect(wholeRowPattern(row)).toBe(pattern);
  });

  it.each(['', '   ', 'a\x07'])('refuses %j', (row) => {
    expect(() => wholeRowPattern(row)).toThrow('Internal error');
  });
});
