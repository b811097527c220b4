import { randomUUID } from 'node:crypto';
import type { Event } from '../core/event.ts';
import type { Command } from '../core/react.ts';
import { evidenceFrom, type Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import { keepBorders } from './borders.ts';
import { watchClaims, type SettleTimes } from './claims.ts';
import { openCourier, type Courier } from './courier.ts';
import { ensureAgents, handleOf, type CrewParts, type CrewSetup } from './crew.ts';
import { openRunLoop, type FactStore, type RunLoop } from './loop.ts';
import type { RunPlace } from './place.ts';
import type { AgentProvider, CheckpointWatch, Clock, Log, Modules, Stop, Terminal } from './ports.ts';
import { keepRecord, type RecordParts } from './record.ts';
import { keepVigil } from './vigil.ts';

/** A run with everything that moves it: its loop, its watchers, its couriers. */
export interface LiveRun {
  readonly loop: RunLoop;
  readonly place: RunPlace;
  /** Every event of the run after `seq`, from the journal. */
  events(seq: number): Promise<readonly Event[]>;
  /** The terminal of the run's session; null until it was started. */
  readonly terminal: () => Terminal | null;
  /** Gives the run what it needs to act, before `start` is submitted or when it is taken up again. */
  equip(equipment: Equipment): void;
  /** Ends the run's agents and its session, whatever the run's state. */
  endSession(): Promise<void>;
  /** Stops watching and typing; agents and panes are left as they are. */
  close(): Promise<void>;
}

export interface Equipment {
  readonly terminal: Terminal;
  readonly provider: AgentProvider;
  readonly setup: CrewSetup;
}

export interface LiveRunParts {
  readonly place: RunPlace;
  readonly start: Run;
  readonly store: FactStore;
  readonly clock: Clock;
  readonly watch: CheckpointWatch;
  readonly modules: Modules;
  readonly log: Log;
  readonly settle: SettleTimes;
  readonly record: RecordParts;
  readonly readEvents: () => Promise<readonly Event[]>;
}

/** Nothing acts before `equip`; a run that is only looked at stays unequipped. */
export function openLiveRun(parts: LiveRunParts): LiveRun {
  const { place, clock, log } = parts;
  let crew: CrewParts | null = null;
  let attending: Attendance | null = null;
  const onError = (error: unknown): void => {
    log.error('an action failed', { err: error });
  };
  const background = (work: Promise<unknown>): void => void work.catch(onError);

  const loop = openRunLoop(parts.start, parts.store, clock, (command) => {
    if (crew) background(perform(crew, command));
    else log.debug('nothing is done: the run is not equipped', { command: command.do });
  });
  const stopRecord = keepRecord(loop, place, parts.record, onError);

  const attend = (present: CrewParts): Attendance => (attending ??= openAttendance(present, parts, onError));

  async function leave(): Promise<void> {
    const leaving = attending;
    attending = null;
    await leaving?.close();
  }

  async function perform(present: CrewParts, command: Command): Promise<void> {
    switch (command.do) {
      case 'watch':
        return attend(present).watch();
      case 'ensure-agents':
        return attend(present).ensureAgents();
      case 'deliver':
        attend(present).courier(command.role).wake();
        return;
      case 'execute-module':
        return executeModule(present, parts.modules, command.step);
      case 'rest':
        return leave();
      case 'close-session':
        await leave();
        return closeSession(present);
      default:
        return command satisfies never;
    }
  }

  return {
    loop,
    place,
    events: async (seq) => (await parts.readEvents()).filter((event) => event.seq > seq),
    terminal: () => crew?.terminal ?? null,
    equip(equipment) {
      crew = { loop, place, clock, log, ...equipment };
    },
    async endSession() {
      await leave();
      if (crew) await closeSession(crew);
    },
    async close() {
      await leave();
      await loop.settled();
      await stopRecord();
    },
  };
}

/** Everything that watches and types for a run while it is started. */
interface Attendance {
  watch(): Promise<void>;
  ensureAgents(): Promise<void>;
  courier(role: string): Courier;
  close(): Promise<void>;
}

function openAttendance(crew: CrewParts, parts: LiveRunParts, onError: (error: unknown) => void): Attendance {
  const { loop, terminal, provider, place, clock } = crew;
  const couriers = new Map<string, Courier>();
  const evidence = new Map<string, Stop>();
  const stops: Stop[] = [keepVigil(crew, onError), keepBorders(loop, terminal, onError)];
  let ensuring: Promise<void> = Promise.resolve();
  let watching: Promise<Stop> | null = null;

  const listen = async (role: string): Promise<void> => {
    const agent = loop.run().agents[role];
    if (!agent) return;
    await evidence.get(role)?.();
    const stop = await provider.evidence(handleOf(agent, place), evidenceFrom(agent), (piece) => {
      loop.submit({ kind: 'agent-news', role, evidence: piece }).catch(onError);
    });
    evidence.set(role, stop);
    await loop.settled();
  };

  const session = loop.run().settings?.session;
  if (session !== undefined) stops.push(terminal.onLost(session, (why) => void sessionLost(loop, why).catch(onError)));

  return {
    async watch() {
      await (
        await watching
      )?.();
      watching = watchClaims({ loop, place, watch: parts.watch, clock, settle: parts.settle, onError });
      await watching;
    },
    ensureAgents() {
      ensuring = ensuring.then(async () => {
        for (const role of Object.keys(loop.run().agents)) if (!evidence.has(role)) await listen(role);
        await ensureAgents(crew);
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
        drainEvidence: listen,
        onError,
      });
      couriers.set(role, courier);
      return courier;
    },
    async close() {
      await Promise.all([...couriers.values()].map((courier) => courier.stop()));
      await ensuring.catch(onError);
      await (
        await watching
      )?.();
      for (const stop of [...stops, ...evidence.values()]) await stop();
    },
  };
}

async function sessionLost(loop: RunLoop, why: string): Promise<void> {
  const spareIds = Object.fromEntries(Object.keys(loop.run().agents).map((role) => [role, randomUUID()]));
  await loop.submit({ kind: 'session-lost', why, spareIds });
}

/** How long agents get to end by themselves when their session is closed. */
const END_WITHIN_MS = 5000;

async function closeSession({ loop, terminal, provider, place }: CrewParts): Promise<void> {
  const { settings, agents } = loop.run();
  const processes = await Promise.all(
    Object.values(agents).map((agent) => provider.process({ agentDir: place.agentDir(agent.role) })),
  );
  if (settings) await terminal.close(settings.session);
  await Promise.all(
    Object.values(agents).map((agent, index) =>
      provider.destroy({ ...handleOf(agent, place), process: processes[index] ?? null }, END_WITHIN_MS),
    ),
  );
}

async function executeModule({ loop, place }: CrewParts, modules: Modules, id: string): Promise<void> {
  const { identity, workflow } = loop.run();
  const step = workflow?.steps.find((each) => each.id === id);
  if (!identity || !step || isAgentStep(step)) throw new Error(`Internal error: step ${id} has no module`);
  const context = {
    feature: identity.feature,
    run: identity.run,
    step: id,
    worktree: identity.worktree,
    runDir: place.runDir,
    with: step.with,
  };
  const failed = async (stage: 'validate' | 'execute', error: unknown): Promise<void> => {
    const rolledBack = stage === 'execute' && (await rollBack(modules, step.module, context));
    await loop.submit({
      kind: 'module-failed',
      step: id,
      stage,
      why: error instanceof Error ? error.message : String(error),
      rolledBack,
    });
  };
  try {
    await modules.call(step.module, 'validate', context);
  } catch (error) {
    return failed('validate', error);
  }
  try {
    await modules.call(step.module, 'execute', context);
  } catch (error) {
    return failed('execute', error);
  }
  await loop.submit({ kind: 'module-done', step: id });
}

/** Whether what the module had begun was taken back. */
async function rollBack(modules: Modules, module: string, context: Parameters<Modules['call']>[2]): Promise<boolean> {
  return modules.call(module, 'rollback', context).then(
    () => true,
    () => false,
  );
}
