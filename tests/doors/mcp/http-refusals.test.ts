import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ADAS_TOKEN,
  OTHER_TOKEN,
  TOKEN,
  greet,
  headersOf,
  messagesOf,
  postTo,
  rawRequest,
  startHttp,
} from '../../rig/mcp-http.ts';
import type { HttpRig } from '../../rig/mcp-http.ts';

let rig: HttpRig;
beforeAll(async () => {
  rig = await startHttp();
});
afterAll(async () => {
  await rig.server.close();
  expect(rig.faults).toEqual([]);
});

const ping = (id: number | string = 1): object => ({ jsonrpc: '2.0', id, method: 'ping' });
const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};
const hello = JSON.stringify(initialize);

/** What every refusal looks like. */
const refused = (body: string, code: number, says: RegExp): void => {
  expect(JSON.parse(body)).toEqual({
    jsonrpc: '2.0',
    id: null,
    error: { code, message: expect.stringMatching(says) as unknown },
  });
};

describe('who may not come in', () => {
  test.each<[string, Record<string, string>]>([
    ['a host of somebody else', { host: 'evil.example' }],
    ['the same with our port', { host: 'evil.example:80' }],
    ['a name that only begins like ours', { host: 'localhost.evil.example' }],
    ['a host that is none', { host: 'a b' }],
    ['an empty host', { host: '' }],
    ['no host', {}],
    ['the origin of another page', { host: 'localhost', origin: 'https://evil.example' }],
    ['the origin null', { host: 'localhost', origin: 'null' }],
    ['an empty origin', { host: 'localhost', origin: '' }],
    ['an origin that only begins like ours', { host: 'localhost', origin: 'http://localhost.evil.example' }],
    ['an origin of ours with another scheme', { host: 'localhost', origin: 'file://localhost' }],
  ])('%s: 403', async (_, headers) => {
    for (const [method, body] of [
      ['POST', hello],
      ['GET', ''],
      ['DELETE', ''],
    ] as const) {
      const answer = await rawRequest(rig.url, headersOf(headers), { method, body });
      expect(answer.status).toBe(403);
      expect(answer.headers['content-type']).toBe('application/json');
      refused(answer.body, -32_000, /^Forbidden: the (Host|Origin) header is /);
    }
  });

  test.each<[string, Record<string, string>]>([
    ['localhost', { host: 'localhost:1234' }],
    ['the address', { host: '127.0.0.1' }],
    ['the address of IPv6', { host: '[::1]:99' }],
    ['a name of the configuration', { host: 'TMOPS.test:8443' }],
    ['a page of this machine', { host: 'localhost', origin: 'http://localhost:3000' }],
    ['a page of the configuration', { host: 'localhost', origin: 'https://tools.test' }],
  ])('%s: may', async (_, headers) => {
    const answer = await rawRequest(rig.url, headersOf(headers), { body: hello });
    expect(answer.status).toBe(200);
  });

  test.each<[string, string | undefined, string]>([
    ['without a token', undefined, 'Bearer realm="tmops"'],
    ['with another scheme', `Basic ${TOKEN}`, 'Bearer realm="tmops"'],
    ['with a wrong token', `Bearer ${TOKEN}x`, 'Bearer realm="tmops", error="invalid_token"'],
    ['with a part of it', `Bearer ${TOKEN.slice(0, -1)}`, 'Bearer realm="tmops", error="invalid_token"'],
    ['with two words', `Bearer ${TOKEN} ${TOKEN}`, 'Bearer realm="tmops"'],
  ])('%s: 401', async (_, authorization, challenge) => {
    for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS']) {
      const response = await fetch(rig.url, {
        method,
        headers: headersOf({ authorization }),
        ...(method === 'POST' && { body: hello }),
      });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(challenge);
      const body = await response.text();
      refused(body, -32_000, /^Unauthorized: /);
      expect(body).not.toContain(TOKEN);
    }
  });

  test('a token in the address is none', async () => {
    const url = new URL(`?token=${TOKEN}&access_token=${TOKEN}`, rig.url);
    expect((await postTo(url, initialize, { authorization: undefined })).status).toBe(401);
  });

  test('where no token is needed, host and origin are looked at all the same', async () => {
    const open = await startHttp({ rules: { hosts: [], origins: [], keys: null } });
    expect(
      (await rawRequest(open.url, headersOf({ authorization: undefined, host: 'localhost' }), { body: hello })).status,
    ).toBe(200);
    expect((await rawRequest(open.url, headersOf({ host: 'evil.example' }), { body: hello })).status).toBe(403);
    expect((await postTo(open.url, initialize, { origin: 'null' })).status).toBe(403);
    await open.server.close();
  });
});

