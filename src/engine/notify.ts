import type { Event } from '../core/event.ts';
import { needCodeOf } from '../core/reported.ts';
import type { Run } from '../core/run.ts';
import type { LiveRun } from './live-run.ts';
import type { Failing } from './disk.ts';
import type { Clock, Stop } from './ports.ts';

/** What a human has to do something about, in words; `code` says which kind it is. */
export interface Need {
  readonly code: string;
  readonly sentence: string;
  readonly hint: string;
}

/** A run has come to need a human, or is done. `needs`: those that are new; none when it is completed. */
export interface News {
  readonly kind: 'needs-human' | 'completed';
  readonly run: Run;
  readonly needs: readonly Need[];
  /** ms since the epoch. */
  readonly at: number;
}

export interface NoticeParts {
  readonly clock: Clock;
  /** The runs that may come to need a human. */
  readonly runs: () => readonly LiveRun[];
  /** What needs a human now. */
  readonly needsOf: (run: Run, failing: Failing | null) => readonly Need[];
  /** Called with each piece of news once. */
  readonly tell: (news: News) => void;
  readonly onError: (error: unknown) => void;
}

export interface Notices {
  /** Something happened in a run; `run` is the state after it. */
  readonly heard: (run: Run, event: Event) => void;
  readonly stop: Stop;
}

/**
 * What stands for less than this is not told: an agent that is just being started again needs nobody, and neither does one
 * that has ended its turn while its checkpoint is still waited on to stand unchanged. In ms.
 */
export const STANDS_FOR_MS = 2000;
/** How often it is looked for what time alone brings, such as an agent that is silent. In ms. */
const LOOK_EVERY_MS = 15_000;
/** Needs of one kind are told at most this often, however they come and go. In ms. */
export const REPEAT_AFTER_MS = 60_000;

/** Tells once of each need that comes up, and of the end. Reads only; what is told changes no run. */
export function keepNotices(parts: NoticeParts): Notices {
  const { clock } = parts;
  const memories = new Map<string, Memory>();
  const ended = new AbortController();
  const isOver = (): boolean => ended.signal.aborted;
  let nap = new AbortController();
  let stirred = false;

  const memoryOf = ({ identity }: Run): Memory => {
    const { feature = '', run: name = '' } = identity ?? {};
    const known = memories.get(feature);
    if (known?.run === name) return known;
    const fresh: Memory = { run: name, told: new Map() };
    memories.set(feature, fresh);
    return fresh;
  };

  const look = ({ loop }: LiveRun): void => {
    const run = loop.run();
    const at = clock.now();
    const needs = freshAmong(memoryOf(run), parts.needsOf(run, loop.failing()), at);
    if (needs.length > 0) parts.tell({ kind: 'needs-human', run, needs, at });
  };

  const isStirred = (): boolean => stirred;
  const rounds = async (): Promise<void> => {
    while (!isOver()) {
      nap = new AbortController();
      if (!isStirred()) await clock.sleep(LOOK_EVERY_MS, AbortSignal.any([nap.signal, ended.signal]));
      if (isStirred()) await clock.sleep(STANDS_FOR_MS, ended.signal);
      stirred = false;
      if (isOver()) return;
      for (const live of parts.runs()) look(live);
    }
  };
  const running = rounds().catch(parts.onError);

  return {
    heard(run, event) {
      if (event.kind === 'run.completed') parts.tell({ kind: 'completed', run, needs: [], at: event.at });
      // Whoever watched before has told of what is already so.
      if (event.kind === 'supervisor.began') seed(memoryOf(run), parts.needsOf(run, null));
      if (event.kind === 'role.reported') forgetOne(memoryOf(run), needCodeOf(event.what));
      stirred = true;
      nap.abort();
    },
    async stop() {
      ended.abort();
      await running;
    },
  };
}

interface Memory {
  readonly run: string;
  /** By code: how many needs of the kind there were when they were last told, and when that was. */
  readonly told: Map<string, { count: number; readonly at: number }>;
}

function seed({ told }: Memory, needs: readonly Need[]): void {
  for (const [code, count] of counted(needs)) told.set(code, { count, at: -Infinity });
}

/** What a role says now may stand in place of what it said before, so that there are no more of the kind, and one is new. */
function forgetOne({ told }: Memory, code: string | null): void {
  const before = code === null ? undefined : told.get(code);
  if (before) before.count = Math.max(0, before.count - 1);
}

/** Those of a kind of which there are more than were told; noted as told. */
function freshAmong({ told }: Memory, needs: readonly Need[], now: number): readonly Need[] {
  const counts = counted(needs);
  for (const [code, before] of told) before.count = Math.min(before.count, counts.get(code) ?? 0);
  const fresh = new Set<string>();
  for (const [code, count] of counts) {
    const before = told.get(code) ?? { count: 0, at: -Infinity };
    if (count <= before.count || now - before.at < REPEAT_AFTER_MS) continue;
    told.set(code, { count, at: now });
    fresh.add(code);
  }
  return needs.filter(({ code }) => fresh.has(code));
}

function counted(needs: readonly Need[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { code } of needs) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
}
