import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../rig/wait.ts';
import { startFakeApi } from './fake-api.ts';
import type { FakeApi } from './fake-api.ts';
import { fourRoles, instantPlay, teamPlay } from './plays.ts';

const SYSTEM =
  '# Environment\n - Primary working directory: /work tree\n - Feature folder: /x/.tmops/auth-api/current/';
const [TOOL, DONE] = [{ name: 'Read' }, { type: 'tool_result', content: [{ type: 'text', text: 'fine' }] }];

let folder: string;
let api: FakeApi;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fake-api-'));
  api = await startFakeApi({ play: teamPlay(fourRoles), folder });
});
afterEach(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

test.each([
  { case: 'a first prompt', said: ['Read roles/tester.md and follow it'], reply: /"file_path":"\/work tree\/roles\/t/ },
  {
    case: 'instructions read',
    said: ['Read roles/tester.md', DONE],
    reply: /\[TESTER\] WAITING: Ready for instructions/,
  },
  {
    case: 'a word',
    said: ['[BEGIN]: Start test writing [tmops#2]'],
    reply: /"\/work tree\/tests\/auth-api\.test\.mjs"/,
  },
  { case: 'the second step', said: ['[BEGIN]: Start test writing', DONE], reply: /npm test/ },
  { case: 'tests green too soon', said: ['[BEGIN]: Start test writing', DONE, DONE], reply: /\[TESTER\] ERROR: fine/ },
  { case: 'a word on the way', said: ['[BEGIN]: Start verif', during('hello')], reply: /007-verify-complete\.md/ },
  { case: 'a hello', said: ['[BEGIN]: Start test writing', DONE, 'hello'], reply: /"text":"ok"/ },
])('$case is answered from the conversation alone', async ({ said, reply }) => {
  expect(await (await ask({ said })).text()).toMatch(reply);
  expect(api.failures).toEqual([]);
});

test('the instant play needs one call for a hand-off', async () => {
  const quick = await startFakeApi({ play: instantPlay(fourRoles) });
  const first = await ask({ said: ['[CONFIRMED]: Verifier has completed'], port: quick.port });
  expect(await first.text()).toContain('/work tree/.tmops/auth-api/current/SUMMARY.md');
  const second = await ask({ said: ['[CONFIRMED]: Verifier has completed', DONE], port: quick.port });
  expect(await second.text()).not.toContain('tool_use');
  await quick.close();
});

test('faults strike as often as told, and never a request beside the conversation', async () => {
  api.inject({ kind: 'error', status: 529, times: 2, retryAfterS: 1 });
  expect((await ask({ said: ['hi'], tools: [] })).status).toBe(200);
  const answers = [await ask({ said: ['hi'] }), await ask({ said: ['hi'] }), await ask({ said: ['hi'] })];
  expect(answers.map(({ status }) => status)).toEqual([529, 529, 200]);
  api.inject({ kind: 'cut' });
  await expect(ask({ said: ['hi'] }).then((answer) => answer.text())).rejects.toThrow();
});

test('a hanging request is answered when released', async () => {
  api.inject({ kind: 'hang', when: ({ prompts }) => prompts[0]?.text === 'wait' });
  const held = ask({ said: ['wait'] });
  expect((await ask({ said: ['hi'] })).status).toBe(200);
  expect(api.requests.map(({ outcome }) => outcome)).toEqual(['pending', 'answered']);
  api.release();
  expect((await held).status).toBe(200);
});

test('requests are logged without keys, in memory and in the folder', async () => {
  await ask({ said: ['hi'] });
  await fetch(`http://127.0.0.1:${api.port}/api/hello`, { method: 'HEAD' });
  expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /v1/messages?beta=true',
    'HEAD /api/hello',
  ]);
  const written = await until('the log is written', () => readFile(join(folder, '0001.json'), 'utf8'));
  expect(written).toContain('Primary working directory');
  expect(written + JSON.stringify(api.requests)).not.toContain('secret-1');
});

function ask(options: { said: (string | object)[]; tools?: object[]; port?: number }): Promise<Response> {
  const messages = options.said.flatMap((said, index) => [
    ...(index === 0 ? [] : [{ role: 'assistant', content: 'on it' }]),
    { role: 'user', content: typeof said === 'string' ? said : [said].flat() },
  ]);
  return fetch(`http://127.0.0.1:${options.port ?? api.port}/v1/messages?beta=true`, {
    method: 'POST',
    headers: { 'x-api-key': 'secret-1', authorization: 'Bearer secret-1' },
    body: JSON.stringify({ model: 'm', system: SYSTEM, tools: options.tools ?? [TOOL], messages }),
  });
}

function during(text: string) {
  return [
    DONE,
    {
      type: 'text',
      text: `The user sent a new message while you were working:\n${text}\n\nThis is how Claude Code surfaces it`,
    },
  ];
}
