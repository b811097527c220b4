import fc from 'fast-check';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { check } from '../../src/config/check.ts';
import { variableOf } from '../../src/config/environment.ts';
import type { ConfigFault } from '../../src/config/faults.ts';
import type { ConfigResult } from '../../src/config/load.ts';
import { say } from '../../src/config/say.ts';
import { configSchema } from '../../src/config/schema.ts';
import { leavesOf, shapeOf } from '../../src/config/shape.ts';
import { whole } from '../../src/config/source.ts';
import { merge, type Tree } from '../../src/config/tree.ts';
import { parseYaml } from '../../src/config/yaml.ts';
import { folder, load, SHIPPED } from '../config/workspace.ts';
import { CONTROL, damaged, each, fuzz, FUZZ_TIMEOUT_MS, strung } from '../rig/fuzz.ts';
import { hostile, HOSTILE, HOSTILE_VALUES } from '../rig/hostile.ts';

const shape = shapeOf(configSchema);
const leaves = leavesOf(shape).map(({ path }) => path);
const shippedText = readFileSync(SHIPPED, 'utf8');
const ENV = { A: 'x', B: '' };
const shipped = parseYaml(whole({ name: SHIPPED, text: shippedText }), { env: ENV, used: new Set() });

const piece = fc.oneof(
  fc.constantFrom(...leaves.map((path) => `\n${path.map((key, depth) => ' '.repeat(depth * 2) + key).join(':\n')}: `)),
  fc.constantFrom(
    '${A}',
    '${A:-',
    '}',
    '$${',
    '"',
    "'",
    '[',
    ']',
    '{',
    '}',
    ', ',
    '- ',
    '\n  ',
    '\n',
    '&a ',
    '*a',
    '<<: *a',
  ),
  fc.constantFrom(
    '!!binary ',
    '!!set ',
    '|\n  ',
    '? ',
    '---\n',
    '...\n',
    '# ',
    '__proto__: ',
    'constructor: ',
    '0x1F',
    '3',
  ),
  hostile,
);
/** A good file is long and nearly all of it is read before anything is amiss: a part of it tells as much. */
const sections = shippedText.split(/\n(?=[a-z_]+:)/).filter((text) => text.length < 400);
const yaml = fc.oneof(damaged(sections, piece), strung(piece, 8));

/** Null, or what is wrong with a fault: it points at text that is there, and says what is allowed, in harmless lines. */
function wrongFault(fault: ConfigFault, text: string): string | null {
  const said = say(fault);
  if (!said.startsWith(`${fault.file}:${fault.line}:${fault.column}: `)) return 'it does not say where';
  if (fault.expected === '' || CONTROL.test(said) || said.length > 20_000) return `it says ${said}`;
  const line = text.replace(/^\uFEFF/, '').split('\n')[fault.line - 1];
  return line === undefined ? `line ${fault.line} is not there` : null;
}

/** As the loader does with the text of one file. */
function checkText(text: string): void {
  const parsed = parseYaml(whole({ name: '/w/tmops.config.yaml', text }), { env: ENV, used: new Set() });
  const checked = parsed.faults.length > 0 ? null : check(merge(shipped.tree, parsed.tree), configSchema, shape);
  const faults = checked === null ? parsed.faults : checked.ok ? [] : checked.faults;
  if (checked?.ok !== true && faults.length === 0) throw new Error('refused without a fault');
  const wrong = faults.map((fault) => wrongFault(fault, text)).find((each) => each !== null);
  if (wrong !== undefined) throw new Error(wrong);
}

test('any text is a configuration, or is refused at a place of it', { timeout: FUZZ_TIMEOUT_MS }, () => {
  fuzz('texts of configurations', yaml, checkText);
});

/** The tree without its places, so that two can be held against each other. */
function plain(tree: Tree): unknown {
  if (tree.kind === 'scalar') return { value: tree.value };
  if (tree.kind === 'list') return tree.items.map(plain);
  return [...tree.entries].map(([key, entry]) => [key, plain(entry.tree)]);
}

const FORMS: readonly ((expansion: string) => string)[] = [
  (expansion) => `layout: ${expansion}\n`,
  (expansion) => `layout: "${expansion}"\n`,
  (expansion) => `layout: '${expansion}'\nworkflow: standard\n`,
  (expansion) => `modules:\n  lint: ${expansion}\n  other: x\n`,
  (expansion) => `features:\n  default_phases: ["${expansion}", tester]\n`,
  (expansion) => `layout: |\n  ${expansion}\nworkflow: standard\n`,
];

test(
  'what a variable holds stays one plain scalar, whatever it would mean in YAML or to a shell',
  {
    timeout: FUZZ_TIMEOUT_MS,
  },
  () => {
    const value = fc.oneof(fc.constantFrom(...HOSTILE_VALUES), strung(piece, 3));
    const given = fc.tuple(fc.constantFrom(...FORMS), fc.constantFrom('${V}', '${V:-d}', 'a${V}b'), value);
    const treeOf = (text: string, held: string): string => {
      const parsed = parseYaml(whole({ name: 'f', text }), { env: { V: held }, used: new Set() });
      if (parsed.faults.length > 0) throw new Error(`refused: ${parsed.faults.map(say).join()}`);
      return JSON.stringify(plain(parsed.tree));
    };
    const harmless = new Map<string, string>();
    const expected = (text: string, held: string): string => {
      const tree = harmless.get(text) ?? treeOf(text, 'MARK');
      harmless.set(text, tree);
      return tree.replace('MARK', () => JSON.stringify(held).slice(1, -1));
    };
    fuzz('values of variables', given, ([form, expansion, held]) => {
      if (held === '' && expansion.includes(':-')) return;
      const text = form(expansion);
      if (treeOf(text, held) !== expected(text, held)) throw new Error(`${text} became ${treeOf(text, held)}`);
    });
  },
);

