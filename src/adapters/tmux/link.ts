import { setTimeout as sleep } from 'node:timers/promises';
import { askByChild } from './child.ts';
import type { Server } from './child.ts';
import type { Ask, Chain, Reply } from './commands.ts';
import { ControlConnection } from './connection.ts';
import type { Notice } from './connection.ts';
import { LEAVING, restoreSize } from './size.ts';

/** The standing connection to one session: made again when it is cut, and gone when the session is. */
export interface Link {
  /** Through the connection when there is one, by a process of its own otherwise. */
  readonly ask: Ask;
  /** Ends the connection. `onGone` is not called any more. */
  end(): Promise<void>;
}

/** `onGone` is called once, when tmux says that the session or the server does not exist. */
export function keepLink(server: Server, session: string, onGone: (why: string) => void): Link {
  const stop = new AbortController();
  let connection: ControlConnection | null = null;
  const ask: Ask = (chain, options) => askThrough(server, connection, chain, options.repeatable);
  const size = sizeKeeper(ask, session, stop.signal);

  const kept = keepConnecting(stop.signal, {
    connect: () => (connection = new ControlConnection(server, session, size.noticed)),
    attached: size.check,
  }).then((why) => {
    if (why !== null) onGone(why);
  });

  return {
    ask,
    async end() {
      stop.abort();
      await connection?.close();
      await Promise.all([kept, size.settled()]);
    },
  };
}

/** Connects again and again, until the session is gone (resolves to why) or the signal aborts (resolves to null). */
async function keepConnecting(
  signal: AbortSignal,
  make: { connect: () => ControlConnection; attached: () => void },
): Promise<string | null> {
  for (let cuts = 0; !signal.aborted; cuts += 1) {
    const began = performance.now();
    const connection = make.connect();
    if (await connection.attached) make.attached();
    const ending = await connection.ended;
    if (ending.absent) return signal.aborted ? null : ending.why;
    if (performance.now() - began > STEADY_MS) cuts = 0;
    await pause(Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** cuts), signal);
  }
  return null;
}

const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 5000;
/** A connection that held this long was a good one: the next one is tried soon. */
const STEADY_MS = 2000;

async function askThrough(
  server: Server,
  connection: ControlConnection | null,
  chain: Chain,
  repeatable: boolean,
): Promise<Reply> {
  if (!connection?.usable) return askByChild(server, chain);
  const reply = await connection.ask(chain);
  // A server that is late for one client is late for the next.
  const again = reply.kind === 'failed' && !reply.late && repeatable;
  return again ? askByChild(server, chain) : reply;
}

/** Looks at the size after each notice that somebody may have left; one look at a time, a second one a little later. */
function sizeKeeper(ask: Ask, session: string, signal: AbortSignal) {
  let due = 0;
  let working = Promise.resolve();
  const work = async () => {
    // tmux sends the notice before it has forgotten the client, and a look may come in between.
    for (; due > 0 && !signal.aborted; due -= 1) {
      await restoreSize(ask, session);
      if (due > 1) await pause(LOOK_AGAIN_MS, signal);
    }
  };
  const check = () => {
    const idle = due === 0;
    due = 2;
    if (idle) working = work();
  };
  return {
    check,
    settled: () => working,
    noticed: (notice: Notice) => {
      if (LEAVING.has(notice.name)) check();
    },
  };
}

const LOOK_AGAIN_MS = 200;

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
