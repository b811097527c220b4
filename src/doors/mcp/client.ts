import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Notification, Request, Result } from '@modelcontextprotocol/sdk/types.js';
import { faultOf } from './client-faults.ts';
import type { ReachOptions, Reached, Remote } from './remote.ts';

/** What is spoken to, settled: a process with exactly this environment, or an address and what it asks for. */
export type Server =
  | {
      readonly kind: 'stdio';
      readonly command: readonly string[];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'http'; readonly url: URL; readonly token?: string }
  /** One of this process. */
  | { readonly kind: 'inner'; readonly name: string; readonly transport: Transport };

export interface ClientOptions extends ReachOptions {
  readonly version: string;
}

interface Line {
  readonly transport: Transport;
  /** What the protocol wants to be told before the connection ends. */
  readonly farewell?: () => Promise<void>;
}

/** Connects and introduces itself. Never rejects for what a server, or its absence, may do. */
export async function reachServer(server: Server, options: ClientOptions): Promise<Reached> {
  const { version, timeoutMs, stop } = options;
  const client = new Client<Request, Notification, Result>({ name: 'tmops-client', version });
  const within = { timeout: timeoutMs, signal: stop };
  const { transport, farewell } = await lineTo(server);
  try {
    await client.connect(transport, within);
  } catch (error) {
    await client.close();
    return { ok: false, failure: faultOf(error, server, options) };
  }
  const info = client.getServerVersion();
  const remote: Remote = {
    server: `${info?.name ?? 'unnamed'} ${info?.version ?? ''}`.trim(),
    offers: Object.keys(client.getServerCapabilities() ?? {}),
    async request(method, params) {
      try {
        return { ok: true, result: await client.request({ method, params: { ...params } }, ResultSchema, within) };
      } catch (error) {
        return { ok: false, failure: faultOf(error, server, options) };
      }
    },
    async close() {
      const left = await farewell?.().then(
        () => null,
        (error: unknown) => faultOf(error, server, options),
      );
      await client.close();
      return left ?? null;
    },
  };
  return { ok: true, remote };
}

/** Loads the one transport that is needed. */
async function lineTo(server: Server): Promise<Line> {
  if (server.kind === 'inner') return { transport: server.transport };
  if (server.kind === 'stdio') {
    const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
    const [command = '', ...args] = server.command;
    const { cwd, env } = server;
    return { transport: new StdioClientTransport({ command, args, cwd, env: { ...env }, stderr: 'inherit' }) };
  }
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const headers = server.token === undefined ? {} : { authorization: `Bearer ${server.token}` };
  const http = new StreamableHTTPClientTransport(server.url, { requestInit: { headers } });
  return { transport: http, farewell: () => http.terminateSession() };
}
