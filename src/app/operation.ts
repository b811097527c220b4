import * as z from 'zod';

/** An operation as the table holds it: what it is called at each door, what it takes and what it gives. */
export interface Operation {
  /** Name at the CLI and on the socket: one lower-case word or words joined by `-`. */
  readonly name: string;
  /** Name of the MCP tool. */
  readonly tool: string;
  readonly title: string;
  /** When to use it, for a model and for `--help`. */
  readonly description: string;
  readonly effect: 'read' | 'act' | 'destroy';
  /** Doing it twice is the same as doing it once. */
  readonly idempotent: boolean;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
}

export const featureName = z
  .string()
  .regex(/^[a-z0-9-]{3,20}$/, 'a feature name is 3 to 20 of the characters a-z, 0-9 and -')
  .describe('Name of the feature, e.g. auth-api');

export const roleName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/)
  .describe('Role of the pane, e.g. tester');
export const stepName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/)
  .describe('Name of a step of the workflow, e.g. testing');
export const comment = z.string().max(10_000).describe('What to say about it');

export const operation = <I extends z.ZodObject, O extends z.ZodObject>(
  entry: Omit<Operation, 'input' | 'output'> & { readonly input: I; readonly output: O },
): Omit<Operation, 'input' | 'output'> & { readonly input: I; readonly output: O } => entry;
