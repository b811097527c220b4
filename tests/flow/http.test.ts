import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test } from 'vitest';
import { version } from '../../src/compose/package.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { connectLink } from '../../src/link/client.ts';
import { httpClient, httpPlace, statusFor, tokenOf } from '../rig/http-client.ts';
import { watchersOf } from '../rig/flow.ts';
import { linesOf } from '../rig/json-lines.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { eventsOf, greet, headersOf, messagesOf, postTo } from '../rig/mcp-http.ts';
import { rawClient } from '../rig/mcp-http-speed.ts';
import { until } from '../rig/wait.ts';
import { toolCall } from '../doors/mcp/rig.ts';

/** MCP over HTTP from the supervisor of the built product. */

const FEATURE = 'auth-api';
const ENABLED = 'server: {http: {enabled: true}}';

let product: Product;
afterEach(() => product.dispose());

test('several clients see one truth: what one starts over HTTP, the others see over stdio and HTTP', async () => {
  product = await openProduct({ play: 'wait', config: ENABLED });
  const place = await httpPlace(product);
  const token = await tokenOf(place);
  const [first, second, stdio] = await Promise.all([
    httpClient(place.url, token),
    httpClient(place.url, token),
    mcpClient(product),
  ]);
  expect((await first.listTools()).tools).toEqual((await stdio.listTools()).tools);
  expect(first.getInstructions()).toBe(stdio.getInstructions());
  await first.callTool({ name: 'tmops_init_feature', arguments: { feature: FEATURE } });
  const started = await first.callTool({ name: 'tmops_start_orchestration', arguments: { feature: FEATURE } });
  expect(started.isError).toBeUndefined();
  await product.reached(FEATURE, 'all panes are there', ({ panes }) => panes.every(({ pane }) => pane !== null));
  const seen = await until('they agree', async () => {
    const all = await Promise.all([first, second, stdio].map((client) => statusFor(client, FEATURE)));
    return new Set(all.map(({ cursor }) => cursor)).size === 1 && all;
  });
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
  expect((await httpPlace(product)).sessions).toBe(2);
  // What one does, another is told while it waits.
  const { cursor } = seen[0] ?? { cursor: 0 };
  const waits = second.callTool({ name: 'tmops_wait', arguments: { feature: FEATURE, until: 'change', cursor } });
  await stdio.callTool({ name: 'tmops_stop', arguments: { feature: FEATURE } });
  expect((await waits).structuredContent).toMatchObject({ done: true });
  const principals = (await product.events(FEATURE)).map(({ principal }) => principal);
  const { uid } = process.getuid ? { uid: process.getuid() } : { uid: 0 };
  expect(principals).toContain(`http:${uid}`);
  expect(principals).toContain(`mcp:${uid}`);
  await Promise.all([first, second, stdio].map((client) => client.close()));
});

test('an answer whose connection was cut is read where it was lost', async () => {
  product = await openProduct({ play: 'wait', config: ENABLED });
  const place = await httpPlace(product);
  const url = new URL(place.url);
  const session = await greet(url, '2025-11-25', { authorization: `Bearer ${await tokenOf(place)}` });
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
  await product.reached(FEATURE, 'panes', ({ panes }) => panes.every(({ pane }) => pane !== null));
  const waiting = eventsOf(await postTo(url, toolCall(1, 'tmops_wait', { feature: FEATURE }), session));
  const opening = await waiting.next();
  await waiting.cut();
  await product.cli('stop', FEATURE);
  const response = await fetch(url, { headers: headersOf({ ...session, 'last-event-id': opening?.id }) });
  expect(await messagesOf(response)).toMatchObject([
    { id: 1, result: { structuredContent: { feature: FEATURE, done: true } } },
  ]);
});

test('a hundred clients at once: none fails', async () => {
  product = await openProduct({ config: ENABLED });
  await product.json('init', FEATURE);
  const place = await httpPlace(product);
  const token = await tokenOf(place);
  const clients = await Promise.all(Array.from({ length: 100 }, () => rawClient(place.url, token)));
  expect((await httpPlace(product)).sessions).toBe(100);
  for (let round = 0; round < 5; round += 1)
    await Promise.all(clients.map((client) => client.call('tmops_get_status', { feature: FEATURE })));
  await Promise.all(clients.map((client) => client.close()));
  expect((await httpPlace(product)).sessions).toBe(0);
});

