import { join } from 'node:path';
import { keepBranch } from './branch.ts';
import { keepBorders } from './borders.ts';
import { watchClaims, type SettleTimes } from './claims.ts';
import { openCourier, type Courier } from './courier.ts';
import { ensureAgents, type CrewParts } from './crew.ts';
import { openEvidence } from './evidence.ts';
import type { BranchKeeper } from './branch-ports.ts';
import type { CheckpointWatch, Files, Stop } from './ports.ts';
import { keepSentinel } from './sentinel.ts';
import { reportSessionLoss } from './session-loss.ts';
import { keepTime } from './timekeeper.ts';
import { keepVigil } from './vigil.ts';

export interface AttendanceParts {
  readonly watch: CheckpointWatch;
  readonly settle: SettleTimes;
  readonly files: Files;
  readonly keeper: BranchKeeper;
}

/** Everything that watches and types for a run while it is started. */
export interface Attendance {
  /** What was done while nobody watched is told from what others did by who was in a turn: their reports come first. */
  watch(): Promise<void>;
  /** One after the other; whoever asked before hears of their own failure. */
  ensureAgents(): Promise<void>;
  courier(role: string): Courier;
  /** Stops typing and watching checkpoints; what the agents do is still followed. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

export function openAttendance(crew: CrewParts, parts: AttendanceParts, onError: (error: unknown) => void): Attendance {
  const { loop, terminal, provider, place, clock } = crew;
  const couriers = new Map<string, Courier>();
  const evidence = openEvidence(crew, onError);
  let ensuring: Promise<void> = Promise.resolve();
  const watchNext = oneWatch();
  const leaving = new AbortController();
  let losing: Promise<void> | null = null;

  // Told by tmux or found by the vigil, and mostly by both: one loss until the session is there again.
  const sessionLost = (why: string): Promise<void> =>
    (losing ??= reportSessionLoss(crew, why, leaving.signal)
      .then(() => ensuring)
      .finally(() => (losing = null)));
  const branch = keepBranch({ loop, keeper: parts.keeper, clock, onError });
  const reporting = [
    keepSentinel(crew, onError),
    keepVigil(crew, sessionLost, onError),
    keepTime(loop, clock, onError),
  ];
  const stopBorders = keepBorders(loop, terminal, clock, onError);

  const session = sessionWatch(crew, (why) => {
    sessionLost(why).catch(onError);
  });
  const watchNow = () => watchClaims({ loop, place, watch: parts.watch, clock, settle: parts.settle, onError });
  const rest = async (): Promise<void> => {
    const resting = [...couriers.values()];
    // A run that was completed may go on again: whoever delivers then is somebody else.
    couriers.clear();
    await Promise.all(resting.map((courier) => courier.stop()));
    await watchNext(() => Promise.resolve(null));
  };

  return {
    async watch() {
      await watchNext(() => evidence.followAll().then(branch.look).catch(onError).then(watchNow));
    },
    ensureAgents() {
      ensuring = Promise.allSettled([ensuring]).then(async () => {
        await evidence.followAll();
        await ensureAgents(crew);
        session.watch();
      });
      return ensuring;
    },
    courier(role) {
      const known = couriers.get(role);
      if (known) return known;
      const courier = openCourier({
        role,
        agentDir: place.agentDir(role),
        loop,
        terminal,
        provider,
        clock,
        drainEvidence: evidence.drain,
        writeFile: (file, text) => parts.files.write(join(place.runDir, file), text),
        onError,
      });
      couriers.set(role, courier);
      return courier;
    },
    rest,
    async close() {
      leaving.abort();
      // What reports ends before what is told: nothing may be journaled when this is over.
      for (const stop of [...reporting, branch.stop]) await stop();
      await rest();
      await Promise.allSettled([losing, ensuring]);
      await session.stop();
      await evidence.stop();
      await stopBorders();
    },
  };
}

/** Watched only once it is open: a session that does not exist yet is not lost. */
function sessionWatch(
  { loop, terminal }: CrewParts,
  isLost: (why: string) => void,
): { readonly watch: () => void; readonly stop: Stop } {
  let lost: Stop | null = null;
  return {
    watch() {
      const { settings, agents } = loop.run();
      if (lost || settings === null || Object.values(agents).every(({ pane }) => pane === null)) return;
      lost = terminal.onLost(settings.session, (why) => {
        lost = null;
        isLost(why);
      });
    },
    stop: async () => lost?.(),
  };
}

/** Begins watches one after the other, each when the one before it has ended, so that none is left behind. */
function oneWatch(): (begin: () => Promise<Stop | null>) => Promise<Stop | null> {
  let present: Promise<Stop | null> = Promise.resolve(null);
  return (begin) =>
    (present = Promise.allSettled([present]).then(async ([before]) => {
      if (before.status === 'fulfilled') await before.value?.();
      return begin();
    }));
}
