import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { operations } from '../../app/table.ts';
import type { Operation, OperationKey } from '../../app/table.ts';
import { TOOLSET_META } from '../../core/toolset.ts';

/** Tools whose whole schema a client shall have in its prompt from the start; the others are found by name. */
const CORE: ReadonlySet<OperationKey> = new Set(['init', 'start', 'status', 'wait']);
/** Tools of the toolset upkeep: what few sessions need, so that the list that all get stays short. */
const UPKEEP: ReadonlySet<string> = new Set<OperationKey>(['adopt', 'gc', 'settle']);
/** Operations that set agents to work, and so reach beyond this machine: agents talk to their model's API. */
const OPEN_WORLD: ReadonlySet<string> = new Set<OperationKey>([
  'start',
  'give',
  'resume',
  'approve',
  'reject',
  'skip',
  'retry',
  'redo',
  'rollback',
  'conflict',
  'message',
  'answer',
]);

/** The operation behind a tool's name, or undefined. */
export function operationOf(tool: string): Operation | undefined {
  return Object.values<Operation>(operations).find((operation) => operation.tool === tool);
}

let listed: Tool[] | undefined;

/** Every operation as a tool. Made at the first call, the same for every client. */
export function tools(): Tool[] {
  listed ??= Object.keys(operations)
    .filter((key): key is OperationKey => key in operations)
    .map((key) => toolOf(operations[key], key));
  return listed;
}

function toolOf(operation: Operation, key: OperationKey): Tool {
  return {
    name: operation.tool,
    title: operation.title,
    description: operation.description,
    inputSchema: objectSchema(operation.input, 'input'),
    outputSchema: objectSchema(operation.output, 'output'),
    annotations: {
      readOnlyHint: operation.effect === 'read',
      destructiveHint: operation.effect === 'destroy',
      idempotentHint: operation.idempotent,
      openWorldHint: OPEN_WORLD.has(key),
    },
    ...(CORE.has(key) && { _meta: { 'anthropic/alwaysLoad': true } }),
    ...(UPKEEP.has(key) && { _meta: { [TOOLSET_META]: 'upkeep' } }),
  };
}

type ObjectSchema = Tool['inputSchema'];

/**
 * JSON Schema without `$schema`: nothing in it differs between draft-07 and 2020-12, and every client reads it. Results
 * stay open, since a newer supervisor may add fields and a client checks what it gets.
 */
function objectSchema(schema: z.ZodObject, io: 'input' | 'output'): ObjectSchema {
  const json = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (io === 'output') delete jsonSchema.additionalProperties;
    },
  });
  delete json.$schema;
  return { ...json, type: 'object', properties: json.properties as ObjectSchema['properties'] };
}
