import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serveMcp } from '../../../src/doors/mcp/serve.ts';
import { tools } from '../../../src/doors/mcp/tools.ts';
import type { TextReply } from '../../../src/link/protocol.ts';
import type { StopSignal } from '../../../src/link/stopper.ts';
import { until } from '../../rig/wait.ts';
import { initialize, initialized, toolCall } from './rig.ts';

/** The door in this process, over plain streams, with a link that each test plays. */
let stdin: PassThrough;
let stdout: PassThrough;
let lines: Record<string, unknown>[];
let faults: unknown[];
let stop: AbortController;
let asked: { op: string; signal: StopSignal | undefined }[];
let reply: (op: string) => Promise<TextReply>;
let listened: { input: unknown; signal: StopSignal | undefined }[];
let news: (count: number) => Promise<TextReply>;
let ended: Promise<string>;

const json = (text: string): Promise<TextReply> => Promise.resolve({ id: 1, ok: true, json: text });

/** All but one. */
const offered = tools().filter(({ name }) => name !== 'tmops_adopt');

beforeEach(() => {
  [stdin, stdout] = [new PassThrough(), new PassThrough()];
  [lines, faults, asked, stop] = [[], [], [], new AbortController()];
  reply = () => json('{"features":[]}');
  listened = [];
  news = () => Promise.resolve({ id: 0, ok: false, failure: { code: 'supervisor-lost', sentence: 'S.', hint: 'H.' } });
  let rest = '';
  stdout.on('data', (chunk: Buffer) => {
    const whole = (rest + chunk.toString()).split('\n');
    rest = whole.pop() ?? '';
    lines.push(...whole.map((line) => JSON.parse(line) as Record<string, unknown>));
  });
  ended = serveMcp({
    link: (op, _input, _extras, signal) => {
      asked.push({ op, signal });
      return reply(op);
    },
    listen: (_op, input, _extras, signal) => {
      listened.push({ input, signal });
      return news(listened.length);
    },
    name: 'tmops',
    version: '0.1.0',
    tools: offered,
    stdin,
    stdout,
    stop: stop.signal,
    onFault: (error) => faults.push(error),
  });
});
afterEach(async () => {
  stop.abort();
  await ended;
});

const send = (...messages: unknown[]): void => {
  stdin.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
};
const answers = (count: number): Promise<Record<string, unknown>[]> =>
  until(`${count} answers`, () => lines.length === count && lines);
const pendingWait = (): void => {
  reply = () => new Promise(() => undefined);
  send(toolCall(1, 'tmops_wait', { feature: 'auth-api' }));
};

test('a handshake, the list and a result', async () => {
  send(initialize(1), initialized, { jsonrpc: '2.0', id: 2, method: 'tools/list' });
  expect(await answers(2)).toMatchObject([{ id: 1 }, { id: 2, result: { tools: offered } }]);
  send(toolCall('three', 'tmops_list_features', {}));
  expect((await answers(3))[2]).toEqual({
    jsonrpc: '2.0',
    id: 'three',
    result: { content: [{ type: 'text', text: '{"features":[]}' }], structuredContent: { features: [] } },
  });
});

test.each<[string, () => Promise<TextReply>, string, number]>([
  [
    'a refusal',
    () => Promise.resolve({ id: 1, ok: false, failure: { code: 'c', sentence: 'S.', hint: 'H.' } }),
    'S.\nH.\n(code: c)',
    0,
  ],
  ['a port that throws', () => Promise.reject(new Error('secret')), '(code: internal)', 1],
  ['an output that is no object', () => json('[1]'), '(code: internal)', 1],
])('%s is an error result', async (_, play, says, told) => {
  reply = play;
  send(toolCall(1, 'tmops_list_features', {}));
  const [answer] = await answers(1);
  expect(answer).toMatchObject({
    result: { isError: true, content: [{ text: expect.stringContaining(says) as unknown }] },
  });
  expect(JSON.stringify(answer)).not.toContain('secret');
  expect(faults).toHaveLength(told);
});

test('arguments that do not fit never reach the supervisor; an unknown tool is an error of the protocol', async () => {
  send(toolCall(1, 'tmops_list_features', { all: true }), toolCall(2, 'sudo', {}), {
    jsonrpc: '2.0',
    id: 3,
    method: 'tools/call',
  });
  const given = await answers(3);
  expect(given).toContainEqual(
    expect.objectContaining({ id: 1, result: expect.objectContaining({ isError: true }) as unknown }),
  );
  expect(given).toContainEqual(
    expect.objectContaining({ id: 2, error: expect.objectContaining({ code: -32602 }) as unknown }),
  );
  expect(given).toContainEqual(
    expect.objectContaining({ id: 3, error: expect.objectContaining({ code: -32602 }) as unknown }),
  );
  expect(asked).toEqual([]);
});

