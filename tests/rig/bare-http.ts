import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { offeringServer } from './mcp-offers.ts';

export interface HttpServer {
  /** Of its one endpoint. */
  readonly url: string;
  /** Sessions that were begun and not ended. */
  sessions(): number;
  close(): Promise<void>;
}

/** Serves Streamable HTTP on 127.0.0.1, a session for each client; with `token`, to whoever shows it. */
export async function startHttpServer({ token }: { readonly token?: string } = {}): Promise<HttpServer> {
  const open = new Map<string, StreamableHTTPServerTransport>();
  const begin = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void open.set(id, transport),
      onsessionclosed: (id) => void open.delete(id),
    });
    await offeringServer().connect(transport);
    return transport;
  };
  const server = createServer((request, response) => {
    const { authorization, 'mcp-session-id': session } = request.headers;
    if (request.url !== '/mcp') response.writeHead(404).end();
    else if (token !== undefined && authorization !== `Bearer ${token}`) response.writeHead(401).end();
    else
      void Promise.resolve(open.get(String(session)) ?? begin()).then((transport) =>
        transport.handleRequest(request, response),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Internal error: the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    sessions: () => open.size,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