/** Everything the loader does, files and variables and flags; the folder beside the workspace is what it may not look into. */
function loader(): (given: Parameters<typeof load>[0]) => ConfigResult {
  const base = folder();
  const root = join(base, 'ws');
  mkdirSync(root);
  // Whoever follows a name out of the workspace finds a configuration that is right, and takes it.
  for (const outside of ['etc', 'passwd.yaml', 'evil.yaml']) {
    if (outside.endsWith('yaml')) writeFileSync(join(base, outside), 'layout: windows\n');
    else mkdirSync(join(base, outside));
  }
  return (given) => {
    for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
    const result = load(given, root);
    expect(readdirSync(base).sort()).toEqual(['etc', 'evil.yaml', 'passwd.yaml', 'ws']);
    expect(readdirSync(root).sort()).toEqual(Object.keys(given.files ?? {}).sort());
    if (!result.ok) {
      expect(result.faults.length).toBeGreaterThan(0);
      for (const fault of result.faults) {
        expect(fault.file === SHIPPED || say(fault).length > 20_000 || CONTROL.test(say(fault))).toBe(false);
        expect(say(fault)).toContain('expected ');
      }
    } else expect(Object.getPrototypeOf(result.config)).toBe(Object.prototype);
    return result;
  };
}

test('the whole loader with files, variables and flags', { timeout: FUZZ_TIMEOUT_MS }, () => {
  const env = fc.dictionary(
    fc.oneof(
      fc.constantFrom(...leaves.map(variableOf), 'TMOPS_ENV', 'TMOPS___PROTO__'),
      hostile.map((x) => `TMOPS_${x}`),
    ),
    hostile,
    { maxKeys: 3 },
  );
  const flag = fc.oneof(
    fc.constantFrom(...leaves.map((path) => path.join('.')), '__proto__.x', 'modules.__proto__'),
    hostile,
  );
  const overrides = fc.dictionary(flag, fc.oneof(hostile, fc.jsonValue({ maxDepth: 3 })), { maxKeys: 2 });
  const run = loader();
  fuzz(
    'configurations of files, variables and flags',
    fc.tuple(yaml, env, overrides),
    ([text, variables, flags]) => {
      run({ files: { 'tmops.config.yaml': text }, env: { ...ENV, ...variables }, overrides: flags });
    },
    700,
  );
});

test(
  'the known hostile texts as each value, as each variable, as each key and as the name of a layer',
  {
    timeout: FUZZ_TIMEOUT_MS,
  },
  () => {
    const run = loader();
    each('hostile configurations', HOSTILE, (text) => {
      const quoted = JSON.stringify(text);
      const everywhere = leaves.map((path) => path.reduceRight((inner, key) => `{${key}: ${inner}}`, quoted));
      for (const document of everywhere) checkText(document);
      run({ files: { 'tmops.config.yaml': `${quoted}: x\n` } });
      run({ files: { 'tmops.config.yaml': text } });
      run({ env: Object.fromEntries(leaves.map((path) => [variableOf(path), text])) });
      run({ overrides: Object.fromEntries(leaves.map((path) => [path.join('.'), text])) });
      const named = run({ env: { TMOPS_ENV: text } });
      if (text !== '' && named.ok) throw new Error(`it took a layer out of ${text}`);
      for (const name of [`../${text}`, `x/../../${text}`, 'x/../../evil', 'x/../../passwd'])
        expect(run({ env: { TMOPS_ENV: name } }).ok).toBe(false);
    });
  },
);

const bombOf = (levels: number): string =>
  [
    'a0: &a0 [x, x]',
    ...Array.from({ length: levels }, (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at}, `.repeat(9)}]`),
  ].join('\n');

const shallow = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);

test.each<[string, string, RegExp]>([
  ['aliases of aliases', bombOf(9), /aliases|at most/],
  ['lists in lists', `layout: ${shallow(5000, '[', ']')}`, /levels/],
  ['maps in maps', `layout: ${shallow(5000, '{a: ', '}')}`, /levels/],
  ['expansions of expansions', `layout: "${'${A:-'.repeat(5000)}x${'}'.repeat(5000)}"`, /expan|\$\{NAME/],
  ['a list where text belongs', 'layout: [a]', /layout/],
  ['a map where a list belongs', 'features: {default_phases: {a: b}}', /default_phases/],
  ['text where a map belongs', 'features: text', /features/],
  ['a list for the whole', '- a\n- b', /./],
  ['a prototype', '__proto__: {polluted: true}', /__proto__/],
  ['a prototype further in', 'features: {__proto__: {concurrent_limit: 9}}', /__proto__/],
  ['a prototype among free names', 'modules: {__proto__: tools/x.mjs}', /__proto__/],
  ['a prototype by its constructor', 'constructor: {prototype: {polluted: true}}', /constructor/],
  ['a merge key', 'x: &x {layout: windows}\n<<: *x', /./],
  ['code', 'layout: !!js/function "function () { return 1 }"', /./],
])('%s is refused with what is allowed', (_, text, says) => {
  const result = loader()({ files: { 'tmops.config.yaml': text }, env: {} });
  if (result.ok) throw new Error('it was taken');
  expect(result.faults.map(say).join('\n')).toMatch(says);
});
