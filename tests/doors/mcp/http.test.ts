import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test } from 'vitest';
import { tools } from '../../../src/doors/mcp/tools.ts';
import type { TextPort } from '../../../src/link/port.ts';
import type { TextReply } from '../../../src/link/protocol.ts';
import { cannedStatus } from '../../rig/canned.ts';
import {
  ADAS_TOKEN,
  TOKEN,
  cannedPort,
  eventsOf,
  greet,
  headersOf,
  messagesOf,
  postTo,
  startHttp,
} from '../../rig/mcp-http.ts';
import type { HttpRig, HttpRigOptions } from '../../rig/mcp-http.ts';
import { until, within } from '../../rig/wait.ts';
import { toolCall } from './rig.ts';

let rig: HttpRig;
const begin = async (options: HttpRigOptions = {}): Promise<void> => {
  rig = await startHttp(options);
};
afterEach(async () => {
  await rig.server.close();
  expect(rig.faults).toEqual([]);
});

const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const ping = (id: number): object => ({ jsonrpc: '2.0', id, method: 'ping' });
const pong = (id: number): object => ({ jsonrpc: '2.0', id, result: {} });
const status = (id: number, feature = 'auth-api'): unknown => toolCall(id, 'tmops_get_status', { feature });
const get = (session: Record<string, string>, more: Record<string, string> = {}): Promise<Response> =>
  fetch(rig.url, { headers: headersOf({ ...session, ...more }) });
const end = (session: Record<string, string>): Promise<Response> =>
  fetch(rig.url, { method: 'DELETE', headers: headersOf(session) });

interface Connected {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
}

