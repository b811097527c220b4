import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import type { JsonSchemaType } from '@modelcontextprotocol/sdk/validation/types.js';
import { afterEach, describe, expect, test } from 'vitest';
import { toolsOf } from '../../../src/app/role-handlers.ts';
import { ACTING_FIELDS, roleOperations } from '../../../src/app/role-table.ts';
import { readWorkflow } from '../../../src/config/read-workflow.ts';
import { AUTO_ROLE, ROLE_TOOLS } from '../../../src/core/role-tool-names.ts';
import { roleServer } from '../../../src/doors/mcp/role-server.ts';
import { roleToolsFrom, type RoleTool } from '../../../src/doors/mcp/role-tools.ts';
import { serveOver } from '../../../src/doors/mcp/serve.ts';
import { VERSION_META } from '../../../src/doors/mcp/tools.ts';
import type { TextReply } from '../../../src/link/protocol.ts';
import { until } from '../../rig/wait.ts';

const packageDir = fileURLToPath(new URL('../../..', import.meta.url));
const read = readWorkflow(`${packageDir}/config/workflows/teamops.yaml`, { workspaceRoot: packageDir, packageDir });
if (!read.ok) throw new Error('the shipped workflow is faulty');
const { workflow } = read;

const listFor = (role: string): ReturnType<typeof toolsOf> =>
  toolsOf({ workflow, feature: 'auth-api', run: 'initial', role, auto: role === AUTO_ROLE });
const served = (role: string): readonly RoleTool[] => roleToolsFrom(listFor(role));
const ROLES = [...Object.keys(workflow.roles), AUTO_ROLE];

test('each role has what the customer asks for, and nothing of another role', () => {
  const common = ['check_status', 'write_checkpoint', 'report'];
  const named = (role: string): string[] =>
    served(role)
      .map(({ tool }) => tool.name)
      .sort();
  expect(named('orchestrator')).toEqual(
    [...common, 'read_spec', 'start_testing', 'start_implementation', 'start_verification'].sort(),
  );
  expect(named('tester')).toEqual(
    [...common, 'commit', 'read_spec', 'run_tests', 'validate_tests', 'write_test'].sort(),
  );
  expect(named('implementer')).toEqual(
    [...common, 'check_coverage', 'commit', 'read_spec', 'read_tests', 'run_tests', 'write_source'].sort(),
  );
  expect(named('verifier')).toEqual([...common, 'analyze_quality', 'generate_report', 'read_all', 'run_tests'].sort());
  const all = new Set(['switch_role', ...Object.keys(workflow.roles).flatMap((role) => named(role))]);
  expect(named(AUTO_ROLE)).toEqual([...all].sort());
  const offered = new Set(listFor(AUTO_ROLE).tools.map(({ operation }) => operation));
  expect([...offered].sort()).toEqual([...ROLE_TOOLS].sort());
});

// The same for each role that has it; whoever plays all roles is told besides whose it is.
test.each(ROLES.flatMap((role) => served(role).map(({ tool }) => [tool.name, role, tool] as const)))(
  '%s of %s is as written in tests/golden/role-tools',
  async (name, role, tool) => {
    const { description = '' } = tool;
    const whose = name === 'switch_role' || role !== AUTO_ROLE ? '' : / \([a-z, ]+\)$/.exec(description)?.[0];
    expect(whose).toBeDefined();
    const shared = { ...tool, description: description.slice(0, description.length - (whose ?? '').length) };
    await expect(`${JSON.stringify(shared, null, 2)}\n`).toMatchFileSnapshot(`../../golden/role-tools/${name}.json`);
  },
);

