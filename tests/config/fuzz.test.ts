import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { expect, test } from 'vitest';
import { expand } from '../../src/config/expand.ts';
import { say } from '../../src/config/say.ts';
import { configSchema } from '../../src/config/schema.ts';
import { leavesOf, shapeOf } from '../../src/config/shape.ts';
import { splitWords } from '../../src/config/words.ts';
import { variableOf } from '../../src/config/environment.ts';
import { folder, load, SHIPPED } from './workspace.ts';
import type { ConfigResult } from '../../src/config/load.ts';

const SLOWEST_MS = 2000;
const leaves = leavesOf(shapeOf(configSchema)).map(({ path }) => path);
const shippedLines = readFileSync(SHIPPED, 'utf8').split('\n');

const piece = fc.oneof(
  fc.constantFrom(
    ...Array.from('[]{}:,-?&*!|>\'"%@`#$\\\t \n\r'),
    '${',
    '}',
    '$${',
    ':-',
    '---\n',
    '...\n',
    '<<: ',
    '&a ',
    '*a',
    '!!',
    '- ',
    '\n  ',
  ),
  fc.constantFrom(
    ...leaves.map((path) => `${path.at(-1) ?? ''}: `),
    'features:\n',
    'tmux:\n',
    '__proto__: ',
    'true',
    'null',
    '3',
    '1e999',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const yamlish = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));

/** A document that has the right keys and the wrong values, or the other way round. */
const tree = fc
  .array(fc.tuple(fc.constantFrom(...leaves), fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string())), { maxLength: 4 })
  .map((settings) => {
    const root: Record<string, unknown> = {};
    for (const [path, value] of settings) set(root, path, value);
    return stringify(root);
  });

const env = fc.dictionary(
  fc.oneof(fc.constantFrom(...leaves.map(variableOf), 'TMOPS_ENV', 'A'), fc.string({ maxLength: 8 })),
  fc.string({ maxLength: 30 }),
  { maxKeys: 4 },
);
const overrides = fc.dictionary(
  fc.oneof(fc.constantFrom(...leaves.map((path) => path.join('.'))), fc.string({ maxLength: 12 })),
  fc.oneof(fc.jsonValue({ maxDepth: 3 }), yamlish),
  { maxKeys: 3 },
);

function set(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [step = '', ...rest] = path;
  if (rest.length === 0) {
    root[step] = value;
    return;
  }
  const inner = root[step];
  const map = typeof inner === 'object' && inner !== null ? { ...inner } : {};
  set(map, rest, value);
  root[step] = map;
}

function verify(result: ConfigResult, text: string, ms: number): void {
  expect(ms).toBeLessThan(SLOWEST_MS);
  if (result.ok) return;
  expect(result.faults.length).toBeGreaterThan(0);
  const lines = text.replace(/^\u{FEFF}/u, '').split('\n');
  for (const fault of result.faults) {
    expect(say(fault)).toContain(`:${fault.line}:${fault.column}: `);
    expect(fault.file).not.toBe(SHIPPED);
    if (!fault.file.endsWith('.yaml') || fault.sourceLine === '') continue;
    expect(fault.sourceLine).toBe(lines[fault.line - 1]?.trimEnd());
    const rest = Array.from(lines[fault.line - 1] ?? '')
      .slice(fault.column - 1)
      .join('');
    expect(rest.startsWith(fault.text)).toBe(true);
  }
}

function timed(given: Parameters<typeof load>[0], root: string): [ConfigResult, number] {
  const started = performance.now();
  return [load(given, root), performance.now() - started];
}

test('the loader never throws nor hangs, and every fault points at text that is there', () => {
  const root = folder();
  const check = (yaml: string, variables: Record<string, string>, flags: Record<string, unknown>): void => {
    const [result, ms] = timed({ files: { 'tmops.config.yaml': yaml }, env: variables, overrides: flags }, root);
    verify(result, yaml, ms);
  };
  fc.assert(
    fc.property(yamlish, (yaml) => {
      check(yaml, { A: 'x' }, {});
    }),
    { numRuns: 150 },
  );
  fc.assert(
    fc.property(tree, (yaml) => {
      check(yaml, { A: 'x' }, {});
    }),
    { numRuns: 80 },
  );
  fc.assert(
    fc.property(env, overrides, (variables, flags) => {
      check('', variables, flags);
    }),
    { numRuns: 80 },
  );
});

test('a good file with one line damaged', () => {
  const root = folder();
  const damage = fc.tuple(fc.nat(shippedLines.length - 1), fc.nat(60), piece);
  fc.assert(
    fc.property(damage, ([line, column, text]) => {
      const yaml = shippedLines
        .map((whole, at) => (at === line ? `${whole.slice(0, column)}${text}${whole.slice(column + 1)}` : whole))
        .join('\n');
      const [result, ms] = timed({ files: { 'tmops.config.yaml': yaml }, env: {} }, root);
      verify(result, yaml, ms);
    }),
    { numRuns: 100 },
  );
});

const K = 1024;
test.each([
  ['lists in lists', '['.repeat(250 * K)],
  ['lists in lists on one line', '- '.repeat(120 * K)],
  ['maps in maps', '{a: '.repeat(60 * K)],
  ['indentation', Array.from({ length: 700 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ['many keys', Array.from({ length: 20_000 }, (_, at) => `k${at}: 1`).join('\n')],
  ['the same key', 'a:\n'.repeat(80 * K)],
  ['anchors', '&a '.repeat(80 * K)],
  ['aliases', `a: &a 1\nb: [${'*a,'.repeat(60_000)}]`],
  ['documents', '---\n'.repeat(60 * K)],
  ['commas', `layout: [${','.repeat(250 * K)}`],
  ['empty maps', `layout: [${'{}, '.repeat(60 * K)}]`],
  ['aliases of nothing', '*a '.repeat(80 * K)],
  ['blocks', '>-\n x\n'.repeat(40 * K)],
  ['line breaks', `\n`.repeat(250 * K) + 'layuot: x'],
  ['open expansions', `layout: "${'${A:-'.repeat(50_000)}"`],
  ['unset expansions', `layout: "${'${GONE}'.repeat(30_000)}"`],
  ['large expansions', `modules: {${Array.from({ length: 2000 }, (_, at) => `a${at}: "\${A}"`).join(', ')}}`],
])('a file that aims at time or memory: %s', (_, yaml) => {
  const root = folder();
  const [result, ms] = timed({ files: { 'tmops.config.yaml': yaml }, env: { A: 'x'.repeat(60_000) } }, root);
  expect(ms).toBeLessThan(5 * SLOWEST_MS);
  expect(result.ok ? [] : result.faults.map((fault) => fault.file)).toContain(join(root, 'tmops.config.yaml'));
  expect(result.ok ? 0 : result.faults.length).toBeLessThan(100);
});

test('expansion and splitting terminate on anything', () => {
  const text = fc
    .array(fc.constantFrom('${', '}', '$', '{', ':-', 'A', 'B', ' ', "'", '"', '\\', '&'))
    .map((all) => all.join(''));
  fc.assert(
    fc.property(text, (input) => {
      const { text: result, faults } = expand(input, { A: 'x' }, new Set());
      if (!input.includes('${')) expect(result).toBe(input);
      for (const { raw, nth } of faults) expect(input.split(raw).length - 1).toBeGreaterThan(nth);
      const split = splitWords(input);
      if (split.ok) expect(split.words.join('').length).toBeLessThanOrEqual(input.length);
    }),
    { numRuns: 1000 },
  );
});
