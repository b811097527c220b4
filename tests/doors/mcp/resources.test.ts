import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playText, redTest, stepDone } from '../../rig/flow.ts';
import { mcpClient } from '../../rig/mcp-client.ts';
import { openProduct, type Product } from '../../rig/product.ts';
import { until } from '../../rig/wait.ts';

/** Resources through a client of the SDK, the built server and a run with rehearsal agents. */

const [OURS, THEIRS] = ['auth-api', 'billing'] as const;
const BASE = `tmops://features/${OURS}`;
/** Split so that it does not stand in this file as it is looked for. */
const SECRET = ['hunter2', 'hunter2', 'hunter2'].join('-');

let product: Product;
let client: Client;
/** What the client was told: URIs, and 'list'. */
const told: string[] = [];

const holding = (text: string): unknown => expect.stringContaining(text);

interface Content {
  readonly uri: string;
  readonly mimeType: string;
  readonly text: string;
}

const contentsOf = async (uri: string, by = client): Promise<Content[]> =>
  (await by.readResource({ uri })).contents as Content[];

async function json(uri: string, by = client): Promise<Record<string, unknown>> {
  const [content] = await contentsOf(uri, by);
  expect(content).toMatchObject({ uri, mimeType: 'application/json' });
  return JSON.parse(content?.text ?? '') as Record<string, unknown>;
}

/** Code, message and data of the error that it ends with. */
async function refused(asked: Promise<unknown>): Promise<{ code: number; message: string; data: unknown }> {
  const error: unknown = await asked.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  const { code, message, data } = error as { code: number; message: string; data: unknown };
  return { code, message, data };
}

async function everyUri(by = client): Promise<string[]> {
  const uris: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await by.listResources(cursor === undefined ? {} : { cursor });
    uris.push(...page.resources.map(({ uri }) => uri));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return uris;
}

const listen = (by: Client, into: string[]): void => {
  by.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void into.push(params.uri));
  by.setNotificationHandler(ResourceListChangedNotificationSchema, () => void into.push('list'));
};

const complete = async (uri: string, name: string, value: string, feature?: string): Promise<string[]> =>
  (
    await client.complete({
      ref: { type: 'ref/resource', uri },
      argument: { name, value },
      ...(feature !== undefined && { context: { arguments: { feature } } }),
    })
  ).completion.values;

beforeAll(async () => {
  product = await openProduct({
    play: 'tools/play.yaml',
    config: 'features: {concurrent_limit: 20}\nevidence: {enabled: false}',
    env: { MY_API_KEY: SECRET },
    files: {
      'tools/play.yaml': playText([
        { role: 'orchestrator', when: 'Start orchestration', file: '001-discovery-trigger.md' },
        { role: 'tester', when: 'Start test writing', thinkMs: 600_000, acts: [redTest] },
      ]),
    },
  });
  client = await mcpClient(product);
  listen(client, told);
}, 60_000);
afterAll(async () => {
  await client.close();
  await product.dispose();
});

describe('before anything was asked of a supervisor', () => {
  it('lists what there always is, and starts none', async () => {
    const { resources, nextCursor } = await client.listResources();
    expect([resources.map(({ uri }) => uri), nextCursor]).toEqual([['tmops://features'], undefined]);
    expect((await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'tmops://features/{feature}/status',
      'tmops://features/{feature}/spec{?from,lines}',
      'tmops://features/{feature}/checkpoints/{name}{?from,lines}',
      'tmops://features/{feature}/journal{?after,limit}',
      'tmops://features/{feature}/panes/{role}{?lines}',
      'tmops://features/{feature}/logs/{role}{?level,component,text,after,limit}',
      'tmops://features/{feature}/metrics',
    ]);
    expect(await complete('tmops://features/{feature}/status', 'feature', '')).toEqual([]);
    expect((await product.cli('list')).stdout).not.toContain(OURS);
  });

  it('tells once that the list is another one when there is a feature', async () => {
    await client.callTool({ name: 'tmops_list_features', arguments: {} });
    expect(told).toEqual([]);
    for (const feature of [THEIRS, OURS]) await product.json('init', feature);
    await until('the list has changed', () => told.includes('list'));
    expect(await everyUri()).toEqual([
      'tmops://features',
      ...[OURS, THEIRS].flatMap((feature) =>
        ['status', 'spec', 'journal'].map((what) => `tmops://features/${feature}/${what}`),
      ),
    ]);
  });

  it('says that a feature has no roles and metrics yet', async () => {
    expect(await refused(client.readResource({ uri: `${BASE}/logs/tester` }))).toMatchObject({
      code: -32002,
      message: holding('was not started'),
      data: { uri: `${BASE}/logs/tester`, code: 'not-started' },
    });
    expect(await refused(client.readResource({ uri: `${BASE}/metrics` }))).toMatchObject({
      code: -32002,
      message: holding('when a step is done'),
    });
  });
});

