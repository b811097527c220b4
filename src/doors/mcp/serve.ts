import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import type { McpServer } from './server.ts';
import { tmopsServer } from './tmops-server.ts';
import type { TmopsOptions } from './tmops-server.ts';
import { stdioTransport } from './transport.ts';
import type { StreamEnd } from './transport.ts';

/** How long calls that are under way when the input ends may take to be answered. */
const LAST_ANSWERS_WITHIN_MS = 500;

/** What carries the messages, and what ends it. */
export interface Streams {
  readonly stdin: Readable;
  /** Nothing else may write to it. */
  readonly stdout: Writable;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly stop: AbortSignal;
}

export interface McpOptions extends Omit<TmopsOptions, 'signal'>, Streams {}

/** Serves what tmops has for its users, see `serveOver`. */
export const serveMcp = (options: McpOptions): Promise<StreamEnd | 'stopped'> =>
  serveOver(options, (signal) => tmopsServer({ ...options, signal }));

/**
 * Serves MCP until the client closes its end or `stop` is aborted, and says which it was; pending calls are aborted
 * then. The caller ends the process with code 0: timers and sockets that live on must not keep it.
 */
export async function serveOver(
  { stdin, stdout, stop }: Streams,
  make: (signal: AbortSignal) => McpServer,
): Promise<StreamEnd | 'stopped'> {
  const over = new AbortController();
  const server = make(AbortSignal.any([over.signal, stop]));
  const transport = stdioTransport({ stdin, stdout, answerCall: server.answerCall });
  await server.connect(transport);
  const end = await Promise.race([transport.ended, aborted(stop)]);
  if (end === 'end-of-input') await Promise.race([transport.quiet(), sleep(LAST_ANSWERS_WITHIN_MS)]);
  over.abort();
  await server.close();
  return end;
}

function aborted(signal: AbortSignal): Promise<'stopped'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('stopped');
    signal.addEventListener(
      'abort',
      () => {
        resolve('stopped');
      },
      { once: true },
    );
  });
}
