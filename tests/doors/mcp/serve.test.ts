import { rmSync } from 'node:fs';
import type { Progress } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { tools } from '../../../src/doors/mcp/tools.ts';
import { bundled } from '../../rig/mcp-bundle.ts';
import { cannedStatus } from '../../rig/canned.ts';
import { until } from '../../rig/wait.ts';
import { connectClient, initialize, initialized, startRaw, toolCall } from './rig.ts';
import type { ClientRig, RawServer } from './rig.ts';

let entry: string;
beforeAll(async () => {
  entry = await bundled('mcp-entry');
});
afterAll(() => {
  rmSync(entry, { force: true });
});

const text = (result: Awaited<ReturnType<ClientRig['client']['callTool']>>): string =>
  (result.content as { text: string }[]).map((block) => block.text).join('');

describe('through the client of the SDK', () => {
  let rig: ClientRig;
  beforeAll(async () => {
    rig = await connectClient(entry);
  });
  afterAll(() => rig.close());

  test('the server names itself, its instructions and its tools', async () => {
    expect(rig.client.getServerVersion()).toEqual({ name: 'tmops', version: '0.1.0' });
    expect(rig.client.getInstructions()).toContain('tmops_init_feature');
    expect(rig.client.getServerCapabilities()).toEqual({
      ...{ tools: {}, logging: {}, completions: {} },
      resources: { subscribe: true, listChanged: true },
    });
    expect((await rig.client.listTools()).tools).toEqual(tools());
  });

  test('a result is structured, checked against its schema by the client, and the same as text', async () => {
    await rig.client.listTools();
    const result = await rig.client.callTool({ name: 'tmops_get_status', arguments: { feature: 'auth-api' } });
    expect(result.structuredContent).toEqual(cannedStatus);
    expect(JSON.parse(text(result))).toEqual(cannedStatus);
    expect(result.isError).toBeUndefined();
  });

  test.each<[string, string, unknown, string[]]>([
    [
      'an unknown argument',
      'tmops_get_status',
      { feature: 'auth-api', verbose: true },
      ['tmops_get_status cannot run', 'does not take "verbose"', 'It takes: feature (required).'],
    ],
    [
      'a missing one',
      'tmops_wait',
      {},
      ['feature is missing', 'It takes: feature (required), until, cursor, timeoutMs.'],
    ],
    ['a bad name', 'tmops_stop', { feature: 'A B' }, ['feature is "A B": a feature name is 3 to 20']],
    [
      'a bad choice',
      'tmops_wait',
      { feature: 'abc', until: 'later' },
      ['until is "later", not one of completed, step, change'],
    ],
    ['a bad type', 'tmops_wait', { feature: 'abc', cursor: '1' }, ['cursor is "1", not of type number']],
    ['a number out of bounds', 'tmops_wait', { feature: 'abc', timeoutMs: 50001 }, ['timeoutMs is 50001: ']],
    [
      'an argument where there are none',
      'tmops_list_features',
      { all: 1 },
      ['does not take "all"', 'It takes no arguments.'],
    ],
    ['two faults', 'tmops_init_feature', { name: 'x' }, ['feature is missing', 'does not take "name"']],
  ])('%s is refused by name', async (_, name, args, says) => {
    const result = await rig.client.callTool({ name, arguments: args as Record<string, unknown> });
    expect(result.isError).toBe(true);
    for (const part of [...says, '(code: bad-arguments)']) expect(text(result)).toContain(part);
  });

  test('defaults are filled in before the supervisor is asked', async () => {
    const result = await rig.client.request(
      { method: 'tools/call', params: { name: 'tmops_init_feature', arguments: { feature: 'auth-api' } } },
      (await import('@modelcontextprotocol/sdk/types.js')).CallToolResultSchema,
    );
    expect(result.structuredContent).toEqual({ op: 'init', input: { feature: 'auth-api', runType: 'initial' } });
  });

  test('a refusal holds the sentence, the hint and the code', async () => {
    const result = await rig.client.callTool({ name: 'tmops_get_status', arguments: { feature: 'missing' } });
    expect(result.isError).toBe(true);
    expect(text(result)).toBe('There is no feature "missing".\nRun tmops list.\n(code: feature-unknown)');
    expect(result.structuredContent).toBeUndefined();
  });

  test.each(['broken', 'odd-output'])('an unexpected error (%s) shows none of its text', async (feature) => {
    const result = await rig.client.callTool({ name: 'tmops_get_status', arguments: { feature } });
    expect(result.isError).toBe(true);
    expect(text(result)).toMatch(/^Internal error\.\n.*\n\(code: internal\)$/);
    await until('the fault is told on stderr', () => /fault: Error: (secret detail|Internal error)/.test(rig.stderr()));
  });

  test('an unexpected error shows none of its text where a resource is read', async () => {
    for (const uri of ['tmops://features/broken/status', 'tmops://features/odd-output/journal'])
      await expect(rig.client.readResource({ uri })).rejects.toThrow(/-32603: Internal error\. tmops' log has the/);
  });

  test('an unknown tool is a protocol error that names the tools', async () => {
    await expect(rig.client.callTool({ name: 'tmops_sudo', arguments: {} })).rejects.toThrow(
      /-32602: Unknown tool: "tmops_sudo". Tools: tmops_init_feature, /,
    );
  });

  test("a client's cancel aborts the waiting call, and the connection goes on", async () => {
    const controller = new AbortController();
    const call = rig.client.callTool({ name: 'tmops_wait', arguments: { feature: 'auth-api' } }, undefined, {
      signal: controller.signal,
    });
    call.catch(() => undefined);
    await until('the wait has begun', () => rig.stderr().includes('wait: begun'));
    expect(rig.stderr()).not.toContain('wait: aborted');
    controller.abort('enough');
    await expect(call).rejects.toThrow('enough');
    await until('the wait was aborted', () => rig.stderr().includes('wait: aborted'));
    await expect(rig.client.ping()).resolves.toEqual({});
  });

  test('a call that takes longer than a second tells so, again and again, who asked for that', async () => {
    const told: Progress[] = [];
    const controller = new AbortController();
    const call = rig.client.callTool({ name: 'tmops_wait', arguments: { feature: 'auth-api' } }, undefined, {
      signal: controller.signal,
      onprogress: (progress) => told.push(progress),
    });
    call.catch(() => undefined);
    await until('it was told twice', () => told.length >= 2);
    controller.abort('enough');
    await expect(call).rejects.toThrow('enough');
    const [first, second] = told;
    expect(first?.progress).toBeGreaterThanOrEqual(1);
    expect(second?.progress).toBeGreaterThan(first?.progress ?? Infinity);
    expect(first?.message).toMatch(/^tmops_wait auth-api: \d s$/);
  });

  test('so does a resource that takes longer to read', async () => {
    const told: Progress[] = [];
    const controller = new AbortController();
    const uri = 'tmops://features/slow-api/status';
    const onprogress = (progress: Progress): number => told.push(progress);
    const read = rig.client.readResource({ uri }, { signal: controller.signal, onprogress });
    read.catch(() => undefined);
    await until('it was told', () => told.length >= 1);
    controller.abort('enough');
    await expect(read).rejects.toThrow('enough');
    expect(told[0]?.message).toMatch(/^the request: \d s$/);
  });

  test('a call that is answered at once tells nothing', async () => {
    const told: Progress[] = [];
    const args = { name: 'tmops_get_status', arguments: { feature: 'auth-api' } };
    await rig.client.callTool(args, undefined, { onprogress: (progress) => told.push(progress) });
    expect(told).toEqual([]);
  });
});

describe('on the wire', () => {
  let server: RawServer;
  afterEach(async () => {
    server.child.kill('SIGKILL');
    await server.exited;
  });
  const greeted = async (): Promise<RawServer> => {
    server = startRaw(entry);
    server.send(initialize(1), initialized);
    await until('initialised', () => server.lines.length === 1);
    return server;
  };

  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('protocol %s is taken up', async (version) => {
    server = startRaw(entry);
    server.send(initialize(1, version), initialized, { jsonrpc: '2.0', id: 2, method: 'tools/list' });
    await until('both answers', () => server.lines.length === 2);
    expect(server.lines[0]).toMatchObject({ id: 1, result: { protocolVersion: version } });
    expect(server.lines[1]).toMatchObject({ id: 2, result: { tools: tools() } });
  });

  test('an unknown protocol is answered with the newest known one', async () => {
    server = startRaw(entry);
    server.send(initialize(1, '2031-01-01'));
    await until('the answer', () => server.lines.length === 1);
    expect(server.lines[0]).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
  });

  test('a method of a newer protocol is refused and the connection goes on', async () => {
    server = startRaw(entry);
    server.send({ jsonrpc: '2.0', id: 0, method: 'server/discover', params: {} }, initialize(1));
    await until('both answers', () => server.lines.length === 2);
    expect(server.lines[0]).toMatchObject({ id: 0, error: { code: -32601 } });
    expect(server.lines[1]).toMatchObject({ id: 1, result: {} });
  });

  test.each<[string, string, number]>([
    ['no JSON', 'hello', -32700],
    ['a batch', '[{"jsonrpc":"2.0","id":5,"method":"ping"}]', -32600],
    ['no JSON-RPC', '{"id":5,"method":"ping"}', -32600],
    ['a request without an id of its own', '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
    ['a line of more than 4 MiB', 'x'.repeat(4 * 1024 * 1024 + 1), -32700],
  ])('%s is answered with an error and the connection goes on', async (_, line, code) => {
    await greeted();
    server.child.stdin.write(`${line}\n`);
    server.send({ jsonrpc: '2.0', id: 9, method: 'ping' });
    await until('both answers', () => server.lines.length === 3);
    expect(server.lines[1]).toMatchObject({ id: null, error: { code } });
    expect(server.lines[2]).toEqual({ jsonrpc: '2.0', id: 9, result: {} });
  });

  test.each<[string, object | undefined, RegExp]>([
    ['logging/setLevel', { level: 'loud' }, /^Invalid params: params\.level: Invalid option: expected one of "debug"/],
    ['resources/read', undefined, /^Invalid params: params: /],
    ['resources/read', { uri: 7 }, /^Invalid params: params\.uri: Invalid input: expected string, received number$/],
    ['tools/list', { cursor: 7 }, /^Invalid params: params\.cursor: /],
    ['completion/complete', {}, /^Invalid params: params\.ref: /],
  ])('%s with parameters that do not fit (%j) is told what is wrong', async (method, params, words) => {
    await greeted();
    server.send({ jsonrpc: '2.0', id: 5, method, ...(params && { params }) });
    await until('the answer', () => server.lines.length === 2);
    expect(server.lines[1]).toMatchObject({
      ...{ id: 5, error: { code: -32602, message: expect.stringMatching(words) as string } },
    });
  });

  test('what is asked before the greeting is answered as after it, and a greeting may come late', async () => {
    server = startRaw(entry);
    server.send({ jsonrpc: '2.0', id: 1, method: 'ping' }, initialize(2), initialized);
    await until('both answers', () => server.lines.length === 2);
    expect(server.lines).toMatchObject([
      { id: 1, result: {} },
      { id: 2, result: { protocolVersion: '2025-11-25' } },
    ]);
  });

  test('calls are answered as they are done: a hundred overtake one that waits', async () => {
    await greeted();
    server.send(toolCall('waits', 'tmops_wait', { feature: 'auth-api' }));
    const ids = Array.from({ length: 100 }, (_, number) => number + 2);
    server.send(...ids.map((id) => toolCall(id, 'tmops_get_status', { feature: `feature-${id}` })));
    await until('all answers but one', () => server.lines.length === 101);
    const answers = new Map(server.lines.slice(1).map((line) => [line['id'], line]));
    for (const id of ids)
      expect(answers.get(id)).toMatchObject({ result: { structuredContent: { feature: `feature-${id}` } } });
  });

  test('messages may come byte by byte, end in CR LF and be separated by empty lines', async () => {
    server = startRaw(entry);
    const bytes = Buffer.from(`${JSON.stringify(initialize(1))}\r\n\n${JSON.stringify(initialized)}\r\n`);
    for (const byte of bytes) server.child.stdin.write(Buffer.from([byte]));
    server.send(toolCall(2, 'tmops_get_status', { feature: 'auth-api' }));
    await until('both answers', () => server.lines.length === 2);
    expect(server.lines).toContainEqual(
      expect.objectContaining({
        id: 2,
        result: expect.objectContaining({ structuredContent: cannedStatus }) as unknown,
      }),
    );
  });

  test('stdout holds nothing but messages, also when calls fail', async () => {
    await greeted();
    server.send(
      toolCall(2, 'tmops_get_status', { feature: 'broken' }),
      toolCall(3, 'tmops_get_status', { feature: 'missing' }),
      toolCall(4, 'nothing', {}),
    );
    await until('all answers', () => server.lines.length === 4);
    for (const line of server.stdout().trimEnd().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
  });

  test('the end of the input ends the process with 0, with timers alive', async () => {
    await greeted();
    server.child.stdin.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.stderr()).toBe('end: end-of-input\n');
  });

  test('calls written just before the end of the input are answered', async () => {
    server = startRaw(entry);
    server.send(initialize(1), initialized, toolCall(2, 'tmops_get_status', { feature: 'auth-api' }));
    server.child.stdin.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    await until('both answers', () => server.lines.length === 2);
  });

  test('the end of the input aborts a call that waits', async () => {
    await greeted();
    server.send(toolCall(2, 'tmops_wait', { feature: 'auth-api' }));
    await until('the wait has begun', () => server.stderr().includes('wait: begun'));
    server.child.stdin.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the process with 0', async (signal) => {
    await greeted();
    server.send(toolCall(2, 'tmops_wait', { feature: 'auth-api' }));
    await until('the wait has begun', () => server.stderr().includes('wait: begun'));
    server.child.kill(signal);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test('a reader that has gone (EPIPE) ends the process with 0 and no stack', async () => {
    await greeted();
    server.child.stdout.destroy();
    server.send(toolCall(2, 'tmops_get_status', { feature: 'auth-api' }));
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.stderr()).toBe('end: broken-pipe\n');
  });
});
