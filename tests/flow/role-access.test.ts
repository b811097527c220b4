import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { roleOperations } from '../../src/app/role-table.ts';
import { linesOf } from '../rig/json-lines.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { said } from '../rig/role-client.ts';
import { codeOf, outputOf, roleLink, tokenOf, type RoleLink } from '../rig/role-link.ts';

/** Two features with an agent for each role: who may call the tools of which role, and what they reach of the disk. */

const [OURS, THEIRS, NOT_STARTED] = ['auth-api', 'billing', 'later-api'] as const;
const CONFIG = 'features: {concurrent_limit: 20}\nevidence: {enabled: false}';
const SECRET = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';

let product: Product;
let door: RoleLink;
let tree = '';
const tokens = new Map<string, string>();

const as = (feature: string, role: string): { agentToken: string } => ({
  agentToken: tokens.get(`${feature}/${role}`) ?? '',
});

beforeAll(async () => {
  product = await openProduct({ play: 'wait', config: CONFIG });
  for (const feature of [OURS, THEIRS, NOT_STARTED]) await product.json('init', feature);
  for (const feature of [OURS, THEIRS]) {
    await product.json('start', feature);
    for (const role of ['orchestrator', 'tester', 'implementer', 'verifier'])
      tokens.set(`${feature}/${role}`, await tokenOf(product, feature, role));
  }
  door = await roleLink(product);
  tree = (await product.status(OURS)).worktree;
}, 60_000);
afterAll(async () => {
  door.link.close();
  await product.dispose();
});

/** What each operation needs to be understood, as the door of a role server adds it. */
const VALID: Readonly<Record<string, unknown>> = {
  step: 'discovery',
  next: 'testing',
  message: 'text',
  text: 'text',
  kind: 'progress',
};
const inputs = Object.values(roleOperations).map(({ name, input }) => {
  const said = Object.entries(VALID).filter(([key]) => Object.hasOwn(input.shape, key));
  const path = name.startsWith('role-write-t') || name.startsWith('role-write-s') ? { path: 'x', content: 'x' } : {};
  return [name, { ...Object.fromEntries(said), ...path }] as const;
});

describe.each(inputs)('%s', (name, input) => {
  const of = (feature: string, role: string): object => ({ ...input, feature, role });

  it('is refused from outside of the panes', async () => {
    expect(codeOf(await door.ask(name, of(OURS, 'tester')))).toBe('role-needs-its-pane');
    expect(codeOf(await door.ask(name, of(OURS, 'auto')))).toBe('role-auto-not-here');
    expect(codeOf(await door.ask(name, of(NOT_STARTED, 'auto')))).toBe('not-started');
    expect(codeOf(await door.ask(name, of('no-such-one', 'auto')))).toBe('unknown-feature');
    expect(codeOf(await door.ask(name, of(THEIRS, 'auto'), { only: OURS }))).toBe('access-other-feature');
  });

  it('is refused to the agent of another role, of another feature, and to whoever plays all', async () => {
    const implementer = as(OURS, 'implementer');
    for (const role of ['orchestrator', 'tester', 'verifier', 'auto', 'no-such-role'])
      expect(codeOf(await door.ask(name, of(OURS, role), implementer)), role).toBe('role-not-yours');
    for (const role of ['implementer', 'auto'])
      expect(codeOf(await door.ask(name, of(THEIRS, role), implementer)), role).toBe('access-other-feature');
    // Bound to another feature than that of its pane.
    expect(codeOf(await door.ask(name, of(OURS, 'implementer'), { ...implementer, only: THEIRS }))).toBe(
      'access-other-feature',
    );
  });

  it('is refused with a token that no pane has', async () => {
    for (const agentToken of ['', 'tmops-agent-000', `${tokens.get(`${OURS}/tester`) ?? ''}x`])
      for (const role of ['tester', 'auto'])
        expect(codeOf(await door.ask(name, of(OURS, role), { agentToken }))).toBe('access-unknown-agent');
  });

  it('changes nothing for a client that only reads', async () => {
    const operation = Object.values(roleOperations).find((each) => each.name === name);
    const code = codeOf(await door.ask(name, of(OURS, 'tester'), { ...as(OURS, 'tester'), readOnly: true }));
    expect(code === 'read-only').toBe(operation?.effect !== 'read');
  });
});

