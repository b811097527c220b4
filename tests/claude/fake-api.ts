import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { readConversation } from './conversation.ts';
import type { Conversation } from './conversation.ts';
import { events, message, sideReply } from './reply.ts';
import type { Reply } from './reply.ts';

/** Chooses what the model says next. Called again with the same conversation when a request is retried. */
export type Play = (conversation: Conversation) => Reply;

/** What goes wrong with the next `times` (default 1) requests of a conversation, of one that `when` fits if given. */
export type Fault = (
  | { readonly kind: 'error'; readonly status: number; readonly retryAfterS?: number }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** No answer before `release()`. */
  | { readonly kind: 'hang' }
  /** The socket closes in the middle of the answer. */
  | { readonly kind: 'cut' }
) & { readonly times?: number; readonly when?: (conversation: Conversation) => boolean };

export interface LoggedRequest {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  /** Without those that carry keys. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** Only of `POST /v1/messages`. */
  readonly conversation?: Conversation;
  readonly reply?: Reply;
  readonly outcome: 'pending' | 'answered' | 'client gone' | 'error' | 'cut' | 'unknown path';
}

export interface FakeApi {
  readonly port: number;
  /** The latest requests, oldest first, bounded. */
  readonly requests: readonly LoggedRequest[];
  /** What a play, or the reading of a request, threw. Empty when all went well. */
  readonly failures: readonly string[];
  inject(fault: Fault): void;
  /** Lets every hanging request go on to its answer. */
  release(): void;
  close(): Promise<void>;
}

/**
 * A stand-in for the Messages API on 127.0.0.1 whose model follows `play`. With `folder`, each request is also written
 * there with its body and its reply (`0001.json`, …).
 */
export async function startFakeApi(options: { play: Play; folder?: string }): Promise<FakeApi> {
  const state: State = { ...options, seen: 0, requests: [], failures: [], faults: [], hanging: new Set() };
  if (options.folder !== undefined) mkdirSync(options.folder, { recursive: true });
  const server = createServer((request, response) => {
    handle(state, request, response).catch((cause: unknown) => {
      state.failures.push(inspect(cause));
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Internal error: the server has no port');
  return {
    port: address.port,
    requests: state.requests,
    failures: state.failures,
    inject: (fault) => state.faults.push({ fault, left: fault.times ?? 1 }),
    release: () => {
      for (const letGo of state.hanging) letGo();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const KEPT_REQUESTS = 1_000;
const KEY_HEADERS = /key|authorization|cookie/i;

type Entry = { -readonly [Key in keyof LoggedRequest]: LoggedRequest[Key] };

interface State {
  readonly play: Play;
  readonly folder?: string;
  seen: number;
  readonly requests: Entry[];
  readonly failures: string[];
  readonly faults: { readonly fault: Fault; left: number }[];
  readonly hanging: Set<() => void>;
}

async function handle(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url: path = '' } = request;
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !KEY_HEADERS.test(name)));
  const entry: Entry = { atMs: Date.now(), method, path, headers, outcome: 'pending' };
  const number = ++state.seen;
  state.requests.push(entry);
  if (state.requests.length > KEPT_REQUESTS) state.requests.shift();
  const body = await text(request);
  if (method === 'POST' && path.split('?')[0] === '/v1/messages') await converse(state, entry, body, response);
  else answerOther(entry, response);
  if (state.folder === undefined) return;
  const file = join(state.folder, `${String(number).padStart(4, '0')}.json`);
  writeFileSync(file, JSON.stringify({ ...entry, conversation: undefined, body }, null, 1));
}

async function converse(state: State, entry: Entry, body: string, response: ServerResponse): Promise<void> {
  const conversation = readConversation(JSON.parse(body));
  const { side, streaming, model } = conversation;
  const reply = side === null ? state.play(conversation) : sideReply(side, conversation);
  Object.assign(entry, { conversation, reply });
  const fault = side === null ? strike(state, conversation) : undefined;
  if (fault?.kind === 'delay') await pause(fault.delayMs);
  if (fault?.kind === 'hang') await released(state, response);
  if (fault?.kind === 'error') {
    entry.outcome = 'error';
    if (fault.retryAfterS !== undefined) response.setHeader('retry-after', fault.retryAfterS);
    sendError(response, fault.status, `scripted ${fault.status}`);
  } else if (fault?.kind === 'cut') {
    entry.outcome = 'cut';
    const all = events(reply, model).join('');
    response.writeHead(200, EVENT_STREAM).write(all.slice(0, all.length / 2), () => response.destroy());
  } else {
    entry.outcome = response.destroyed ? 'client gone' : 'answered';
    if (streaming) response.writeHead(200, EVENT_STREAM).end(events(reply, model).join(''));
    else sendJson(response, 200, message(reply, model));
  }
}

function strike(state: State, conversation: Conversation): Fault | undefined {
  const struck = state.faults.find(({ fault, left }) => left > 0 && (fault.when?.(conversation) ?? true));
  if (struck !== undefined) struck.left -= 1;
  return struck?.fault;
}

function released(state: State, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const letGo = () => {
      state.hanging.delete(letGo);
      resolve();
    };
    state.hanging.add(letGo);
    response.once('close', letGo);
  });
}

function answerOther(entry: Entry, response: ServerResponse): void {
  const { method, path } = entry;
  entry.outcome = 'answered';
  if (method === 'HEAD') response.end();
  else if (path.startsWith('/api/hello')) sendJson(response, 200, { message: 'hello' });
  else if (path.startsWith('/v1/messages/count_tokens')) sendJson(response, 200, { input_tokens: 100 });
  else {
    entry.outcome = 'unknown path';
    sendError(response, 404, `not here: ${method} ${path}`);
  }
}

const EVENT_STREAM = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

function sendError(response: ServerResponse, status: number, text: string): void {
  const type = status === 529 ? 'overloaded_error' : status === 429 ? 'rate_limit_error' : 'api_error';
  sendJson(response, status, { type: 'error', error: { type, message: text } });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