test.each<[string, string, number]>([
  ['no JSON', '{', -32700],
  ['no message', '7', -32600],
  ['parameters that are none', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":7}', -32600],
  ['an answer without an id', '{"jsonrpc":"2.0","result":{}}', -32600],
  ['a long line', ' '.repeat(4 * 1024 * 1024 + 1), -32700],
])('%s is refused, and the next line is read', async (_, line, code) => {
  stdin.write(`${line}\n`);
  send({ jsonrpc: '2.0', id: 9, method: 'ping' });
  expect(await answers(2)).toMatchObject([
    { id: null, error: { code } },
    { id: 9, result: {} },
  ]);
});

const ping = (id: number | string): object => ({ jsonrpc: '2.0', id, method: 'ping' });
const pong = (id: number | string): object => ({ jsonrpc: '2.0', id, result: {} });
const invalid = (message: string): object => ({
  ...{ jsonrpc: '2.0', id: null },
  error: { code: -32_600, message: `Invalid Request: ${message}` },
});
const greeted = async (version: string): Promise<void> => {
  send(initialize(0, version), initialized);
  await answers(1);
  lines.length = 0;
};

describe('a batch', () => {
  test('in protocol 2025-03-26 is answered in one line once the last answer is there; what is no request, not at all', async () => {
    await greeted('2025-03-26');
    let give = (): void => undefined;
    reply = () => new Promise((resolve) => (give = () => void json('{"features":[]}').then(resolve)));
    const unknown = { jsonrpc: '2.0', id: 'c', method: 'tools/fly' };
    send([ping('a'), { jsonrpc: '2.0', method: 'notifications/x' }, toolCall('b', 'tmops_list_features', {}), unknown]);
    send([{ jsonrpc: '2.0', method: 'notifications/x' }], ping(9));
    expect(await answers(1)).toEqual([pong(9)]);
    give();
    const [, batch] = await answers(2);
    expect(batch).toHaveLength(3);
    expect(batch).toEqual(
      expect.arrayContaining([
        pong('a'),
        expect.objectContaining({ id: 'b', result: expect.objectContaining({ structuredContent: { features: [] } }) as unknown }),
        expect.objectContaining({ id: 'c', error: expect.objectContaining({ code: -32_601 }) as unknown }),
      ]),
    );
  }); // prettier-ignore

  test('may be cancelled in part, and as a whole', async () => {
    await greeted('2025-03-26');
    reply = () => new Promise(() => undefined);
    const cancel = (id: string): object => ({
      ...{ jsonrpc: '2.0', method: 'notifications/cancelled' },
      params: { requestId: id },
    });
    const wait = (id: string): unknown => toolCall(id, 'tmops_wait', { feature: 'auth-api' });
    send([ping('a'), wait('b')], [wait('c')]);
    await until('both wait', () => asked.length === 2);
    send([cancel('b'), cancel('c')], ping(9));
    expect(await answers(2)).toEqual([[pong('a')], pong(9)]);
    expect(asked.every(({ signal }) => signal?.aborted)).toBe(true);
  });

  test('says what in it is not taken, and does the rest', async () => {
    await greeted('2025-03-26');
    pendingWait();
    await until('it waits', () => asked.length === 1);
    send([7, ping(1), ping(2), ping(2), initialize(3), { jsonrpc: '2.0', id: null, method: 'ping' }], [7]);
    const none = invalid('one in the batch is no JSON-RPC 2.0 message');
    const open = (id: number): object => invalid(`the request ${id} is open already`);
    expect(await answers(2)).toEqual([
      [none],
      [none, open(1), open(2), invalid('initialize comes alone, not in a batch'), none, pong(2)],
    ]);
  });

  test('of none or too many is refused', async () => {
    await greeted('2025-03-26');
    const some = Array.from({ length: 65 }, (_, id) => ping(id));
    send([], some, some.slice(1));
    const refused = invalid('a batch has 1 to 64 messages');
    expect(await answers(3)).toEqual([refused, refused, some.slice(1).map((_, index) => pong(index + 1))]);
  });

  test.each([undefined, '2024-11-05', '2025-06-18', '2025-11-25'])('in protocol %s is refused', async (version) => {
    if (version !== undefined) await greeted(version);
    send([ping(1)], ping(2));
    expect(await answers(2)).toEqual([
      invalid('a line holds one JSON-RPC 2.0 message; several in one belong to version 2025-03-26 of the protocol'),
      pong(2),
    ]);
  });
});

test('a cancelled call is aborted and never answered', async () => {
  let settle = (): void => undefined;
  reply = () =>
    new Promise((resolve) => {
      settle = () => {
        resolve({ id: 1, ok: true, json: '{}' });
      };
    });
  send(toolCall(1, 'tmops_wait', { feature: 'auth-api' }));
  send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
  await until('it is aborted', () => asked[0]?.signal?.aborted);
  settle();
  send({ jsonrpc: '2.0', id: 2, method: 'ping' });
  expect(await answers(1)).toEqual([{ jsonrpc: '2.0', id: 2, result: {} }]);
});

test('the end of the input waits for what is nearly done, then aborts it', async () => {
  pendingWait();
  const began = performance.now();
  stdin.end();
  expect(await ended).toBe('end-of-input');
  expect(performance.now() - began).toBeGreaterThan(400);
  expect(asked[0]?.signal?.aborted).toBe(true);
});

test('the end of the input with nothing to do is the end at once', async () => {
  send(toolCall(1, 'tmops_list_features', {}));
  stdin.end();
  expect(await ended).toBe('end-of-input');
  expect(lines).toHaveLength(1);
});

test('stop ends it and aborts what waits', async () => {
  pendingWait();
  await until('asked', () => asked.length === 1);
  stop.abort();
  expect(await ended).toBe('stopped');
  expect(asked[0]?.signal?.aborted).toBe(true);
});

test('a reader that has gone ends it', async () => {
  stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  expect(await ended).toBe('broken-pipe');
});

const told = (feature: string) => ({
  kind: 'needs-human',
  feature,
  run: 'initial',
  at: '2026-01-02T10:00:00.000Z',
  needs: [{ code: 'awaits-review', sentence: 'It asks for a review.', hint: 'tmops approve' }],
});
const board = (cursor: string, ...all: unknown[]): Promise<TextReply> => json(JSON.stringify({ cursor, news: all }));
const logged = (): unknown[] =>
  lines.filter(({ method }) => method === 'notifications/message').map((l) => l['params']);

test('news of the supervisor becomes a log message each, once the supervisor was asked something', async () => {
  const never = new Promise<TextReply>(() => undefined);
  news = (count) =>
    [
      board('e:0'),
      board('e:2', told('one'), told('two')),
      board('e:3', { ...told('one'), kind: 'completed', needs: [] }),
    ][count - 1] ?? never;
  send(initialize(1), initialized, { jsonrpc: '2.0', id: 2, method: 'ping' });
  await answers(2);
  expect(listened).toEqual([]);
  send(toolCall(3, 'tmops_list_features', {}));
  await until('three messages', () => logged().length === 3);
  expect(logged()).toEqual([
    { level: 'warning', logger: 'tmops', data: told('one') },
    { level: 'warning', logger: 'tmops', data: told('two') },
    { level: 'notice', logger: 'tmops', data: { ...told('one'), kind: 'completed', needs: [] } },
  ]);
  expect(listened.map(({ input }) => input)).toEqual([
    { timeoutMs: 50_000 },
    ...['e:0', 'e:2', 'e:3'].map((after) => ({ timeoutMs: 50_000, after })),
  ]);
  send(toolCall(4, 'tmops_list_features', {}));
  await until('answered', () => lines.some(({ id }) => id === 4));
  expect(listened).toHaveLength(4);
  stop.abort();
  await ended;
  expect(listened[3]?.signal?.aborted).toBe(true);
});

test('a client that wants no warnings gets none', async () => {
  const never = new Promise<TextReply>(() => undefined);
  news = (count) => (count === 1 ? board('e:0') : count === 2 ? board('e:1', told('one')) : never);
  send(initialize(1), initialized, { jsonrpc: '2.0', id: 2, method: 'logging/setLevel', params: { level: 'error' } });
  await answers(2);
  send(toolCall(3, 'tmops_list_features', {}));
  await until('it follows on', () => listened.length === 3);
  expect(logged()).toEqual([]);
});

test('without a supervisor it stops to listen, and begins again with the next answer', async () => {
  send(toolCall(1, 'tmops_list_features', {}));
  await answers(1);
  expect(listened).toHaveLength(1);
  send(toolCall(2, 'tmops_list_features', {}));
  await until('it listens again', () => listened.length === 2);
  reply = () => Promise.resolve({ id: 1, ok: false, failure: { code: 'c', sentence: 'S.', hint: 'H.' } });
  send(toolCall(3, 'tmops_list_features', {}));
  await answers(3);
  expect(listened).toHaveLength(2);
  expect(faults).toEqual([]);
});

test('news in a form that is not known is told once and harms nothing', async () => {
  news = () => json('{"novel":1}');
  send(toolCall(1, 'tmops_list_features', {}));
  await answers(1);
  await until('told', () => faults.length === 1);
  send({ jsonrpc: '2.0', id: 2, method: 'ping' });
  await answers(2);
});

test('a tool that is not offered is not called, and it is said how to have it', async () => {
  send(initialize(1), initialized, toolCall(2, 'tmops_adopt', { feature: 'auth-api' }));
  const [, refusal] = await answers(2);
  expect(refusal).toMatchObject({ error: { code: -32602 } });
  expect(JSON.stringify(refusal)).toContain('start the server with --toolsets default,upkeep or --tools tmops_adopt');
  expect(asked).toEqual([]);
});
