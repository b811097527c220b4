import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectLink } from '../../src/link/client.ts';
import { MAX_LINE_BYTES, PROTOCOL } from '../../src/link/protocol.ts';
import { serveLink } from '../../src/link/server.ts';
import { until } from '../rig/wait.ts';
import { caller, linkRig } from './rig.ts';
import type { LinkRig } from './rig.ts';

let rig: LinkRig;
beforeEach(() => {
  rig = linkRig();
});
afterEach(() => rig.close());

const request = (id: number, op: string, input: unknown): string => JSON.stringify({ id, op, input, caller }) + '\n';

test('the folder is 0700 and the socket 0600, whatever the umask, and the umask stays', async () => {
  const before = process.umask(0o000);
  try {
    await rig.serve();
  } finally {
    expect(process.umask(before)).toBe(0o000);
  }
  expect(lstatSync(rig.folder).mode & 0o777).toBe(0o700);
  expect(lstatSync(rig.socketPath).mode & 0o777).toBe(0o600);
});

test('a server greets and answers; the socket is gone once it is closed', async () => {
  const server = await rig.serve();
  const link = await rig.link();
  expect(link.greeting).toEqual({ tmops: '0.1.0', protocol: PROTOCOL, pid: process.pid });
  expect(await link.call('echo', { text: 'ü\n{"id":1}' }, caller)).toEqual({
    id: 1,
    ok: true,
    output: { text: 'ü\n{"id":1}' },
  });
  expect(server.connections()).toBe(1);
  await server.close();
  expect(existsSync(rig.socketPath)).toBe(false);
  await until('the link notices', () => !link.isOpen());
});

test('requests of one connection are answered as they finish, each by its id', async () => {
  await rig.serve();
  const link = await rig.link();
  const order: string[] = [];
  const slow = link.call('slow', 60, caller).then(() => order.push('slow'));
  const quick = link.call('echo', 1, caller).then(() => order.push('quick'));
  await Promise.all([slow, quick]);
  expect(order).toEqual(['quick', 'slow']);
  const many = await Promise.all(Array.from({ length: 60 }, (_, n) => link.call('echo', n, caller)));
  expect(many.map((answer) => answer.ok && answer.output)).toEqual(Array.from({ length: 60 }, (_, n) => n));
});

test('a request may come byte by byte, and several in one chunk', async () => {
  await rig.serve();
  const client = await rig.raw();
  for (const byte of Buffer.from(request(1, 'echo', 'ü'))) client.socket.write(Buffer.from([byte]));
  client.socket.write(request(2, 'echo', 'b') + request(3, 'echo', 'c'));
  await until('three answers and the greeting', () => client.lines.length === 4);
  expect(client.lines.slice(1)).toEqual([
    { id: 1, ok: true, output: 'ü' },
    { id: 2, ok: true, output: 'b' },
    { id: 3, ok: true, output: 'c' },
  ]);
});

test.each([
  ['no JSON', 'status please\n', 0],
  ['no request', '{"id":7,"op":"echo"}\n', 7],
  ['a foreign key', `{"id":7,"op":"echo","input":1,"caller":{"door":"cli","cwd":"/"},"sudo":true}\n`, 7],
  ['an unknown door', `{"id":7,"op":"echo","input":1,"caller":{"door":"web","cwd":"/"}}\n`, 7],
  ['an empty line', '\n', 0],
])('%s is answered with bad-request, and the connection goes on', async (_, line, id) => {
  await rig.serve();
  const client = await rig.raw();
  client.socket.write(line + request(8, 'echo', 'on'));
  await until('both answers', () => client.lines.length === 3);
  expect(client.lines[1]).toMatchObject({ id, ok: false, failure: { code: 'bad-request' } });
  expect(client.lines[2]).toEqual({ id: 8, ok: true, output: 'on' });
  expect(rig.seen.begun).toEqual(['echo']);
});

test('an id that is still open is refused', async () => {
  await rig.serve();
  const client = await rig.raw();
  client.socket.write(request(5, 'slow', 40) + request(5, 'echo', 'again'));
  await until('both answers', () => client.lines.length === 3);
  expect(client.lines[1]).toMatchObject({ id: 5, ok: false, failure: { code: 'bad-request' } });
  expect(client.lines[2]).toMatchObject({ id: 5, ok: true });
});

