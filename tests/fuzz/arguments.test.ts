import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BAD_ARGUMENTS, checkArguments } from '../../src/app/arguments.ts';
import { calls } from '../../src/app/calls.ts';
import { operations, type Operation } from '../../src/app/table.ts';
import { CONTROL, each, fuzz, FUZZ_TIMEOUT_MS, INPUTS } from '../rig/fuzz.ts';
import { hostile, HOSTILE, nested } from '../rig/hostile.ts';

/** Those of users, and those of role servers. */
const all: readonly Operation[] = Object.values(calls);
const naming = (operation: Operation) => ({ operation: operation.name, argument: (key: string): string => key });

/** Five faults of at most a name, a quotation and what is allowed. */
const LONGEST_SENTENCE = 2_500;
/** Arguments that name something on disk or in tmux: they are held to these characters, whatever the schema says. */
const NAME = /^[a-z0-9-]{1,31}$/;
const NAMES = ['feature', 'role', 'step', 'next', 'to'];

const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostile },
  { weight: 2, arbitrary: fc.constantFrom('auth-api', 'tester', 'completed', 'resend', 'claude_code', '%4', 'quad') },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(null, undefined, true, 0, 1, -1, 1.5, 1e21, NaN, Infinity, [], {}, [
      'auth-api',
    ]),
  },
  { weight: 1, arbitrary: hostile.map((key) => Object.fromEntries([[key, '%1']])) },
  { weight: 1, arbitrary: fc.constantFrom(nested(3), nested(100), { toString: 'x', toJSON: 1, length: 3 }) },
);

function argumentsOf(operation: Operation): fc.Arbitrary<unknown> {
  const keys = Object.keys(operation.input.shape);
  const key = keys.length === 0 ? hostile : fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...keys) }, hostile);
  const entries = fc.array(fc.tuple(key, value), { maxLength: 4 });
  // As JSON.parse does, a key `__proto__` becomes one of the object's own.
  const object = fc.tuple(fc.boolean(), entries).map(([isNamed, given]) => {
    const valid: [string, unknown][] = isNamed && keys.includes('feature') ? [['feature', 'auth-api']] : [];
    return Object.fromEntries([...valid, ...given.filter(([name]) => !isNamed || name !== 'feature')]);
  });
  return fc.oneof({ weight: 9, arbitrary: object }, { weight: 1, arbitrary: value });
}

/** Null, or what is wrong: whatever comes is refused in words, or is what the table says. */
function wrongWith(operation: Operation, raw: unknown): string | null {
  const checked = checkArguments(operation, raw, naming(operation));
  const known = Object.keys(operation.input.shape);
  if (!checked.ok) {
    const { code, sentence, hint } = checked.failure;
    const isNamed = [...known, 'the arguments', 'it does not take "'].some((name) => sentence.includes(name));
    if (code !== BAD_ARGUMENTS || !sentence.startsWith(`${operation.name} cannot run: `)) return `refused as ${code}`;
    if (!isNamed || sentence.length > LONGEST_SENTENCE || CONTROL.test(sentence)) return `said ${sentence}`;
    return known.every((key) => hint.includes(key)) ? null : `the hint ${hint}`;
  }
  const strangers = Object.keys(checked.input).filter((key) => !known.includes(key));
  if (strangers.length > 0) return `it took ${strangers.join(', ')}`;
  if (Object.getPrototypeOf(checked.input) !== Object.prototype) return 'it is no plain object';
  const bad = NAMES.filter((key) => {
    const name = checked.input[key];
    return name !== undefined && !(typeof name === 'string' && NAME.test(name));
  });
  return bad.length > 0 ? `it took ${bad.map((key) => `${key} ${String(checked.input[key])}`).join(', ')}` : null;
}

function check(operation: Operation, raw: unknown): void {
  const wrong = wrongWith(operation, raw);
  if (wrong !== null) throw new Error(`${operation.name}: ${wrong}`);
}

test.each(all.map((operation) => [operation.tool, operation] as const))(
  '%s takes what the table says and refuses the rest in words',
  { timeout: FUZZ_TIMEOUT_MS },
  (tool, operation) => {
    const count = Math.ceil(INPUTS / Object.keys(operations).length);
    fuzz(
      `arguments of ${tool}`,
      argumentsOf(operation),
      (raw) => {
        check(operation, raw);
      },
      count,
    );
  },
);

const TAKES_ANY_TEXT = ['comment', 'why', 'text', 'choice', 'layout', 'dialog', 'message', 'content', 'path'];

test('the known hostile texts, as each argument of each operation and as its name', () => {
  for (const operation of all) {
    const keys = Object.keys(operation.input.shape);
    const valid = keys.includes('feature') ? { feature: 'auth-api' } : {};
    const inputs = HOSTILE.flatMap((text) => [
      text,
      ...keys.map((key) => ({ ...valid, [key]: text })),
      Object.fromEntries([...Object.entries(valid), [text, 'x']]),
    ]);
    each(operation.tool, inputs, (raw) => {
      check(operation, raw);
    });
    // Names are refused outright; only a text for a human or an agent may be anything.
    for (const key of keys.filter((each) => !TAKES_ANY_TEXT.includes(each)))
      for (const text of HOSTILE.filter((each) => !/^[a-z0-9-]{3,20}$/.test(each))) {
        const checked = checkArguments(operation, { ...valid, [key]: text }, naming(operation));
        expect(checked.ok, `${operation.tool} took ${key} ${JSON.stringify(text)}`).toBe(false);
      }
  }
});

test.each<[string, unknown]>([
  ['a list in a list in a list', nested(100_000)],
  ['a list of many', Array.from({ length: 100_000 }, () => 'A')],
  ['a map of many', Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, at]))],
  ['a long text', 'A'.repeat(4_000_000)],
])('arguments that aim at time or memory: %s', (_, bomb) => {
  for (const operation of all) {
    const keys = Object.keys(operation.input.shape);
    const inputs = [bomb, ...keys.map((key) => ({ feature: 'auth-api', [key]: bomb })), { panes: { tester: bomb } }];
    each(operation.tool, inputs, (raw) => {
      check(operation, raw);
    });
  }
});
