import { readdir, readlink } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { InitProblem, ListedFeature } from '../../core/init.ts';
import { pathKind, readOrNull } from './disk.ts';
import { FEATURE_NAME, featurePaths, isRunName, type FeaturePaths } from './paths.ts';

/** One line of FEATURES.txt: `name:status:time:branch`, where the time itself holds colons. */
export interface FeatureLine {
  readonly feature: string;
  readonly status: string;
  readonly since: string;
  readonly branch: string;
}

/** Reads a line; null for anything that is not one of the contract. */
export function parseLine(line: string): FeatureLine | null {
  const [feature = '', status = '', ...rest] = line.trimEnd().split(':');
  const branch = rest.pop();
  if (!FEATURE_NAME.test(feature) || branch === undefined || rest.length === 0) return null;
  return { feature, status, since: rest.join(':'), branch };
}

/**
 * Puts the feature's line into the text of FEATURES.txt: `write` gets the newest line there is (the framework adds one
 * each time) and gives the one to keep, at the place of the first. Every other line stays as it is, byte for byte, which is why the text is to be read as latin1.
 */
export function withLine(text: string, feature: string, write: (newest: FeatureLine | null) => FeatureLine): string {
  const lines = text.split(/(?<=\n)/);
  const ours = lines.filter((line) => line.startsWith(`${feature}:`));
  const newest = ours.map(parseLine).findLast((line) => line !== null) ?? null;
  const { status, since, branch } = write(newest);
  const wanted = [feature, status, since, branch].join(':');
  const first = ours[0];
  if (first === undefined) {
    const end = text === '' || text.endsWith('\n') ? '' : '\n';
    return `${text}${end}${wanted}\n`;
  }
  const ending = /\r?\n?$/.exec(first)?.[0] ?? '';
  const place = lines.indexOf(first);
  return lines
    .flatMap((line, at) => (at === place ? [wanted + (ending || '\n')] : ours.includes(line) ? [] : [line]))
    .join('');
}

/** Whether a line of the text names the feature. */
export const hasLine = (text: string, feature: string): boolean =>
  text.split('\n').some((line) => line.startsWith(`${feature}:`));

/** The text of FEATURES.txt without the feature's lines; every other stays as it is. */
export const withoutLine = (text: string, feature: string): string =>
  text
    .split(/(?<=\n)/)
    .filter((line) => !line.startsWith(`${feature}:`))
    .join('');

/** Every feature that FEATURES.txt or a folder of `.tmops` names, by name. Lines that are none are passed over. */
export async function listFeatures(root: string): Promise<readonly ListedFeature[]> {
  const { tmops, features } = featurePaths(root, 'any');
  if ((await pathKind(tmops)) !== 'folder') return [];
  const lines = new Map<string, FeatureLine>();
  // One that cannot be read hides no feature: their folders tell of them. Whoever has to write it says what is wrong.
  const listed = (await pathKind(features)) === 'file' ? await readOrNull(features) : null;
  for (const text of (listed ?? Buffer.of()).toString('utf8').split('\n')) {
    const line = parseLine(text);
    if (line) lines.set(line.feature, line);
  }
  const entries = await readdir(tmops, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && FEATURE_NAME.test(entry.name));
  const names = new Set([...lines.keys(), ...folders.map((entry) => entry.name)]);
  return Promise.all([...names].sort().map((feature) => told(root, feature, lines.get(feature))));
}

async function told(root: string, feature: string, found: FeatureLine | undefined): Promise<ListedFeature> {
  const current = await readCurrent(featurePaths(root, feature));
  const line = found ? { status: found.status, since: found.since, branch: found.branch } : null;
  return { feature, line, run: current.ok ? current.run : null };
}

export type CurrentRun =
  { readonly ok: true; readonly run: string | null } | { readonly ok: false; readonly problem: InitProblem };

/** The run that `current` names, or `runs/current` where that is missing; null when neither leads to a folder. */
export async function readCurrent(paths: FeaturePaths): Promise<CurrentRun> {
  for (const path of [paths.current, paths.runsCurrent]) {
    const what = await pathKind(path);
    if (what === 'absent') continue;
    if (what !== 'link') return { ok: false, problem: { kind: 'in-the-way', path, what, wanted: 'link' } };
    const target = await readlink(path);
    const end = resolve(dirname(path), target);
    // `current -> runs/current` leaves the answer to the other link.
    if (end === paths.runsCurrent && path === paths.current) continue;
    if (dirname(end) !== paths.runs || !isRunName(basename(end))) {
      return { ok: false, problem: { kind: 'link-out', path, target } };
    }
    if ((await pathKind(end)) === 'folder') return { ok: true, run: basename(end) };
  }
  return { ok: true, run: null };
}