test('more than 64 open requests of one client are refused, not queued', async () => {
  await rig.serve();
  const client = await rig.raw();
  client.socket.write(Array.from({ length: 65 }, (_, n) => request(n + 1, 'slow', 60)).join(''));
  await until('the refusal', () => client.lines.length === 2);
  expect(client.lines[1]).toMatchObject({ id: 65, ok: false, failure: { code: 'bad-request' } });
});

test('a line over the limit is answered and ends the connection; others are served on', async () => {
  await rig.serve();
  const client = await rig.raw();
  client.socket.on('error', () => undefined);
  client.socket.write('x'.repeat(MAX_LINE_BYTES + 1));
  await until('the end', () => client.ended);
  expect(client.lines[1]).toMatchObject({ id: 0, ok: false, failure: { code: 'bad-request' } });
  const link = await rig.link();
  expect(await link.call('echo', 1, caller)).toMatchObject({ ok: true });
});

test('a line of the greatest length passes both ways', async () => {
  await rig.serve();
  const link = await rig.link();
  const text = 'x'.repeat(MAX_LINE_BYTES - 200);
  expect(await link.call('echo', text, caller)).toEqual({ id: 1, ok: true, output: text });
});

test('a client that vanishes aborts its requests and no one else, and the server tells when it is idle', async () => {
  const server = await rig.serve();
  const [gone, stays] = [await rig.raw(), await rig.link()];
  gone.socket.write(request(1, 'slow', 30_000) + request(2, 'slow', 30_000));
  const other = stays.call('slow', 300, caller);
  await until('three begun', () => rig.seen.begun.length === 3);
  gone.socket.destroy();
  await until('two aborted', () => rig.seen.aborted.length === 2);
  expect(await other).toEqual({ id: 1, ok: true, output: 300 });
  expect(rig.seen.idle).toBe(0);
  stays.close();
  await until('idle', () => rig.seen.idle === 1);
  expect(server.connections()).toBe(0);
});

test('a killed client process (half a line sent) leaves the server serving', async () => {
  await rig.serve();
  const code = `const s=require('net').connect(process.argv[1],()=>s.write('${request(1, 'slow', 30_000).trim()}\\n{"id":2'))`;
  const child = spawn(process.execPath, ['-e', code, rig.socketPath], { stdio: 'ignore' });
  await until('the request has begun', () => rig.seen.begun.length === 1);
  child.kill('SIGKILL');
  await until('aborted', () => rig.seen.aborted.length === 1);
  expect(await (await rig.link()).call('echo', 1, caller)).toMatchObject({ ok: true });
  expect(rig.seen.faults).toEqual([]);
});

test('replying to a client that does not read is bounded: it is cut off', async () => {
  await rig.serve();
  const client = await rig.raw();
  client.socket.pause();
  const large = request(1, 'echo', 'x'.repeat(MAX_LINE_BYTES - 200));
  for (let n = 0; n < 8; n += 1) client.socket.write(large);
  client.socket.on('error', () => undefined);
  const stays = await rig.link();
  await until('the server has cut it off', () => rig.seen.begun.length >= 5);
  expect(await stays.call('echo', 1, caller)).toMatchObject({ ok: true });
  client.socket.resume();
  await until('the client sees the end', () => client.ended);
  expect(client.lines.length).toBeLessThan(9);
});

test('a handler that throws is an internal error without its text', async () => {
  await rig.serve();
  const link = await rig.link();
  const answer = await link.call('throw', null, caller);
  expect(answer).toMatchObject({ ok: false, failure: { code: 'internal' } });
  expect(JSON.stringify(answer)).not.toContain('secret');
  expect(rig.seen.faults).toHaveLength(1);
});

test('an aborted call is answered at once and aborted at the server; the link lives on', async () => {
  await rig.serve();
  const link = await rig.link();
  const controller = new AbortController();
  const answer = link.call('slow', 30_000, caller, { signal: controller.signal });
  await until('begun', () => rig.seen.begun.length === 1);
  controller.abort();
  expect(await answer).toMatchObject({ ok: false, failure: { code: 'cancelled' } });
  await until('aborted at the server', () => rig.seen.aborted.length === 1);
  expect(await link.call('echo', 1, caller)).toMatchObject({ ok: true, output: 1 });
  expect(await link.call('echo', 1, caller, { signal: controller.signal })).toMatchObject({
    ok: false,
    failure: { code: 'cancelled' },
  });
});

