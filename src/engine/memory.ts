import { untilBeat } from '../core/beat.ts';
import { memoryLevels, type MemoryLimits, type MemoryLook } from '../core/memory.ts';
import type { Agent, Run } from '../core/run.ts';
import type { LiveRun } from './live-run.ts';
import type { Clock, Stop } from './ports.ts';

/** How often it is looked what agents take, in ms. */
const LOOK_EVERY_MS = 15_000;
/** While no agent is in a turn and none takes too much, one look in so many is enough: each reads all processes. */
const RESTING = 4;

type Process = NonNullable<Agent['process']>;

export interface MemoryParts {
  readonly clock: Clock;
  /** The runs that are going. */
  readonly running: () => readonly LiveRun[];
  /**
   * What each of these processes holds in memory together with all that descends from it, in bytes; null for one that is
   * not there any more. One look at the machine for all of them.
   */
  readonly residentIn: (processes: readonly Process[]) => Promise<readonly (number | null)[]>;
  /** As the configuration says now. */
  readonly limits: () => MemoryLimits;
  readonly onError: (error: unknown) => void;
}

/** Looks at a slow pace what the agents of all runs take, until stopped. Reports what it sees; the runs decide. */
export function keepMemory(parts: MemoryParts): Stop {
  const { clock } = parts;
  const ended = new AbortController();
  const isOver = (): boolean => ended.signal.aborted;
  const rounds = async (): Promise<void> => {
    for (let beat = 1; !isOver(); beat += 1) {
      await clock.sleep(untilBeat(clock.now(), LOOK_EVERY_MS), ended.signal);
      const isDue = beat % RESTING === 0 || parts.running().some(isToBeWatched);
      if (!isOver() && isDue) await look(parts).catch(parts.onError);
    }
  };
  const running = rounds();
  return async () => {
    ended.abort();
    await running;
  };
}

function isToBeWatched({ loop }: LiveRun): boolean {
  const run = loop.run();
  return isNoted(run) || Object.values(run.agents).some(({ state }) => state.kind !== 'idle');
}

async function look({ running, residentIn, limits }: MemoryParts): Promise<void> {
  const runs = new Map(running().map((live) => [live.loop.run().identity?.feature ?? '', live]));
  const agents = [...runs].flatMap(([feature, { loop }]) =>
    Object.values(loop.run().agents).flatMap(({ role, process }) => (process ? [{ feature, role, process }] : [])),
  );
  const bounds = limits();
  if (agents.length === 0 || (bounds.warnAbove === null && bounds.pauseAbove === null && !isAnyNoted(runs))) return;
  const resident = await residentIn(agents.map(({ process }) => process));
  const looks = agents.flatMap(({ feature, role }, index): MemoryLook[] => {
    const bytes = resident[index] ?? null;
    const before = runs.get(feature)?.loop.run().memory[role]?.level ?? 'ok';
    return bytes === null ? [] : [{ feature, role, bytes, before }];
  });
  for (const { feature, role, level, bytes, above, before } of memoryLevels(looks, bounds))
    if (level !== before) await runs.get(feature)?.loop.submit({ kind: 'memory-seen', role, level, bytes, above });
}

/** What is noted has to be taken back also when the limits were switched off since. */
const isAnyNoted = (runs: ReadonlyMap<string, LiveRun>): boolean =>
  [...runs.values()].some(({ loop }) => isNoted(loop.run()));

const isNoted = ({ memory }: Run): boolean => Object.keys(memory).length > 0;
