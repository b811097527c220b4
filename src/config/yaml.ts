import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, ParsedNode, Scalar as ScalarNode, YAMLMap, YAMLSeq } from 'yaml';
import { LIMITS, compose } from './compose.ts';
import { expand } from './expand.ts';
import type { Environment, ExpansionFault } from './expand.ts';
import type { ConfigFault, FaultKind, KeyPath } from './faults.ts';
import { faultAt } from './source.ts';
import type { Place } from './source.ts';
import type { Entry, Tree } from './tree.ts';

export interface Parsed {
  readonly tree: Tree;
  readonly faults: readonly ConfigFault[];
}

/** How `${…}` is filled in; `used` collects the names that were looked up. Null leaves the text alone. */
export type Expander = { readonly env: Environment; readonly used: Set<string> } | null;

/** Reads the YAML at `place` as a tree. With faults, the tree holds what could be read. An empty text is an empty map. */
export function parseYaml(place: Place, expander: Expander): Parsed {
  const { contents, faults } = compose(place);
  const empty: Tree = { kind: 'map', at: { ...place, end: place.start }, entries: new Map() };
  if (contents === null || faults.length > 0) return { tree: empty, faults };
  const walk: Walk = { place, expander, faults: [], anchors: new Map(), nodes: 0, aliases: 0, expanded: 0 };
  const tree = treeOf(walk, contents, [], place);
  return { tree: tree.kind === 'scalar' && tree.value === null ? empty : tree, faults: walk.faults };
}

interface Walk {
  readonly place: Place;
  readonly expander: Expander;
  readonly faults: ConfigFault[];
  readonly anchors: Map<string, ParsedNode>;
  nodes: number;
  aliases: number;
  expanded: number;
}

/** `around` is the place to blame for a value that takes no room: that of its key. */
function treeOf(walk: Walk, node: ParsedNode | null, path: KeyPath, around: Place): Tree {
  const written = node ? placeOf(walk, node) : around;
  const at = written.end > written.start ? written : around;
  walk.nodes += 1;
  if (path.length > LIMITS.depth)
    refuse(walk, 'too-large', at, path, `at most ${LIMITS.depth} levels of maps and lists`);
  else if (walk.nodes === LIMITS.nodes) refuse(walk, 'too-large', at, path, `at most ${LIMITS.nodes} values`);
  else if (walk.nodes < LIMITS.nodes && walk.faults.length < LIMITS.faults && node) {
    if (isAlias(node)) return aliased(walk, node, path, at);
    if (node.anchor !== undefined) walk.anchors.set(node.anchor, node);
    if (isMap(node)) return mapOf(walk, node, path, at);
    if (isSeq(node)) return listOf(walk, node, path, at);
    return scalarOf(walk, node, path, at);
  }
  return { kind: 'scalar', at, value: null, loose: false };
}

/** An alias refers to the last anchor of its name before it, which the order of the walk gives. */
function aliased(walk: Walk, alias: Alias.Parsed, path: KeyPath, at: Place): Tree {
  walk.aliases += 1;
  if (walk.aliases > LIMITS.aliases) return refuse(walk, 'too-large', at, path, `at most ${LIMITS.aliases} aliases`);
  const target = walk.anchors.get(alias.source);
  if (!target || alias.range[0] < target.range[1]) {
    return refuse(walk, 'syntax', at, path, 'an alias of something that ends before it');
  }
  return treeOf(walk, target, path, at);
}

function mapOf(walk: Walk, node: YAMLMap.Parsed, path: KeyPath, at: Place): Tree {
  const entries = new Map<string, Entry>();
  for (const pair of node.items) {
    const key = placeOf(walk, pair.key);
    const name = isScalar(pair.key) ? nameOf(pair.key, key) : null;
    if (name === null) refuse(walk, 'syntax', key, path, 'a name as the key');
    else if (name === '__proto__') refuse(walk, 'bad-key', key, [...path, name], 'another name');
    else if (entries.has(name)) refuse(walk, 'duplicate-key', key, [...path, name], 'each key once');
    else entries.set(name, { key, tree: treeOf(walk, pair.value, [...path, name], key) });
    if (walk.faults.length >= LIMITS.faults) break;
  }
  return { kind: 'map', at, entries };
}

function nameOf(key: ScalarNode.Parsed, place: Place): string {
  return typeof key.value === 'string' ? key.value : place.source.text.slice(place.start, place.end);
}

function listOf(walk: Walk, node: YAMLSeq.Parsed, path: KeyPath, at: Place): Tree {
  return { kind: 'list', at, items: node.items.map((item, index) => itemOf(walk, item, [...path, index], at)) };
}

/** Between brackets `a: b` is a map of one pair, which the parser gives as a map already. */
function itemOf(walk: Walk, item: YAMLSeq.Parsed['items'][number], path: KeyPath, around: Place): Tree {
  if ('key' in item) return refuse(walk, 'syntax', around, path, 'a value');
  return treeOf(walk, item, path, around);
}

function scalarOf(walk: Walk, node: ScalarNode.Parsed, path: KeyPath, at: Place): Tree {
  const value = node.value;
  if (typeof value === 'string' && walk.expander) {
    const { text, whole, faults } = expand(value, walk.expander.env, walk.expander.used);
    for (const fault of faults) expansionFault(walk, fault, path, at);
    walk.expanded += text.length;
    if (walk.expanded > LIMITS.expanded) return refuse(walk, 'too-large', at, path, 'at most 1 MB of expanded text');
    return { kind: 'scalar', at, value: text, loose: whole };
  }
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return { kind: 'scalar', at, value, loose: false };
  }
  return refuse(walk, 'syntax', at, path, 'text, a number, true, false or null');
}

function expansionFault(walk: Walk, fault: ExpansionFault, path: KeyPath, at: Place): void {
  const name = /^\$\{([A-Za-z0-9_]+)/.exec(fault.raw)?.[1] ?? 'NAME';
  const expected: Record<ExpansionFault['kind'], string> = {
    'unset-variable': `the variable ${name} to be set, or a default: \${${name}:-…}`,
    'bad-expansion': '${NAME} or ${NAME:-default}, and $${ for the characters ${ themselves',
    'too-large': 'at most 64 KB of text',
  };
  refuse(walk, fault.kind, within(at, fault), path, expected[fault.kind]);
}

/** The part of the scalar as written, where escapes or folding have not changed it; else the scalar. */
function within(at: Place, { raw, nth }: ExpansionFault): Place {
  let start = at.source.text.indexOf(raw, at.start);
  for (let skip = nth; skip > 0 && start >= 0; skip -= 1) start = at.source.text.indexOf(raw, start + 1);
  return start >= 0 && start + raw.length <= at.end ? { ...at, start, end: start + raw.length } : at;
}

function placeOf(walk: Walk, node: ParsedNode): Place {
  const [start, end] = node.range;
  return { source: walk.place.source, start: walk.place.start + start, end: walk.place.start + end };
}

function refuse(walk: Walk, kind: FaultKind, at: Place, path: KeyPath, expected: string): Tree {
  if (walk.faults.length < LIMITS.faults) walk.faults.push(faultAt(kind, at, path, { expected }));
  return { kind: 'scalar', at, value: null, loose: false };
}
