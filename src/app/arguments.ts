import { z } from 'zod';
import type { Operation } from './table.ts';
import type { ProblemView } from './views.ts';

/** How a door calls an operation and its arguments, so that a refusal speaks the caller's language. */
export interface Naming {
  readonly operation: string;
  readonly argument: (key: string) => string;
}

export type Checked =
  | { readonly ok: true; readonly input: Record<string, unknown> }
  | { readonly ok: false; readonly failure: ProblemView };

/** The code of arguments that an operation does not take. */
export const BAD_ARGUMENTS = 'bad-arguments';

const MAX_FAULTS = 5;
const MAX_QUOTED = 80;

/** Checks arguments against the table and fills in defaults. A refusal quotes what was received and says what is allowed. */
export function checkArguments(operation: Pick<Operation, 'input'>, raw: unknown, naming: Naming): Checked {
  const parsed = operation.input.safeParse(raw, { reportInput: true });
  if (parsed.success) return { ok: true, input: parsed.data };
  const faults = parsed.error.issues.flatMap((issue) => describe(issue, naming));
  const sentence = `${naming.operation} cannot run: ${faults.slice(0, MAX_FAULTS).join('; ')}.`;
  return { ok: false, failure: { code: BAD_ARGUMENTS, sentence, hint: allowed(operation, naming) } };
}

function describe(issue: z.core.$ZodIssue, naming: Naming): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `it does not take ${quote(key)}`);
  const name = naming.argument(issue.path.join('.')) || 'the arguments';
  if (issue.input === undefined) return [`${name} is missing`];
  const received = `${name} is ${quote(issue.input)}`;
  if (issue.code === 'invalid_value') return [`${received}, not one of ${issue.values.map(String).join(', ')}`];
  if (issue.code === 'invalid_type') return [`${received}, not of type ${issue.expected}`];
  return [`${received}: ${issue.message}`];
}

function allowed(operation: Pick<Operation, 'input'>, naming: Naming): string {
  const names = Object.entries(operation.input.shape).map(([key, schema]) =>
    z.safeParse(schema, undefined).success ? naming.argument(key) : `${naming.argument(key)} (required)`,
  );
  return names.length > 0 ? `It takes: ${names.join(', ')}.` : 'It takes no arguments.';
}

function quote(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