describe('what is not taken', () => {
  test.each<[string, number, number, RegExp, Record<string, string | undefined>, string?]>([
    ['an answer as events alone', 406, -32_000, /^Not Acceptable: Accept is "text\/event-stream"/, { accept: 'text/event-stream' }],
    ['an answer as JSON alone', 406, -32_000, /^Not Acceptable/, { accept: 'application/json' }],
    ['another type', 415, -32_000, /^Unsupported Media Type: Content-Type is "text\/plain/, { 'content-type': 'text/plain;x=application/json' }],
    ['a form', 415, -32_000, /^Unsupported/, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['something packed', 415, -32_000, /^Unsupported Media Type: Content-Encoding is "gzip"/, { 'content-encoding': 'gzip' }],
    ['no JSON', 400, -32_700, /^Parse error: /, {}, '{"jsonrpc":'],
    ['nothing', 400, -32_700, /^Parse error: /, {}, ''],
    ['no message', 400, -32_600, /^Invalid Request: /, {}, '{"id":1,"method":"ping"}'],
    ['a request without an id of its own', 400, -32_600, /^Invalid Request: /, {}, '{"jsonrpc":"2.0","id":null,"method":"ping"}'],
    ['several in a version that has no batches', 400, -32_600, /belong to version 2025-03-26/, { 'mcp-protocol-version': '2025-11-25' }, '[{"jsonrpc":"2.0","id":1,"method":"ping"}]'],
    ['none in a batch', 400, -32_600, /1 to 64/, {}, '[]'],
    ['too many in a batch', 400, -32_600, /1 to 64/, {}, `[${Array(65).fill('{"jsonrpc":"2.0","method":"x"}').join(',')}]`],
    ['one that is none in a batch', 400, -32_600, /one in the body is none/, {}, '[{"jsonrpc":"2.0","id":1,"method":"ping"},7]'],
    ['a greeting among others', 400, -32_000, /Mcp-Session-Id is missing/, {}, `[${hello},{"jsonrpc":"2.0","id":1,"method":"ping"}]`],
    ['a greeting that asks nothing', 400, -32_000, /Mcp-Session-Id is missing/, {}, '{"jsonrpc":"2.0","method":"initialize"}'],
    ['a request before the greeting', 400, -32_000, /^Bad Request: the header Mcp-Session-Id is missing/, {}, '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'],
    ['a method of a newer protocol', 400, -32_000, /Mcp-Session-Id is missing/, { 'mcp-protocol-version': '2026-07-28' }, '{"jsonrpc":"2.0","id":1,"method":"server/discover"}'],
    ['a session that never was', 404, -32_001, /^Session not found/, { 'mcp-session-id': 'made-up' }, '{"jsonrpc":"2.0","id":1,"method":"ping"}'],
  ])('%s: %d', async (_, status, code, says, headers, body = hello) => {
    const response = await postTo(rig.url, body, headers);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json');
    refused(await response.text(), code, says);
  }); // prettier-ignore

  test.each<[string, string, number, RegExp, Record<string, string | undefined>]>([
    ['GET', 'without a session', 400, /Mcp-Session-Id is missing/, {}],
    ['GET', 'of an unknown session', 404, /^Session not found/, { 'mcp-session-id': 'made-up' }],
    ['GET', 'that takes no events', 406, /^Not Acceptable/, { accept: 'application/json' }],
    ['DELETE', 'without a session', 400, /Mcp-Session-Id is missing/, {}],
    ['DELETE', 'of an unknown session', 404, /^Session not found/, { 'mcp-session-id': 'made-up' }],
    ['PUT', 'of anything', 405, /^Method Not Allowed/, {}],
    ['OPTIONS', 'of a page that asks for leave', 405, /^Method Not Allowed/, {}],
  ])('a %s %s: %d', async (method, _, status, says, headers) => {
    const response = await fetch(rig.url, { method, headers: headersOf(headers) });
    expect(response.status).toBe(status);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    if (status === 405) expect(response.headers.get('allow')).toBe('GET, POST, DELETE');
    refused(await response.text(), status === 404 ? -32_001 : -32_000, says);
  });

  test('another path: 404, with a token and without', async () => {
    for (const path of ['/', '/mcp/', '/.well-known/oauth-protected-resource', '/mcp%00']) {
      const response = await fetch(new URL(path, rig.url), { headers: path === '/' ? headersOf() : {} });
      expect(response.status).toBe(404);
      refused(await response.text(), -32_000, /^Not Found: /);
    }
  });

  test.each(['1999-01-01', '2026-07-28', '', 'x'.repeat(200)])(
    'a version "%s" within a session: 400',
    async (version) => {
      const session = await greet(rig.url);
      for (const method of ['POST', 'GET', 'DELETE']) {
        const headers = headersOf({ ...session, 'mcp-protocol-version': version });
        const response = await fetch(rig.url, {
          method,
          headers,
          ...(method === 'POST' && { body: JSON.stringify(ping()) }),
        });
        expect(response.status).toBe(400);
        refused(await response.text(), -32_000, /^Bad Request: MCP-Protocol-Version is .*, not one of 2025-11-25, /);
      }
      expect((await postTo(rig.url, ping(), session)).status).toBe(200);
    },
  );

  test('a second greeting in a session: 400', async () => {
    const session = await greet(rig.url);
    const response = await postTo(rig.url, initialize, session);
    expect(response.status).toBe(400);
    refused(await response.text(), -32_600, /initialised already/);
  });

  test('a request whose id is open already: 400; more than 64 at once: 429', async () => {
    const session = await greet(rig.url);
    const wait = (id: number): Promise<Response> =>
      postTo(
        rig.url,
        {
          jsonrpc: '2.0',
          id,
          method: 'tools/call',
          params: { name: 'tmops_wait', arguments: { feature: 'auth-api' } },
        },
        session,
      );
    const open = await Promise.all(Array.from({ length: 64 }, (_, id) => wait(id)));
    expect(open.every(({ status }) => status === 200)).toBe(true);
    const twice = await wait(7);
    expect(twice.status).toBe(400);
    refused(await twice.text(), -32_600, /"7" is already open/);
    const more = await wait(64);
    expect(more.status).toBe(429);
    refused(await more.text(), -32_000, /^Too Many Requests/);
    await fetch(rig.url, { method: 'DELETE', headers: headersOf(session) });
    // They end with the session, unanswered.
    for (const each of open) expect(await messagesOf(each)).toEqual([]);
  });

  test('a greeting that is faulty opens no session', async () => {
    const before = rig.server.sessions();
    const response = await postTo(rig.url, { ...initialize, params: { protocolVersion: 7 } });
    expect(await messagesOf(response)).toMatchObject([{ id: 0, error: { code: -32_602 } }]);
    expect(rig.server.sessions()).toBe(before);
  });
});

describe('a body', () => {
  const MOST = 4 * 1024 * 1024;

  test('that says it is too long is not read: 413', async () => {
    const socket = connect(Number(rig.url.port), '127.0.0.1');
    socket.write(
      `POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\n` +
        `accept: application/json, text/event-stream\r\ncontent-length: ${MOST + 1}\r\n\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('HTTP/1.1 413 Payload Too Large');
    refused(answer.toString().split('\r\n\r\n')[1] ?? '', -32_000, /at most 4194304 bytes/);
    socket.destroy();
  });

  test('that turns out too long: 413', async () => {
    const session = await greet(rig.url);
    const piece = Buffer.alloc(256 * 1024, ' ');
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += piece.length;
        if (sent > MOST + piece.length) controller.close();
        else controller.enqueue(piece);
      },
    });
    const options = { method: 'POST', headers: headersOf(session), body, duplex: 'half' };
    const response = await fetch(rig.url, options as RequestInit);
    expect(response.status).toBe(413);
    refused(await response.text(), -32_000, /^Payload Too Large/);
    expect((await postTo(rig.url, ping(), session)).status).toBe(200);
  });

  test('of exactly 4 MiB is taken', async () => {
    const session = await greet(rig.url);
    const text = JSON.stringify(ping());
    const response = await postTo(rig.url, text.padEnd(MOST, ' '), session);
    expect(await messagesOf(response)).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
  });
});

test.each<[string, string, RegExp]>([
  ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['endless headers', `GET /mcp HTTP/1.1\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
])('%s is refused as JSON too', async (_, text, status) => {
  const socket = connect(Number(rig.url.port), '127.0.0.1');
  socket.write(text);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(status);
  refused(answer.toString().split('\r\n\r\n')[1] ?? '', -32_600, /./);
  socket.destroy();
});

test.each<[string, string]>([
  ['headers that do not end', 'POST /mcp HTTP/1.1\r\nhost: localhost\r\n'],
  [
    'a body that does not come',
    `POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\naccept: */*\r\ncontent-length: 9\r\n\r\n`,
  ],
])('%s: 408 after a while', async (_, text) => {
  const slow = await startHttp({ requestWithinMs: 300 });
  const socket = connect(slow.server.port, '127.0.0.1');
  socket.write(text);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 408 /);
  refused(answer.toString().split('\r\n\r\n')[1] ?? '', -32_600, /^Request Timeout/);
  socket.destroy();
  await slow.server.close();
});

test.each([
  ['with a name', ADAS_TOKEN, TOKEN],
  ['without one, as the other has none', OTHER_TOKEN, TOKEN],
])('a session is its client’s: another token does not find it (a token %s)', async (_, own, other) => {
  const session = await greet(rig.url, '2025-11-25', { authorization: `Bearer ${own}` });
  const theirs = { ...session, authorization: `Bearer ${other}` };
  expect((await postTo(rig.url, ping(), theirs)).status).toBe(404);
  expect((await fetch(rig.url, { headers: headersOf(theirs) })).status).toBe(404);
  expect((await fetch(rig.url, { method: 'DELETE', headers: headersOf(theirs) })).status).toBe(404);
  expect(await messagesOf(await postTo(rig.url, ping(), session))).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
});