async function connected(token = TOKEN): Promise<Connected> {
  const transport = new StreamableHTTPClientTransport(rig.url, {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(transport);
  return { client, transport };
}

/** A port whose answers each test lets go of. */
function held(): { port: TextPort; release: (json?: string) => void; asked: () => number; aborted: () => number } {
  const waiting: ((reply: TextReply) => void)[] = [];
  let [asked, aborted] = [0, 0];
  return {
    port: (op, _input, _extras, signal) => {
      if (op === 'news')
        return Promise.resolve({ id: 0, ok: false, failure: { code: 'c', sentence: 'S.', hint: 'H.' } });
      asked += 1;
      signal?.addEventListener('abort', () => (aborted += 1));
      return new Promise((resolve) => waiting.push(resolve));
    },
    release: (json = '{"features":[]}') => waiting.shift()?.({ id: 1, ok: true, json }),
    asked: () => asked,
    aborted: () => aborted,
  };
}

test('through the client of the SDK: names, tools, results, errors', async () => {
  await begin();
  const { client, transport } = await connected();
  expect(client.getServerVersion()).toEqual({ name: 'tmops', version: '0.1.0' });
  expect(client.getInstructions()).toContain('tmops_init_feature');
  expect((await client.listTools()).tools).toEqual(tools());
  const result = await client.callTool({ name: 'tmops_get_status', arguments: { feature: 'auth-api' } });
  expect(result.structuredContent).toEqual(cannedStatus);
  expect(await client.callTool({ name: 'tmops_get_status', arguments: { feature: 'missing' } })).toMatchObject({
    isError: true,
    content: [{ text: 'There is no feature "missing".\nRun tmops list.\n(code: feature-unknown)' }],
  });
  await expect(client.callTool({ name: 'tmops_sudo' })).rejects.toThrow(/-32602: Unknown tool: "tmops_sudo"/);
  expect(rig.server.sessions()).toBe(1);
  await transport.terminateSession();
  expect(rig.server.sessions()).toBe(0);
  await client.close();
});

test('an error that nobody expected shows none of its text', async () => {
  await begin();
  const [answer] = await messagesOf(await postTo(rig.url, status(1, 'broken'), await greet(rig.url)));
  expect(answer).toMatchObject({ id: 1, result: { isError: true } });
  expect(JSON.stringify(answer)).not.toContain('secret');
  expect(rig.faults.splice(0)).toHaveLength(1);
});

test.each(VERSIONS)('protocol %s is taken up and spoken', async (version) => {
  await begin();
  const session = await greet(rig.url, version);
  expect(session['mcp-protocol-version']).toBe(version);
  const list = { jsonrpc: '2.0', id: 'a', method: 'tools/list' };
  expect(await messagesOf(await postTo(rig.url, list, session))).toEqual([
    { jsonrpc: '2.0', id: 'a', result: { tools: tools() } },
  ]);
  expect(await messagesOf(await postTo(rig.url, status(2), session))).toMatchObject([
    { id: 2, result: { structuredContent: cannedStatus } },
  ]);
  const unknown = { jsonrpc: '2.0', id: 3, method: 'tools/fly' };
  expect(await messagesOf(await postTo(rig.url, unknown, session))).toMatchObject([
    { id: 3, error: { code: -32_601 } },
  ]);
  expect((await end(session)).status).toBe(200);
});

test('an unknown version is answered with the newest known one', async () => {
  await begin();
  expect((await greet(rig.url, '2031-01-01'))['mcp-protocol-version']).toBe('2025-11-25');
});

test('a client that says no version later is one of 2025-03-26: it may send several messages in one body', async () => {
  await begin();
  const { 'mcp-session-id': id = '' } = await greet(rig.url, '2025-03-26');
  const session = { 'mcp-session-id': id };
  const body = [ping(1), { jsonrpc: '2.0', method: 'notifications/x' }, status(2), ping(3)];
  const answers = await messagesOf(await postTo(rig.url, body, session));
  expect(answers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
});

test('a session is of the version it was greeted with, whatever its requests say', async () => {
  await begin();
  const { 'mcp-session-id': id = '' } = await greet(rig.url);
  const older = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-03-26' };
  const refused = await postTo(rig.url, [ping(1), ping(2)], older);
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('several in one body belong to version 2025-03-26');
  const events = eventsOf(await postTo(rig.url, ping(3), older));
  // The event without a message, which clients of 2025-11-25 read.
  expect(await events.next()).toMatchObject({ id: expect.any(String) as string, message: null });
  expect((await events.next())?.message).toEqual(pong(3));
  expect(await events.next()).toBeNull();
});

test('what is no request is taken with 202 and no body', async () => {
  await begin();
  const session = await greet(rig.url);
  for (const message of [
    { jsonrpc: '2.0', method: 'notifications/x' },
    { jsonrpc: '2.0', id: 9, result: {} },
  ]) {
    const response = await postTo(rig.url, message, session);
    expect([response.status, await response.text()]).toEqual([202, '']);
  }
  // The SDK tells of an answer to nothing.
  expect(rig.faults.splice(0)).toHaveLength(1);
});

test('after DELETE a session is gone: 404, its streams end, what waits is aborted', async () => {
  const link = held();
  await begin({ portsOf: () => ({ link: link.port, listen: link.port }) });
  const session = await greet(rig.url);
  const [events, call] = [await get(session), await postTo(rig.url, toolCall(1, 'tmops_list_features', {}), session)];
  await until('asked', () => link.asked() === 1);
  expect((await end(session)).status).toBe(200);
  expect([await messagesOf(events), await messagesOf(call)]).toEqual([[], []]);
  expect(link.aborted()).toBe(1);
  expect((await postTo(rig.url, ping(2), session)).status).toBe(404);
  expect((await get(session)).status).toBe(404);
  expect((await end(session)).status).toBe(404);
});

test('a cancelled call is aborted, never answered, and its stream ends', async () => {
  const link = held();
  await begin({ portsOf: () => ({ link: link.port, listen: link.port }) });
  const session = await greet(rig.url);
  const call = await postTo(rig.url, toolCall(1, 'tmops_list_features', {}), session);
  await until('asked', () => link.asked() === 1);
  await postTo(rig.url, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }, session);
  expect(await messagesOf(call)).toEqual([]);
  expect(link.aborted()).toBe(1);
  link.release();
  expect(await messagesOf(await postTo(rig.url, ping(2), session))).toEqual([pong(2)]);
});

test('a call that takes longer than a second tells so over its own stream', async () => {
  const link = held();
  await begin({ portsOf: () => ({ link: link.port, listen: link.port }) });
  const session = await greet(rig.url);
  const { params, ...call } = toolCall(1, 'tmops_list_features', {}) as { params: object };
  const asked = { ...call, params: { ...params, _meta: { progressToken: 'slow' } } };
  const stream = eventsOf(await postTo(rig.url, asked, session));
  expect((await stream.nextMessage())?.message).toMatchObject({
    method: 'notifications/progress',
    params: { progressToken: 'slow', message: 'tmops_list_features: 1 s' },
  });
  link.release();
  expect((await stream.nextMessage())?.message).toMatchObject({ id: 1, result: {} });
});

test('a call whose connection is cut goes on, and its answer is read where the stream was lost', async () => {
  const link = held();
  await begin({ portsOf: () => ({ link: link.port, listen: link.port }) });
  const session = await greet(rig.url);
  const call = eventsOf(await postTo(rig.url, toolCall(1, 'tmops_list_features', {}), session));
  const first = await call.next();
  expect(first).toMatchObject({ id: expect.stringMatching(/^\d+-\d+$/) as unknown, message: null });
  await until('asked', () => link.asked() === 1);
  await call.cut();
  expect(link.aborted()).toBe(0);
  // Once while it is still under way, and once when it is over.
  const again = eventsOf(await get(session, { 'last-event-id': first?.id ?? '' }));
  link.release();
  const answer = { jsonrpc: '2.0', id: 1, result: { structuredContent: { features: [] } } };
  expect((await again.nextMessage())?.message).toMatchObject(answer);
  const late = await messagesOf(await get(session, { 'last-event-id': first?.id ?? '' }));
  expect(late).toMatchObject([answer]);
});

test('the client of the SDK comes back by itself for an answer whose connection was cut', async () => {
  const link = held();
  await begin({ portsOf: () => ({ link: link.port, listen: link.port }) });
  let cutOff: (() => void) | undefined;
  const transport = new StreamableHTTPClientTransport(rig.url, {
    requestInit: { headers: { authorization: `Bearer ${TOKEN}` } },
    reconnectionOptions: {
      initialReconnectionDelay: 10,
      maxReconnectionDelay: 50,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 5,
    },
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      const isCall = typeof init?.body === 'string' && init.body.includes('tools/call');
      if (!isCall || !response.body || cutOff) return response;
      const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
      const cut = new ReadableStream<Uint8Array>({
        start: (controller) => {
          cutOff = () => {
            controller.error(new Error('the line was cut'));
            void reader.cancel();
          };
        },
        async pull(controller) {
          const { value } = await reader.read();
          if (value) controller.enqueue(value);
        },
      });
      return new Response(cut, { status: response.status, headers: response.headers });
    },
  });
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(transport);
  const call = client.callTool({ name: 'tmops_list_features', arguments: {} });
  await until('asked', () => link.asked() === 1);
  cutOff?.();
  link.release();
  expect((await within('the answer', call, 8000)).structuredContent).toEqual({ features: [] });
  await client.close();
});

test('an event id that is none: 400; what is not kept any more: 400', async () => {
  await begin();
  const session = await greet(rig.url);
  for (const id of ['x', '1-999999', '-1-2', '1'])
    expect((await get(session, { 'last-event-id': id })).status).toBe(400);
  const call = eventsOf(await postTo(rig.url, status(1), session));
  const first = await call.next();
  // More than the store keeps.
  for (let id = 2; id < 40; id += 1) await messagesOf(await postTo(rig.url, status(id), session));
  const response = await get(session, { 'last-event-id': first?.id ?? '' });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('not kept any more');
});

const news = (cursor: string, ...features: string[]): string =>
  JSON.stringify({
    cursor,
    news: features.map((feature) => ({
      kind: 'completed',
      feature,
      run: 'initial',
      at: '2026-01-02T10:00:00.000Z',
      needs: [],
    })),
  });

/** A supervisor that has the news that a test posts. */
function newsBoard(): { port: TextPort; post: (json: string) => void } {
  const waiting: ((reply: TextReply) => void)[] = [];
  const posted: string[] = [news('e:0')];
  const port: TextPort = (op, input, extras, signal) => {
    if (op !== 'news') return cannedPort(op, input, extras, signal);
    return new Promise((resolve) => {
      const json = posted.shift();
      if (json !== undefined) resolve({ id: 0, ok: true, json });
      else waiting.push(resolve);
    });
  };
  return {
    port,
    post: (json) => {
      const next = waiting.shift();
      if (next) next({ id: 0, ok: true, json });
      else posted.push(json);
    },
  };
}

test('news comes to whoever reads the session by GET, and what came while nobody read is read afterwards', async () => {
  const board = newsBoard();
  await begin({ portsOf: () => ({ link: board.port, listen: board.port }) });
  const session = await greet(rig.url);
  const stream = eventsOf(await get(session));
  const opening = await stream.next();
  expect(opening?.message).toBeNull();
  expect((await get(session)).status).toBe(409);
  await messagesOf(await postTo(rig.url, status(1), session));
  board.post(news('e:1', 'one'));
  const first = await stream.next();
  expect(first?.message).toMatchObject({
    method: 'notifications/message',
    params: { level: 'notice', data: { feature: 'one' } },
  });
  await stream.cut();
  board.post(news('e:2', 'two'));
  const again = eventsOf(await get(session, { 'last-event-id': first?.id ?? '' }));
  expect(await within('the news', again.nextMessage(), 3000)).toMatchObject({
    message: { params: { data: { feature: 'two' } } },
  });
  board.post(news('e:3', 'three'));
  expect(await within('more news', again.nextMessage(), 3000)).toMatchObject({
    message: { params: { data: { feature: 'three' } } },
  });
});

test('the level of the log is each client’s own', async () => {
  const boards = [newsBoard(), newsBoard()];
  let opened = 0;
  await begin({
    portsOf: () => {
      const { port } = boards[opened++] ?? newsBoard();
      return { link: port, listen: port };
    },
  });
  const heard: string[] = [];
  const clients = [await connected(), await connected(ADAS_TOKEN)];
  for (const [index, { client }] of clients.entries()) {
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      heard.push(`${index} ${JSON.stringify(params.data)}`);
    });
    if (index === 0) await client.setLoggingLevel('error');
    await client.callTool({ name: 'tmops_list_features', arguments: {} });
  }
  for (const board of boards) board.post(news('e:1', 'one'));
  await until('one has heard', () => heard.length > 0);
  await Promise.all(clients.map(({ client }) => client.ping()));
  expect(heard).toEqual([expect.stringMatching(/^1 /)]);
  await Promise.all(clients.map(({ client }) => client.close()));
});

