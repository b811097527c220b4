import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { expect, test } from 'vitest';
import { operations } from '../../../src/app/table.ts';
import { instructions } from '../../../src/doors/mcp/instructions.ts';
import { tools } from '../../../src/doors/mcp/tools.ts';
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
  expect(tools().length).toBeLessThanOrEqual(25);
  const prompted = tools().map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  expect(JSON.stringify(prompted).length).toBeLessThan(16_000);
  expect(JSON.stringify(tools()).length).toBeLessThan(38_000);
});

test('a result with a field that a newer supervisor adds still fits the output schema', () => {
  const schema = tools().find((tool) => tool.name === 'tmops_get_status')?.outputSchema ?? {};
  const fits = new AjvJsonSchemaValidator().getValidator(schema);
  expect(fits({ ...cannedStatus, novelty: 1 }).valid).toBe(true);
  expect(fits({ ...cannedStatus, feature: 7 }).valid).toBe(false);
});
