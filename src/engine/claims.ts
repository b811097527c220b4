import { judgeCheckpoint, type Judgement } from '../core/checkpoint.ts';
import { wantedFiles, type Run } from '../core/run.ts';
import { isAgentStep, type AgentStep } from '../core/workflow.ts';
import type { RunLoop } from './loop.ts';
import type { RunPlace } from './place.ts';
import type { CheckpointWatch, Clock, Found, Sighting, Stop } from './ports.ts';

/** How long a file must stay as it is before it is believed, in ms. */
export interface SettleTimes {
  /** For a file that ends the way checkpoints end. */
  readonly shortMs: number;
  /** For a whole file that might still be added to. */
  readonly longMs: number;
  /** After this an unfinished file is reported as such. */
  readonly unfinishedMs: number;
}

export interface ClaimParts {
  readonly loop: RunLoop;
  readonly place: RunPlace;
  readonly watch: CheckpointWatch;
  readonly clock: Clock;
  readonly settle: SettleTimes;
  readonly onError: (error: unknown) => void;
}

/**
 * Watches the run's checkpoints. The first look at all of them is reported before `surveyed`, so that a step whose
 * checkpoint was written while nobody watched is not begun again.
 */
export async function watchClaims(parts: ClaimParts): Promise<Stop> {
  const { loop, place, watch } = parts;
  const workflow = loop.run().workflow;
  if (!workflow) throw new Error('Internal error: checkpoints are watched before the run has a workflow');
  const wanted = wantedFiles(workflow);
  const open = new Map<string, AbortController>();
  const following = new Set<Promise<void>>();
  for (const step of workflow.steps.filter(isAgentStep)) {
    const found = await lookFor(parts, step);
    for (const each of found) await follow(parts, each, new AbortController().signal);
    if (found.length === 0) await loop.submit({ kind: 'checkpoint-gone', file: step.checkpoint });
  }
  await loop.submit({ kind: 'surveyed' });
  const stop = await watch.watch([place.checkpointsDir, place.runDir], wanted, (sighting) => {
    open.get(sighting.path)?.abort();
    const newest = new AbortController();
    open.set(sighting.path, newest);
    const followed = follow(parts, sighting, newest.signal)
      .catch(parts.onError)
      .finally(() => following.delete(followed));
    following.add(followed);
  });
  return async () => {
    await stop();
    for (const each of open.values()) each.abort();
    await Promise.all(following);
  };
}

/** A summary is accepted in the run's folder too; TeamOps' own tools write it in either place. */
export const pathsOf = (place: RunPlace, step: AgentStep): string[] => [
  `${place.checkpointsDir}/${step.checkpoint}`,
  ...(step.kind === 'summary' ? [`${place.runDir}/${step.checkpoint}`] : []),
];

/** The checkpoint of a step as it stands now, accepted or not; the newest where there are two. Null when there is none. */
export async function readCheckpoint(parts: CheckpointParts, step: AgentStep): Promise<Found | null> {
  const timeOf = (found: Found): number => (found.kind === 'file' ? found.mtimeMs : 0);
  return (await lookFor(parts, step)).sort((a, b) => timeOf(b) - timeOf(a))[0] ?? null;
}

type CheckpointParts = Pick<ClaimParts, 'place' | 'watch'>;

/** What there is of a step's checkpoint. */
async function lookFor({ place, watch }: CheckpointParts, step: AgentStep): Promise<Found[]> {
  const found = await Promise.all(pathsOf(place, step).map((path) => watch.look(path)));
  return found.filter((each) => each !== null);
}

/** Follows one file until it is believed, refused, or a newer sighting takes over. */
async function follow(parts: ClaimParts, sighting: Sighting, superseded: AbortSignal): Promise<void> {
  const { loop, place, settle, clock, watch } = parts;
  const run = loop.run();
  const step = run.workflow?.steps.filter(isAgentStep).find((each) => each.checkpoint === sighting.file);
  if (!step || !pathsOf(place, step).includes(sighting.path)) return;
  if (sighting.kind === 'gone') {
    // Editors save by moving the old file out of the way first.
    await clock.sleep(settle.longMs, superseded);
    const isGone = !superseded.aborted && (await lookFor(parts, step)).length === 0;
    if (isGone) await loop.submit({ kind: 'checkpoint-gone', file: sighting.file });
    return;
  }
  if (sighting.kind === 'refused')
    return refuse(parts, sighting.file, { line: 0, found: sighting.why, expected: 'a regular file' }, null);
  if (known(run, sighting)) return;
  const judgement = judge(run, step, sighting.text);
  const quietMs = clock.now() - sighting.mtimeMs;
  const waitMs = Math.max(0, settleMs(judgement, settle) - Math.max(0, quietMs));
  if (waitMs > 0) {
    await clock.sleep(waitMs, superseded);
    if (superseded.aborted) return;
    const now = await watch.look(sighting.path);
    // A change meanwhile comes as a sighting of its own.
    if (now?.kind !== 'file' || now.sha256 !== sighting.sha256 || now.mtimeMs !== sighting.mtimeMs) return;
  }
  if (judgement.verdict !== 'whole') return refuse(parts, sighting.file, judgement, sighting.sha256);
  const { file, sha256, mtimeMs } = sighting;
  await loop.submit({ kind: 'checkpoint-seen', file, sha256, mtimeMs, gate: judgement.checkpoint.gate });
}

const known = (run: Run, sighting: Extract<Sighting, { kind: 'file' }>): boolean => {
  const seen = run.seen[sighting.file];
  return seen?.sha256 === sighting.sha256 && seen.mtimeMs === sighting.mtimeMs;
};

export const judge = (run: Run, step: AgentStep, text: string): Judgement =>
  judgeCheckpoint(text, {
    file: step.checkpoint,
    from: step.role,
    feature: run.identity?.feature ?? '',
    sections: step.sections,
    kind: step.kind,
  });

function settleMs(judgement: Judgement, times: SettleTimes): number {
  if (judgement.verdict === 'unfinished') return times.unfinishedMs;
  return judgement.verdict === 'whole' && judgement.settle === 'long' ? times.longMs : times.shortMs;
}

async function refuse(
  parts: ClaimParts,
  file: string,
  fault: { line: number; found: string; expected: string },
  sha256: string | null,
): Promise<void> {
  const { line, found, expected } = fault;
  await parts.loop.submit({ kind: 'checkpoint-refused', fault: { file, line, found, expected }, sha256 });
}
