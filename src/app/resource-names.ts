import type { Run } from '../core/run.ts';
import { rolesOf } from '../core/where.ts';
import { isAgentStep } from '../core/workflow.ts';
import { outOfReachOf, type Reach } from './access.ts';
import { ALL } from './changes.ts';
import { openOrTell } from './open-run.ts';
import type { AppPorts } from './ports.ts';
import type { Names, ResourceInput, ResourceOutput } from './resource-requests.ts';
import { iso } from './status-panes.ts';
import { unknownFeature } from './tell.ts';
import type { ProblemView } from './views.ts';

type Told<T> = { readonly ok: true; readonly output: T } | { readonly ok: false; readonly problem: ProblemView };

/** The features that have a run and are within reach, by name, and what their resources are called. */
export async function resourceNames(
  ports: AppPorts,
  { feature, prefix = '', after = '', limit }: ResourceInput<'names'>,
  reach: Reach,
): Promise<Told<ResourceOutput<'names'>>> {
  if (feature !== undefined) {
    const refused = outOfReachOf(feature, reach);
    if (refused) return { ok: false, problem: refused };
    const names = await namesIn(ports, feature);
    return names
      ? { ok: true, output: { features: [names], next: null } }
      : { ok: false, problem: unknownFeature(feature) };
  }
  const candidates = (await ports.features())
    .map((each) => each.feature)
    .filter((each) => each > after && each.startsWith(prefix) && (reach.only === null || each === reach.only));
  const features: Names[] = [];
  let last = '';
  for (last of candidates) {
    const names = await namesIn(ports, last);
    if (names) features.push(names);
    if (features.length === limit) break;
  }
  return { ok: true, output: { features, next: last === candidates.at(-1) || last === '' ? null : last } };
}

/** Which resources there are within reach, as one text: without the times that they were changed at. */
export type NamesPrint = (reach: Reach) => Promise<string>;

/** Made anew only when something happened that names may follow from. */
export function openNamesPrint(ports: AppPorts): NamesPrint {
  const { changes } = ports;
  let all: { readonly at: string; readonly lines: Promise<readonly NamesLine[]> } | null = null;
  return async ({ only }) => {
    if (all === null || changes.changedAfter(all.at, 'names', ALL))
      all = { at: changes.cursor(), lines: linesOf(ports) };
    const asked = all;
    asked.lines.catch(() => {
      // Whoever asks next tries again; who asked now is told below.
      if (all === asked) all = null;
    });
    const lines = (await asked.lines).filter(({ feature }) => only === null || feature === only);
    return lines.map(({ line }) => line).join('\n');
  };
}

interface NamesLine {
  readonly feature: string;
  readonly line: string;
}

/** One after the other: each may have to be opened first. */
async function linesOf(ports: AppPorts): Promise<readonly NamesLine[]> {
  const lines: NamesLine[] = [];
  for (const { feature } of await ports.features()) {
    const names = await namesIn(ports, feature);
    if (!names) continue;
    const there = names.checkpoints.filter(({ isThere }) => isThere).map(({ file }) => file);
    lines.push({ feature, line: [feature, String(names.hasMetrics), ...names.roles, ...there].join(' ') });
  }
  return lines;
}

/** Null where it has no run that can be read: there is nothing to show of it. */
async function namesIn(ports: AppPorts, feature: string): Promise<Names | null> {
  const opened = await openOrTell(ports, feature);
  const run = 'problem' in opened ? undefined : opened.live?.loop.run();
  if (!run?.identity) return null;
  return {
    feature,
    run: run.identity.run,
    updatedAt: iso(run.updatedAt),
    roles: rolesOf(run),
    checkpoints: checkpointNames(run),
    hasMetrics: Object.values(run.done).some(({ how }) => how !== 'skipped'),
  };
}

function checkpointNames(run: Run): Names['checkpoints'] {
  return (run.workflow?.steps ?? []).filter(isAgentStep).map(({ id, role, checkpoint: file }) => {
    const seen = run.seen[file];
    return {
      ...{ file, step: id, role },
      isThere: seen !== undefined || run.faults[file] !== undefined,
      modifiedAt: seen ? iso(seen.mtimeMs) : null,
    };
  });
}
