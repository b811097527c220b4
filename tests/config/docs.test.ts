import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { isMap, isScalar, parseDocument } from 'yaml';
import { describe, expect, test } from 'vitest';
import { RESERVED_VARIABLES, variableOf } from '../../src/config/environment.ts';
import { configSchema } from '../../src/config/schema.ts';
import { expectation, leavesOf, shapeOf } from '../../src/config/shape.ts';
import type { Leaf } from '../../src/config/shape.ts';
import { SHIPPED } from './workspace.ts';

const PAGE = new URL('../../docs/configuration.md', import.meta.url).pathname;
const leaves = leavesOf(shapeOf(configSchema));
const shipped = parseDocument(readFileSync(SHIPPED, 'utf8'));

describe('every key', () => {
  test('has a meaning', () => {
    expect(leaves.filter(({ shape }) => (shape.description ?? '') === '').map(({ path }) => path.join('.'))).toEqual(
      [],
    );
  });

  test('stands in the shipped file, under a comment of its own', () => {
    const missing = leaves.filter(({ path }) => !shipped.hasIn(path)).map(({ path }) => path.join('.'));
    expect(missing).toEqual([]);
    expect(leaves.filter(({ path }) => !isCommented(path)).map(({ path }) => path.join('.'))).toEqual([]);
  });

  test('has one variable, which is no reserved name', () => {
    const names = leaves.map(({ path }) => variableOf(path));
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => Object.hasOwn(RESERVED_VARIABLES, name))).toEqual([]);
  });
});

// UPDATE_DOCS=1 npx vitest run --config tests/vitest.config.ts tests/config/docs.test.ts
test('docs/configuration.md tells every key', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const filled = replaced(replaced(page, 'keys', keyTables()), 'reserved', reservedTable());
  const wanted = await format(filled, { parser: 'markdown', printWidth: 120, singleQuote: true });
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, wanted);
  expect(readFileSync(PAGE, 'utf8')).toBe(wanted);
});

function replaced(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${PAGE} has no ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

function keyTables(): string {
  const groupOf = (leaf: Leaf): string => leaf.path.slice(0, -1).join('.');
  return [...new Set(leaves.map(groupOf))]
    .map((group) => {
      const members = leaves.filter((leaf) => groupOf(leaf) === group);
      return `### ${group === '' ? 'The run' : `\`${group}\``}\n\n${table(members)}`;
    })
    .join('\n\n');
}

function table(members: readonly Leaf[]): string {
  const rows = members.map(({ path, shape }) => [
    `\`${path.join('.')}\``,
    shown(shipped.getIn(path, true)),
    expectation(shape),
    shape.description ?? '',
    `\`${variableOf(path)}\``,
  ]);
  return markdown([['Key', 'Default', 'Allowed', 'Meaning', 'Variable'], ...rows]);
}

function reservedTable(): string {
  return markdown([
    ['Variable', 'Meaning'],
    ...Object.entries(RESERVED_VARIABLES).map(([name, what]) => [`\`${name}\``, what]),
  ]);
}

function markdown([head = [], ...rows]: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function shown(node: unknown): string {
  const value = isScalar(node) ? node.value : (node as { toJSON(): unknown }).toJSON();
  const list = Array.isArray(value) ? value.map((item) => `\`${String(item)}\``).join(', ') : null;
  return list !== null && list !== '' ? list : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

/** The comment stands above the key: where the key is the first of its map, the parser gives it to the map. */
function isCommented(path: readonly string[]): boolean {
  const map = path.length === 1 ? shipped.contents : shipped.getIn(path.slice(0, -1), true);
  if (!isMap(map)) return false;
  const at = map.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === path.at(-1));
  const key = map.items[at]?.key;
  return Boolean((isScalar(key) && key.commentBefore) || (at === 0 && map.commentBefore));
}
