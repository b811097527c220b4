import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './check.ts';
import { environmentTree, flagTree, readEnvironment } from './environment.ts';
import type { Environment } from './expand.ts';
import type { ConfigFault } from './faults.ts';
import { freeze } from './freeze.ts';
import { locatedIn } from './located.ts';
import type { Located } from './located.ts';
import { nearest } from './nearest.ts';
import { configSchema, contradictions } from './schema.ts';
import type { Config } from './schema.ts';
import { shapeOf, type Shape } from './shape.ts';
import { faultAt, fileFault, readSource, whole } from './source.ts';
import type { ReadResult } from './source.ts';
import { namedFileFaults } from './named-files.ts';
import { merge } from './tree.ts';
import type { Tree } from './tree.ts';
import { parseYaml } from './yaml.ts';
import type { Expander, Parsed } from './yaml.ts';

export interface LoadRequest {
  /** Absolute; null where there is no workspace yet, so that only the shipped file, variables and flags count. */
  readonly workspaceRoot: string | null;
  /** Absolute path of `config/tmops-mcp.config.yaml`. */
  readonly shippedFile: string;
  /** Values of flags by dotted key, e.g. `{ 'features.concurrent_limit': '3' }`; undefined ones are left out. */
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly env: Environment;
}

export type ConfigResult =
  | ({
      readonly ok: true;
      readonly config: Config;
      /** The files that were read, in order, then `environment` and `command line` where they changed something. */
      readonly sources: readonly string[];
    } & Located)
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

export const WORKSPACE_FILES = ['tmops.config.yaml', 'tmops-mcp.config.yaml'] as const;

let shape: Shape | undefined;

/**
 * The configuration out of its layers, later ones winning: shipped file, workspace file, the file of TMOPS_ENV,
 * `TMOPS_…` variables, flags. Maps merge, lists replace. Each layer is checked on top of those below it, so that a
 * value which a later layer hides is refused all the same. Never throws for what it reads.
 */
export function loadConfig(request: LoadRequest): ConfigResult {
  const { env, overrides, shippedFile, workspaceRoot } = request;
  const expander = { env, used: new Set<string>() };
  const reads = [required(shippedFile), ...(workspaceRoot === null ? [] : workspaceReads(workspaceRoot, env))];
  const layers: (Parsed | null)[] = reads.map((read) => parseRead(read, expander));
  shape ??= shapeOf(configSchema);
  layers.push(environmentTree(env, shape, expander.used), flagTree(overrides, shape));
  const given = layers.filter((layer) => layer !== null);
  const unread = given.flatMap((layer) => layer.faults);
  const read = given.filter((layer) => layer.faults.length === 0).map((layer) => layer.tree);
  // Nothing can be checked on top of a shipped file that cannot be read.
  const checked: ConfigResult =
    given[0]?.faults.length === 0 ? checkLayers(read, shape, workspaceRoot) : { ok: false, faults: [] };
  if (checked.ok && unread.length === 0) return checked;
  return { ok: false, faults: inOrder([...unread, ...(checked.ok ? [] : checked.faults)], given) };
}

/** The same with the environment of this process. */
export function loadWorkspaceConfig(request: Omit<LoadRequest, 'env'>): ConfigResult {
  return loadConfig({ ...request, env: readEnvironment() });
}

function checkLayers(layers: readonly Tree[], shape: Shape, root: string | null): ConfigResult {
  const faults = new Map<string, ConfigFault>();
  let config: Config | null = null;
  let merged: Tree | null = null;
  for (const layer of layers) {
    merged = merged ? merge(merged, layer) : layer;
    const checked = check(merged, configSchema, shape);
    config = checked.ok ? checked.value : null;
    for (const fault of checked.ok ? [] : checked.faults) faults.set(JSON.stringify(fault), fault);
  }
  if (!merged) throw new Error('Internal error: no layer of the configuration');
  const located = locatedIn(merged);
  const sources = layers.map((layer) => layer.at.source.name);
  for (const fault of config ? contradicting(config, located, sources) : []) faults.set(fault.key, fault);
  for (const fault of config && root !== null ? namedFileFaults(config, root, located) : [])
    faults.set(fault.key, fault);
  if (!config || faults.size > 0) return { ok: false, faults: [...faults.values()] };
  return { ok: true, config: freeze(config), sources, ...located };
}

