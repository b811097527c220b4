import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { roleOperations } from '../../src/app/role-table.ts';
import { calls } from '../../src/app/calls.ts';
import { resourceRequests } from '../../src/app/resource-requests.ts';
import { operations, type Operation } from '../../src/app/table.ts';
import { version } from '../../src/compose/package.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { connectLink, type Link } from '../../src/link/client.ts';
import { CONTROL } from '../rig/fuzz.ts';
import { HOSTILE } from '../rig/hostile.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { tokenOf } from '../rig/role-link.ts';
import { until } from '../rig/wait.ts';

let product: Product;
let link: Link;

beforeAll(async () => {
  product = await openProduct({ play: 'wait' });
  // Whoever follows a name out of the workspace finds what would do there.
  await writeFile(join(product.repo.base, 'outside.yaml'), 'name: outside\nwindows:\n  - roles: rest\n');
  await symlink('../outside.yaml', join(product.repo.root, 'linked.yaml'));
  for (const feature of ['auth-api', 'new-api']) await product.json('init', feature);
  await product.json('start', 'auth-api');
  const place = socketOfWorkspace(product.repo.root);
  const connected = place.ok ? await connectLink(place.socketPath, version) : null;
  if (!connected?.ok) throw new Error('the supervisor does not listen');
  link = connected.link;
});
afterAll(async () => {
  link.close();
  await product.dispose();
});

/** Names of all files below the repository's base but for those that are tmops' and git's own. */
async function filesOutside(): Promise<string[]> {
  const all = await readdir(product.repo.base, { recursive: true });
  return all.filter((name) => !/^sample\/\.(tmops|git)(\/|$)/.test(name) && !/^sample\.tmops(\/|$)/.test(name)).sort();
}

/** Asks; fails where the answer is none of those that the table promises. Gives whether it was done. */
async function ask(operation: Operation, input: unknown, agentToken?: string): Promise<boolean> {
  const reply = await link.call(operation.name, input, {
    ...{ door: 'socket', ...(agentToken !== undefined && { agentToken }) },
    cwd: product.repo.root,
    env: { ...product.env },
  });
  if (reply.ok) {
    operation.output.parse(reply.output);
    return true;
  }
  const { code, sentence, hint } = reply.failure;
  const told = `${operation.name} ${JSON.stringify(input).slice(0, 200)}: ${code} ${sentence} ${hint}`;
  expect(code, told).not.toBe('internal-error');
  expect(sentence.length > 10 && hint !== '', told).toBe(true);
  expect(CONTROL.test(sentence + hint), JSON.stringify(told)).toBe(false);
  return false;
}

/** What a call of this operation needs to come through the table, and how long it may wait. */
const VALID: Readonly<Record<string, unknown>> = {
  feature: 'new-api',
  role: 'tester',
  prompt: 999_999,
  as: 'delivered',
  choice: 'Yes',
  text: 'text',
  waitMs: 0,
  timeoutMs: 0,
};
const validFor = (operation: Operation): Record<string, unknown> =>
  Object.fromEntries(Object.entries(VALID).filter(([key]) => Object.hasOwn(operation.input.shape, key)));

// These need no feature, do their work whatever they are given, or would begin one for each text.
const SPARED = ['doctor', 'init', 'adopt', 'start', 'stop'];

test(
  'hostile texts as each argument of what is asked of a running supervisor: refused, and nothing else',
  {
    timeout: 120_000,
  },
  async () => {
    const before = await filesOutside();
    for (const operation of Object.values(operations).filter(({ name }) => !SPARED.includes(name))) {
      for (const key of Object.keys(operation.input.shape))
        for (const text of HOSTILE) await ask(operation, { ...validFor(operation), [key]: text });
    }
    expect(await filesOutside()).toEqual(before);
    expect(await product.status('auth-api')).toMatchObject({ feature: 'auth-api', phase: 'running' });
  },
);

