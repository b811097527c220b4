import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { clientOf, strangerRefusal } from './http-gate.ts';
import type { GateRules, HttpClient } from './http-gate.ts';
import { getRefusal, messagesIn, postRefusal, readBody, versionOf } from './http-message.ts';
import { bodyOf, quoted, refusal, refuse } from './http-refusal.ts';
import type { Refusal } from './http-refusal.ts';
import { httpSessions } from './http-sessions.ts';
import type { HttpSessions, SessionsOptions } from './http-sessions.ts';

export interface HttpOptions extends Omit<SessionsOptions, 'now'> {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly rules: GateRules;
  /** How often whoever listens gets a sign of life, in ms. */
  readonly keepAliveMs: number;
  /** A request has to be whole within this, its headers within the half of it; in ms. */
  readonly requestWithinMs: number;
}

export interface HttpServer {
  readonly port: number;
  /** Clients that were initialised and have not gone. */
  sessions(): number;
  /** Ends all sessions and frees the port. */
  close(): Promise<void>;
}

/** The path of the one endpoint. */
export const MCP_PATH = '/mcp';

/** How long a connection is kept for the client's next request. */
const UNUSED_WITHIN_MS = 60_000;
const MAX_CONNECTIONS = 1024;
/** How long closing waits for clients to take their last messages. */
const CLOSE_WITHIN_MS = 500;

/**
 * Serves MCP over Streamable HTTP. Not with the SDK's own transport: that one knows one session, keeps no events by itself,
 * and ends no session that was left. Whatever is refused is refused as an error of JSON-RPC. Rejects with the system's error
 * when it cannot listen (`EADDRINUSE`, …).
 */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port, keepAliveMs, requestWithinMs, onFault } = options;
  const sessions = httpSessions({ ...options, now: () => performance.now() });
  const server = createServer(
    {
      requestTimeout: requestWithinMs,
      headersTimeout: requestWithinMs / 2,
      keepAliveTimeout: UNUSED_WITHIN_MS,
      connectionsCheckingInterval: requestWithinMs / 15,
      // Told by us, as JSON.
      requireHostHeader: false,
    },
    (request, response) => {
      respond(request, response, options.rules, sessions).catch((error: unknown) => {
        onFault(error);
        if (response.headersSent) response.destroy();
        else refuse(response, refusal(500, 'Internal error', { code: ErrorCode.InternalError }));
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', refuseUnread);
  await listening(server, host, port);
  const beat = setInterval(() => void sessions.beat().catch(onFault), keepAliveMs);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    sessions: () => sessions.count(),
    async close() {
      clearInterval(beat);
      await sessions.close();
      await closed(server);
    },
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  rules: GateRules,
  sessions: HttpSessions,
): Promise<void> {
  const refused = await answer(request, response, rules, sessions);
  if (!refused) return;
  refuse(response, refused);
  // What is left of a body is read and dropped, as long as a request may take.
  request.resume();
}

/** Answers a request, or says why not. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  rules: GateRules,
  sessions: HttpSessions,
): Promise<Refusal | null> {
  const { method, headers, url } = request;
  const stranger = strangerRefusal(headers, rules);
  if (stranger) return stranger;
  if (url?.split('?')[0] !== MCP_PATH) return refusal(404, `Not Found: ${quoted(url)}; MCP is at ${MCP_PATH}`);
  const asked = clientOf(headers, rules);
  if (!('client' in asked)) return asked;
  const { client } = asked;
  if (method === 'POST') return post(request, response, client, sessions);
  if (method === 'GET') return get(request, response, client, sessions);
  if (method !== 'DELETE') return WRONG_METHOD;
  const version = versionOf(headers);
  if (!('version' in version)) return version;
  const refused = await sessions.end(sessionIdOf(request), client);
  if (refused) return refused;
  response.writeHead(200).end();
  return null;
}

async function post(
  request: IncomingMessage,
  response: ServerResponse,
  client: HttpClient,
  sessions: HttpSessions,
): Promise<Refusal | null> {
  const { headers } = request;
  const wrong = postRefusal(headers);
  if (wrong) return wrong;
  const body = await readBody(request);
  if (!('text' in body)) return body;
  const read = messagesIn(body.text, headers);
  if (!('messages' in read)) return read;
  const { messages } = read;
  const id = sessionIdOf(request);
  const [first] = messages;
  const greets = messages.some((message) => 'method' in message && message.method === 'initialize');
  if (greets && id === undefined && first && 'id' in first && messages.length === 1) {
    const session = await sessions.open(client);
    return 'take' in session ? session.take(messages, response, versionAsked(first)) : session;
  }
  const session = sessions.find(id, client);
  if (!('take' in session)) return session;
  if (greets) return ALREADY_INITIALIZED;
  const version = versionOf(headers);
  return 'version' in version ? session.take(messages, response, version.version) : version;
}

function get(
  request: IncomingMessage,
  response: ServerResponse,
  client: HttpClient,
  sessions: HttpSessions,
): Refusal | null {
  const { headers } = request;
  const wrong = getRefusal(headers);
  if (wrong) return wrong;
  const session = sessions.find(sessionIdOf(request), client);
  if (!('listen' in session)) return session;
  const version = versionOf(headers);
  if (!('version' in version)) return version;
  const last = headers['last-event-id'];
  return session.listen(response, version.version, typeof last === 'string' ? last : undefined);
}

function sessionIdOf({ headers }: IncomingMessage): string | undefined {
  const id = headers['mcp-session-id'];
  return typeof id === 'string' ? id : undefined;
}

/** Before a version is agreed on, the one that the client asks for says what it can read. */
function versionAsked(message: object): string {
  const params: unknown = 'params' in message ? message.params : undefined;
  const version =
    typeof params === 'object' && params !== null && 'protocolVersion' in params ? params.protocolVersion : '';
  return typeof version === 'string' ? version : '';
}

const WRONG_METHOD = refusal(405, 'Method Not Allowed: GET, POST and DELETE are', {
  headers: { allow: 'GET, POST, DELETE' },
});
const ALREADY_INITIALIZED = refusal(400, 'Invalid Request: this session is initialised already', {
  code: ErrorCode.InvalidRequest,
});

/** What cannot be read as a request of HTTP, or did not come in time. */
function refuseUnread(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, why] = UNREAD[error.code ?? ''] ?? ['400 Bad Request', 'Bad Request: this is no HTTP'];
  const body = bodyOf({ code: ErrorCode.InvalidRequest, message: why });
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  socket.end(Buffer.concat([Buffer.from(head), body]));
}

const UNREAD: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'Request Timeout: the request did not come in time'],
};

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closed(server: Server): Promise<void> {
  const over = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeIdleConnections();
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, CLOSE_WITHIN_MS);
  await over;
  clearTimeout(cut);
}