describe('a feature that is under way', () => {
  beforeAll(async () => {
    told.length = 0;
    await client.subscribeResource({ uri: `${BASE}/status` });
    await client.subscribeResource({ uri: `${BASE}/metrics` });
    for (const feature of [OURS, THEIRS]) await product.json('start', feature);
    await stepDone(product, OURS, 'discovery');
    await product.reached(OURS, 'the tester is asked', ({ prompts }) =>
      prompts.some(({ purpose, outcome }) => purpose === 'step testing' && outcome === 'accepted'),
    );
  }, 60_000);

  it('tells those who subscribed, together and not for each event', async () => {
    await until('the metrics were written', () => told.includes(`${BASE}/metrics`));
    const statuses = told.filter((uri) => uri === `${BASE}/status`).length;
    expect(statuses).toBeGreaterThan(1);
    expect(statuses).toBeLessThan((await product.events(OURS)).length / 2);
    expect(new Set(told)).toEqual(new Set(['list', `${BASE}/status`, `${BASE}/metrics`]));
  });

  it('tells no more of what is not followed any more', async () => {
    await client.unsubscribeResource({ uri: `${BASE}/status` });
    told.length = 0;
    await client.subscribeResource({ uri: `${BASE}/journal` });
    await product.json('pause', OURS);
    await until('the journal is told', () => told.includes(`${BASE}/journal`));
    await product.json('resume', OURS);
    // The list may have grown: the other feature goes on, too.
    expect(new Set(told.filter((uri) => uri !== 'list'))).toEqual(new Set([`${BASE}/journal`]));
    await client.unsubscribeResource({ uri: `${BASE}/journal` });
  });

  it('gives features and status as the tools do', async () => {
    const { features } = (await json('tmops://features')) as { features: { feature: string }[] };
    expect(features.map(({ feature }) => feature)).toEqual([OURS, THEIRS]);
    expect(await json(`${BASE}/status`)).toMatchObject({ feature: OURS, step: 'testing', role: 'tester' });
  });

  it('gives the specification in pages', async () => {
    const [text, about] = await contentsOf(`${BASE}/spec?lines=3`);
    expect(text).toMatchObject({ mimeType: 'text/markdown', text: holding(OURS) });
    expect(text?.text.split('\n')).toHaveLength(3);
    const { next } = JSON.parse(about?.text ?? '') as { next: string };
    expect(next).toBe(`${BASE}/spec?from=4&lines=3`);
    expect((await contentsOf(next))[1]?.text).toContain('"from":4');
  });

  it('gives checkpoints, accepted or not, by the name of the file', async () => {
    const [text, about] = await contentsOf(`${BASE}/checkpoints/001-discovery-trigger.md`);
    expect(text).toMatchObject({ mimeType: 'text/markdown', text: holding('## Findings') });
    expect(JSON.parse(about?.text ?? '')).toMatchObject({
      step: 'discovery',
      role: 'orchestrator',
      state: 'done',
      next: null,
    });
    const uris = await everyUri();
    expect(uris).toEqual(expect.arrayContaining([`${BASE}/checkpoints/001-discovery-trigger.md`, `${BASE}/metrics`]));
    expect(uris).not.toContain(`${BASE}/checkpoints/003-tests-complete.md`);
    expect(await refused(client.readResource({ uri: `${BASE}/checkpoints/003-tests-complete.md` }))).toMatchObject({
      code: -32002,
      data: { code: 'no-checkpoint' },
    });
    expect(await refused(client.readResource({ uri: `${BASE}/checkpoints/TASK_SPEC.md` }))).toMatchObject({
      code: -32002,
      message: holding('Its checkpoints: 001-discovery-trigger.md'),
    });
  });

  it('gives panes as plain text', async () => {
    const [text, about] = await contentsOf(`${BASE}/panes/tester?lines=5`);
    expect(text).toMatchObject({ uri: `${BASE}/panes/tester?lines=5`, mimeType: 'text/plain' });
    expect(text?.text).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f]/);
    expect(JSON.parse(about?.text ?? '')).toMatchObject({ role: 'tester', note: holding('untrusted') });
  });

  it('pages the journal to its end, each event once', async () => {
    const all = await product.events(OURS);
    const seqs: number[] = [];
    let uri: string | null = `${BASE}/journal?limit=20`;
    while (uri !== null) {
      const page = (await json(uri)) as { events: { seq: number }[]; more: boolean; next: string };
      seqs.push(...page.events.map(({ seq }) => seq));
      uri = page.more ? page.next : null;
    }
    expect(seqs.slice(0, all.length)).toEqual(all.map(({ seq }) => seq));
  });

  it('gives the log of a role, filtered, and goes on after what was read', async () => {
    interface Log {
      readonly entries: readonly { seq: number; level: string; component: string; text: string }[];
      readonly more: boolean;
      readonly next: string;
    }
    const log = async (query: string): Promise<Log> => (await json(`${BASE}/logs/tester${query}`)) as unknown as Log;
    const { entries, next } = await log('');
    expect(entries.some(({ text }) => text.includes("tester's agent is up"))).toBe(true);
    expect(entries.some(({ text }) => text.includes("verifier's agent is up"))).toBe(false);
    expect(entries.some(({ text }) => text.includes('Started with the workflow'))).toBe(true);
    expect(new Set((await log('?level=info')).entries.map(({ level }) => level))).not.toContain('debug');
    expect(new Set((await log('?component=prompt')).entries.map(({ component }) => component))).toEqual(
      new Set(['prompt']),
    );
    const found = (await log('?text=START%20TEST%20WRITING')).entries;
    expect(found).toHaveLength(1);
    const first = await log('?after=0&limit=3');
    expect([first.entries.length, first.more]).toEqual([3, true]);
    expect(first.next).toBe(`${BASE}/logs/tester?after=${first.entries[2]?.seq ?? 0}&limit=3`);
    await client.subscribeResource({ uri: `${BASE}/logs/tester` });
    await client.subscribeResource({ uri: `${BASE}/logs/verifier` });
    told.length = 0;
    await product.json('take', OURS, 'tester');
    await until('the log is told', () => told.includes(`${BASE}/logs/tester`));
    const after = (await json(next)) as unknown as Log;
    expect(after.entries.map(({ component }) => component)).toContain('pane');
    expect(after.entries.every(({ seq }) => seq > (entries.at(-1)?.seq ?? 0))).toBe(true);
    expect(told).not.toContain(`${BASE}/logs/verifier`);
    await product.json('give', OURS, 'tester');
  });

  it('gives metrics as JSON, with where each figure comes from', async () => {
    expect(await json(`${BASE}/metrics`)).toMatchObject({
      feature: OURS,
      metrics: { feature: OURS, sources: { timeline: 'measured' }, measured: { run: 'initial' } },
    });
  });

  it('tells of what no event tells: the specification and a pane', async () => {
    await client.subscribeResource({ uri: `${BASE}/spec` });
    await client.subscribeResource({ uri: `${BASE}/panes/tester` });
    await product.put(OURS, 'TASK_SPEC.md', '# Another\n');
    await until('the specification is told', () => told.includes(`${BASE}/spec`));
    const pane = (await product.status(OURS)).panes.find(({ role }) => role === 'tester')?.pane ?? '';
    told.length = 0;
    await product.server.run('send-keys', '-t', pane, 'a draft of mine');
    await until('the pane is told', () => told.includes(`${BASE}/panes/tester`));
    await client.unsubscribeResource({ uri: `${BASE}/panes/tester` });
  });

  it('completes names of what there is', async () => {
    const log = 'tmops://features/{feature}/logs/{role}{?level,component,text,after,limit}';
    expect(await complete(log, 'feature', 'au')).toEqual([OURS]);
    expect(await complete(log, 'role', '', OURS)).toEqual(['orchestrator', 'tester', 'implementer', 'verifier']);
    expect(await complete(log, 'level', 'w')).toEqual(['warning']);
    expect(await complete(log, 'component', 'p')).toEqual(['pane', 'prompt']);
    expect(await complete(log, 'text', 'x')).toEqual([]);
    const checkpoint = 'tmops://features/{feature}/checkpoints/{name}{?from,lines}';
    expect(await complete(checkpoint, 'name', '00', OURS)).toContain('003-tests-complete.md');
    expect(await refused(complete(log, 'color', ''))).toMatchObject({ code: -32602 });
    expect(await refused(complete('tmops://x/{y}', 'y', ''))).toMatchObject({ code: -32602 });
  });
});

