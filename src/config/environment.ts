import type { Environment } from './expand.ts';
import { nearest } from './nearest.ts';
import { accepts, leavesOf, shapeAt } from './shape.ts';
import type { Leaf, Shape } from './shape.ts';
import { faultAt } from './source.ts';
import type { Place } from './source.ts';
import type { Entry, Tree } from './tree.ts';
import { merge } from './tree.ts';
import { parseYaml } from './yaml.ts';
import type { Parsed } from './yaml.ts';

/** `TMOPS_…` variables that are no keys of the configuration. */
export const RESERVED_VARIABLES: Readonly<Record<string, string>> = {
  TMOPS_ENV: 'layers `tmops.config.NAME.yaml` over the workspace file',
  TMOPS_HOOK: "set by tmops for an agent's hooks",
  TMOPS_AGENT_DIR: 'set by tmops for an agent: its own folder',
  TMOPS_AGENT_TOKEN: "set by tmops for an agent: shows that a call comes from the agent's pane",
  TMOPS_SUPERVISOR_PID_FILE: 'set by tmops for an agent: where to find the supervisor',
  TMOPS_WAKE: 'set by tmops for an agent: what its hooks call when they find no supervisor',
  TMOPS_NODE: 'set by tmops for an agent: the node that runs the hook in front of writes',
  TMOPS_TEST_RUN: "set by tmops for the project's tests: their children are found by it",
  TMOPS_CLAUDE: 'the Claude Code that `npm run test:claude` and `npm run bench:claude` use',
  TMOPS_LOG: 'set by tmops for the supervisor it starts: where its output goes',
  TMOPS_GUARD_LOG: 'set by tmops for the guard of the supervisor: where its output goes',
  TMOPS_FEATURE: 'set by tmops for an agent: its feature',
  TMOPS_RUN: 'set by tmops for an agent: its run',
  TMOPS_ROLE: 'set by tmops for an agent: its role',
  TMOPS_PROJECT_ROOT: "read by the framework's shell tools",
  TMOPS_COVERAGE: 'where tests let the program leave what it covered',
  TMOPS_PROMPTS: 'how many prompts the long proof delivers',
  TMOPS_SEED: 'seed of the tests that draw lots',
  TMOPS_TEST_CACHE: "where tmops' own tests keep the Claude Code they fetch",
  TMOPS_TEST_SOCKET: "set by tmops' own tests",
};

/** A copy of the environment of this process: the only access to it in the program. */
export function readEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** `['features', 'concurrent_limit']` → `TMOPS_FEATURES_CONCURRENT_LIMIT`. Each key has one variable, and each variable one key. */
export function variableOf(path: readonly string[]): string {
  return `TMOPS_${path.join('_').toUpperCase()}`;
}

/**
 * The layer of the `TMOPS_…` variables. An empty one counts as unset. One that is neither a key's, nor reserved, nor
 * named by a `${…}` in a file (`used`) is a fault.
 */
export function environmentTree(env: Environment, shape: Shape, used: ReadonlySet<string>): Parsed | null {
  const names = Object.keys(env).filter((name) => name.startsWith('TMOPS_') && (env[name] ?? '') !== '');
  const meant = names.filter((name) => !Object.hasOwn(RESERVED_VARIABLES, name) && !used.has(name)).sort();
  if (meant.length === 0) return null;
  const leaves = new Map(leavesOf(shape).map((leaf) => [variableOf(leaf.path), leaf]));
  const layers = meant.map((name) => variableTree(name, env[name] ?? '', leaves));
  return joined(layers);
}

/** The layer of the flags: dotted keys (`features.concurrent_limit`) with values of any type. Undefined ones are left out. */
export function flagTree(overrides: Readonly<Record<string, unknown>>, shape: Shape): Parsed | null {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  if (given.length === 0) return null;
  return joined(given.map(([key, value]) => flagLayer(key, value, shape)));
}

function variableTree(name: string, value: string, leaves: ReadonlyMap<string, Leaf>): Parsed {
  const text = `${name}=${value}`;
  const source = { name: 'environment', text };
  const key: Place = { source, start: 0, end: name.length };
  const leaf = leaves.get(name);
  if (!leaf) {
    const close = nearest(name, [...leaves.keys()]);
    const expected = 'TMOPS_ and the path of a key in capitals, its dots as _ (docs/configuration.md lists them)';
    const fault = faultAt('unknown-variable', key, [], { expected, ...(close === null ? {} : { nearest: close }) });
    return { tree: { kind: 'map', at: key, entries: new Map() }, faults: [fault] };
  }
  const typed = readTyped({ source, start: name.length + 1, end: text.length }, leaf.shape);
  return { tree: under(leaf.path, key, typed.tree), faults: typed.faults };
}

function flagLayer(key: string, value: unknown, shape: Shape): Parsed {
  const path = key.split('.');
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  const source = { name: 'command line', text: `${key}=${shown}` };
  const keyPlace: Place = { source, start: 0, end: key.length };
  const place: Place = { source, start: key.length + 1, end: source.text.length };
  const typed = typeof value === 'string' ? readTyped(place, shapeAt(shape, path)) : readValue(value, place);
  return { tree: under(path, keyPlace, typed.tree), faults: typed.faults };
}

/** Text for a key: for a list or a map also `[a, b]`, `a, b` or `{a: b}`. `${…}` is not expanded in it: the shell did. */
function readTyped(place: Place, shape: Shape | null): Parsed {
  const text = place.source.text.slice(place.start, place.end);
  const first = text.trimStart().charAt(0);
  if ((first === '[' && accepts(shape, 'array')) || (first === '{' && accepts(shape, 'object'))) {
    return parseYaml(place, null);
  }
  if (!accepts(shape, 'array') || accepts(shape, 'string')) return { tree: loose(place), faults: [] };
  let start = place.start;
  const items = text.split(',').map((item) => {
    const from = start + item.length - item.trimStart().length;
    start += item.length + 1;
    return loose({ ...place, start: from, end: from + item.trim().length });
  });
  return { tree: { kind: 'list', at: place, items }, faults: [] };
}

function readValue(value: unknown, place: Place): Parsed {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') {
    return { tree: { kind: 'scalar', at: place, value, loose: false }, faults: [] };
  }
  return parseYaml(place, null);
}

function loose(place: Place): Tree {
  return { kind: 'scalar', at: place, value: place.source.text.slice(place.start, place.end), loose: true };
}

function under(path: readonly string[], key: Place, tree: Tree): Tree {
  return path.reduceRight<Tree>(
    (inner, step) => ({ kind: 'map', at: key, entries: new Map<string, Entry>([[step, { key, tree: inner }]]) }),
    tree,
  );
}

function joined(layers: readonly Parsed[]): Parsed {
  const [first, ...rest] = layers.map(({ tree }) => tree);
  if (!first) throw new Error('Internal error: a layer of the configuration without a key');
  return { tree: rest.reduce(merge, first), faults: layers.flatMap(({ faults }) => faults) };
}
