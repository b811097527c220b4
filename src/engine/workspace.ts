import { basename } from 'node:path';
import type { Event } from '../core/event.ts';
import { evolve } from '../core/evolve.ts';
import { newRun, type Run } from '../core/run.ts';
import type { CrewSetup, SavedSetup } from '../core/saved-setup.ts';
import { openJournal, type Journal } from '../journal/journal.ts';
import { readJournal } from '../journal/read.ts';
import { openLiveRun, type LiveRun, type LiveRunParts } from './live-run.ts';
import { isOver } from './over.ts';
import { runPlace, type CheckpointsPath, type RunPlace } from './place.ts';
import type { AgentProvider, Files, Log, Terminal } from './ports.ts';
import { recordBefore } from './record.ts';
import { RunUnavailable } from './run-unavailable.ts';
import { readSetup, setupFile } from './setup-file.ts';

/** The live runs of one workspace: at most one for each feature, the run that `current` leads to. */
export interface Workspace {
  /** The feature's present run, opened if need be; null when the feature has none. */
  live(feature: string): Promise<LiveRun | null>;
  /** Gives a run its terminal, provider and setup, and remembers the setup for after a crash. */
  equip(
    live: LiveRun,
    choice: { readonly socket: string | null; readonly provider: string },
    setup: CrewSetup,
  ): Promise<void>;
  /** Takes up every run that was going when the last supervisor ended. Gives their features. One that is over waits until it is asked for. */
  takeUpAll(features: readonly string[]): Promise<readonly string[]>;
  /** Every run that is open. */
  opened(): readonly LiveRun[];
  /** Runs that are open and going. */
  running(): readonly LiveRun[];
  /** Whether any run is going, or waits for its turn, so that the supervisor has a reason to stay. */
  isBusy(): boolean;
  /**
   * Lets the feature's journal go, then acts while nobody can open it; whoever asks for the run meanwhile waits. `stays`
   * is asked of the run, at the last moment, whether it has to stay; then nothing is done and its answer is given.
   */
  retire<T>(feature: string, stays: (run: Run) => T | null, act: () => Promise<void>): Promise<T | null>;
  close(): Promise<void>;
}

export interface WorkspaceParts extends Omit<
  LiveRunParts,
  'place' | 'start' | 'store' | 'log' | 'before' | 'readEvents'
> {
  readonly root: string;
  readonly files: Files;
  readonly checkpointsPath: CheckpointsPath;
  /** Name of the run that the feature's `current` leads to; null when it has none. */
  readonly currentRun: (feature: string) => string | null;
  readonly terminalOn: (socket: string | null) => Terminal;
  readonly providerFor: (name: string, setup: CrewSetup) => Promise<AgentProvider>;
  readonly logFor: (feature: string, run: string) => Log;
  readonly log: Log;
  readonly pid: number;
  /** When a supervisor was last known to watch, in ms since the epoch; 0 when never. */
  readonly lastWatchedMs: number;
}

interface Held {
  readonly live: LiveRun;
  readonly journal: Journal<Event>;
}

export function openWorkspace(parts: WorkspaceParts): Workspace {
  const held = new Map<string, Held>();
  const opening = new Map<string, Promise<unknown>>();
  // Not taken up yet, or in vain: that is done once somebody asks for them.
  const postponed = new Set<string>();

  const open = async (feature: string): Promise<LiveRun | null> => {
    const run = parts.currentRun(feature);
    const before = held.get(feature);
    if (before && basename(before.live.place.runDir) === run) return before.live;
    if (before) await close(before);
    held.delete(feature);
    if (run === null) return null;
    const now = await openHeld(parts, runPlace(parts.root, feature, run, parts.checkpointsPath), feature, run);
    held.set(feature, now);
    try {
      if (postponed.has(feature)) await takeUp(parts, now.live);
      postponed.delete(feature);
    } catch (error) {
      // Open and not taken up it would be told as going while nobody watches it.
      held.delete(feature);
      await close(now);
      throw error;
    }
    return now.live;
  };

  const live = async (feature: string): Promise<LiveRun | null> => {
    const known = opening.has(feature) ? undefined : held.get(feature)?.live;
    if (known && basename(known.place.runDir) === parts.currentRun(feature)) return known;
    return inTurn(opening, feature, () => open(feature));
  };

  const opened = (): LiveRun[] => [...held.values()].map((each) => each.live);
  const running = (): LiveRun[] => opened().filter(({ loop }) => loop.run().life.kind === 'running');

  return {
    live,
    equip: (run, choice, setup) => equip(parts, run, { ...choice, setup }),
    async takeUpAll(features) {
      const going: string[] = [];
      for (const feature of features) postponed.add(feature);
      for (const feature of await notOver(parts, features)) {
        try {
          if ((await live(feature))?.loop.run().life.kind === 'running') going.push(feature);
        } catch (error) {
          // One run that cannot be taken up must not keep the others from being watched.
          parts.log.error('the run could not be taken up', { feature, err: error });
        }
      }
      return going;
    },
    opened,
    retire: (feature, stays, act) =>
      inTurn(opening, feature, async () => {
        const had = held.get(feature);
        const answer = had ? stays(had.live.loop.run()) : null;
        if (answer !== null) return answer;
        if (had) await close(had);
        held.delete(feature);
        await act();
        return null;
      }),
    running,
    isBusy: () => opened().some(({ loop }) => BUSY.has(loop.run().life.kind)),
    async close() {
      await Promise.all([...held.values()].map(close));
      held.clear();
    },
  };
}