describe('what is not given', () => {
  it.each([
    'tmops://features/../../etc/passwd',
    'tmops://features/auth-api/../billing/status',
    'tmops://features/auth-api%2F..%2Fbilling/status',
    'tmops://features/%2e%2e/status',
    `${BASE}/checkpoints/..%2F..%2Fjournal.jsonl`,
    `${BASE}/checkpoints/%00.md`,
    `${BASE}/panes/tester%00`,
    `${BASE}/status/`,
    `${BASE}/status#x`,
    `${BASE}//status`,
    `${BASE}/secrets`,
    `tmops://features/${'a'.repeat(3900)}/status`,
    `tmops://features/${'a'.repeat(90_000)}/status`,
    'tmops://features/Auth/status',
    'file:///etc/passwd',
    '',
  ])('%.80s', async (uri) => {
    const error = await refused(client.readResource({ uri }));
    expect(error).toMatchObject({ code: -32002, data: { uri: uri.slice(0, 500) } });
    expect(error.message).toMatch(/There is no resource/);
    expect(error.message.length).toBeLessThan(3000);
    expect((await refused(client.subscribeResource({ uri }))).code).toBe(-32002);
  });

  it.each([
    [`${BASE}/journal?limit=0`, 'limit is 0'],
    [`${BASE}/journal?limit=abc`, 'limit is "abc"'],
    [`${BASE}/journal?colour=red`, 'it does not take "colour". It takes: after, limit.'],
    [`${BASE}/journal?after=1&after=2`, 'after stands there twice'],
    [`${BASE}/logs/tester?level=loud`, 'level is "loud", not one of debug, info, warning, error'],
    [`${BASE}/logs/tester?text=`, 'text is ""'],
    [`${BASE}/status?x=1`, 'It takes nothing behind a ?'],
    [`${BASE}/spec?from=%zz`, 'from is not percent-encoded'],
    [`${BASE}/spec?from=1?lines=2`, 'a URI has one ?'],
  ])('%s: %s', async (uri, says) => {
    expect(await refused(client.readResource({ uri }))).toMatchObject({
      code: -32602,
      message: holding(says),
    });
  });

  it('an unknown feature, role and cursor', async () => {
    for (const uri of ['tmops://features/no-such/status', `${BASE}/panes/nobody`, `${BASE}/logs/nobody`]) {
      expect((await refused(client.readResource({ uri }))).code, uri).toBe(-32002);
      expect((await refused(client.subscribeResource({ uri }))).code, uri).toBe(-32002);
    }
    for (const cursor of ['x', Buffer.from('after:../../x').toString('base64url'), 'A'.repeat(10_000)])
      expect((await refused(client.listResources({ cursor }))).code).toBe(-32602);
    expect((await refused(client.listResourceTemplates({ cursor: 'x' }))).code).toBe(-32602);
  });

  it('secrets, control characters, and what a link leads to', async () => {
    const file = product.path(OURS, 'current', 'TASK_SPEC.md');
    await writeFile(`${file}.part`, `# Spec\nkey ${SECRET}\n\u001b[31mred\u001b[0m\u202e\n`);
    await rename(`${file}.part`, file);
    const [text] = await contentsOf(`${BASE}/spec`);
    expect(text?.text).toBe('# Spec\nkey [redacted]\nred');
    await rm(file);
    await symlink('/etc/passwd', file);
    expect(await refused(client.readResource({ uri: `${BASE}/spec` }))).toMatchObject({
      code: -32002,
      data: { code: 'spec-unreadable' },
    });
    const metrics = product.path(OURS, 'current', 'metrics.json');
    await rm(metrics);
    await mkdir(metrics);
    expect((await refused(client.readResource({ uri: `${BASE}/metrics` }))).data).toMatchObject({
      code: 'metrics-unreadable',
    });
    await rm(metrics, { recursive: true });
    await writeFile(metrics, `{"a":"\\u001b[31m${SECRET}","b":${'['.repeat(40)}${']'.repeat(40)}}`);
    expect(await json(`${BASE}/metrics`)).toMatchObject({ metrics: { a: '[redacted]' } });
  });

  it('more subscriptions than a connection may have', async () => {
    const other = await mcpClient(product);
    for (let count = 0; count < 64; count += 1)
      await other.subscribeResource({ uri: `${BASE}/journal?after=${count}` });
    await other.subscribeResource({ uri: `${BASE}/journal?after=1` });
    expect(await refused(other.subscribeResource({ uri: `${BASE}/journal` }))).toMatchObject({
      code: -32602,
      message: holding('follows 64 resources'),
    });
    await other.close();
  });
});

