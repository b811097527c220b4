import { lstatSync, rmSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { attend } from './connection.ts';
import type { Attendance } from './connection.ts';
import { privateFolder } from './place.ts';
import type { Failure } from './protocol.ts';

/** Doors at once on one workspace: four panes, a few editors and shells, with room to spare. */
const MAX_CONNECTIONS = 256;
/** How long a listener has to accept before its socket counts as stale. */
const PROBE_WITHIN_MS = 1_000;
/** How long closing waits for clients to take their last replies. */
const CLOSE_WITHIN_MS = 500;

export interface LinkServerOptions extends Attendance {
  readonly socketPath: string;
  /** Called each time the last client has gone. */
  readonly onIdle?: () => void;
}

export interface LinkServer {
  connections(): number;
  /** Stops listening, removes the socket, aborts what is pending and ends every connection. */
  close(): Promise<void>;
}

export type Served =
  { readonly ok: true; readonly server: LinkServer } | { readonly ok: false; readonly failure: Failure };

/**
 * Listens on `socketPath` (folder 0700, socket 0600). A socket left behind is replaced only when nobody answers on it;
 * otherwise, and when the folder is not ours alone, the failure says so.
 */
export async function serveLink(options: LinkServerOptions): Promise<Served> {
  const unfit = privateFolder(dirname(options.socketPath), process.getuid?.() ?? -1);
  if (unfit) return { ok: false, failure: unfit };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) options.onIdle?.();
    });
    attend(socket, options);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const failure = await occupy(server, options.socketPath);
  if (failure) return { ok: false, failure };
  return { ok: true, server: { connections: () => sockets.size, close: () => close(server, sockets) } };
}

async function occupy(server: Server, socketPath: string): Promise<Failure | null> {
  const first = await listen(server, socketPath);
  if (first === null) return null;
  if (first.code !== 'EADDRINUSE') return cannotListen(socketPath, first.message);
  if (!lstatSync(socketPath, { throwIfNoEntry: false })?.isSocket()) {
    return cannotListen(socketPath, 'something that is not a socket is in its place');
  }
  if (await answers(socketPath)) return cannotListen(socketPath, 'another supervisor answers on it');
  rmSync(socketPath, { force: true });
  const second = await listen(server, socketPath);
  return second && cannotListen(socketPath, second.message);
}

function listen(server: Server, socketPath: string): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const fail = (error: Error): void => {
      resolve(error);
    };
    server.once('error', fail);
    // The socket is made inside listen(), so nobody can connect before it is 0600.
    const before = process.umask(0o177);
    try {
      server.listen(socketPath, () => {
        server.off('error', fail);
        resolve(null);
      });
    } finally {
      process.umask(before);
    }
  });
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    // A listener too busy to accept in time is still there.
    socket.setTimeout(PROBE_WITHIN_MS, () => {
      settle(true);
    });
    socket.on('connect', () => {
      settle(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

async function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  for (const socket of sockets) socket.end();
  const cut = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, CLOSE_WITHIN_MS);
  await closed;
  clearTimeout(cut);
}

function cannotListen(socketPath: string, why: string): Failure {
  return {
    code: 'supervisor-place',
    sentence: `The supervisor cannot listen on ${socketPath}: ${why}.`,
    hint: 'tmops status shows whether a supervisor already serves this workspace.',
  };
}
