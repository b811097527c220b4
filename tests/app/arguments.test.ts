import { expect, test } from 'vitest';
import { BAD_ARGUMENTS, checkArguments } from '../../src/app/arguments.ts';
import { operations } from '../../src/app/table.ts';

const naming = { operation: 'tmops wait', argument: (key: string): string => (key === 'feature' ? key : `--${key}`) };

test('what fits is given back with its defaults', () => {
  expect(checkArguments(operations.wait, { feature: 'auth-api' }, naming)).toEqual({
    ok: true,
    input: { feature: 'auth-api', until: 'completed', timeoutMs: 50_000 },
  });
});

test.each<[string, unknown, string]>([
  ['nothing', {}, 'feature is missing'],
  ['a name that is none', { feature: 'A B' }, 'feature is "A B": a feature name is 3 to 20'],
  ['an unknown name', { feature: 'abc', colour: 1 }, 'it does not take "colour"'],
  ['a choice that is none', { feature: 'abc', until: 'noon' }, '--until is "noon", not one of completed, step, change'],
  ['a wrong type', { feature: 'abc', cursor: 'one' }, '--cursor is "one", not of type number'],
  ['too much', { feature: 'abc', timeoutMs: 60_000 }, '--timeoutMs is 60000: '],
  ['a long value', { feature: 'x'.repeat(500) }, `feature is "${'x'.repeat(79)}…: `],
  ['no object', 'auth-api', 'is "auth-api", not of type object'],
])('%s is refused by name, with what was received', (_, raw, says) => {
  const checked = checkArguments(operations.wait, raw, naming);
  expect(checked).toMatchObject({
    ok: false,
    failure: { code: BAD_ARGUMENTS, hint: 'It takes: feature (required), --until, --cursor, --timeoutMs.' },
  });
  expect(!checked.ok && checked.failure.sentence).toContain(says);
  expect(!checked.ok && checked.failure.sentence).toContain('tmops wait cannot run: ');
});

test('an operation without arguments says so', () => {
  const checked = checkArguments(operations.list, { all: true }, { ...naming, operation: 'tmops list' });
  expect(!checked.ok && checked.failure.hint).toBe('It takes no arguments.');
});

test('no more faults are told than one can read', () => {
  const checked = checkArguments(
    operations.list,
    Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => [key, 1])),
    naming,
  );
  expect(!checked.ok && checked.failure.sentence.match(/does not take/g)).toHaveLength(5);
});

test('what is quoted is short and harmless, however deep, large or strange it is', () => {
  let deep: unknown = [];
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  const sentenceOf = (raw: unknown): string => {
    const checked = checkArguments(operations.adopt, raw, naming);
    return checked.ok ? '' : checked.failure.sentence;
  };
  expect(sentenceOf({ feature: deep })).toContain('feature is [[[["…"]]]], not of type string');
  expect(sentenceOf({ feature: '\x7f\u009b2J\u202e' })).toContain(
    'feature is "\\u{7f}\\u{9b}2J\\u{202e}": a feature name',
  );
  expect(sentenceOf({ feature: 'abc', panes: { 'A\x1b[2J': '%1' } })).toMatch(
    /--panes\."A\\u001b\[2J" has a name that is none: /,
  );
  const strange = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => ['x'.repeat(100) + String(at), at]));
  expect(sentenceOf({ feature: 'abc', panes: strange, ...strange }).length).toBeLessThan(2000);
});