describe('a client that is bound to one feature', () => {
  it('sees, reads, completes and follows that one only', async () => {
    const bound = await mcpClient(product, ['--feature', OURS]);
    const heard: string[] = [];
    listen(bound, heard);
    const uris = await everyUri(bound);
    expect(uris).toContain(`${BASE}/status`);
    expect(uris.filter((uri) => uri.includes(THEIRS))).toEqual([]);
    const { features } = (await json('tmops://features', bound)) as { features: { feature: string }[] };
    expect(features.map(({ feature }) => feature)).toEqual([OURS]);
    const ends = [
      'status',
      'spec',
      'journal',
      'metrics',
      'panes/tester',
      'logs/tester',
      'checkpoints/001-discovery-trigger.md',
    ];
    for (const end of ends) {
      const uri = `tmops://features/${THEIRS}/${end}`;
      const refusal = { code: -32002, data: { code: 'access-other-feature' } };
      expect(await refused(bound.readResource({ uri })), end).toMatchObject(refusal);
      expect(await refused(bound.subscribeResource({ uri })), end).toMatchObject(refusal);
    }
    const { completion } = await bound.complete({
      ref: { type: 'ref/resource', uri: 'tmops://features/{feature}/status' },
      argument: { name: 'feature', value: '' },
    });
    expect(completion.values).toEqual([OURS]);
    await bound.subscribeResource({ uri: 'tmops://features' });
    await bound.subscribeResource({ uri: `${BASE}/status` });
    // Theirs moves first: were it told, it would come first.
    await product.json('pause', THEIRS);
    await product.json('pause', OURS);
    await until('ours is told', () => heard.includes(`${BASE}/status`) && heard.includes('tmops://features'));
    expect(new Set(heard)).toEqual(new Set([`${BASE}/status`, 'tmops://features']));
    await bound.close();
  });
});

