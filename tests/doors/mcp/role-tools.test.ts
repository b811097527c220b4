import { expect, test } from 'vitest';
import type { RoleOutput } from '../../../src/app/role-table.ts';
import { ROLE_TOOLS } from '../../../src/core/role-tool-names.ts';
import { roleToolsFrom } from '../../../src/doors/mcp/role-tools.ts';
import { VERSION_META } from '../../../src/doors/mcp/tools.ts';

/** What a client is shown of the tools of roles. */

const named: RoleOutput<'roleTools'>['tools'] = ROLE_TOOLS.map((name) => ({
  name: name === 'start_step' ? 'start_testing' : name,
  operation: name,
  roles: ['tester'],
  hands:
    name === 'start_step'
      ? { step: 'discovery', next: 'testing', role: 'tester', file: '001-discovery-trigger.md' }
      : null,
}));
const toolsOf = (role: string) => roleToolsFrom({ feature: 'auth-api', run: 'initial', role, tools: named });

test.each(toolsOf('auto').map(({ tool }) => [tool.name, tool] as const))(
  '%s: strict input without what the door adds, output, all four annotations, a version, short texts',
  (_, tool) => {
    expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    for (const added of ['feature', 'role', 'step', 'next', 'waitMs'])
      expect(tool.inputSchema.properties ?? {}).not.toHaveProperty(added);
    expect(tool.outputSchema).toMatchObject({ type: 'object' });
    expect(Object.keys(tool.annotations ?? {}).sort()).toEqual([
      ...['destructiveHint', 'idempotentHint', 'openWorldHint', 'readOnlyHint'],
    ]);
    expect(tool._meta?.[VERSION_META]).toMatch(/^\d+\.\d+\.\d+$/);
    expect(tool.name).toMatch(/^[a-z_]{1,40}$/);
    expect(tool.description?.length).toBeLessThanOrEqual(600);
  },
);

test('a role has each of them once, who plays all roles switch_role besides', () => {
  const own = toolsOf('tester').map(({ tool }) => tool.name);
  expect(own).toEqual(named.map(({ name }) => name));
  expect(toolsOf('auto').map(({ tool }) => tool.name)).toEqual(['switch_role', ...own]);
});

test('the whole list, which is part of every prompt of an agent, stays small', () => {
  const list = toolsOf('auto').map(({ tool }) => tool);
  expect(list.length).toBeLessThanOrEqual(25);
  const prompted = list.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  expect(JSON.stringify(prompted).length).toBeLessThan(9_000);
});

test('a tool of a newer supervisor is left out', () => {
  const newer = [{ name: 'fly', operation: 'fly', roles: ['tester'], hands: null }];
  expect(roleToolsFrom({ feature: 'auth-api', run: 'initial', role: 'tester', tools: newer })).toEqual([]);
});
