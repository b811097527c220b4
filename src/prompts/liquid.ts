import { Liquid, LiquidError } from 'liquidjs';
import type { FilterImplOptions } from 'liquidjs';
import { fenced, foreignText, holdsForeign, inLine, textOf } from './foreign-text.ts';

/** Bounds of one rendering: characters that are parsed, ms, and what is made on the way. */
export const LIMITS = { parse: 512 * 1024, renderMs: 1000, memory: 2_000_000, output: 64 * 1024 } as const;

/** What templates may use. Left out: what draws lots, evaluates text, encodes, or takes text out unmarked. */
const FILTERS: readonly string[] = [
  ...['abs', 'at_least', 'at_most', 'ceil', 'divided_by', 'floor', 'minus', 'modulo', 'plus', 'round', 'times'],
  ...['append', 'capitalize', 'downcase', 'prepend', 'remove', 'replace', 'strip', 'truncate', 'upcase', 'split'],
  ...['compact', 'concat', 'default', 'find', 'first', 'has', 'join', 'last', 'map', 'reject', 'reverse', 'size'],
  ...['slice', 'sort', 'sum', 'uniq', 'where', 'date'],
];
const TAGS: readonly string[] = [
  ...['assign', 'block', 'break', 'capture', 'case', 'comment', 'continue', 'echo', 'for', 'if', 'include', 'layout'],
  ...['raw', 'render', 'unless', '#'],
];

/**
 * The template engine, strict: an unknown variable, filter or tag is an error, nothing is read from disk, and time, memory
 * and text are bounded. `templates` is everything that can be included or extended, by name. Values are never templates.
 */
export function openLiquid(templates: Readonly<Record<string, string>>): Liquid {
  const liquid = new Liquid({
    templates: { ...templates },
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    outputEscape: inLine,
    timezoneOffset: 0,
    parseLimit: LIMITS.parse,
    renderLimit: LIMITS.renderMs,
    memoryLimit: LIMITS.memory,
  });
  for (const [name, filter] of Object.entries(liquid.filters)) {
    if (FILTERS.includes(name)) liquid.registerFilter(name, keepingMarks(filter));
    else liquid.unregisterFilter(name);
  }
  for (const name of Object.keys(liquid.tags)) if (!TAGS.includes(name)) Reflect.deleteProperty(liquid.tags, name);
  // {{ checkpoint.untrusted_output | untrusted: 'checkpoint' }}
  liquid.registerFilter('untrusted', {
    raw: true,
    handler(value: unknown, from: unknown) {
      const boundary: unknown = this.context.getSync(['boundary']);
      return fenced(value, from === undefined ? 'text of others' : inLine(from), String(boundary));
    },
  });
  return liquid;
}

/** What is wrong with a template, without the place that the engine adds to the words. */
export interface TemplateFault {
  readonly why: string;
  /** Name of the template. */
  readonly template: string;
  /** Both from 1, in the template's own text. */
  readonly line: number;
  readonly column: number;
}

/** The fault behind an error of the engine; null for any other error. */
export function templateFault(error: unknown, template: string): TemplateFault | null {
  // A part that includes itself exhausts the stack before the time.
  if (error instanceof RangeError) return { why: `limit exceeded (${error.message})`, template, line: 1, column: 1 };
  if (!LiquidError.is(error)) return null;
  const [line = 1, column = 1] = error.token.getPosition();
  const why = (error.originalError?.message ?? error.message).replace(/, (?:file:.*, )?line:\d+, col:\d+$/s, '');
  return { why, template: error.token.file ?? template, line, column };
}

type Handler = Extract<FilterImplOptions, (...args: never[]) => unknown>;

/** What a filter makes of text of others is text of others. */
function keepingMarks(filter: FilterImplOptions): FilterImplOptions {
  const handler: Handler = typeof filter === 'function' ? filter : filter.handler;
  return function (value: unknown, ...args: unknown[]) {
    const made: unknown = handler.call(this, plain(value), ...args.map(plain));
    return [value, ...args].some(holdsForeign) ? remarked(made) : made;
  };
}

/** Filters of text take the text; those of lists keep the marks of what is in them. */
const plain = (value: unknown): unknown => textOf(value) ?? value;

const remarked = (made: unknown): unknown => {
  if (typeof made === 'string') return foreignText(made);
  return Array.isArray(made)
    ? made.map((each: unknown) => (typeof each === 'string' ? foreignText(each) : each))
    : made;
};