test('a client over HTTP is told when a run needs a human', async () => {
  product = await openProduct({ play: 'wait', config: ENABLED });
  const place = await httpPlace(product);
  const client = await httpClient(place.url, await tokenOf(place));
  const heard: unknown[] = [];
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params.data));
  await client.callTool({ name: 'tmops_init_feature', arguments: { feature: FEATURE } });
  await client.callTool({ name: 'tmops_start_orchestration', arguments: { feature: FEATURE } });
  await product.reached(FEATURE, 'panes', ({ panes }) => panes.every(({ pane }) => pane !== null));
  const pane = (await product.status(FEATURE)).panes[0]?.pane ?? '';
  // An agent that ends by itself too often needs a human.
  for (let end = 0; end < 4; end += 1) {
    const before = await product.server.run('display-message', '-p', '-t', pane, '#{pane_pid}');
    process.kill(Number(before), 'SIGKILL');
    await until('it is started anew or given up', async () => {
      if (heard.length > 0) return true;
      const now = await product.server.run('display-message', '-p', '-t', pane, '#{pane_dead} #{pane_pid}');
      return now.startsWith('0 ') && now !== `0 ${before}`;
    });
    if (heard.length > 0) break;
  }
  await until('told', () => heard.length > 0);
  expect(heard[0]).toMatchObject({ feature: FEATURE });
  await client.close();
}, 60_000);

test('tmops http says where it is, and how Claude Code is told', async () => {
  product = await openProduct({ config: `${ENABLED}\n` });
  const { exitCode, stdout } = await product.cli('http');
  expect(exitCode).toBe(0);
  const tokenFile = product.path('.supervisor', 'http-token');
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^MCP over HTTP: http:\/\/127\.0\.0\.1:\d+\/mcp \(sessions: 0\)$/),
    `Token: in ${tokenFile}`,
    'Next:',
    expect.stringContaining(`claude mcp add --transport http 'tmops' http://127.0.0.1:`),
  ]);
  expect(stdout).toContain(`--header "Authorization: Bearer $(cat '${tokenFile}')"`);
  const token = (await readFile(tokenFile, 'utf8')).trim();
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(stdout).not.toContain(token);
  expect((await stat(tokenFile)).mode & 0o777).toBe(0o600);
  expect((await fetch((await httpPlace(product)).url)).status).toBe(401);
});

test('token and port outlast the supervisor; a session does not', async () => {
  product = await openProduct({ config: ENABLED });
  const place = await httpPlace(product);
  const token = await tokenOf(place);
  const client = await httpClient(place.url, token);
  await client.callTool({ name: 'tmops_list_features', arguments: {} });
  const before = performance.now();
  await product.endSupervisor();
  expect(performance.now() - before).toBeLessThan(4000);
  await expect(fetch(place.url)).rejects.toThrow();
  expect(await httpPlace(product)).toEqual({ ...place, sessions: 0 });
  expect(await tokenOf(place)).toBe(token);
  await expect(client.callTool({ name: 'tmops_list_features', arguments: {} })).rejects.toThrow(/Session not found/);
  await client.close();
});

test('a supervisor that is needed by nobody ends, but not while a client over HTTP has a session', async () => {
  product = await openProduct({ config: `${ENABLED}\nsupervisor: {idle_exit: 2s}` });
  const place = await httpPlace(product);
  const client = await httpClient(place.url, await tokenOf(place));
  const { supervisor } = await watchersOf(product);
  // It looks every five seconds whether it is needed; a look in between would be a door.
  const looks = async (): Promise<number> => (await stat(product.path('.supervisor', 'pid'))).mtimeMs;
  const first = await looks();
  await until('two looks', async () => (await looks()) > first + 6_000, { withinMs: 20_000, everyMs: 200 });
  expect(() => process.kill(supervisor, 0)).not.toThrow();
  await (client.transport as { terminateSession?: () => Promise<void> }).terminateSession?.();
  await client.close();
  await until('it ends', () => !isThere(supervisor), { withinMs: 20_000, everyMs: 200 });
}, 60_000);

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
};

