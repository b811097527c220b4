import { join } from 'node:path';
import type { Event } from '../core/event.ts';
import { evolve } from '../core/evolve.ts';
import { recoveriesAfter, recoveryFile, recoveryText, type Recovery } from '../core/recovery.ts';
import { newRun, presentStep, type Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import { readTextOrNull } from '../files/regular.ts';
import { failingWith } from './disk.ts';
import type { RunLoop } from './loop.ts';
import type { RunPlace } from './place.ts';
import type { Clock, Files, Stop } from './ports.ts';

/** Version of the shape of `state.json`; other tools read it. */
export const STATE_VERSION = 1;

/** How long to wait until what the disk refused is written again, in ms. */
const WRITE_AGAIN_MS = 2000;

export interface RecordParts {
  readonly files: Files;
  /** tmops' own version. */
  readonly version: string;
  /** Sinks of the configuration; each gets every event in order. A sink that fails never holds the run. */
  readonly sinks: readonly ((run: Run, event: Event) => void)[];
  /** Writes metrics.json; called when a step is completed. */
  readonly writeMetrics: (run: Run, place: RunPlace) => Promise<void>;
}

/** An event, and the run as it was after it. */
export type Told = readonly [run: Run, event: Event];

/** What the journal holds already when the record is opened. */
export interface Before {
  /** Events that whoever wrote the journal before had no time to hand on; they come first. */
  readonly missed: readonly Told[];
  readonly recoveries: readonly Recovery[];
}

export const NOTHING_BEFORE: Before = { missed: [], recoveries: [] };

/** Keeps what is derived from the journal beside it: state.json, metrics.json, recoveries, and the sinks' feed. */
export function keepRecord(
  loop: RunLoop,
  place: RunPlace,
  parts: RecordParts & { readonly clock: Clock },
  before: Before,
  onError: (error: unknown) => void,
): Stop {
  const { missed } = before;
  let { recoveries } = before;
  // The last one may have been cut short.
  let told: readonly Recovery[] = recoveries.slice(0, -1);
  let writing: Promise<void> | null = null;
  let stale = false;
  const closing = new AbortController();
  let measuring: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    while (stale) {
      stale = false;
      // They may go on while they are written.
      const present = recoveries;
      for (const recovery of present.filter((each) => !told.includes(each)))
        await parts.files.write(join(place.runDir, recoveryFile(recovery)), recoveryText(recovery, loop.run()));
      told = present;
      await parts.files.write(place.stateFile, `${JSON.stringify(stateOf(loop.run(), parts.version), null, 2)}\n`);
    }
  };
  /** Until it is written, or nobody is there to be told any more: what is asked of a run that rests changes nothing. */
  const keepWriting = async (): Promise<void> => {
    for (;;) {
      try {
        await write();
        loop.recordIs(null);
        return;
      } catch (error) {
        onError(error);
        loop.recordIs(failingWith('record', error, loop.failing()?.since ?? parts.clock.now()));
        stale = true;
      }
      await parts.clock.sleep(WRITE_AGAIN_MS, closing.signal);
      if (closing.signal.aborted) return;
    }
  };
  const refresh = (): void => {
    stale = true;
    writing ??= keepWriting().finally(() => (writing = null));
  };
  const tell = (run: Run, event: Event): void => {
    for (const sink of parts.sinks) sink(run, event);
  };
  for (const [run, event] of missed) tell(run, event);
  if (missed.length > 0 || recoveries.length > 0) refresh();
  const unsubscribe = loop.subscribe((run, events) => {
    for (const event of events) {
      tell(run, event);
      recoveries = recoveriesAfter(recoveries, run, event);
    }
    refresh();
    // One after the other: an earlier state must never be written over a later one.
    if (events.some((event) => event.kind === 'step.completed' || event.kind === 'run.completed')) {
      measuring = measuring.then(() => parts.writeMetrics(run, place)).catch(onError);
    }
  });
  return async () => {
    unsubscribe();
    closing.abort();
    await writing;
    await measuring;
  };
}

/**
 * What the record has to take up. Missed are the events that nobody was told of: `state.json` is written after the sinks got
 * what it holds, so that one killed in between tells them twice rather than never.
 */
export async function recordBefore(events: readonly Event[], { stateFile }: RunPlace): Promise<Before> {
  const told = await sequenceIn(stateFile);
  const missed: Told[] = [];
  let run = newRun;
  let recoveries: readonly Recovery[] = [];
  for (const event of events) {
    run = evolve(run, event);
    recoveries = recoveriesAfter(recoveries, run, event);
    if (event.seq > told) missed.push([run, event]);
  }
  return { missed, recoveries };
}

/** 0 when there is no such file, or it holds something else. */
async function sequenceIn(stateFile: string): Promise<number> {
  try {
    const { sequence } = JSON.parse((await readTextOrNull(stateFile)) ?? '{}') as { readonly sequence?: unknown };
    return typeof sequence === 'number' ? sequence : 0;
  } catch {
    return 0;
  }
}

/** What `state.json` says: the run in a few plain fields, for tools that do not read journals. */
export function stateOf(run: Run, version: string): Record<string, unknown> {
  const present = presentStep(run);
  const step = present?.step;
  return {
    version: STATE_VERSION,
    tmops: version,
    feature: run.identity?.feature ?? null,
    run: run.identity?.run ?? null,
    branch: run.identity?.branch ?? null,
    worktree: run.identity?.worktree ?? null,
    phase: run.life.kind,
    step: step?.id ?? null,
    step_number: (present?.index ?? run.workflow?.steps.length ?? 0) + (present ? 1 : 0),
    step_count: run.workflow?.steps.length ?? 0,
    role: step && isAgentStep(step) ? step.role : null,
    session: run.settings?.session ?? null,
    agents: Object.fromEntries(
      Object.values(run.agents).map((agent) => [
        agent.role,
        {
          state: agent.state.kind,
          pane: agent.pane,
          session_id: agent.sessionId,
          pid: agent.process?.pid ?? null,
          report: reportOf(run, agent.role),
        },
      ]),
    ),
    completed_steps: Object.keys(run.done),
    sequence: run.seq,
    updated_at: new Date(run.updatedAt).toISOString(),
  };
}

/** What the role says of itself; its text is untrusted. */
function reportOf(run: Run, role: string): Record<string, unknown> | null {
  const report = run.reports[role];
  return report ? { what: report.what, text: report.text, at: new Date(report.at).toISOString() } : null;
}
