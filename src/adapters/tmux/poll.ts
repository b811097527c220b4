import { setTimeout as sleep } from 'node:timers/promises';
import { askByChild } from './child.ts';
import type { Server } from './child.ts';
import type { Chain } from './commands.ts';
import { resizeChain, watches } from './size.ts';

/** Looks after all sessions of one server with one process a second, however many there are. */
export interface Poll {
  /** Resolves to why the session is gone, or to null when the signal aborts. */
  untilGone(session: string, signal: AbortSignal): Promise<string | null>;
}

const POLL_MS = 1000;

export function openPoll(server: Server): Poll {
  const waiting = new Map<string, Set<(why: string | null) => void>>();
  let running = false;

  const settle = (session: string, why: string | null): void => {
    const told = waiting.get(session);
    waiting.delete(session);
    for (const resolve of told ?? []) resolve(why);
  };
  const rounds = async (): Promise<void> => {
    running = true;
    while (waiting.size > 0) {
      for (const [session, why] of await lostAmong(server, [...waiting.keys()])) settle(session, why);
      await sleep(POLL_MS);
    }
    running = false;
  };

  return {
    untilGone(session, signal) {
      if (signal.aborted) return Promise.resolve(null);
      return new Promise((resolve, reject) => {
        const told = waiting.get(session) ?? new Set();
        waiting.set(session, told.add(resolve));
        signal.addEventListener('abort', () => {
          told.delete(resolve);
          if (told.size === 0 && waiting.get(session) === told) waiting.delete(session);
          resolve(null);
        });
        if (!running) rounds().catch(reject);
      });
    },
  };
}

/** One look at everything: which of the sessions are gone, and why. Sizes are put right on the way. */
async function lostAmong(server: Server, sessions: readonly string[]): Promise<[session: string, why: string][]> {
  const reply = await askByChild(server, EVERYTHING);
  if (reply.kind === 'no-server') return sessions.map((session) => [session, reply.message]);
  // It could not be looked at; that is not the same as gone.
  if (reply.kind !== 'done') return [];
  const [clients = [], lines = []] = reply.outputs;
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
  return sessions
    .filter((session) => !windows.some((window) => window.session === session))
    .map((session) => [session, `can't find session: ${session}`]);
}

// The name comes last, since others' names may hold blanks.
const EVERYTHING: Chain = [
  ['list-clients', '-F', '#{client_control_mode} #{session_name} #{session_group}'],
  ['list-windows', '-a', '-F', '#{window_id} #{window_width}x#{window_height} #{default-size} #{session_name}'],
];

function readWindow(line: string): { id: string; is: string; wanted: string; session: string } {
  const [id = '', is = '', wanted = '', ...session] = line.split(' ');
  return { id, is, wanted, session: session.join(' ') };
}