/** Of values that cannot be together, the one that came last is blamed: it broke what was right before. */
function contradicting(config: Config, located: Located, sources: readonly string[]): ConfigFault[] {
  const rank = (fault: ConfigFault): number => sources.indexOf(fault.file);
  return contradictions(config).flatMap((ways) => {
    const faults = ways.map(({ path, expected }) => located.blame(path, expected));
    return faults.toSorted((a, b) => rank(b) - rank(a)).slice(0, 1);
  });
}

/** As a reader meets them: layer by layer, from top to bottom. */
function inOrder(faults: readonly ConfigFault[], layers: readonly Parsed[]): ConfigFault[] {
  const files = layers.map((layer) => layer.tree.at.source.name);
  const rank = (fault: ConfigFault): number => files.indexOf(fault.file);
  return faults.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}

/** The workspace's own file, under either name, and the one that TMOPS_ENV asks for. */
function workspaceReads(root: string, env: Environment): ReadResult[] {
  const [usual, other] = WORKSPACE_FILES.map((name) => ({
    file: join(root, name),
    read: readSource(join(root, name), 'ours'),
  }));
  if (!usual || !other) throw new Error('Internal error: two names of the workspace file');
  const reads = usual.read.kind === 'absent' ? [other.read] : [usual.read];
  if (usual.read.kind !== 'absent' && other.read.kind !== 'absent') {
    const expected = `one file for the workspace: ${usual.file} and ${other.file} are both there`;
    reads.push({ kind: 'fault', fault: fileFault('wrong-file', usual.file, expected) });
  }
  const misnamed = WORKSPACE_FILES.map((name) => join(root, name.replace(/yaml$/, 'yml'))).find((file) =>
    existsSync(file),
  );
  if (misnamed !== undefined) {
    const expected = `the name ${misnamed.replace(/yml$/, 'yaml')}: under this one it is not read`;
    reads.push({ kind: 'fault', fault: fileFault('wrong-file', misnamed, expected) });
  }
  const name = env['TMOPS_ENV'] ?? '';
  return name === '' ? reads : [...reads, readNamed(root, name)];
}

function readNamed(root: string, name: string): ReadResult {
  const source = { name: 'environment', text: `TMOPS_ENV=${name}` };
  const place = { source, start: 'TMOPS_ENV='.length, end: source.text.length };
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    const expected = 'up to 64 letters, digits, dots, _ and -, to read tmops.config.NAME.yaml';
    return { kind: 'fault', fault: faultAt('bad-value', place, ['TMOPS_ENV'], { expected }) };
  }
  const file = join(root, `tmops.config.${name}.yaml`);
  const read = readSource(file, 'ours');
  if (read.kind !== 'absent') return read;
  const close = nearest(name, namesIn(root));
  const facts = { expected: `a file ${file}`, ...(close === null ? {} : { nearest: close }) };
  return { kind: 'fault', fault: faultAt('missing-file', place, ['TMOPS_ENV'], facts) };
}

/** Only for a suggestion: a folder that cannot be listed suggests nothing. */
function namesIn(root: string): string[] {
  try {
    return readdirSync(root).flatMap((file) => /^tmops\.config\.(.+)\.yaml$/.exec(file)?.slice(1, 2) ?? []);
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
}

function required(file: string): ReadResult {
  const read = readSource(file);
  return read.kind === 'absent' ? { kind: 'fault', fault: fileFault('missing-file', file, 'this file') } : read;
}

function parseRead(read: ReadResult, expander: Expander): Parsed | null {
  if (read.kind === 'absent') return null;
  if (read.kind === 'read') return parseYaml(whole(read.source), expander);
  const source = { name: read.fault.file, text: '' };
  return { tree: { kind: 'map', at: whole(source), entries: new Map() }, faults: [read.fault] };
}
