import type { Liquid, Template } from 'liquidjs';
import type { ConfigFault } from '../config/faults.ts';
import { nearest } from '../config/nearest.ts';
import { faultAt, type Place } from '../config/source.ts';
import { RESERVED } from './front-matter.ts';
import type { Library } from './library.ts';
import { LIMITS, openLiquid, templateFault, type TemplateFault } from './liquid.ts';
import type { PromptFile, TemplateText } from './read-prompt.ts';

export type Rendered =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: ConfigFault };

export interface Templates {
  /** The prompt with these values. `boundary` fences text of others: it has to be drawn anew each time. */
  render(prompt: PromptFile, values: Readonly<Record<string, unknown>>, boundary: string): Rendered;
  /** What is wrong with the template of a prompt, without values. */
  faultsOf(prompt: PromptFile): ConfigFault[];
  /** The same of a part by itself. */
  partFaults(): ConfigFault[];
}

/**
 * The templates of a library. A part is found by its name (the workspace's before the shipped one); `shipped/_part` is that
 * of the package in any case, and `shipped/unblock` the highest shipped version of a prompt.
 */
export function openTemplates(library: Library): Templates {
  const texts = textsOf(library);
  const liquid = openLiquid(Object.fromEntries([...texts].map(([name, { body }]) => [name, body])));
  const blame = (fault: TemplateFault): ConfigFault => faultIn(texts, fault);
  return {
    render(prompt, values, boundary) {
      const name = keyOf(prompt);
      try {
        const parsed = liquid.parse(prompt.body, name);
        const made: unknown = liquid.renderSync(parsed, { ...values }, { globals: { boundary } });
        const text = tidy(String(made));
        if (text.length <= LIMITS.output) return { ok: true, text };
        const why = `it makes ${text.length} characters, more than the ${LIMITS.output} allowed`;
        return { ok: false, fault: blame({ template: name, line: 1, column: 1, why }) };
      } catch (error) {
        const fault = templateFault(error, name);
        if (!fault) throw error;
        return { ok: false, fault: blame(fault) };
      }
    },
    faultsOf(prompt) {
      const parsed = parse(liquid, prompt.body, keyOf(prompt));
      return 'why' in parsed ? [blame(parsed)] : unknownNames(liquid, parsed.parsed, prompt).map(blame);
    },
    partFaults: () =>
      library.parts.flatMap((part) => {
        const name = part.origin === 'shipped' ? `shipped/${part.name}` : part.name;
        const parsed = parse(liquid, part.body, name);
        return 'why' in parsed ? [blame(parsed)] : namedByValues(part.body, name).map(blame);
      }),
  };
}

const keyOf = ({ origin, name, version }: PromptFile): string => `${origin}/${name}@${version}`;

function textsOf(library: Library): Map<string, TemplateText> {
  const texts = new Map<string, TemplateText>();
  // Shipped ones come first, so that the workspace's take their names.
  for (const part of library.parts) {
    texts.set(part.name, part);
    if (part.origin === 'shipped') texts.set(`shipped/${part.name}`, part);
  }
  for (const prompt of [...library.shipped, ...library.prompts]) texts.set(keyOf(prompt), prompt);
  // In the order of their versions: the highest keeps the name.
  for (const prompt of library.shipped) texts.set(`shipped/${prompt.name}`, prompt);
  return texts;
}

function parse(liquid: Liquid, body: string, name: string): { readonly parsed: Template[] } | TemplateFault {
  try {
    return { parsed: liquid.parse(body, name) };
  } catch (error) {
    const fault = templateFault(error, name);
    if (!fault) throw error;
    return fault;
  }
}

/** Variables that no template of this prompt is given, also in what it includes; and what it includes that is not there. */
function unknownNames(liquid: Liquid, parsed: Template[], prompt: PromptFile): TemplateFault[] {
  const name = keyOf(prompt);
  const dynamic = namedByValues(prompt.body, name);
  if (dynamic.length > 0) return dynamic;
  const given = [...prompt.arguments.map((argument) => argument.name), ...prompt.data, ...RESERVED];
  try {
    const { globals } = liquid.analyzeSync(parsed);
    return Object.entries(globals).flatMap(([variable, uses]) => {
      const [use] = uses;
      if (given.includes(variable) || use === undefined) return [];
      const close = nearest(variable, given);
      const hint = close === null ? '' : `, did you mean ${close}?`;
      const why = `there is no variable ${variable}${hint} It has: ${given.join(', ')}`;
      const { row, col, file } = use.location;
      return [{ why, template: file ?? name, line: row, column: col }];
    });
  } catch (error) {
    const fault = templateFault(error, name);
    if (fault) return [fault];
    // Of what is included and not there, the analysis says no place.
    if (!(error instanceof Error)) throw error;
    return [{ why: error.message, template: name, line: 1, column: 1 }];
  }
}

/** Which template is included has to stand in the text, not in a value of a run. */
function namedByValues(body: string, template: string): TemplateFault[] {
  return [...body.matchAll(/\{%-?\s*(?:include|render|layout)\b(?!\s*['"])/g)].map(({ index }) => {
    const above = body.slice(0, index).split('\n');
    const place = { line: above.length, column: (above.at(-1)?.length ?? 0) + 1 };
    return { why: 'what is included or extended is named in quotes', template, ...place };
  });
}

/** The fault of a template at its place in the file that holds it. */
function faultIn(
  texts: ReadonlyMap<string, TemplateText>,
  { template, line, column, why }: TemplateFault,
): ConfigFault {
  const found = texts.get(template);
  if (!found) throw new Error(`Internal error: no template ${template}: ${why}`);
  return faultAt('syntax', placeIn(found, line, column), [], { expected: `a template that can be used: ${why}` });
}

function placeIn({ source, line: before }: TemplateText, line: number, column: number): Place {
  const lines = source.text.split('\n');
  const above = lines.slice(0, before + line - 1);
  const start = above.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  const end = above.reduce((sum, each) => sum + each.length + 1, 0) + (lines[above.length]?.length ?? 0);
  return { source, start: Math.min(start, source.text.length), end: Math.max(start + 1, end) };
}

/** Tags leave empty lines behind. */
const tidy = (text: string): string =>
  `${text
    .replaceAll(/[ \t]+$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()}\n`;
