import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { command, duration, fill, insideFeature, template } from '../../src/config/fields.ts';
import { nearest } from '../../src/config/nearest.ts';
import { expectation, shapeOf } from '../../src/config/shape.ts';
import { splitWords } from '../../src/config/words.ts';

describe('a command line is split without a shell', () => {
  const rows: [string, string[]][] = [
    ['npm test', ['npm', 'test']],
    ['  npm\ttest \n', ['npm', 'test']],
    [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
    [`a"b c"'d'e`, ['ab cde']],
    [`'' ""`, ['', '']],
    [`a\\ b \\"`, ['a b', '"']],
    [`"a\\"b" '\\'`, ['a"b', '\\']],
    [`"a\\nb"`, ['a\\nb']],
    ['vitest run tests/**/*.test.ts ~/x {a,b}', ['vitest', 'run', 'tests/**/*.test.ts', '~/x', '{a,b}']],
    [`sh -c 'a && b | c'`, ['sh', '-c', 'a && b | c']],
    ['env CI=1 npm test', ['env', 'CI=1', 'npm', 'test']],
    ['', []],
  ];
  test.each(rows)('%j', (line, words) => {
    expect(splitWords(line)).toEqual({ ok: true, words });
  });

  const refused: [string, string][] = [
    ['a && b', '&&'],
    ['a || b', '||'],
    ['a; b', ';'],
    ['a | b', '|'],
    ['a > b', '>'],
    ['a 2>&1', '>'],
    ['a &', '&'],
    ['a $HOME', '$'],
    ['a `b`', '`'],
    ['(a)', '('],
    [`a 'b`, `'`],
    ['a "b', '"'],
    ['a \\', '\\'],
    ['CI=1 npm test', 'CI='],
  ];
  test.each(refused)('%j needs a shell', (line, found) => {
    expect(splitWords(line)).toEqual({ ok: false, found });
  });

  test.each(['', '   ', `''`])('%j names no program', (line) => {
    expect(command().safeParse(line).success).toBe(false);
  });
});

test('durations', () => {
  const seconds = duration('seconds', 1000);
  const values = ['1s', '90', '1.5m', ' 2h ', '10 s', '1d', 1, 0.9, -1, NaN, 'never', '24d', '25d', '1500ms'];
  expect(values.map((value) => seconds.safeParse(value).data)).toEqual([
    1000,
    undefined,
    90_000,
    7_200_000,
    10_000,
    86_400_000,
    1000,
    undefined,
    undefined,
    undefined,
    undefined,
    2_073_600_000,
    undefined,
    1500,
  ]);
  expect(duration('milliseconds', 0).parse(12.4)).toBe(12);
});

describe('templates', () => {
  const rows: [string, boolean][] = [
    ['plain/path', true],
    ['{feature}/{run}', true],
    ['{feature}{feature}', true],
    ['{Feature}', false],
    ['{}', false],
    ['{feature', false],
    ['feature}', false],
    ['{{feature}}', false],
    ['a\0b', false],
    ['', false],
  ];
  test.each(rows)('%j', (text, ok) => {
    expect(template(['feature', 'run']).safeParse(text).success).toBe(ok);
  });

  const inside: [string, boolean][] = [
    ['.tmops/{feature}/runs/{run}/checkpoints', true],
    ['./.tmops/{feature}/checkpoints', true],
    ['.tmops/{feature}/a/../b', true],
    ['.tmops/{feature}', false],
    ['.tmops/{feature}x/y', false],
    ['.tmops/other/{feature}', false],
    ['.tmops/{feature}/..', false],
    ['.tmops/{feature}/../../x', false],
    ['/.tmops/{feature}/x', false],
    ['../.tmops/{feature}/x', false],
  ];
  test.each(inside)('inside the feature: %j', (text, ok) => {
    expect(insideFeature(['feature', 'run']).safeParse(text).success).toBe(ok);
  });

  test('are filled in once', () => {
    expect(fill('{repo}.tmops/{feature}', { repo: '/a/{feature}', feature: 'x' })).toBe('/a/{feature}.tmops/x');
    expect(() => fill('{run}', {})).toThrow('Internal error: no value for {run}');
  });
});

test('the nearest name', () => {
  const known = ['concurrent_limit', 'default_phases', 'enabled', 'env', 'args'];
  const rows: [string, string | null][] = [
    ['concurent_limit', 'concurrent_limit'],
    ['concurrentLimit', 'concurrent_limit'],
    ['enabeld', 'enabled'],
    ['evn', 'env'],
    ['arguments', null],
    ['x'.repeat(200), null],
    ['', null],
  ];
  expect(rows.map(([name]) => nearest(name, known))).toEqual(rows.map(([, best]) => best));
});

test('what a schema allows, in words', () => {
  const rows: [z.ZodType, string][] = [
    [z.string(), 'text'],
    [z.string().min(1), 'text that is not empty'],
    [z.int(), 'a whole number'],
    [z.number().min(2), 'a number from 2'],
    [z.number().max(2), 'a number up to 2'],
    [z.int().min(1).max(3).nullable(), 'a whole number from 1 to 3, or null'],
    [z.enum(['a', 'b']), 'one of a, b'],
    [z.literal('rest'), 'rest'],
    [z.union([z.literal('rest'), z.array(z.string())]), 'rest, or a list, each text'],
    [z.record(z.string(), z.boolean()), 'a map of names, each with true or false'],
    [z.strictObject({ a: z.string(), b: z.null() }), 'a map of a, b'],
    [z.unknown(), 'a value'],
    [z.boolean().default(true).describe('x'), 'true or false'],
  ];
  expect(rows.map(([schema]) => expectation(shapeOf(schema)))).toEqual(rows.map(([, words]) => words));
});