describe.each(ROLES)('the tools of %s', (role) => {
  test.each(served(role).map((each) => [each.tool.name, each] as const))(
    '%s: strict input without what the door adds, all four annotations, short texts',
    (name, { tool, added }) => {
      expect(name).toMatch(/^[a-z][a-z0-9_]{1,40}$/);
      expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(tool.outputSchema).toMatchObject({ type: 'object' });
      const validator = new AjvJsonSchemaValidator();
      for (const schema of [tool.inputSchema, tool.outputSchema ?? {}])
        expect(() => validator.getValidator(schema as JsonSchemaType)).not.toThrow();
      expect(Object.keys(tool.inputSchema.properties ?? {}).filter((key) => ACTING.has(key))).toEqual([]);
      expect(added).toMatchObject({ feature: 'auth-api', role });
      expect(Object.keys(tool.annotations ?? {}).sort()).toEqual([
        'destructiveHint',
        'idempotentHint',
        'openWorldHint',
        'readOnlyHint',
      ]);
      expect(Object.values(tool.annotations ?? {}).every((each) => typeof each === 'boolean')).toBe(true);
      expect(tool._meta?.[VERSION_META]).toMatch(/^\d+\.\d+\.\d+$/);
      expect(tool.description?.length).toBeLessThanOrEqual(1024);
    },
  );

  test('are few words in a prompt', () => {
    const tools = served(role).map(({ tool }) => tool);
    const prompted = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    expect(JSON.stringify(prompted).length).toBeLessThan(role === AUTO_ROLE ? 10_000 : 4_500);
    expect(JSON.stringify(tools).length).toBeLessThan(role === AUTO_ROLE ? 22_000 : 10_000);
  });
});

const ACTING: ReadonlySet<string> = new Set(ACTING_FIELDS);
test('whoever has the tools may be of a workflow of another time', () => {
  const list = listFor('tester');
  const newer = { ...list, tools: [...list.tools, { name: 'fly', operation: 'fly', roles: ['tester'], hands: null }] };
  expect(roleToolsFrom(newer).map(({ tool }) => tool.name)).not.toContain('fly');
});

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

interface Spoken {
  readonly result?: Record<string, unknown> & { tools?: Tool[] };
  readonly error?: { readonly code: number; readonly message: string };
}
type Answering = (op: string, input: Record<string, unknown>) => TextReply | Promise<TextReply>;

const ok = (output: unknown): TextReply => ({ id: 1, ok: true, json: JSON.stringify(output) });
const no = (code: string): TextReply => ({
  ...{ id: 1, ok: false },
  failure: { code, sentence: 'It is not so.', hint: 'Do this.' },
});

/** A role server over two streams, and what it asks of a supervisor. */
function open(role: string, answering: Answering = () => no('none')) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const asked: [string, Record<string, unknown>, AbortSignal | undefined][] = [];
  const faults: unknown[] = [];
  const stop = new AbortController();
  ends.push(() => {
    stop.abort();
  });
  const link = async (op: string, input: unknown, _extras: unknown, signal?: unknown): Promise<TextReply> => {
    const given = input as Record<string, unknown>;
    asked.push([op, given, signal as AbortSignal | undefined]);
    return op === 'role-tools' ? ok(listFor(role)) : answering(op, given);
  };
  void serveOver({ stdin, stdout, stop: stop.signal }, (signal) =>
    roleServer({
      ...{ link, name: 'tmops', version: '1.2.3', feature: 'auth-api', role, signal },
      onFault: (error) => faults.push(error),
    }),
  );
  const said = new Map<unknown, Spoken>();
  let rest = '';
  stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as Spoken & { id?: unknown };
      said.set(message.id, message);
    }
  });
  let last = 0;
  const send = (message: object): void => void stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const ask = async (method: string, params: object = {}): Promise<Spoken> => {
    const id = (last += 1);
    send({ id, method, params });
    return until(`an answer to ${method}`, () => said.get(id));
  };
  const hello = (): Promise<Spoken> =>
    ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } });
  const call = (name: string, args: unknown = {}): Promise<Spoken> => ask('tools/call', { name, arguments: args });
  return { ask, call, hello, send, asked, faults };
}

