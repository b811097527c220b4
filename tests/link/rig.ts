import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLink } from '../../src/link/client.ts';
import type { Link } from '../../src/link/client.ts';
import type { Caller, LinkReply, LinkRequest } from '../../src/link/protocol.ts';
import { serveLink } from '../../src/link/server.ts';
import type { LinkServer, LinkServerOptions } from '../../src/link/server.ts';
import type { StopSignal } from '../../src/link/stopper.ts';

export const caller: Caller = { door: 'cli', cwd: '/somewhere' };

/** What the served operations were seen to do. */
export interface Seen {
  readonly begun: string[];
  readonly aborted: string[];
  readonly faults: unknown[];
  idle: number;
}

export interface LinkRig {
  readonly folder: string;
  readonly socketPath: string;
  readonly seen: Seen;
  serve(options?: Partial<LinkServerOptions>): Promise<LinkServer>;
  link(version?: string): Promise<Link>;
  raw(): Promise<RawClient>;
  close(): Promise<void>;
}

/** Sends bytes as they are and collects the lines that come back. */
export interface RawClient {
  readonly socket: Socket;
  readonly lines: unknown[];
  ended: boolean;
}

export function linkRig(): LinkRig {
  const home = mkdtempSync(join(tmpdir(), 'tmops-link-'));
  const folder = join(home, 'private');
  const socketPath = join(folder, 'link.sock');
  const seen: Seen = { begun: [], aborted: [], faults: [], idle: 0 };
  const servers: LinkServer[] = [];
  const links: Link[] = [];
  const clients: RawClient[] = [];
  return {
    folder,
    socketPath,
    seen,
    serve: async (options = {}) => {
      const served = await serveLink({
        socketPath,
        version: '0.1.0',
        handle: (request, signal) => handle(seen, request, signal),
        onFault: (error) => seen.faults.push(error),
        onIdle: () => {
          seen.idle += 1;
        },
        ...options,
      });
      if (!served.ok) throw new Error(served.failure.sentence);
      servers.push(served.server);
      return served.server;
    },
    link: async (version = '0.1.3') => {
      const connected = await connectLink(socketPath, version);
      if (!connected.ok) throw new Error(JSON.stringify(connected.fault));
      links.push(connected.link);
      return connected.link;
    },
    raw: async () => {
      const client = await rawClient(socketPath);
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const link of links) link.close();
      for (const { socket } of clients) socket.destroy();
      for (const server of servers) await server.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** `echo` gives its input back, `slow` waits for its input in ms or an abort, `throw` throws. */
async function handle(seen: Seen, request: LinkRequest, signal: StopSignal): Promise<LinkReply> {
  seen.begun.push(request.op);
  if (request.op === 'throw') throw new Error('secret detail');
  if (request.op === 'slow') {
    const stopped = new AbortController();
    signal.addEventListener('abort', () => {
      stopped.abort();
    });
    await sleep(Number(request.input), undefined, { signal: stopped.signal }).catch(() =>
      seen.aborted.push(request.op),
    );
  }
  return { id: request.id, ok: true, output: request.input };
}

function rawClient(socketPath: string): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const client: RawClient = { socket, lines: [], ended: false };
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const whole = text.split('\n');
      text = whole.pop() ?? '';
      client.lines.push(...whole.map((line): unknown => JSON.parse(line)));
    });
    socket.on('close', () => {
      client.ended = true;
    });
    socket.on('error', reject);
    socket.on('connect', () => {
      resolve(client);
    });
  });
}