test('a call that takes too long is given up and aborted at the server', async () => {
  await rig.serve();
  const link = await rig.link();
  const answer = await link.call('slow', 30_000, caller, { timeoutMs: 30 });
  expect(answer).toMatchObject({ ok: false, failure: { code: 'supervisor-late' } });
  await until('aborted at the server', () => rig.seen.aborted.length === 1);
});

test('a server that closes answers what is open with supervisor-lost', async () => {
  const server = await rig.serve();
  const link = await rig.link();
  const answer = link.call('slow', 30_000, caller);
  await until('begun', () => rig.seen.begun.length === 1);
  await server.close();
  expect(await answer).toMatchObject({ ok: false, failure: { code: 'supervisor-lost' } });
  expect(await link.call('echo', 1, caller)).toMatchObject({ ok: false, failure: { code: 'supervisor-lost' } });
  await until('aborted at the server', () => rig.seen.aborted.length === 1);
});

test('a stale socket is replaced', async () => {
  mkdirSync(rig.folder, { mode: 0o700 });
  const code = `require('net').createServer().listen(process.argv[1],()=>process.stdout.write('up'))`;
  const child = spawn(process.execPath, ['-e', code, rig.socketPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(lstatSync(rig.socketPath).isSocket()).toBe(true);
  await rig.serve();
  expect(await (await rig.link()).call('echo', 1, caller)).toMatchObject({ ok: true });
  expect(lstatSync(rig.socketPath).mode & 0o777).toBe(0o600);
});

test('a socket that answers is left alone', async () => {
  await rig.serve();
  const second = await serveLink({
    socketPath: rig.socketPath,
    version: '0.1.0',
    handle: () => Promise.reject(new Error('never called')),
    onFault: () => undefined,
  });
  expect(second).toMatchObject({ ok: false, failure: { code: 'supervisor-place' } });
  expect(await (await rig.link()).call('echo', 1, caller)).toMatchObject({ ok: true });
});

test('a file in the place of the socket is not removed', async () => {
  mkdirSync(rig.folder, { mode: 0o700 });
  writeFileSync(rig.socketPath, 'mine');
  await expect(rig.serve()).rejects.toThrow('not a socket');
  expect(readFileSync(rig.socketPath, 'utf8')).toBe('mine');
});

test('a folder open to others is refused', async () => {
  mkdirSync(rig.folder, { mode: 0o755 });
  await expect(rig.serve()).rejects.toThrow('mode 755');
});

test.each([
  ['nothing there', null, { kind: 'absent' }],
  [
    'another protocol',
    JSON.stringify({ tmops: '0.1.0', protocol: 99, pid: 12 }),
    { kind: 'incompatible', theirs: 'tmops 0.1.0 (protocol 99)', pid: 12 },
  ],
  [
    'another release line',
    JSON.stringify({ tmops: '0.2.0', protocol: PROTOCOL, pid: 12 }),
    { kind: 'incompatible', theirs: `tmops 0.2.0 (protocol ${PROTOCOL})`, pid: 12 },
  ],
  ['another program', '220 mail ready', { kind: 'incompatible', theirs: 'something else than tmops', pid: null }],
  ['one that hangs up', '', { kind: 'refused', why: 'it closed the connection without a greeting' }],
])('connecting: %s', async (_, greets, fault) => {
  mkdirSync(rig.folder, { mode: 0o700 });
  const server = createServer((socket) => {
    if (greets) socket.write(greets + '\n');
    else socket.destroy();
  });
  if (greets !== null) {
    server.listen(rig.socketPath);
    await once(server, 'listening');
  }
  expect(await connectLink(rig.socketPath, '0.1.9')).toEqual({ ok: false, fault });
  server.close();
});

test('one that says nothing is refused after two seconds', async () => {
  mkdirSync(rig.folder, { mode: 0o700 });
  const server = createServer().listen(rig.socketPath);
  await once(server, 'listening');
  const connected = await connectLink(rig.socketPath, '0.1.0');
  expect(connected).toMatchObject({ ok: false, fault: { kind: 'refused' } });
  server.close();
});