test('whoever listens gets a sign of life', async () => {
  const link = held();
  await begin({ keepAliveMs: 30, portsOf: () => ({ link: link.port, listen: link.port }) });
  const session = await greet(rig.url);
  const streams = [await get(session), await postTo(rig.url, toolCall(1, 'tmops_list_features', {}), session)].map(
    eventsOf,
  );
  for (const stream of streams) {
    void stream.next().then(() => stream.next());
    await until('a comment', () => stream.comments.includes(': keep-alive'));
  }
});

test('a session of which nothing is heard is ended, one that is listened to or has a call is not', async () => {
  const link = held();
  await begin({ keepAliveMs: 40, idleMs: 200, portsOf: () => ({ link: link.port, listen: link.port }) });
  const [silent, listens, waits] = [await greet(rig.url), await greet(rig.url), await greet(rig.url)];
  await get(listens);
  await postTo(rig.url, toolCall(1, 'tmops_list_features', {}), waits);
  await until('one is ended', () => rig.server.sessions() === 2);
  expect((await postTo(rig.url, ping(1), silent)).status).toBe(404);
  expect((await postTo(rig.url, ping(2), listens)).status).toBe(200);
  expect((await postTo(rig.url, ping(2), waits)).status).toBe(200);
});

test('where all sessions are taken, the one that was silent the longest makes room; where all are in use, none does', async () => {
  await begin({ limit: 2 });
  const [first, second] = [await greet(rig.url), await greet(rig.url)];
  await messagesOf(await postTo(rig.url, ping(1), first));
  const third = await greet(rig.url);
  expect((await postTo(rig.url, ping(2), second)).status).toBe(404);
  expect((await postTo(rig.url, ping(2), first)).status).toBe(200);
  await Promise.all([get(first), get(third)]);
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
  const response = await postTo(rig.url, { jsonrpc: '2.0', id: 0, method: 'initialize', params });
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await response.text()).toContain('2 sessions are open and in use');
});