/** A role that has the tool, and what a call of it needs. */
const ROLE_CALLS: readonly (readonly [keyof typeof roleOperations, string, object?])[] = [
  ['roleTools', 'tester'],
  ['roleSwitch', 'tester'],
  ['roleStart', 'orchestrator', { step: 'testing', next: 'implementation-trigger', message: 'text' }],
  ['roleStatus', 'tester'],
  ['roleSpec', 'tester'],
  ['roleReadTests', 'implementer'],
  ['roleReadAll', 'verifier'],
  ['roleWriteTest', 'tester', { path: 'tests/a.test.js', content: 'text' }],
  ['roleWriteSource', 'implementer', { path: 'src/a.js', content: 'text' }],
  ['roleRunTests', 'tester'],
  ['roleValidate', 'tester'],
  ['roleCoverage', 'implementer'],
  ['roleQuality', 'verifier'],
  ['roleReview', 'verifier'],
  ['roleCommit', 'implementer', { message: 'text' }],
  ['roleCheckpoint', 'orchestrator', { text: 'text' }],
  ['roleReport', 'tester', { kind: 'progress', text: 'text' }],
];

test('the same of what the tools of roles ask for, by the agent that has them', { timeout: 120_000 }, async () => {
  expect(ROLE_CALLS.map(([key]) => key).sort()).toEqual(Object.keys(roleOperations).sort());
  const before = await filesOutside();
  for (const [key, role, more = {}] of ROLE_CALLS) {
    const operation: Operation = roleOperations[key];
    const token = await tokenOf(product, 'auth-api', role);
    const valid = { feature: 'auth-api', role, ...more };
    for (const name of Object.keys(operation.input.shape))
      for (const text of HOSTILE) await ask(operation, { ...valid, [name]: text }, token);
    // Without what the door adds, and with the tokens of nobody.
    for (const text of HOSTILE) await ask(operation, valid, text.slice(0, 200));
  }
  const [edits, implementer] = [
    HOSTILE.map((text) => [{ old: text, new: text }]),
    await tokenOf(product, 'auth-api', 'implementer'),
  ];
  for (const each of edits)
    await ask(
      roleOperations.roleWriteSource,
      { feature: 'auth-api', role: 'implementer', path: 'src/sum.js', edits: each },
      implementer,
    );
  // Files of such names may be in the worktree by now: they are listed, looked over and committed like others.
  for (const [operation, role] of [
    [roleOperations.roleReadAll, 'verifier'],
    [roleOperations.roleQuality, 'verifier'],
    [roleOperations.roleCommit, 'implementer'],
  ] as const) {
    const message = operation === roleOperations.roleCommit ? { message: 'All of it' } : {};
    const token = await tokenOf(product, 'auth-api', role);
    expect(await ask(operation, { feature: 'auth-api', role, ...message }, token), operation.name).toBe(true);
  }
  expect(await filesOutside()).toEqual(before);
  expect(await product.status('auth-api')).toMatchObject({ phase: 'running', step: 'discovery' });
});

test('the same of what resources are asked with', { timeout: 120_000 }, async () => {
  const before = await filesOutside();
  const valid: Readonly<Record<string, unknown>> = {
    feature: 'auth-api',
    role: 'tester',
    file: '003-tests-complete.md',
  };
  for (const { name, input, output } of Object.values(resourceRequests)) {
    const given = Object.fromEntries(Object.entries(valid).filter(([key]) => Object.hasOwn(input.shape, key)));
    const request = { ...operations.status, name, input, output };
    for (const key of Object.keys(input.shape))
      for (const text of HOSTILE) await ask(request, { ...given, [key]: text });
  }
  for (const text of HOSTILE) {
    const wanted = [{ what: 'pane', feature: 'auth-api', name: text.slice(0, 90) }, { what: 'names' }];
    await ask({ ...operations.status, ...resourceRequests.changes }, { timeoutMs: 0, wanted });
  }
  expect(await filesOutside()).toEqual(before);
});