describe('where agents reach other features and drive', () => {
  beforeAll(async () => {
    await product.configure({
      play: 'wait',
      config: `${CONFIG}\naccess: {across_features: true, agents: drive}`,
    });
  });
  afterAll(() => product.configure({ play: 'wait', config: CONFIG }));

  test.each(inputs)('%s is still for the agent of the role alone', async (name, input) => {
    for (const [feature, role] of [
      [OURS, 'tester'],
      [THEIRS, 'implementer'],
      [THEIRS, 'auto'],
    ] as const)
      expect(codeOf(await door.ask(name, { ...input, feature, role }, as(OURS, 'implementer')))).toBe('role-not-yours');
    expect(
      codeOf(await door.ask(name, { ...input, feature: OURS, role: 'tester' }, { agentToken: 'tmops-agent-000' })),
    ).not.toBe('ok');
  });
});

test('a tool of a role is no tool of tmops mcp, nor a command', async () => {
  const client = await mcpClient(product);
  const { tools } = await client.listTools();
  const names = Object.values(roleOperations).flatMap(({ name, tool }) => [name, tool]);
  expect(tools.filter(({ name }) => names.includes(name))).toEqual([]);
  for (const name of names) {
    const args = { feature: OURS, role: 'tester', path: 'x', content: 'x' };
    await expect(client.callTool({ name, arguments: args }), name).rejects.toThrow(/Unknown tool/);
  }
  await client.close();
  for (const name of ['role-tools', 'role-write-test']) expect((await product.cli(name, OURS)).exitCode, name).toBe(2);
});

test.each([
  [['--role', 'tester'], '--role needs --feature'],
  [['--role', '../tester', '--feature', OURS], 'A role is a name'],
  [['--role', 'tester', '--feature', '../x'], 'A feature name'],
  [['--role', 'tester', '--feature', OURS, '--read-only'], 'leave --toolsets, --tools and --read-only out'],
] as const)('tmops mcp %j is not begun', async (words, why) => {
  const { exitCode, stderr } = await product.cli('mcp', ...words);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(why)]);
});

test('whoever begins a role server outside of its pane is told so, and gets no tools', async () => {
  const client = await mcpClient(product, ['--role', 'tester', '--feature', OURS]);
  await expect(client.listTools()).rejects.toThrow(/are for its own agent/);
  const answer = said(await client.callTool({ name: 'write_test', arguments: { path: 'x', content: 'x' } }));
  expect(answer).toMatchObject({ isError: true, text: expect.stringContaining('role-needs-its-pane') as unknown });
  await client.close();
});