test('a hundred clients at once, each with its own session and answers', async () => {
  await begin();
  const clients = await Promise.all(Array.from({ length: 100 }, () => connected()));
  const answers = await Promise.all(
    clients.flatMap(({ client }, n) =>
      [1, 2, 3].map(() => client.callTool({ name: 'tmops_get_status', arguments: { feature: `feature-${n}` } })),
    ),
  );
  expect(answers.map(({ structuredContent }) => (structuredContent as { feature: string }).feature)).toEqual(
    clients.flatMap((_, n) => [1, 2, 3].map(() => `feature-${n}`)),
  );
  expect(rig.server.sessions()).toBe(100);
  await Promise.all(clients.map(({ client }) => client.close()));
});

test('closing ends every stream and frees the port at once', async () => {
  await begin();
  const session = await greet(rig.url);
  const [events, call] = [
    await get(session),
    await postTo(rig.url, toolCall(1, 'tmops_wait', { feature: 'auth-api' }), session),
  ];
  const began = performance.now();
  await rig.server.close();
  expect(performance.now() - began).toBeLessThan(1500);
  expect([await messagesOf(events), await messagesOf(call)]).toEqual([[], []]);
  await expect(fetch(rig.url)).rejects.toThrow();
  await begin({ port: Number(rig.url.port) });
});

test('a port that is taken is told as the system tells it', async () => {
  await begin();
  await expect(startHttp({ port: rig.server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
