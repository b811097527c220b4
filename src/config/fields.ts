import { posix } from 'node:path';
import * as z from 'zod';
import { MAX_DURATION_MS, millisecondsIn } from '../core/duration.ts';
import { bytesIn, sizeWord } from '../core/size.ts';
import { splitWords } from './words.ts';

/** `30s`, `1.5h` … or a number of `unit`. Comes out as milliseconds. */
export function duration(unit: 'seconds' | 'milliseconds', minimumMs: number) {
  const least = minimumMs === 0 ? '' : `at least ${minimumMs} ms and `;
  const expects = `a duration such as 500ms, 30s, 10m or 2h, or a number of ${unit}, ${least}at most 24d`;
  return z
    .union([z.number(), z.string()])
    .transform((value, context) => {
      const ms = typeof value === 'number' ? value * (unit === 'seconds' ? 1000 : 1) : millisecondsIn(value);
      if (ms >= minimumMs && ms <= MAX_DURATION_MS) return Math.round(ms);
      context.addIssue({ code: 'custom', message: expects });
      return z.NEVER;
    })
    .meta({ expects });
}

/** `512MB`, `2GB` … or a number of bytes. Comes out as bytes. */
export function size(minimumBytes: number) {
  const expects = `a size such as 512MB or 2GB, at least ${sizeWord(minimumBytes)}`;
  return z
    .union([z.number(), z.string()])
    .transform((value, context) => {
      const bytes = typeof value === 'number' ? value : bytesIn(value);
      if (Number.isSafeInteger(bytes) && bytes >= minimumBytes) return bytes;
      context.addIssue({ code: 'custom', message: expects });
      return z.NEVER;
    })
    .meta({ expects });
}

/** A program with its arguments: a list as it is, or a line that is split without a shell. Comes out as argv. */
export function command() {
  const expects = 'a command as a list of words, or as one line that needs no shell';
  return z
    .union([z.string(), z.array(z.string()).min(1)])
    .transform((value, context) => {
      const split = typeof value === 'string' ? splitWords(value) : { ok: true as const, words: value };
      if (split.ok && (split.words[0] ?? '') !== '') return [...split.words];
      const found = split.ok ? '' : ` (${split.found} is for a shell: write [sh, -c, '…'] if one is meant)`;
      context.addIssue({ code: 'custom', message: expects + found });
      return z.NEVER;
    })
    .meta({ expects });
}

const PLACEHOLDER = /\{([^{}]*)\}/g;

/** Text with `{name}` in it, to be filled in later with `fill`; each name is one of `allowed`. */
export function template(allowed: readonly string[], needed: readonly string[] = []) {
  const names = allowed.map((name) => `{${name}}`).join(' and ');
  const must = needed.length === 0 ? '' : ` and holds ${needed.map((name) => `{${name}}`).join(', ')}`;
  const expects = `a path that may hold ${names}${must}`;
  return z
    .string()
    .min(1)
    .superRefine((text, context) => {
      const used = [...text.matchAll(PLACEHOLDER)].map(([, name]) => name ?? '');
      const unknown = used.find((name) => !allowed.includes(name));
      const known = unknown === undefined && needed.every((name) => used.includes(name));
      const braces = text.replaceAll(PLACEHOLDER, '').search(/[{}]/) >= 0;
      if (known && !braces && !text.includes('\0')) return;
      const found = unknown === undefined ? '' : ` ({${unknown}} is none of them)`;
      context.addIssue({ code: 'custom', message: expects + found });
    })
    .meta({ expects });
}

/** A template that stays inside the feature's folder: agents and the framework's tools look nowhere else. */
export function insideFeature(allowed: readonly string[]) {
  const expects = 'a path inside .tmops/{feature}, relative to the project root';
  return template(allowed)
    .refine((path) => posix.normalize(path).startsWith('.tmops/{feature}/'), { error: expects })
    .meta({ expects });
}

/** Fills a template; every placeholder must have a value, as the schema has checked which there are. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(PLACEHOLDER, (all, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new Error(`Internal error: no value for ${all} in ${text}`);
    return value;
  });
}

export const text = () => z.string().min(1);
export const path = () => z.string().min(1).meta({ expects: 'a path' });

export function named(pattern: RegExp, expects: string) {
  return z.string().regex(pattern, { error: expects }).meta({ expects });
}

export const roleName = () => named(/^[a-z][a-z0-9-]{0,30}$/, 'the name of a role (a-z, 0-9, -)');
export const variableName = () => named(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable');
