import { request as httpRequest } from 'node:http';
import { digestOf } from '../../src/doors/mcp/http-gate.ts';
import { serveHttp } from '../../src/doors/mcp/http.ts';
import type { HttpOptions, HttpServer } from '../../src/doors/mcp/http.ts';
import { tmopsServer } from '../../src/doors/mcp/tmops-server.ts';
import type { TmopsOptions } from '../../src/doors/mcp/tmops-server.ts';
import { tools } from '../../src/doors/mcp/tools.ts';
import type { TextPort } from '../../src/link/port.ts';
import { cannedReply } from './canned.ts';

/** The tokens of the rig's clients: two without a name, and one of the client `ada`. */
export const TOKEN = 'token-of-a-client-without-a-name';
export const OTHER_TOKEN = 'token-of-one-more-client-without-a-name';
export const ADAS_TOKEN = 'token-of-the-client-that-is-called-ada';

export const cannedPort: TextPort = async (op, input, _extras, signal) => {
  // A wait that waits without telling the terminal of the tests.
  const reply = await (op === 'wait' ? cannedReply('news', { after: '' }, signal) : cannedReply(op, input, signal));
  return reply.ok ? { id: reply.id, ok: true, json: JSON.stringify(reply.output) } : reply;
};

export interface HttpRig {
  readonly server: HttpServer;
  readonly url: URL;
  readonly faults: unknown[];
}

export interface HttpRigOptions extends Partial<HttpOptions>, Partial<Pick<TmopsOptions, 'tools' | 'listPrompts'>> {
  /** How a client that showed the token of that name reaches the operations. */
  readonly portsOf?: (client: string | null) => Pick<TmopsOptions, 'link' | 'listen'>;
}

/** The HTTP door in this process, on a free port of the loopback, over a canned supervisor. The caller closes its server. */
export async function startHttp({
  portsOf,
  tools: offered,
  listPrompts,
  ...options
}: HttpRigOptions = {}): Promise<HttpRig> {
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  const keys = [
    { name: null, digest: digestOf(TOKEN) },
    { name: null, digest: digestOf(OTHER_TOKEN) },
    { name: 'ada', digest: digestOf(ADAS_TOKEN) },
  ];
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    rules: { hosts: ['tmops.test'], origins: ['https://tools.test'], keys },
    keepAliveMs: 15_000,
    requestWithinMs: 30_000,
    limit: 256,
    idleMs: 60_000,
    serverFor: (client, signal) =>
      tmopsServer({
        ...{ name: 'tmops', version: '0.1.0', tools: offered ?? tools(), onFault, signal },
        ...(listPrompts && { listPrompts }),
        ...(portsOf?.(client) ?? { link: cannedPort, listen: cannedPort }),
      }),
    onFault,
    ...options,
  });
  return { server, url: new URL(`http://127.0.0.1:${server.port}/mcp`), faults };
}

type Headers = Readonly<Record<string, string | undefined>>;

/** What a well-behaved client sends along; `undefined` takes a header away. */
export function headersOf(more: Headers = {}): Record<string, string> {
  const all: Headers = {
    authorization: `Bearer ${TOKEN}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...more,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

export const postTo = (url: URL, message: unknown, headers: Headers = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: headersOf(headers),
    body: typeof message === 'string' ? message : JSON.stringify(message),
  });

export interface SentEvent {
  readonly id: string | undefined;
  /** The message; null for an event without one. */
  readonly message: Record<string, unknown> | null;
}

/** Reads a stream of events; each call of `next` gives the next one, null at the end. Comments go into `comments`. */
export function eventsOf(response: Response): {
  next(): Promise<SentEvent | null>;
  /** The next one that holds a message. */
  nextMessage(): Promise<SentEvent | null>;
  readonly comments: readonly string[];
  cut(): Promise<void>;
} {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const comments: string[] = [];
  let rest = '';
  const next = async (): Promise<SentEvent | null> => {
    for (;;) {
      const end = rest.indexOf('\n\n');
      if (end >= 0) {
        const lines = rest.slice(0, end).split('\n');
        rest = rest.slice(end + 2);
        comments.push(...lines.filter((line) => line.startsWith(':')));
        const fields = new Map(lines.map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]));
        const data = fields.get('data');
        if (data === undefined) continue;
        return { id: fields.get('id'), message: data === '' ? null : (JSON.parse(data) as Record<string, unknown>) };
      }
      const read = await reader?.read();
      if (read?.value === undefined) return null;
      rest += read.value;
    }
  };
  const nextMessage = async (): Promise<SentEvent | null> => {
    for (;;) {
      const event = await next();
      if (event === null || event.message) return event;
    }
  };
  return { next, nextMessage, comments, cut: async () => reader?.cancel() };
}

/** All messages of a stream up to its end. */
export async function messagesOf(response: Response): Promise<Record<string, unknown>[]> {
  const events = eventsOf(response);
  const messages: Record<string, unknown>[] = [];
  for (let event = await events.next(); event !== null; event = await events.next())
    if (event.message) messages.push(event.message);
  return messages;
}

/** Initialises a session and gives the headers of what comes after. */
export async function greet(url: URL, version = '2025-11-25', headers: Headers = {}): Promise<Record<string, string>> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'raw', version: '1.0.0' } };
  const response = await postTo(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, headers);
  const [answer] = await messagesOf(response);
  const agreed = (answer?.['result'] as { protocolVersion?: string } | undefined)?.protocolVersion ?? '';
  const session = {
    ...headers,
    'mcp-session-id': response.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': agreed,
  };
  await postTo(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, session);
  return Object.fromEntries(Object.entries(session).map(([name, value]) => [name, value]));
}

/** A request with headers that fetch does not let anybody set. Gives status, headers and body. */
export function rawRequest(
  url: URL,
  headers: Record<string, string>,
  { method = 'POST', body = '', path = url.pathname }: { method?: string; body?: string; path?: string } = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: url.hostname, port: url.port, path, method, headers, setHost: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
