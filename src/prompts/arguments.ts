import type { Argument } from './front-matter.ts';

export type ArgumentsRead =
  | { readonly ok: true; readonly values: Readonly<Record<string, string | number | null>> }
  /** Says the argument, what was received and what is allowed. */
  | { readonly ok: false; readonly why: string };

const MOST_QUOTED = 60;

/** What each type may be, and how that is said. */
const TYPES: Readonly<Record<Exclude<Argument['type'], 'enum'>, readonly [RegExp, string]>> = {
  feature: [/^[a-z0-9-]{3,20}$/, 'the name of a feature: 3 to 20 of the characters a-z, 0-9 and -'],
  role: [/^[a-z][a-z0-9-]{0,30}$/, 'the name of a role, e.g. tester'],
  step: [/^[a-z][a-z0-9-]{0,30}$/, 'the name of a step, e.g. testing'],
  integer: [/^-?\d{1,9}$/, 'a whole number of at most 9 digits'],
  word: [/^[\p{L}\p{N}._@:/+-]{1,100}$/u, 'one word of up to 100 letters, digits and . _ @ : / + -'],
};

/**
 * Checks what a client gave for a prompt's arguments. An empty value counts as none, since clients send one for what their user
 * left out. Arguments that were not given are null.
 */
export function readArguments(
  prompt: { readonly name: string; readonly arguments: readonly Argument[] },
  given: Readonly<Record<string, string>>,
): ArgumentsRead {
  const names = prompt.arguments.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined)
    return refused(
      `the prompt ${prompt.name} does not take ${quote(unknown)}; it takes: ${names.join(', ') || 'nothing'}`,
    );
  const values: Record<string, string | number | null> = {};
  for (const argument of prompt.arguments) {
    const { name, type, required } = argument;
    const received = Object.hasOwn(given, name) ? (given[name] ?? '').trim() : '';
    if (received === '' && required)
      return refused(`the argument ${name} of the prompt ${prompt.name} is missing; it is ${allowedFor(argument)}`);
    if (received !== '' && !fits(argument, received))
      return refused(
        `the argument ${name} of the prompt ${prompt.name} is ${quote(received)}; it is ${allowedFor(argument)}`,
      );
    values[name] = received === '' ? null : type === 'integer' ? Number(received) : received;
  }
  return { ok: true, values };
}

/** As the end of "it is …". */
export const allowedFor = ({ type, values }: Argument): string =>
  type === 'enum' ? `one of ${(values ?? []).join(', ')}` : TYPES[type][1];

const fits = ({ type, values }: Argument, received: string): boolean =>
  type === 'enum' ? (values ?? []).includes(received) : TYPES[type][0].test(received);

const refused = (why: string): ArgumentsRead => ({ ok: false, why });

/** On one line, without a character that a terminal would act upon. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED)}…` : text).replaceAll(/\p{C}/gu, '\u{fffd}');
