import { decide } from '../core/decide.ts';
import type { Settings } from '../core/event.ts';
import { evolve } from '../core/evolve.ts';
import type { Request } from '../core/request.ts';
import type { Run } from '../core/run.ts';
import { isAgentStep, type Workflow } from '../core/workflow.ts';
import { judge, pathsOf } from './claims.ts';
import type { RunPlace } from './place.ts';
import type { Found } from './ports.ts';

export interface ForecastParts {
  /** An initialised run; nothing is written into its journal. */
  readonly run: Run;
  readonly workflow: Workflow;
  readonly place: RunPlace;
  /** Looks once at one file. Null when it is not there. */
  readonly look: (path: string) => Promise<Found | null>;
  readonly now: number;
}

/** How the run would stand after `start` and the first look at the checkpoints on disk, by the very rules it follows then. */
export async function forecast({ run, workflow, place, look, now }: ForecastParts): Promise<Run> {
  const requests: Request[] = [
    { kind: 'start', by: 'forecast', workflow, settings: SETTINGS, spareIds: {} },
    ...(await claims({ run, workflow, place, look })),
    { kind: 'surveyed' },
  ];
  return requests.reduce((before, request) => {
    const decision = decide(before, request, now);
    if (!decision.ok) throw new Error(`Internal error: a forecast was refused (${decision.refusal.reason})`);
    return decision.facts.reduce((state, fact) => evolve(state, { ...fact, seq: state.seq + 1, at: now }), before);
  }, run);
}

async function claims({ run, workflow, place, look }: Omit<ForecastParts, 'now'>): Promise<Request[]> {
  const found: Request[] = [];
  for (const step of workflow.steps.filter(isAgentStep)) {
    for (const path of pathsOf(place, step)) {
      const sighting = await look(path);
      if (!sighting) continue;
      const { file } = sighting;
      if (sighting.kind === 'refused') {
        const fault = { file, line: 0, found: sighting.why, expected: 'a regular file' };
        found.push({ kind: 'checkpoint-refused', fault, sha256: null });
        continue;
      }
      const { sha256, mtimeMs } = sighting;
      const judgement = judge(run, step, sighting.text);
      if (judgement.verdict === 'whole') {
        const { gate } = judgement.checkpoint;
        found.push({ kind: 'checkpoint-seen', file, sha256, mtimeMs, gate });
      } else {
        const { line, found: what, expected } = judgement;
        found.push({ kind: 'checkpoint-refused', fault: { file, line, found: what, expected }, sha256 });
      }
    }
  }
  return found;
}

/** What matters to files alone: no agent is asked anything. */
const SETTINGS: Settings = {
  session: '',
  layout: '',
  provider: '',
  instructions: 'system_prompt',
  silentAfterMs: Infinity,
  socket: null,
  handBackAfterMs: null,
  limitRetryMs: 0,
  evidence: false,
  baseline: 'waived',
};