test('hostile names of features and layouts make no file and open nothing', { timeout: 120_000 }, async () => {
  const before = await filesOutside();
  const branches = await product.repo.git(['branch', '--list']);
  const strange = HOSTILE.filter((text) => !/^[a-z0-9-]{3,20}$/.test(text));
  for (const feature of [...strange, '../outside', 'auth-api/../new-api', '/outside'])
    for (const operation of [operations.init, operations.adopt, operations.start, operations.stop])
      expect(await ask(operation, { feature }), `${operation.name} ${JSON.stringify(feature)}`).toBe(false);
  const outside = ['../outside', '../outside.yaml', join(product.repo.base, 'outside.yaml'), 'linked.yaml'];
  for (const layout of [...HOSTILE, ...outside])
    expect(await ask(operations.start, { feature: 'new-api', layout }), `layout ${JSON.stringify(layout)}`).toBe(false);
  expect(await product.repo.git(['branch', '--list'])).toBe(branches);
  expect(await filesOutside()).toEqual(before);
});

test('names that look like options are names', { timeout: 120_000 }, async () => {
  for (const feature of ['-rf', '--help', '---', '1e999']) {
    const isMade = await ask(operations.init, { feature });
    expect(isMade, feature).toBe(true);
    expect(await ask(operations.status, { feature }), feature).toBe(true);
  }
  expect(await filesOutside()).toEqual(expect.arrayContaining(['sample/package.json', 'sample/src/sum.js']));
});

test('messages of hostile text make no file beside those of the run', { timeout: 120_000 }, async () => {
  const before = await filesOutside();
  const texts = HOSTILE.filter((text) => text.trim() !== '');
  for (const text of texts) await ask(operations.message, { feature: 'auth-api', role: 'tester', text, waitMs: 0 });
  await product.status('auth-api');
  expect(await filesOutside()).toEqual(before);
  expect((await filesOutside()).filter((name) => /evil|passwd/.test(name))).toEqual([]);
});

test('deep requests are refused, and the next one is answered', { timeout: 60_000 }, async () => {
  const deep = '['.repeat(20_000) + ']'.repeat(20_000);
  const inputs = [deep, `{"feature":${deep}}`, '{"__proto__":{"feature":"new-api"}}', `{"constructor":${deep}}`];
  const caller = JSON.stringify({ door: 'socket', cwd: product.repo.root });
  const lines = Object.values(calls).flatMap(({ name }) =>
    inputs.map((input) => `"op":"${name}","input":${input},"caller":${caller}}\n`),
  );
  const said: string[] = [];
  // No more at once than one connection may have open.
  for (let from = 0; from < lines.length; from += 50) {
    const some = lines.slice(from, from + 50);
    said.push(...(await spoken(some.map((line, id) => `{"id":${id},${line}`).join(''), some.length)));
  }
  for (const line of said) expect(JSON.parse(line)).toMatchObject({ ok: false, failure: { code: 'bad-arguments' } });
  expect(await product.status('auth-api')).toMatchObject({ phase: 'running' });
  const log = await readFile(join(product.repo.root, '.tmops', '.logs', 'tmops.log'), 'utf8');
  expect(log).not.toContain('broke off');
});

/** What the supervisor says to bytes on its socket, up to so many answers. */
async function spoken(bytes: string, answers: number): Promise<string[]> {
  const place = socketOfWorkspace(product.repo.root);
  if (!place.ok) throw new Error('there is no socket');
  const socket = connect(place.socketPath).setEncoding('utf8');
  let text = '';
  socket.on('data', (chunk: string) => (text += chunk));
  socket.write(bytes);
  await until('an answer to each', () => text.split('\n').length > answers + 1, { withinMs: 30_000 });
  socket.destroy();
  return text.split('\n').slice(1, -1);
}
