import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { describe, expect, test } from 'vitest';
import { operations } from '../../../src/app/table.ts';
import { chosenTools, toolsetOf } from '../../../src/core/toolset.ts';
import { instructions } from '../../../src/doors/mcp/instructions.ts';
import { toolCalls } from '../../../src/doors/mcp/call.ts';
import { tools, VERSION_META } from '../../../src/doors/mcp/tools.ts';
import type { TextReply } from '../../../src/link/protocol.ts';
import { cannedStatus } from '../../rig/canned.ts';

test.each(tools().map((tool) => [tool.name, tool] as const))(
  '%s is as written in tests/golden/tools',
  async (name, tool) => {
    await expect(JSON.stringify(tool, null, 2) + '\n').toMatchFileSnapshot(`../../golden/tools/${name}.json`);
  },
);

test('every operation is a tool, once', () => {
  expect(tools().map((tool) => tool.name)).toEqual(Object.values(operations).map((operation) => operation.tool));
});

test.each(tools().map((tool) => [tool.name, tool] as const))(
  '%s: strict input, all four annotations, short texts',
  (_, tool) => {
    expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(tool.outputSchema).toMatchObject({ type: 'object' });
    expect(Object.keys(tool.annotations ?? {}).sort()).toEqual([
      'destructiveHint',
      'idempotentHint',
      'openWorldHint',
      'readOnlyHint',
    ]);
    expect(tool.description?.length).toBeLessThanOrEqual(4096);
    expect(tool.name).toMatch(/^[a-z_]{1,40}$/);
  },
);

test('every tool has a version', () => {
  for (const { _meta: meta } of tools()) expect(meta?.[VERSION_META]).toMatch(/^\d+\.\d+\.\d+$/);
});

describe('a tool by a name it had before', () => {
  const formerNames = { tmops_feature_status: 'tmops_get_status', tmops_halt: 'tmops_stop' };
  const asked: unknown[] = [];
  const link = (op: string, input: unknown): Promise<TextReply> => {
    asked.push([op, input]);
    return Promise.resolve(
      op === 'status'
        ? { id: 1, ok: true, json: '{"feature":"auth-api"}' }
        : { id: 1, ok: false, failure: { code: 'no-feature', sentence: 'There is none.', hint: 'tmops list' } },
    );
  };
  const faults: unknown[] = [];
  const call = toolCalls({
    ...{ link, listen: link, served: tools(), formerNames, onAnswer: () => undefined, extras: () => ({ door: 'mcp' }) },
    onFault: (error) => faults.push(error),
  });
  const args = { feature: 'auth-api' };
  const resultOf = async (
    name: string,
  ): Promise<{ isError?: boolean; structuredContent?: unknown; content: { text: string }[] }> => {
    const answer = await call({ name, arguments: args }, new AbortController().signal);
    return JSON.parse('result' in answer ? answer.result : '{}') as never;
  };

  test('is answered, and the answer says what it is called now', async () => {
    const notice = 'tmops_feature_status is called tmops_get_status now: use that name.';
    expect((await resultOf('tmops_feature_status')).structuredContent).toEqual({ notice, feature: 'auth-api' });
    expect((await resultOf('tmops_get_status')).structuredContent).toEqual({ feature: 'auth-api' });
    expect(asked).toEqual([
      ['status', args],
      ['status', args],
    ]);
  });

  test('so does a failure', async () => {
    expect(await resultOf('tmops_halt')).toMatchObject({
      isError: true,
      content: [
        { text: 'tmops_halt is called tmops_stop now: use that name.\nThere is none.\ntmops list\n(code: no-feature)' },
      ],
    });
    expect(faults).toEqual([]);
  });
});

test('three to five tools are always loaded', () => {
  const core = tools().filter((tool) => tool._meta?.['anthropic/alwaysLoad'] === true);
  expect(core.map((tool) => tool.name)).toEqual([
    'tmops_init_feature',
    'tmops_start_orchestration',
    'tmops_get_status',
    'tmops_wait',
  ]);
});

test('the instructions fit what a client keeps and name every tool', () => {
  expect(instructions.length).toBeLessThanOrEqual(4096);
  for (const tool of tools()) expect(instructions).toContain(tool.name);
});

test('the whole list stays small, above all what becomes part of a prompt', () => {
  const usual = tools().filter((tool) => toolsetOf(tool) === 'default');
  expect(usual.length).toBeLessThanOrEqual(25);
  const prompted = usual.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  expect(JSON.stringify(prompted).length).toBeLessThan(16_000);
  expect(JSON.stringify(usual).length).toBeLessThan(40_000);
});

test('a result with a field that a newer supervisor adds still fits the output schema', () => {
  const schema = tools().find((tool) => tool.name === 'tmops_get_status')?.outputSchema ?? {};
  const fits = new AjvJsonSchemaValidator().getValidator(schema);
  expect(fits({ ...cannedStatus, novelty: 1 }).valid).toBe(true);
  expect(fits({ ...cannedStatus, feature: 7 }).valid).toBe(false);
});

describe('what a server offers', () => {
  const named = (...choice: Parameters<typeof chosenTools>[1][]): readonly (readonly string[] | string)[] =>
    choice.map((each) => {
      const chosen = chosenTools(tools(), each);
      return chosen.ok ? chosen.tools.map(({ name }) => name) : chosen.why;
    });
  const all = tools().map(({ name }) => name);
  const upkeep = tools().filter((tool) => toolsetOf(tool) === 'upkeep');

  test('are the sets and the single tools that were chosen, in the order of the table', () => {
    expect(upkeep.map(({ name }) => name)).toContain('tmops_adopt');
    const usual = all.filter((name) => upkeep.every((tool) => tool.name !== name));
    expect(
      named(
        { toolsets: ['default'], tools: [] },
        { toolsets: ['upkeep', 'default'], tools: [] },
        { toolsets: ['all'], tools: ['tmops_stop'] },
        { toolsets: ['upkeep'], tools: ['tmops_get_status'] },
        { toolsets: [], tools: ['tmops_stop', 'tmops_get_status'] },
      ),
    ).toEqual([
      usual,
      all,
      all,
      all.filter((name) => name === 'tmops_get_status' || !usual.includes(name)),
      ['tmops_get_status', 'tmops_stop'],
    ]);
  });

  test('is what reads, where only that is wanted', () => {
    const reading = tools().filter(({ annotations }) => annotations?.readOnlyHint === true);
    const [some, none] = named(
      { toolsets: ['all'], tools: [], readOnly: true },
      { toolsets: [], tools: ['tmops_stop'], readOnly: true },
    );
    expect(some).toEqual(reading.map(({ name }) => name));
    expect(none).toBe('No tool is chosen: none of those that are named only reads.');
  });

  test('is refused where a name is unknown, or nothing would be left', () => {
    const [unknown, nothing] = named(
      { toolsets: ['default'], tools: ['tmops_fly', 'tmops_stop'] },
      { toolsets: [], tools: [] },
    );
    expect(unknown).toContain('There is no tool "tmops_fly". Tools: tmops_init_feature,');
    expect(nothing).toBe('No tool is chosen: name toolsets (default, upkeep, all) or single tools.');
  });
});