describe('paths', () => {
  beforeAll(async () => {
    const { base } = product.repo;
    await writeFile(join(base, 'secret.txt'), 'outside\n');
    await symlink(join(base, 'secret.txt'), join(tree, 'out.test.js'));
    await symlink(base, join(tree, 'tests-out'));
    await mkdir(join(tree, 'tests'), { recursive: true });
    await symlink('../src/sum.js', join(tree, 'tests', 'to-source.test.js'));
    await symlink('../../..', join(tree, 'tests', 'up'));
    await execa('mkfifo', [join(tree, 'tests', 'pipe.test.js'), join(tree, 'pipe.js')]);
  });

  const AWAY = [
    '../secret.txt',
    '../../secret.txt',
    'tests/../../../secret.txt',
    '/etc/passwd',
    'tests/../../../../../../etc/passwd',
    'out.test.js',
    'tests-out/x.test.js',
    'tests/up/x.test.js',
    'tests/pipe.test.js',
    'pipe.js',
    '.git',
    '.git/config',
    '.GIT/config',
    'tests/.git/config',
    'tests/.git/x.test.js',
    '.tmops/x.test.js',
    '.tmops/auth-api/current/TASK_SPEC.md',
    'tests/../.tmops/x.test.js',
    'tests',
    '.',
    'tests/a\0.test.js',
    'tests/\u202Ea.test.js',
    'checkpoints/../../secret.txt',
    'checkpoints/../.git/config',
    'checkpoints/../TASK_SPEC.md',
    'checkpoints//../x',
  ];
  const REFUSED = /^(file-(outside|not-allowed|not-regular|bad-path|missing|no-test)|bad-arguments)$/;

  it.each(AWAY)('%j is neither read nor written', async (path) => {
    for (const [op, role, more] of [
      ['role-write-test', 'tester', { content: 'x' }],
      ['role-write-test', 'tester', { edits: [{ old: 'o', new: 'x' }] }],
      ['role-write-test', 'tester', { remove: true }],
      ['role-write-source', 'implementer', { content: 'x' }],
      ['role-write-source', 'implementer', { edits: [{ old: 'o', new: 'x' }] }],
      ['role-read-tests', 'implementer', {}],
      ['role-read-all', 'verifier', {}],
    ] as const) {
      // A folder that is not there and a file that may be made in it are no way out.
      if (op === 'role-write-source' && /^checkpoints\/(\.\.\/TASK|\/\.\.\/x)/.test(path)) continue;
      const reply = await door.ask(op, { feature: OURS, role, path, ...more }, as(OURS, role));
      expect(codeOf(reply), `${op} ${JSON.stringify(more)}`).toMatch(REFUSED);
    }
    expect(await readFile(join(product.repo.base, 'secret.txt'), 'utf8')).toBe('outside\n');
  });

  it('a link among the tests is what it leads to', async () => {
    const path = 'tests/to-source.test.js';
    const before = await readFile(join(tree, 'src', 'sum.js'), 'utf8');
    const tester = as(OURS, 'tester');
    expect(
      codeOf(await door.ask('role-read-tests', { feature: OURS, role: 'implementer', path }, as(OURS, 'implementer'))),
    ).toBe('file-no-test');
    expect(
      codeOf(await door.ask('role-write-test', { feature: OURS, role: 'tester', path, content: 'x' }, tester)),
    ).toBe('file-not-allowed');
    expect(await readFile(join(tree, 'src', 'sum.js'), 'utf8')).toBe(before);
  });

  it('the other feature’s worktree is outside, also by its whole path', async () => {
    const theirs = (await product.status(THEIRS)).worktree;
    const path = join(theirs, 'src', 'sum.js');
    for (const [op, role, more] of [
      ['role-read-all', 'verifier', {}],
      ['role-write-source', 'implementer', { content: 'x' }],
    ] as const)
      expect(codeOf(await door.ask(op, { feature: OURS, role, path, ...more }, as(OURS, role)))).toBe('file-outside');
  });

  it('write rules hold whatever tool is used', async () => {
    const tester = as(OURS, 'tester');
    for (const [op, role, path, code] of [
      ['role-write-test', 'tester', 'src/new.js', 'file-not-allowed'],
      ['role-write-test', 'tester', 'package.json', 'file-not-allowed'],
      ['role-write-source', 'tester', 'tests/a.test.js', 'role-tool-refused'],
      ['role-write-source', 'implementer', 'tests/a.test.js', 'file-not-allowed'],
      ['role-write-source', 'implementer', 'src/a.test.js', 'file-not-allowed'],
      ['role-write-source', 'orchestrator', 'src/a.js', 'role-tool-refused'],
      ['role-write-source', 'verifier', 'src/a.js', 'role-tool-refused'],
      ['role-write-test', 'verifier', 'tests/a.test.js', 'role-tool-refused'],
    ] as const)
      expect(
        codeOf(await door.ask(op, { feature: OURS, role, path, content: 'x' }, as(OURS, role))),
        `${role} ${path}`,
      ).toBe(code);
    expect(
      codeOf(await door.ask('role-write-test', { feature: OURS, role: 'tester', path: 'tests/a.test.js' }, tester)),
    ).toBe('bad-arguments');
  });
});

describe('what is written down', () => {
  it('a secret is in no answer, and in no checkpoint or report', async () => {
    await writeFile(join(tree, 'src', 'key.js'), `export const key = '${SECRET}';\n`);
    const read = await door.ask(
      'role-read-all',
      { feature: OURS, role: 'verifier', path: 'src/key.js' },
      as(OURS, 'verifier'),
    );
    expect(String(outputOf(read)['untrusted_output'])).toContain('export const key');
    expect(JSON.stringify(read)).not.toContain(SECRET);
    for (const [op, role, more] of [
      ['role-report', 'tester', { kind: 'blocked', text: `it says ${SECRET}` }],
      ['role-write-checkpoint', 'orchestrator', { text: `# Checkpoint\n\n${SECRET}\n` }],
      ['role-start', 'orchestrator', { step: 'discovery', next: 'testing', message: SECRET }],
      ['role-commit', 'implementer', { message: SECRET }],
    ] as const)
      expect(codeOf(await door.ask(op, { feature: OURS, role, ...more }, as(OURS, role))), op).toBe('secret-in-words');
  });

  it('each call is on record with the agent that made it', async () => {
    const records = await linesOf<Record<string, unknown>>(product.path('.audit', 'audit.jsonl'));
    const ours = records.filter(({ operation }) => operation === 'role-write-test');
    const uid = process.getuid?.() ?? 0;
    expect(ours).toContainEqual(
      expect.objectContaining({
        principal: `agent:${uid}/${OURS}/tester`,
        outcome: 'file-not-allowed',
        target: `${OURS}/tester`,
      }),
    );
  });
});
