import type { KeyPath } from './faults.ts';
import type { Place } from './source.ts';
import type { Shape } from './shape.ts';
import { accepts, childOf } from './shape.ts';

/**
 * A document with the place of each part. Trees of several sources are merged before they are read as a value.
 * `loose` marks text whose type YAML does not tell (out of `${…}` alone, a variable, a flag): it may stand for a number,
 * a boolean or null where the schema wants one.
 */
export type Tree =
  | { readonly kind: 'map'; readonly at: Place; readonly entries: ReadonlyMap<string, Entry> }
  | { readonly kind: 'list'; readonly at: Place; readonly items: readonly Tree[] }
  | { readonly kind: 'scalar'; readonly at: Place; readonly value: Scalar; readonly loose: boolean };

export interface Entry {
  readonly key: Place;
  readonly tree: Tree;
}

export type Scalar = string | number | boolean | null;

/** Maps merge, everything else is replaced. A section left empty (`features:` with nothing under it) changes nothing. */
export function merge(base: Tree, over: Tree): Tree {
  if (base.kind !== 'map') return over;
  if (over.kind === 'scalar' && over.value === null) return base;
  if (over.kind !== 'map') return over;
  const entries = new Map(base.entries);
  for (const [name, entry] of over.entries) {
    const known = entries.get(name);
    entries.set(name, known ? { key: entry.key, tree: merge(known.tree, entry.tree) } : entry);
  }
  return { kind: 'map', at: over.at, entries };
}

/** The plain value, with loose text read as what `shape` wants at its place. */
export function plainOf(tree: Tree, shape: Shape | null): unknown {
  if (tree.kind === 'list') return tree.items.map((item, index) => plainOf(item, childOf(shape, index)));
  if (tree.kind === 'scalar') {
    return typeof tree.value === 'string' && tree.loose ? readLoose(tree.value, shape) : tree.value;
  }
  return Object.fromEntries(
    [...tree.entries].map(([name, entry]) => [name, plainOf(entry.tree, childOf(shape, name))]),
  );
}

export interface Found {
  /** The value's place; for a path that leads nowhere, the place of the nearest map or list around it. */
  readonly place: Place;
  /** The place of its key, when it stands in a map. */
  readonly key: Place | null;
  readonly exists: boolean;
}

export function find(tree: Tree, path: KeyPath): Found {
  let found: Found = { place: tree.at, key: null, exists: true };
  let here = tree;
  for (const step of path) {
    const entry = here.kind === 'map' ? here.entries.get(String(step)) : null;
    const next = entry ? entry.tree : here.kind === 'list' && typeof step === 'number' ? here.items[step] : null;
    if (!next) return { ...found, exists: false };
    found = { place: next.at, key: entry ? entry.key : null, exists: true };
    here = next;
  }
  return found;
}

const NUMBER = /^[-+]?\d+(\.\d+)?$/;

/** Text that fits nothing else stays text, and the schema refuses it at its place. */
function readLoose(text: string, shape: Shape | null): Scalar {
  if (accepts(shape, 'boolean') && (text === 'true' || text === 'false')) return text === 'true';
  if (accepts(shape, 'number') && NUMBER.test(text)) return Number(text);
  if (accepts(shape, 'null') && (text === '' || text === 'null')) return null;
  return text;
}
