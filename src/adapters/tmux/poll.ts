import { untilBeat } from '../../core/beat.ts';
import { askByChild } from './child.ts';
import type { Server } from './child.ts';
import type { Chain } from './commands.ts';
import { resizeChain, watches } from './size.ts';
import { timesRun } from './stillness.ts';

/** Looks after all sessions of one server with one process at a time, however many there are. */
export interface Poll {
  /** Resolves to why the session is gone, or to null when the signal aborts. */
  untilGone(session: string, signal: AbortSignal): Promise<string | null>;
  /** Something is asked of the server: from now on, and for a while, it is looked at more often. */
  stir(): void;
}

export interface Pace {
  /** Between two looks while the server is in use, in ms. */
  readonly busyMs: number;
  /** Between two looks while nothing is asked of it, in ms. */
  readonly calmMs: number;
  /** This long after the last request nothing counts as asked of it any more, in ms. */
  readonly calmAfterMs: number;
  /** Between two looks at a server that has done nothing meanwhile, in ms. */
  readonly stillMs: number;
}

/**
 * A process each second was a third of what idle features cost, and one each five seconds a third again once the rest cost
 * less: a server that has not run since the last look has nothing new to tell. When a session ends while nothing is asked
 * of its server its agents end with it, and those are looked at each second without a process.
 */
const PACE: Pace = { busyMs: 1000, calmMs: 5000, calmAfterMs: 10_000, stillMs: 30_000 };
/**
 * When the server has seen off our own client, as a rule, in ms. What happens until then may only be seen by the next look
 * that comes without being asked for.
 */
const SEEN_OFF_MS = 50;

/** Told of each pane of a session that is waited for when it entered or left a mode since the last look. */
export type ModeChanged = (session: string, pane: string) => void;

export function openPoll(server: Server, modeChanged: ModeChanged, pace: Pace = PACE): Poll {
  const { busyMs, calmMs, calmAfterMs, stillMs } = pace;
  const inMode = new Set<string>();
  const waiting = new Map<string, Set<(why: string | null) => void>>();
  const { nap, wake } = napper();
  let running = false;
  let stirredAt = performance.now();
  let rest: { readonly pid: number; readonly times: string | null; readonly since: number } | null = null;
  const isCalm = (): boolean => performance.now() - stirredAt > calmAfterMs;

  const settle = (session: string, why: string | null): void => {
    const told = waiting.get(session);
    waiting.delete(session);
    for (const resolve of told ?? []) resolve(why);
  };
  const noteMode = ({ session, pane, isInMode }: PaneMode): void => {
    if (inMode.has(pane) === isInMode) return;
    if (isInMode) inMode.add(pane);
    else inMode.delete(pane);
    modeChanged(session, pane);
  };
  const isStill = (): boolean =>
    rest !== null &&
    rest.times !== null &&
    performance.now() - rest.since < stillMs &&
    timesRun(rest.pid) === rest.times;
  const look = async (): Promise<void> => {
    rest = null;
    const { lost, modes, pid } = await lookAtAll(server, [...waiting.keys()]);
    for (const [session, why] of lost) settle(session, why);
    for (const mode of modes) noteMode(mode);
    if (!isCalm() || pid === null) return;
    await nap(SEEN_OFF_MS);
    rest = { pid, times: timesRun(pid), since: performance.now() };
  };
  const rounds = async (): Promise<void> => {
    running = true;
    while (waiting.size > 0) {
      if (!isCalm() || !isStill()) await look();
      if (isCalm()) await nap(untilBeat(Date.now(), calmMs));
      // Not at once after a stir: whoever asks now is not to wait for a look.
      if (!isCalm()) await nap(untilBeat(Date.now(), busyMs));
    }
    running = false;
  };

  const stir = (): void => {
    const wasCalm = isCalm();
    stirredAt = performance.now();
    if (wasCalm) wake();
  };

  return {
    stir,
    untilGone(session, signal) {
      if (signal.aborted) return Promise.resolve(null);
      stir();
      return new Promise((resolve, reject) => {
        const told = waiting.get(session) ?? new Set();
        waiting.set(session, told.add(resolve));
        signal.addEventListener('abort', () => {
          told.delete(resolve);
          if (told.size === 0 && waiting.get(session) === told) waiting.delete(session);
          // No timer is left behind that would hold the process.
          if (waiting.size === 0) wake();
          resolve(null);
        });
        if (!running) rounds().catch(reject);
      });
    },
  };
}

/** One sleeper at a time, who can be woken. */
function napper(): { readonly nap: (ms: number) => Promise<void>; readonly wake: () => void } {
  let end = (): void => undefined;
  return {
    nap: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    wake: () => {
      end();
    },
  };
}

interface PaneMode {
  readonly session: string;
  readonly pane: string;
  readonly isInMode: boolean;
}

interface Seen {
  readonly lost: readonly (readonly [session: string, why: string])[];
  readonly modes: readonly PaneMode[];
  /** The server's process; null when it could not be looked at. */
  readonly pid: number | null;
}

/** One look at everything: which of the sessions are gone, and why. Sizes are put right on the way. */
async function lookAtAll(server: Server, sessions: readonly string[]): Promise<Seen> {
  const reply = await askByChild(server, EVERYTHING);
  if (reply.kind === 'no-server')
    return { lost: sessions.map((session) => [session, reply.message] as const), modes: [], pid: null };
  // It could not be looked at; that is not the same as gone.
  if (reply.kind !== 'done') return { lost: [], modes: [], pid: null };
  const [clients = [], lines = [], panes = []] = reply.outputs;
  const windows = lines.map(readWindow);
  const misfits = windows.filter(
    ({ session, is, wanted }) =>
      sessions.includes(session) &&
      /^\d+x\d+$/.test(wanted) &&
      is !== wanted &&
      !clients.some((client) => watches(client, session)),
  );
  if (misfits.length > 0)
    await askByChild(
      server,
      misfits.flatMap(({ id, wanted }) => resizeChain(id, wanted)),
    );
  const lost = sessions
    .filter((session) => !windows.some((window) => window.session === session))
    .map((session) => [session, `can't find session: ${session}`] as const);
  return {
    lost,
    pid: windows[0]?.pid ?? null,
    modes: panes.map(readPane).filter(({ session }) => sessions.includes(session)),
  };
}

// The name comes last, since others' names may hold blanks.
const EVERYTHING: Chain = [
  ['list-clients', '-F', '#{client_control_mode} #{session_name} #{session_group}'],
  ['list-windows', '-a', '-F', '#{pid} #{window_id} #{window_width}x#{window_height} #{default-size} #{session_name}'],
  ['list-panes', '-a', '-F', '#{pane_id} #{?pane_in_mode,1,0} #{session_name}'],
];

function readPane(line: string): PaneMode {
  const [pane = '', isInMode = '', ...session] = line.split(' ');
  return { pane, isInMode: isInMode === '1', session: session.join(' ') };
}

function readWindow(line: string): { pid: number; id: string; is: string; wanted: string; session: string } {
  const [pid = '', id = '', is = '', wanted = '', ...session] = line.split(' ');
  return { pid: Number(pid), id, is, wanted, session: session.join(' ') };
}