/** What a supervisor might answer with, for each tool. */
const text = { from: 1, line_count: 1, next: null, untrusted_output: 'x' };
const ran = { outcome: 'failed', why: 'exit code 1', took_ms: 3, untrusted_output: 'x' };
const handed = { role: 'tester', file: null, message: 'm', instructions: 'i', available_tools: ['report'] };
const OUTPUTS: Readonly<Record<string, object>> = {
  'role-switch': handed,
  'role-start': handed,
  'role-write-checkpoint': { ...handed, file: '003.md' },
  'role-status': {
    ...{ run: 'initial', role: 'tester', phase: 'running', present: null, yours: false, waits_for: 'x' },
    ...{ done: [], messages: [], available_tools: [] },
  },
  'role-read-spec': { path: 'TASK_SPEC.md', ...text },
  'role-read-tests': { path: null, files: ['a'], more: 0, ...text },
  'role-read-all': { path: 'a', files: [], more: 0, ...text },
  'role-write-test': { path: 'a', how: 'added', lines: 1 },
  'role-write-source': { path: 'a', how: 'unchanged', lines: 1 },
  'role-run-tests': { ...ran, wanted: 'fail', as_wanted: true, message: 'm', file: null },
  'role-validate-tests': { step: 'testing', valid: false, shown: [], problem: 'x', files: [], untrusted_output: '' },
  'role-check-coverage': { ...ran, percent: 87.5, line: 'All 87.5' },
  'role-analyze-quality': {
    ...{ since: 'abc', files: [{ path: 'a', added: null, removed: 1 }], more_files: 0, more_findings: 0, lint: ran },
    ...{ findings: [{ path: 'a', line: 1, rule: 'r', sentence: 's', excerpt: 'e' }], checks: [] },
  },
  'role-generate-report': { step: 'verification', file: '007.md', text: '# x' },
  'role-commit': { commit: null, files: [] },
  'role-report': { role: 'tester', kind: 'progress', message: 'm' },
};
const ARGUMENTS: Readonly<Record<string, object>> = {
  'role-start': { message: 'm' },
  'role-write-test': { path: 'a', content: '' },
  'role-write-source': { path: 'a', remove: true },
  'role-commit': { message: 'm' },
  'role-write-checkpoint': { text: '# x' },
  'role-report': { kind: 'progress', text: 'm' },
};

