import * as z from 'zod';
import { BAD_ARGUMENTS } from '../../app/arguments.ts';
import type { ProblemView } from '../../app/views.ts';

/** The command of `--stdio`, which is the rest of the line, apart from the words before it. */
export function stdioCommand(argv: readonly string[]): {
  readonly words: readonly string[];
  readonly command: readonly string[] | null;
} {
  const at = argv.indexOf('--stdio');
  const isClient = argv.find((word) => !word.startsWith('-')) === 'client';
  return isClient && at >= 0
    ? { words: argv.slice(0, at), command: argv.slice(at + 1) }
    : { words: argv, command: null };
}

export type Words =
  | { readonly ok: true; readonly values: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly failure: ProblemView };

/** Whether the words have to be read by the schema of what they are for. */
export const isPairs = (words: readonly string[]): boolean => words.length > 0 && !isJson(words);

/**
 * The arguments that the words give: one JSON object, or `key=value` for each. A value is what `schema` (JSON Schema of an
 * object) says of its key: where it cannot be text and is JSON, that; else the text as it stands.
 */
export function argumentsOf(words: readonly string[], schema?: unknown): Words {
  if (isJson(words)) return jsonObject(words.join(' '));
  const values = new Map<string, unknown>();
  for (const word of words) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (key === undefined || value === undefined)
      return refused(`the word ${quoted(word)} is neither JSON nor key=value`);
    if (values.has(key)) return refused(`${quoted(key)} is given twice`);
    const json = isText(schema, key) ? undefined : parsed(value);
    values.set(key, json === undefined ? value : json);
  }
  return { ok: true, values: Object.fromEntries(values) };
}

const isJson = ([first = '']: readonly string[]): boolean => /^\s*[{[]/.test(first);

function jsonObject(text: string): Words {
  const read = z.record(z.string(), z.unknown()).safeParse(parsed(text));
  return read.success ? { ok: true, values: read.data } : refused(`${quoted(text)} is no JSON object`);
}

const typed = z.looseObject({
  type: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
});
const property = typed.extend({
  anyOf: z.array(typed).optional().catch([]),
  oneOf: z.array(typed).optional().catch([]),
});
const objectSchema = z.looseObject({ properties: z.record(z.string(), property) });

/** Whether a value may be text, or nothing is known of it. */
function isText(schema: unknown, key: string): boolean {
  const read = objectSchema.safeParse(schema);
  if (!read.success || !Object.hasOwn(read.data.properties, key)) return true;
  const { type, anyOf = [], oneOf = [] } = read.data.properties[key] ?? {};
  const types = [type, ...[...anyOf, ...oneOf].map((each) => each.type)].flatMap((each) => each ?? []);
  return types.length === 0 || types.includes('string');
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

const refused = (why: string): Words => ({
  ok: false,
  failure: {
    code: BAD_ARGUMENTS,
    sentence: `The arguments cannot be read: ${why}.`,
    hint: 'Give one JSON object, such as \'{"feature":"auth-api"}\', or words such as feature=auth-api.',
  },
});
