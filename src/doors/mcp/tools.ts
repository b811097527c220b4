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

/**
 * Versions of tools that are no longer what they first were; all others are 1.0.0. The first number changes when a call that was
 * right no longer is, or when its result lacks something that it had.
 */
const VERSIONS: Readonly<Partial<Record<OperationKey, string>>> = {};
export const VERSION_META = 'tmops/version';
/** What tools were called before, and what they are called now: a renamed tool is still answered, and its answer says so. */
const FORMER_NAMES: Readonly<Record<string, string>> = {};

export interface NamedTool {
  readonly operation: Operation;
  /** Where it was called by a name it no longer has: what its answer says of that. */
  readonly notice: string | null;
}

/** The operation behind a tool's name, also behind a former one, or undefined. */
export function toolNamed(name: string, former = FORMER_NAMES): NamedTool | undefined {
  const present = Object.hasOwn(former, name) ? former[name] : undefined;
  const operation = Object.values<Operation>(operations).find(({ tool }) => tool === (present ?? name));
  if (!operation) return undefined;
  return { operation, notice: present === undefined ? null : `${name} is called ${present} now: use that name.` };
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
    _meta: {
      [VERSION_META]: VERSIONS[key] ?? '1.0.0',
      ...(CORE.has(key) && { 'anthropic/alwaysLoad': true }),
      ...(UPKEEP.has(key) && { [TOOLSET_META]: 'upkeep' }),
    },
  };
}

type ObjectSchema = Tool['inputSchema'];

/**
 * JSON Schema without `$schema`: nothing in it differs between draft-07 and 2020-12, and every client reads it. Results
 * stay open, since a newer supervisor may add fields and a client checks what it gets.
 */
export function objectSchema(schema: z.ZodObject, io: 'input' | 'output'): ObjectSchema {
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