describe('a role server', () => {
  test.each(served(AUTO_ROLE).map((each) => [each.tool.name, each] as const))(
    'answers %s as its schema says, done or not',
    async (name, { tool, operation, added }) => {
      const output = { feature: 'auth-api', ...OUTPUTS[operation.name] };
      operation.output.parse(output);
      let reply = ok(output);
      const { call, asked, faults } = open(AUTO_ROLE, () => reply);
      const args = ARGUMENTS[operation.name] ?? {};
      const done = (await call(name, args)).result ?? {};
      expect(done).toMatchObject({ structuredContent: output, content: [{ type: 'text' }] });
      expect(done['isError']).toBeUndefined();
      const fits = new AjvJsonSchemaValidator().getValidator((tool.outputSchema ?? {}) as JsonSchemaType);
      expect(fits(done['structuredContent']).valid).toBe(true);
      // What a newer supervisor adds does no harm.
      expect(fits({ ...output, novelty: 1 }).valid).toBe(true);
      expect(fits({ ...output, feature: 7 }).valid).toBe(false);
      expect(asked.at(-1)?.[0]).toBe(operation.name);
      expect(asked.at(-1)?.[1]).toMatchObject({ ...args, ...added });
      // The supervisor takes what the door asks.
      expect(operation.input.safeParse(asked.at(-1)?.[1]).success).toBe(true);

      reply = no('not-running');
      const failed = (await call(name, args)).result ?? {};
      expect(failed).toEqual({
        isError: true,
        content: [{ type: 'text', text: 'It is not so.\nDo this.\n(code: not-running)' }],
      });
      // A model says nothing of what the door says.
      for (const key of ACTING_FIELDS) {
        const forged = (await call(name, { ...args, [key]: 'verifier' })).result ?? {};
        expect(forged, key).toMatchObject({
          isError: true,
          content: [{ text: expect.stringContaining('bad-arguments') as unknown }],
        });
      }
      expect(asked).toHaveLength(3);
      expect(faults).toEqual([]);
    },
  );

  test('says of the tools of another role that they are none of its own, and which there are', async () => {
    const { call, asked } = open('tester');
    for (const name of ['write_source', 'switch_role', 'start_testing', 'role_tools', 'tmops_stop', '__proto__', '']) {
      const { error } = await call(name);
      expect(error, name).toMatchObject({
        code: -32602,
        message: expect.stringMatching(/Unknown tool for the tester.*write_test/) as unknown,
      });
    }
    expect((await open('tester').ask('tools/call', {})).error?.message).toContain('one without a name');
    expect(asked.map(([op]) => op)).toEqual(['role-tools']);
  });

  test('greets, lists and answers in whatever order it is asked', async () => {
    const late = open('tester', () => ok({ feature: 'auth-api', ...OUTPUTS['role-report'] }));
    expect((await late.call('report', ARGUMENTS['role-report'])).result).toHaveProperty('structuredContent');
    const { result } = await late.hello();
    expect(result).toMatchObject({
      serverInfo: { name: 'tmops-tester', version: '1.2.3' },
      capabilities: { tools: {} },
      instructions: expect.stringContaining('tester of the feature auth-api') as unknown,
    });
    late.send({ method: 'notifications/initialized' });
    expect((await late.ask('tools/list')).result?.tools).toEqual(served('tester').map(({ tool }) => tool));
    expect((await late.ask('no/such')).error?.code).toBe(-32601);
    expect((await late.ask('ping')).result).toEqual({});
    // The list was asked for once.
    expect(late.asked.map(([op]) => op)).toEqual(['role-tools', 'role-report']);
    expect((await open(AUTO_ROLE).hello()).result?.['instructions']).toContain('Begin with switch_role');
  });

  test('tells the supervisor of a call that was cancelled, and answers it no more', async () => {
    const { send, asked, call } = open('tester', (op) =>
      op === 'role-run-tests' ? new Promise(() => undefined) : ok({ feature: 'auth-api', ...OUTPUTS['role-report'] }),
    );
    send({ id: 'long', method: 'tools/call', params: { name: 'run_tests', arguments: {} } });
    await until('it is asked', () => asked.some(([op]) => op === 'role-run-tests'));
    send({ method: 'notifications/cancelled', params: { requestId: 'long' } });
    await until('it is told', () => asked.find(([op]) => op === 'role-run-tests')?.[2]?.aborted === true);
    expect((await call('report', ARGUMENTS['role-report'])).result).toHaveProperty('structuredContent');
  });

  test('lists nothing where the supervisor does not say what there is, and asks again', async () => {
    let isThere = false;
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const stop = new AbortController();
    ends.push(() => {
      stop.abort();
    });
    const link = (): Promise<TextReply> => Promise.resolve(isThere ? ok(listFor('tester')) : no('role-needs-its-pane'));
    void serveOver({ stdin, stdout, stop: stop.signal }, (signal) =>
      roleServer({
        ...{ link, name: 'tmops', version: '1', feature: 'auth-api', role: 'tester', signal },
        onFault: () => undefined,
      }),
    );
    let said = '';
    stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    stdin.write('{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n');
    await until(
      'it says why',
      () => /"id":1.*It is not so\. Do this\./.test(said) || /It is not so\. Do this\..*"id":1/.test(said),
    );
    isThere = true;
    stdin.write('{"jsonrpc":"2.0","id":2,"method":"tools/list"}\n');
    await until('it lists', () => said.includes('write_test'));
  });
});

test('every operation of roles has a bounded, strict input', () => {
  for (const { name, input } of Object.values(roleOperations)) {
    expect(input.safeParse({ feature: 'auth-api', role: 'tester', stranger: 1 }).success, name).toBe(false);
    expect(name).toMatch(/^role-[a-z-]+$/);
  }
});
