import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import type { Operation } from '../../app/operation.ts';
import { ACTING_FIELDS, roleOperations, type RoleOutput } from '../../app/role-table.ts';
import { AUTO_ROLE } from '../../core/role-tool-names.ts';
import { objectSchema, VERSION_META } from './tools.ts';

/** A tool of a role server: what the client sees, the operation behind it, and what the door adds to each call of it. */
export interface RoleTool {
  readonly tool: Tool;
  readonly operation: Operation;
  /** What a client may say. */
  readonly input: z.ZodObject;
  readonly added: Readonly<Record<string, unknown>>;
}

const ADDED: ReadonlySet<string> = new Set(ACTING_FIELDS);

/** How long whoever plays all roles waits for the step after their own; an agent in a pane is asked there. */
const WAIT_MS = 45_000;

/** The tools that the supervisor names, as a client is shown them. */
export function roleToolsFrom({ feature, role, tools }: RoleOutput<'roleTools'>): readonly RoleTool[] {
  const auto = role === AUTO_ROLE;
  const acting = { feature, role };
  const own = auto ? [roleTool(roleOperations.roleSwitch, { added: { ...acting, waitMs: WAIT_MS } })] : [];
  return [
    ...own,
    ...tools.flatMap(({ name, operation: called, roles, hands }) => {
      const operation = Object.values<Operation>(roleOperations).find(({ tool }) => tool === called);
      // One of a newer supervisor.
      if (!operation) return [];
      const waits = 'waitMs' in operation.input.shape ? { waitMs: auto ? WAIT_MS : 0 } : {};
      const handing = hands ? { step: hands.step, next: hands.next } : {};
      const whose = auto ? ` (${roles.join(', ')})` : '';
      const told = hands
        ? `Ends your present step, ${hands.step}, with ${hands.file} and hands over to the ${hands.role}, whose step ${hands.next} begins then. `
        : '';
      return [
        roleTool(operation, {
          name,
          description: `${told}${operation.description}${whose}`,
          added: { ...acting, ...handing, ...waits },
        }),
      ];
    }),
  ];
}

function roleTool(
  operation: Operation,
  {
    name = operation.tool,
    description = operation.description,
    added,
  }: Pick<RoleTool, 'added'> & {
    readonly name?: string;
    readonly description?: string;
  },
): RoleTool {
  const said = Object.entries(operation.input.shape).filter(([field]) => !ADDED.has(field));
  const input = z.strictObject(Object.fromEntries(said));
  const tool: Tool = {
    name,
    title: operation.title,
    description,
    inputSchema: objectSchema(input, 'input'),
    outputSchema: objectSchema(operation.output, 'output'),
    annotations: {
      readOnlyHint: operation.effect === 'read',
      // What overwrites and removes files of the project.
      destructiveHint: 'remove' in operation.input.shape,
      idempotentHint: operation.idempotent,
      // Nothing but the feature's worktree and its run is reached; the tests are the project's own.
      openWorldHint: false,
    },
    // Few, and all of them the role's work: none has to be looked for.
    _meta: { [VERSION_META]: '1.0.0', 'anthropic/alwaysLoad': true },
  };
  return { tool, operation, input, added };
}
