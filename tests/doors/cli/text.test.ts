import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { age, colourInk, duration, noInk } from '../../../src/doors/cli/look.ts';
import { table } from '../../../src/doors/cli/table.ts';
import { clean, cleanLine, fit, printableJson, widthOf, wrap } from '../../../src/doors/cli/text.ts';

const HOSTILE = '\u001b[31mred\u001b[0m \u001b]0;title\u0007\u009b2J\u202Eback\u200b\u0000\r\u0008!';

test.each([
  ['plain text stays', 'a – ü 漢字', 'a – ü 漢字'],
  ['tabs become spaces', 'a\tb', 'a  b'],
  ['lines stay', 'a\nb', 'a\nb'],
  ['escapes and invisible characters go', HOSTILE, 'red 2Jback!'],
])('clean: %s', (_, text, shown) => {
  expect(clean(text)).toBe(shown);
});

test('cleanLine joins lines', () => {
  expect(cleanLine('one \n\n two\r\nthree')).toBe('one two three');
});

test('nothing printed can act on a terminal, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(clean(text)).not.toMatch(/[^\P{C}\n]/u);
      expect(printableJson({ text })).not.toMatch(/[^\P{C}\n]/u);
      expect(JSON.parse(printableJson({ text }))).toEqual({ text });
    }),
  );
});

test.each([
  ['ascii', 'abc', 3],
  ['wide', '漢字', 4],
  ['emoji', '✅', 2],
  ['combining', 'e\u0301', 1],
])('width of %s', (_, text, width) => {
  expect(widthOf(text)).toBe(width);
});

test.each<[string, number, string]>([
  ['exactly', 7, 'exactly'],
  ['too long', 7, 'too lo…'],
  ['cut at space', 5, 'cut…'],
  ['漢字漢字', 5, '漢字…'],
  ['abc', 1, '…'],
  ['abc', 0, ''],
  ['abc', Infinity, 'abc'],
])('fit %j in %j', (text, columns, shown) => {
  expect(fit(text, columns)).toBe(shown);
});

test('fit and wrap never exceed their room', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 3, max: 40 }), (text, columns) => {
      expect(widthOf(fit(clean(text), columns))).toBeLessThanOrEqual(columns);
      for (const line of wrap(cleanLine(text), columns, '  ')) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }),
  );
});

test('wrap breaks at spaces', () => {
  expect(wrap('the tester writes tests', 12, '  ')).toEqual(['  the tester', '  writes', '  tests']);
});

test.each([
  [0, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [3_599_000, '59m'],
  [3_600_000, '1h'],
  [7_500_000, '2h 5m'],
  [90_000_000, '1d'],
  [-5, '0s'],
])('a duration of %d ms is %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test('age counts from an ISO time', () => {
  expect(age('2026-01-02T10:00:00.000Z', Date.parse('2026-01-02T10:04:30.000Z'))).toBe('4m');
});

describe('table', () => {
  const look = { columns: Infinity, ink: noInk, now: 0 };
  const rows = [
    ['tester', ['busy', 'good'] as const, null, 'npm test'],
    ['verifier', 'none', null, null],
  ];

  test('columns are aligned, an empty one is left out, nothing trails', () => {
    expect(table(['ROLE', 'STATE', 'EMPTY', 'DETAIL'], rows, look)).toEqual([
      '  ROLE      STATE  DETAIL',
      '  tester    busy   npm test',
      '  verifier  none',
    ]);
  });

  test('colours do not disturb the columns', () => {
    const coloured = table(['ROLE', 'STATE', 'EMPTY', 'DETAIL'], rows, { ...look, ink: colourInk });
    expect(coloured[1]).toContain('\u001b[32mbusy\u001b[0m');
    expect(coloured.map(clean)).toEqual(table(['ROLE', 'STATE', 'EMPTY', 'DETAIL'], rows, look));
  });

  test.each([80, 26, 22, 14, 9, 4, 2])('a line never exceeds %d columns', (columns) => {
    for (const line of table(['ROLE', 'STATE', 'EMPTY', 'DETAIL'], rows, { ...look, columns })) {
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
  });

  test('no rows, no lines; text of agents is cleaned', () => {
    expect(table(['A'], [], look)).toEqual([]);
    expect(table(['A'], [[HOSTILE + '\nmore']], look)[1]).toBe('  red 2Jback! more');
  });
});
