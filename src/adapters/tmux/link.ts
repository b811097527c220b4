import { setTimeout as sleep } from 'node:timers/promises';
import { askByChild } from './child.ts';
import type { Server } from './child.ts';
import type { Ask, Chain, Reply } from './commands.ts';
import { ControlConnection } from './connection.ts';
import type { ModeChanged, Poll } from './poll.ts';
import { LEAVING, restoreSize } from './size.ts';

/**
 * How to talk to a session. `control`: one standing control-mode client. `process`: a process for each request, and a
 * look now and then for what a client would be told. `auto`: control mode where it is safe.
 *
 * Before 3.7 a tmux server ends, with every session on it, when it has something to tell while a control client is just
 * connecting (tmux pull requests 4980 and 5004), and while one is attached also when somebody changes the window and
 * ends the session in one go (tmux issue 5243).
 */
export type Way = 'auto' | 'control' | 'process';

/** The standing interest in one session, until the session is gone. */
export interface Link {
  /** Through the connection when there is one, by a process of its own otherwise. */
  readonly ask: Ask;
  /** Ends the connection. `onGone` is not called any more. */
  end(): Promise<void>;
}

export interface LinkDoors {
  readonly server: Server;
  readonly way: Way;
  readonly poll: Poll;
  readonly modeChanged: ModeChanged;
}

/** `onGone` is called once, when tmux says that the session or the server does not exist. */
export function keepLink(doors: LinkDoors, session: string, onGone: (why: string) => void): Link {
  const { server, way, poll, modeChanged } = doors;
  const { signal, abort } = stopper();
  let connection: ControlConnection | null = null;
  const ask: Ask = (chain, options) => askThrough(server, connection, chain, options);
  const size = sizeKeeper(ask, session, signal);

  async function untilGone(): Promise<string | null> {
    const control = way === 'control' || (way === 'auto' && (await isSafe(server)));
    if (!control) return poll.untilGone(session, signal);
    return connectAgain(signal, () => {
      connection = new ControlConnection(server, session, ({ name, words }) => {
        if (LEAVING.has(name)) size.check();
        // It is told of all sessions' panes; whose it is is known to whoever is told.
        if (name === 'pane-mode-changed') modeChanged(session, words[0] ?? '');
      });
      return connection;
    });
  }

  const kept = untilGone().then((why) => {
    if (why !== null && !signal.aborted) onGone(why);
  });
  return {
    ask,
    async end() {
      abort();
      await connection?.close();
      await Promise.all([kept, size.settled()]);
    },
  };
}

/** Asks the server, not the program: it may be older. */
async function isSafe(server: Server): Promise<boolean> {
  const reply = await askByChild(server, [['display-message', '-p', '#{version}']], { repeatable: true });
  const [, major, minor] = /(\d+)\.(\d+)/.exec(reply.kind === 'done' ? (reply.outputs[0]?.[0] ?? '') : '') ?? [];
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 7);
}

/** Connects each time the connection was cut; resolves like `poll`. */
async function connectAgain(signal: AbortSignal, connect: () => ControlConnection): Promise<string | null> {
  for (let cuts = 0; !signal.aborted; cuts += 1) {
    const began = performance.now();
    const { absent, why } = await connect().ended;
    if (absent) return why;
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
  options: { repeatable: boolean },
): Promise<Reply> {
  if (!connection?.usable) return askByChild(server, chain, options);
  const reply = await connection.ask(chain);
  // A server that is late for one client is late for the next.
  const again = reply.kind === 'failed' && !reply.late && options.repeatable;
  return again ? askByChild(server, chain, options) : reply;
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
  return {
    settled: () => working,
    check: () => {
      const idle = due === 0;
      due = 2;
      if (idle) working = work();
    },
  };
}

const LOOK_AGAIN_MS = 200;

function stopper() {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: () => {
      controller.abort();
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
