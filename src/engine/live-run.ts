import type { Event } from '../core/event.ts';
import type { Command } from '../core/react.ts';
import type { Run } from '../core/run.ts';
import type { CrewSetup } from '../core/saved-setup.ts';
import type { AgentStep } from '../core/workflow.ts';
import { checkStep } from './check-step.ts';
import { readCheckpoint } from './claims.ts';
import { openAttendance, type Attendance, type AttendanceParts } from './attendance.ts';
import { handleOf, type CrewParts } from './crew.ts';
import type { FactStore } from './disk.ts';
import { openRunLoop, type LoopMarks, type RunLoop } from './loop.ts';
import { interruptTurn } from './interrupt.ts';
import { executeModule } from './module-step.ts';
import type { RunPlace } from './place.ts';
import type { AgentProvider, Clock, Found, Log, Modules, Prover, Rewinder, Terminal } from './ports.ts';
import { keepRecord, type Before, type RecordParts } from './record.ts';
import { putAside } from './put-aside.ts';
import { performRollback } from './rollback.ts';

/** A run with everything that moves it: its loop, its watchers, its couriers. */
export interface LiveRun {
  readonly loop: RunLoop;
  readonly place: RunPlace;
  /** Every event of the run after `seq`, from the journal. */
  events(seq: number): Promise<readonly Event[]>;
  /** The checkpoint of one of its steps as it stands now; null when there is none. */
  checkpoint(step: AgentStep): Promise<Found | null>;
  /** The terminal of the run's session; null until it was started. */
  readonly terminal: () => Terminal | null;
  /** The provider of its agents; null until it was started. */
  readonly provider: () => AgentProvider | null;
  /** What start settled for its agents; null until then. */
  readonly setup: () => CrewSetup | null;
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

export interface LiveRunParts extends AttendanceParts {
  readonly place: RunPlace;
  readonly start: Run;
  readonly store: FactStore;
  readonly clock: Clock;
  readonly modules: Modules;
  readonly prover: Prover;
  readonly rewinder: Rewinder;
  readonly log: Log;
  readonly record: RecordParts;
  /** What whoever wrote the journal before left to the record; see `recordBefore`. */
  readonly before: Before;
  readonly readEvents: () => Promise<readonly Event[]>;
  readonly marks?: LoopMarks;
}

/** Nothing acts before `equip`; a run that is only looked at stays unequipped. */
export function openLiveRun(parts: LiveRunParts): LiveRun {
  const { place, clock, log } = parts;
  let crew: CrewParts | null = null;
  let attending: Attendance | null = null;
  const closing = new AbortController();
  let closed = false;
  const onError = errorsInto(log);

  const loop = openRunLoop(parts.start, parts.store, clock, carriedOut, parts.marks);
  const stopRecord = keepRecord(loop, place, { ...parts.record, clock }, parts.before, onError);

  const attend = (present: CrewParts): Attendance => (attending ??= openAttendance(present, parts, onError));

  async function leave(leaving = attending): Promise<void> {
    attending = null;
    await leaving?.close();
  }

  // The event of a stop and whoever asked for it want the same end: the second one waits for the first.
  let ending: Promise<void> | null = null;
  const end = (present: CrewParts): Promise<void> =>
    (ending ??= leave()
      .then(() => closeSession(present))
      .finally(() => (ending = null)));

  const project = openProjectWork({ ...parts, loop }, closing.signal, () => closed);

  function carriedOut(command: Command): void {
    if (isOnProject(command)) void project.next(command).catch(onError);
    else if (crew) void perform(crew, command).catch(onError);
    else log.debug('nothing is done: the run is not equipped', { command: command.do });
  }

  async function perform(present: CrewParts, command: Exclude<Command, OnProject>): Promise<void> {
    // Nothing is begun in a session that is just being ended.
    if (ending && command.do !== 'close-session') await Promise.allSettled([ending]);
    // Whoever takes the run up next finds it outstanding; a run that is over only rests and closes.
    if (closing.signal.aborted || (loop.run().life.kind !== 'running' && !AT_THE_END.has(command.do))) return;
    switch (command.do) {
      case 'watch':
        return attend(present).watch();
      case 'ensure-agents':
        return attend(present).ensureAgents();
      case 'deliver':
        attend(present).courier(command.role).wake();
        return;
      case 'execute-module':
        return executeModule(present, parts.modules, command.step, () => closed);
      case 'interrupt':
      case 'check':
        return act(present, parts.prover, command, closing.signal);
      case 'rest':
        return attending?.rest();
      case 'close-session':
        return end(present);
      default:
        return command satisfies never;
    }
  }

  return {
    loop,
    place,
    events: async (seq) => (await parts.readEvents()).filter((event) => event.seq > seq),
    checkpoint: (step) => readCheckpoint(parts, step),
    terminal: () => crew?.terminal ?? null,
    provider: () => crew?.provider ?? null,
    setup: () => crew?.setup ?? null,
    equip(equipment) {
      // The same object, so that those who attend already start the next agent with what was settled last.
      crew = Object.assign(crew ?? {}, { loop, place, clock, log }, equipment);
    },
    endSession: () => (crew ? end(crew) : leave()),
    async close() {
      abandon(closing, loop);
      await Promise.allSettled([ending, project.settled()]);
      await leave();
      closed = true;
      await loop.settled().then(stopRecord);
    },
  };
}

/** Nothing more is begun, and nothing waits for a disk that refuses: else the end would wait for it, too. */
function abandon(closing: AbortController, loop: RunLoop): void {
  closing.abort();
  loop.giveUp();
}

/** What moves the project itself, and needs no session for it. */
type OnProject = Extract<Command, { do: 'roll-back' | 'put-aside' }>;
const isOnProject = (command: Command): command is OnProject =>
  command.do === 'roll-back' || command.do === 'put-aside';

/** One after the other: two would write into each other's files. None is begun once the run is being closed. */
function openProjectWork(
  parts: Parameters<typeof performRollback>[0] & Parameters<typeof putAside>[0],
  closing: AbortSignal,
  isClosed: () => boolean,
): { readonly next: (command: OnProject) => Promise<void>; readonly settled: () => Promise<unknown> } {
  let last: Promise<unknown> = Promise.resolve();
  return {
    next(command) {
      const act = command.do === 'roll-back' ? performRollback : putAside;
      const next = last.then(() => (closing.aborted ? undefined : act(parts, command.number, isClosed)));
      last = Promise.allSettled([next]);
      return next;
    },
    settled: () => last,
  };
}

const act = (
  present: CrewParts,
  prover: Prover,
  command: Extract<Command, { do: 'interrupt' | 'check' }>,
  closing: AbortSignal,
): Promise<void> =>
  command.do === 'check' ? checkStep(present, prover, command, closing) : interruptTurn(present, command, closing);

const errorsInto =
  (log: Log) =>
  (error: unknown): void => {
    log.error('an action failed', { err: error });
  };

const AT_THE_END: ReadonlySet<Command['do']> = new Set(['rest', 'close-session']);

/** How long agents get to end by themselves when their session is closed. */
const END_WITHIN_MS = 5000;

async function closeSession({ loop, terminal, provider, place }: CrewParts): Promise<void> {
  const { settings, agents } = loop.run();
  const processes = await Promise.all(
    Object.values(agents).map((agent) => provider.process({ agentDir: place.agentDir(agent.role) })),
  );
  // A session that cannot be ended (renamed, a server that hangs) does not keep its agents.
  const [closed] = await Promise.allSettled([settings ? endOwn(terminal, settings.session) : Promise.resolve()]);
  await Promise.all(
    Object.values(agents).map((agent, index) =>
      provider.destroy({ ...handleOf(agent, place), process: processes[index] ?? null }, END_WITHIN_MS),
    ),
  );
  if (closed.status === 'rejected') throw new SessionNotEnded(settings?.session ?? '', closed.reason);
}

/** One of that name that is somebody else's is not what was asked about. */
async function endOwn(terminal: Terminal, session: string): Promise<void> {
  if ((await terminal.survey(session)).kind !== 'foreign') await terminal.close(session);
}

/** The agents are ended and their session is not. */
class SessionNotEnded extends Error {
  readonly sentence: string;
  readonly hint: string;
  constructor(session: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`The tmux session ${session} could not be ended: ${why}`, { cause });
    this.sentence = `The agents are ended, and the tmux session ${session} could not be: ${why}.`;
    this.hint = 'Look at the sessions there are with tmux list-sessions, and end it by hand with tmux kill-session.';
  }
}