it('tells each connection what it follows, and goes on when another one has ended', async () => {
  const [one, other] = [await mcpClient(product), await mcpClient(product)];
  const [heardByOne, heardByOther]: [string[], string[]] = [[], []];
  listen(one, heardByOne);
  listen(other, heardByOther);
  await one.subscribeResource({ uri: `${BASE}/status` });
  await one.subscribeResource({ uri: `${BASE}/journal` });
  await other.subscribeResource({ uri: `${BASE}/journal` });
  await one.close();
  await product.json('resume', OURS);
  await until('the other is told', () => heardByOther.length > 0);
  expect(new Set(heardByOther)).toEqual(new Set([`${BASE}/journal`]));
  await other.close();
});

describe('a client in the pane of an agent', () => {
  const inPane = (token: string): Promise<Client> =>
    mcpClient({ ...product, env: { ...product.env, TMOPS_AGENT_TOKEN: token } });

  it('sees the feature of that agent', async () => {
    const token = await readFile(product.path(OURS, 'current', 'agents', 'tester', 'token'), 'utf8');
    const agent = await inPane(token.trim());
    expect((await everyUri(agent)).filter((uri) => uri.includes(THEIRS))).toEqual([]);
    expect(await json(`${BASE}/status`, agent)).toMatchObject({ feature: OURS });
    expect((await refused(agent.readResource({ uri: `tmops://features/${THEIRS}/spec` }))).data).toMatchObject({
      code: 'access-other-feature',
    });
    await agent.close();
  });

  it('sees nothing with a token that no agent has', async () => {
    const nobody = await inPane('tmops-agent-000');
    expect(await everyUri(nobody)).toEqual(['tmops://features']);
    for (const uri of ['tmops://features', `${BASE}/status`, `${BASE}/logs/tester`])
      expect((await refused(nobody.readResource({ uri }))).data).toMatchObject({ code: 'access-unknown-agent' });
    await nobody.close();
  });
});

it('tells that the list is another one when a feature was put away', async () => {
  await product.json('stop', THEIRS);
  told.length = 0;
  await product.json('cleanup', THEIRS, '--discard');
  await until('the list has changed', () => told.includes('list'));
  expect((await everyUri()).filter((uri) => uri.includes(THEIRS))).toEqual([]);
  expect((await refused(client.readResource({ uri: `tmops://features/${THEIRS}/status` }))).code).toBe(-32002);
});

it('goes on to tell when the supervisor was killed, and tells what may have been missed', async () => {
  told.length = 0;
  await client.subscribeResource({ uri: `${BASE}/status` });
  await product.json('pause', OURS);
  await until('the status is told', () => told.includes(`${BASE}/status`));
  await product.endSupervisor('SIGKILL');
  told.length = 0;
  await until('the status is told by another supervisor', () => told.includes(`${BASE}/status`), { withinMs: 20_000 });
});