async function equip(parts: WorkspaceParts, run: LiveRun, saved: SavedSetup): Promise<void> {
  const { socket, provider, setup } = saved;
  await parts.files.write(setupFile(run.place), JSON.stringify({ socket, provider, setup } satisfies SavedSetup));
  await equipWith(parts, run, saved);
}

async function equipWith(parts: WorkspaceParts, run: LiveRun, { socket, provider, setup }: SavedSetup): Promise<void> {
  run.equip({ terminal: parts.terminalOn(socket), provider: await parts.providerFor(provider, setup), setup });
}

/** How many runs are looked at together: waiting for one after the other took most of the time of coming back to a hundred. */
const LOOKED_AT_ONCE = 16;

/** Those of the features, in their order, whose present run may have something left to do. */
async function notOver(parts: WorkspaceParts, features: readonly string[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (let from = 0; from < features.length; from += LOOKED_AT_ONCE) {
    const some = features.slice(from, from + LOOKED_AT_ONCE);
    const over = await Promise.all(some.map((feature) => isRunOver(parts, feature)));
    left.push(...some.filter((_feature, index) => over[index] !== true));
  }
  return left;
}

async function isRunOver(parts: WorkspaceParts, feature: string): Promise<boolean> {
  try {
    const run = parts.currentRun(feature);
    return run !== null && (await isOver(runPlace(parts.root, feature, run, parts.checkpointsPath)));
  } catch {
    // Whoever opens it says what is wrong.
    return false;
  }
}

/** One after the other for each feature; whoever came before hears of their own failure. */
function inTurn<T>(turns: Map<string, Promise<unknown>>, feature: string, act: () => Promise<T>): Promise<T> {
  const next = Promise.allSettled([turns.get(feature)]).then(act);
  turns.set(feature, next);
  const over = (): void => {
    if (turns.get(feature) === next) turns.delete(feature);
  };
  next.then(over, over);
  return next;
}

const BUSY: ReadonlySet<Run['life']['kind']> = new Set(['running', 'queued']);

async function close({ live, journal }: Held): Promise<void> {
  await live.close();
  await journal.close();
}

async function openHeld(parts: WorkspaceParts, place: RunPlace, feature: string, run: string): Promise<Held> {
  const opened = await openJournal<Event>(place.journalFile, { upgrade: asEvent });
  if (opened.kind === 'locked')
    throw new RunUnavailable('locked', place.journalFile, `process ${opened.heldBy.pid} writes it`);
  if (opened.kind === 'corrupt')
    throw new RunUnavailable('corrupt', place.journalFile, `line ${opened.line}: ${opened.why}`);
  const readEvents = async (): Promise<readonly Event[]> =>
    (await readJournal<Event>(place.journalFile, asEvent)).events;
  const log = parts.logFor(feature, run);
  if (opened.cut) log.warn('the end of the journal was torn and has been set aside', { cut: opened.cut });
  const start = opened.events.reduce<Run>(evolve, newRun);
  const before = await recordBefore(opened.events, place);
  return {
    journal: opened.journal,
    live: openLiveRun({ ...parts, place, start, store: opened.journal, log, before, readEvents }),
  };
}

/** Lines are of the present version; what they hold was written by this code. */
const asEvent = (raw: object): Event => raw as Event;

/** A run that was going is watched again; one that was started and has ended can still be looked at and closed. */
async function takeUp(parts: WorkspaceParts, live: LiveRun): Promise<void> {
  const run = live.loop.run();
  if (run.settings === null && run.life.kind !== 'queued') return;
  try {
    await equipWith(parts, live, await readSetup(live.place));
  } catch (error) {
    if (BUSY.has(run.life.kind) || !(error instanceof RunUnavailable)) throw error;
    // Nothing more is done for a run that is over; what it was can still be told.
    return;
  }
  if (run.life.kind === 'running') {
    const gapMs = Math.max(0, parts.clock.now() - Math.max(run.updatedAt, parts.lastWatchedMs));
    await live.loop.submit({ kind: 'watch-again', pid: parts.pid, gapMs });
  }
  live.loop.takeUp();
}
