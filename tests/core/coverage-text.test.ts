import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coverageIn } from '../../src/core/coverage-text.ts';

const percentIn = (text: string): number | null => coverageIn(text)?.percent ?? null;

const ISTANBUL = `-----------|---------|----------|---------|---------|-------------------
File       | % Stmts | % Branch | % Funcs | % Lines | Uncovered Line #s
-----------|---------|----------|---------|---------|-------------------
All files  |    87.5 |       75 |      90 |   91.66 |
 sum.ts    |    87.5 |       75 |      90 |   91.66 | 3-5
-----------|---------|----------|---------|---------|-------------------
`;

describe('the totals of the usual tools', () => {
  const told: [string, string, number][] = [
    ['istanbul, c8, jest, vitest', ISTANBUL, 91.66],
    ['the same without its head', 'All files  |    87.5 |       75 |      90 |   91.66 |', 91.66],
    ['a table of one column', 'All files | 87.5 |', 87.5],
    ['the short report of istanbul', 'Statements   : 80% ( 8/10 )\nLines        : 87.5% ( 7/8 )\n', 87.5],
    ['bun', 'File      | % Funcs | % Lines | Uncovered Line #s\nAll files |   66.67 |   77.78 |\n', 77.78],
    [
      'deno',
      '| File      | Branch % | Line % |\n| a.ts      |     50.0 |   70.0 |\n| All files |     80.0 |   90.0 |',
      90,
    ],
    [
      'node:test, TAP',
      '# file      | line % | branch % | funcs % | uncovered lines\n# all files | 95.00 | 80.00 | 100.00 |\n',
      95,
    ],
    ['node:test, spec', '\u2139 all files   |  95.12 |    80.00 |  100.00 | \n\u2139 end of coverage report', 95.12],
    ['coverage.py', 'Name    Stmts   Miss  Cover\nsum.py     10      1    90%\nTOTAL      1234    160    87%\n', 87],
    ['coverage.py with branches and places', 'TOTAL   100   5   20   2   92.7%', 92.7],
    ['go, one package', 'ok  \texample.com/a\t0.003s\tcoverage: 87.5% of statements', 87.5],
    ['go tool cover -func', 'a.go:3:\tSum\t\t100.0%\ntotal:\t\t\t(statements)\t\t87.5%\n', 87.5],
    ['tarpaulin', '|| src/lib.rs: 7/8\n||\n87.50% coverage, 7/8 lines covered\n', 87.5],
    ['llvm-cov', 'TOTAL  10  2  80.00%  5  1  81.00%  100  13  87.00%  0  0  -\n', 87],
    ['simplecov', 'Line Coverage: 87.5% (70 / 80)\nBranch Coverage: 50.0% (1 / 2)', 87.5],
    ['simplecov of old', 'Coverage report generated for RSpec to /x. 70 / 80 LOC (87.5%) covered.', 87.5],
    ['lcov', '  lines......: 87.5% (70 of 80 lines)\n  functions..: 50.0% (1 of 2 functions)', 87.5],
  ];
  it.each(told)('%s', (_tool, text, percent) => {
    expect(percentIn(text)).toBe(percent);
  });

  it('the last one counts, with the line it was read from', () => {
    expect(coverageIn(`TOTAL 10 5 50%\nmore\nTOTAL   10   1   90%  \nmore\n`)).toEqual({
      percent: 90,
      line: 'TOTAL 10 1 90%',
    });
  });

  it('of several Go packages the lowest, each as it was told last', () => {
    const row = (name: string, percent: number): string => `ok  \t${name}\t0.1s\tcoverage: ${percent}% of statements`;
    expect(percentIn([row('x/a', 10), row('x/a', 80), row('x/b', 95)].join('\n'))).toBe(80);
    expect(percentIn(`${row('x/a', 10)}\ntotal:\t(statements)\t60.0%`)).toBe(60);
  });

  it('whatever colours are in it, and CRLF', () => {
    expect(
      percentIn('\u001b[32;1mAll files\u001b[0m |\u001b[33m 87.5 \u001b[0m| 1 | 2 | \u001b[1m80\u001b[0m |\r\nx\r\n'),
    ).toBe(80);
  });
});

it('is null where no tool tells a total', () => {
  for (const text of [
    '',
    'all is well',
    'TOTAL 100',
    'coverage: 50%',
    'All files | none |',
    'All files | 500 |',
    'TOTAL 101%',
  ])
    expect(coverageIn(text), text).toBeNull();
});

it('is quick whatever the text', () => {
  const megabyte = (piece: string): string => piece.repeat(Math.ceil(1_000_000 / piece.length));
  const pieces = [
    ...[
      'All files | 500 |\n',
      'all files |',
      '\u001b[',
      '\u001b]',
      '\u001b[1',
      'TOTAL ',
      'TOTAL 1% ',
      ' ',
      '9',
      '1.',
      '\n',
      '|',
    ],
    ...[
      'x coverage: 500% of statements\n',
      'coverage: 1% of statements ',
      'lines......',
      'Lines : ',
      '1 / 1 LOC (',
      '\t\r',
    ],
    ...['All files | x |\n', 'file | line % |\n', '# ', 'All files' + ' '.repeat(500)],
  ];
  for (const piece of pieces) {
    const before = performance.now();
    coverageIn(megabyte(piece));
    expect(performance.now() - before, JSON.stringify(piece)).toBeLessThan(2_000);
  }
});

it('gives a percentage and a line fit to be shown, whatever the text', () => {
  const piece = fc.constantFrom(
    'All files',
    'all files',
    '|',
    ' ',
    '87.5',
    '%',
    '\n',
    'TOTAL',
    'coverage: ',
    '\u001b[0m',
    '\u0007',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (pieces) => {
      const read = coverageIn(pieces.join(''));
      if (read === null) return;
      expect(read.percent).toBeGreaterThanOrEqual(0);
      expect(read.percent).toBeLessThanOrEqual(100);
      expect(read.line).toMatch(/^[^\p{C}]{1,200}$/u);
    }),
    { numRuns: 3_000 },
  );
});
