// A server for the scenarios of the protocol's suite that ask for tools, resources and prompts of its own: what it offers is
// in fixture-*.ts, all else is the product's, the wrapper around the SDK (src/doors/mcp/server.ts) and the whole HTTP door.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MCP_PATH, serveHttp } from '../../src/doors/mcp/http.ts';
import { mcpServer } from '../../src/doors/mcp/server.ts';
import type { McpServer, Offer } from '../../src/doors/mcp/server.ts';
import { fixtureCalls, fixtureTools } from './fixture-calls.ts';
import type { CallPlace } from './fixture-calls.ts';
import { addTestPrompts, addTestResources } from './fixture-offer.ts';

export interface Fixture {
  readonly url: string;
  /** Errors that nobody expected. */
  readonly faults: readonly unknown[];
  close(): Promise<void>;
}

export async function openFixture(): Promise<Fixture> {
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  const responses = openResponses();
  const serverFor = (): McpServer =>
    mcpServer({
      ...{ name: 'tmops-conformance', version: '0.0.0', instructions: 'Tools of a suite of tests.', onFault },
      tools: fixtureTools,
      offer: fixtureOffer((sessionId) => {
        responses.end(sessionId);
      }),
    });
  const { port, close } = await serveHttp({
    ...{ host: '127.0.0.1', port: 0, limit: 256, idleMs: 600_000, keepAliveMs: 15_000, requestWithinMs: 30_000 },
    // The suite has no token.
    rules: { hosts: [], origins: [], keys: null },
    serverFor,
    onFault,
  });
  return {
    url: `http://127.0.0.1:${port}${MCP_PATH}`,
    faults,
    async close() {
      responses.close();
      await close();
    },
  };
}

function fixtureOffer(cut: (sessionId: string | undefined) => void): Offer {
  let server: CallPlace['server'] | undefined;
  return {
    add(added) {
      server = added;
      addTestResources(added);
      addTestPrompts(added);
    },
    loadCalls(client) {
      if (!server) throw new Error('Nothing was added to a server');
      const { transport } = server;
      const cutStreams = (): void => {
        cut(transport?.sessionId);
      };
      return Promise.resolve(fixtureCalls({ client, server, cutStreams }));
    },
  };
}

/**
 * The responses to POST that this process has open. A server of ours never ends one by itself before the answer, but
 * whatever stands in between may: one scenario wants to see the client come back.
 */
function openResponses(): { end(sessionId: string | undefined): void; close(): void } {
  const open = new Set<{ readonly request: IncomingMessage; readonly response: ServerResponse }>();
  const begun = (message: unknown): void => {
    const exchange = message as { readonly request: IncomingMessage; readonly response: ServerResponse };
    if (exchange.request.method !== 'POST') return;
    open.add(exchange);
    exchange.response.on('close', () => open.delete(exchange));
  };
  subscribe(CHANNEL, begun);
  return {
    end(sessionId) {
      for (const { request, response } of open)
        if (request.headers['mcp-session-id'] === sessionId && response.headersSent) response.end();
    },
    close() {
      unsubscribe(CHANNEL, begun);
    },
  };
}

const CHANNEL = 'http.server.request.start';