test('without the key there is none, and it is said how to have it', async () => {
  product = await openProduct();
  const { exitCode, stderr } = await product.cli('http');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('MCP over HTTP is not enabled in this supervisor.');
  expect(stderr).toContain('server.http.enabled: true');
  await product.configure({ config: 'server: {http: {enabled: true, token: none}}' });
  const faulty = await product.cli('http');
  expect(faulty.exitCode).toBe(1);
  expect(faulty.stderr).toContain('unsafe.http_without_token');
  expect(await stat(product.path('.supervisor', 'http-token')).catch(() => null)).toBeNull();
});

test('what cannot be served is told; the supervisor does its work all the same', async () => {
  product = await openProduct({ config: 'server: {http: {enabled: true, token_file: tokens}}' });
  const told = async (): Promise<string> => (await product.cli('http')).stderr;
  expect(await told()).toContain('tokens, is not there.');
  expect((await product.cli('list')).exitCode).toBe(0);
  const file = `${product.repo.root}/tokens`;
  for (const [text, mode, says] of [
    ['short\n', 0o600, 'has no token of 16 characters in line 1'],
    ['# none\n\n', 0o600, 'holds no token'],
    ['A_NAME a-token-that-is-long-enough\n', 0o600, 'in line 1'],
    ['a-token-that-is-long-enough\nada a-token-that-is-long-enough\n', 0o600, 'line 2 twice'],
    ['a-token-that-is-long-enough\n', 0o644, 'is open to others (mode 644)'],
  ] as const) {
    await writeFile(file, text);
    await chmod(file, mode);
    await product.endSupervisor();
    expect(await told()).toContain(says);
    expect(await told()).not.toContain('long-enough');
  }
}, 60_000);

test('clients with names of their own are told apart, and no token is in log, journal or answer', async () => {
  const tokens = { ada: 'ada-has-this-token-of-her-own', bob: 'bob-has-this-token-of-his-own' };
  product = await openProduct({ play: 'wait', config: 'server: {http: {enabled: true, token_file: tokens}}' });
  const text = Object.entries(tokens).map(([name, token]) => `${name} ${token}\n`);
  await writeFile(`${product.repo.root}/tokens`, `# ours\n${text.join('')}`, { mode: 0o600 });
  const place = await httpPlace(product);
  expect(place.register).toContain('--header "Authorization: Bearer TOKEN"');
  const clients = await Promise.all(Object.values(tokens).map((token) => httpClient(place.url, token)));
  const [ada, bob] = clients;
  await ada?.callTool({ name: 'tmops_init_feature', arguments: { feature: FEATURE } });
  await bob?.callTool({ name: 'tmops_start_orchestration', arguments: { feature: FEATURE } });
  const refused = await bob?.callTool({
    name: 'tmops_send_message',
    arguments: { feature: FEATURE, role: 'tester', text: `The token is ${tokens.ada}.` },
  });
  expect(refused).toMatchObject({ isError: true });
  const uid = process.getuid?.() ?? 0;
  const principals = (await product.events(FEATURE)).map(({ principal }) => principal);
  expect(principals).toContain(`http:${uid}/ada`);
  expect(principals).toContain(`http:${uid}/bob`);
  const written = [
    JSON.stringify(await linesOf(product.path('.logs', 'tmops.log'))),
    JSON.stringify(await product.events(FEATURE)),
    JSON.stringify(refused),
  ].join('\n');
  for (const token of Object.values(tokens)) expect(written).not.toContain(token);
  await Promise.all(clients.map((client) => client.close()));
});

test('an agent’s pane and a client of one feature are not told where it is', async () => {
  product = await openProduct({ config: ENABLED });
  await httpPlace(product);
  const socket = socketOfWorkspace(product.repo.root);
  const connected = socket.ok ? await connectLink(socket.socketPath, version) : null;
  if (!connected?.ok) throw new Error('no link');
  const caller = { door: 'cli', cwd: product.repo.root } as const;
  for (const bound of [{ only: FEATURE }, { agentToken: '' }]) {
    const reply = await connected.link.call('http', {}, { ...caller, ...bound });
    expect(reply).toMatchObject({ ok: false, failure: { code: 'access-http' } });
  }
  connected.link.close();
});
