import * as z from 'zod';
import { hiding } from '../core/secrets.ts';
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
const MAX_QUOTED_DEPTH = 4;

/** Checks arguments against the table and fills in defaults. A refusal quotes what was received and says what is allowed. */
export function checkArguments(operation: Pick<Operation, 'input'>, raw: unknown, naming: Naming): Checked {
  const parsed = operation.input.safeParse(raw, { reportInput: true });
  if (parsed.success) return { ok: true, input: parsed.data };
  const faults = parsed.error.issues.slice(0, MAX_FAULTS).flatMap((issue) => describe(issue, naming));
  const sentence = `${naming.operation} cannot run: ${faults.slice(0, MAX_FAULTS).join('; ')}.`;
  return { ok: false, failure: { code: BAD_ARGUMENTS, sentence, hint: allowed(operation, naming) } };
}

function describe(issue: z.core.$ZodIssue, naming: Naming): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, MAX_FAULTS).map((key) => `it does not take ${quote(key)}`);
  const name = naming.argument(issue.path.map(stepOf).join('.')) || 'the arguments';
  if (issue.input === undefined) return [`${name} is missing`];
  const received = `${name} is ${quote(issue.input)}`;
  if (issue.code === 'invalid_value') return [`${received}, not one of ${issue.values.map(String).join(', ')}`];
  if (issue.code === 'invalid_type') return [`${received}, not of type ${issue.expected}`];
  if (issue.code === 'invalid_key') return [`${name} has a name that is none: ${issue.issues[0]?.message ?? ''}`];
  return [`${received}: ${issue.message}`];
}

/** A key somebody made up may be anything. */
function stepOf(step: PropertyKey): string {
  const text = String(step);
  return /^[\w-]{1,40}$/.test(text) ? text : quote(text);
}

function allowed(operation: Pick<Operation, 'input'>, naming: Naming): string {
  const names = Object.entries(operation.input.shape).map(([key, schema]) =>
    z.safeParse(schema, undefined).success ? naming.argument(key) : `${naming.argument(key)} (required)`,
  );
  return names.length > 0 ? `It takes: ${names.join(', ')}.` : 'It takes no arguments.';
}

/** What looks like a key is not repeated. */
const withoutKeys = hiding([]);

/** In one line, and without a character that a terminal would act upon. */
function quote(value: unknown): string {
  const whole = beginningOf(value, MAX_QUOTED_DEPTH);
  const text = typeof whole === 'bigint' || whole === undefined ? String(whole) : JSON.stringify(whole);
  const shown = withoutKeys(text);
  const clipped = shown.length > MAX_QUOTED ? `${shown.slice(0, MAX_QUOTED)}…` : shown;
  return clipped.replaceAll(/\p{C}/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Of a value as large and as deep as a message may be, what there is room to quote. */
function beginningOf(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.slice(0, MAX_QUOTED + 1);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) return value.slice(0, MAX_QUOTED).map((item) => beginningOf(item, depth - 1));
  const entries = Object.entries(value).slice(0, MAX_QUOTED);
  return Object.fromEntries(entries.map(([key, inner]) => [key.slice(0, MAX_QUOTED), beginningOf(inner, depth - 1)]));
}
