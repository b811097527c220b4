import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { dialogNames } from './dialogs.ts';

const pause = z.int().min(0).max(600_000);
const path = z.string().min(1);

const actionSchema = z.union([
  /** The agent's words. The last ones before the turn ends are its last message. */
  z.strictObject({ say: z.string() }),
  z.strictObject({ think: z.strictObject({ ms: pause }) }),
  z.strictObject({ read: z.strictObject({ path }) }),
  z.strictObject({ write: z.strictObject({ path, content: z.string() }) }),
  /** A real child process. `keep` names parts of its output (first group of a pattern) for later actions. */
  z.strictObject({
    run: z.strictObject({
      argv: z.array(z.string()).min(1),
      expect: z.enum(['pass', 'fail', 'any']).default('pass'),
      keep: z.record(z.string(), z.string().refine(isPattern, 'is no regular expression')).default({}),
    }),
  }),
  z.strictObject({ commit: z.strictObject({ message: z.string(), paths: z.array(path).min(1) }) }),
  /** Written under another name and renamed, or, when `slow`, in pieces under its own name. */
  z.strictObject({
    checkpoint: z.strictObject({
      file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
      folder: z.enum(['checkpoints', 'run']).default('checkpoints'),
      content: z.string(),
      slow: z.strictObject({ halves: z.int().min(2).max(20).default(2), ms: pause }).optional(),
    }),
  }),
  /** The turn lasts until somebody has written a checkpoint of the run, or it is interrupted. */
  z.strictObject({ await_checkpoint: z.strictObject({ look_every_ms: z.int().min(20).max(60_000).default(200) }) }),
  z.strictObject({ ask: z.strictObject({ dialog: z.enum(dialogNames), lines: z.array(z.string()).optional() }) }),
  /** The turn breaks as an API failure breaks it. */
  z.strictObject({ fail: z.strictObject({ error: z.string().default('server_error') }) }),
]);

const ruleSchema = z.strictObject({
  /** A substring, or a regular expression between slashes. */
  when: z
    .string()
    .min(1)
    .refine((when) => isPattern(patternOf(when)?.source ?? ''), 'is no regular expression'),
  do: z.array(actionSchema).default([]),
});

const playSchema = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  /** Rules of each role, tried in order; those under `*` come after a role's own. */
  roles: z.record(z.string(), z.array(ruleSchema)),
});

export type Action = z.output<typeof actionSchema>;
export type Rule = z.output<typeof ruleSchema>;
export type Play = z.output<typeof playSchema>;

/** A play that does nothing but end each turn. */
export const emptyPlay: Play = { name: 'none', roles: {} };

/** Reads a play. Throws an Error that names the file and the place in it. */
export function loadPlay(file: string): Play {
  return parsePlay(readFileSync(file, 'utf8'), file);
}

/** The same from text; `file` is named in errors. */
export function parsePlay(text: string, file: string): Play {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fault = document.errors[0];
  if (fault !== undefined) throw new Error(`${file}:${lines.linePos(fault.pos[0]).line}: ${fault.message}`);
  const parsed = playSchema.safeParse(document.toJS());
  if (!parsed.success) throw new Error(`${file} is not a play:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** What a prompt is matched on: its own line, then the texts of the files it names. */
export interface Cue {
  readonly line: string;
  readonly fileTexts: readonly string[];
}

/** The first rule of the role (then of everybody) that the line or a named file's text matches. */
export function findRule(play: Play, role: string, cue: Cue): Rule | null {
  const rules = [...(play.roles[role] ?? []), ...(play.roles['*'] ?? [])];
  return rules.find((rule) => [cue.line, ...cue.fileTexts].some((text) => matches(rule.when, text))) ?? null;
}

/** Puts values in for `{name}`; names that have no value stay as they are. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{([A-Za-z_]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

function matches(when: string, text: string): boolean {
  const pattern = patternOf(when);
  return pattern === null ? text.includes(when) : new RegExp(pattern.source, pattern.flags).test(text);
}

/** The parts of `/source/flags`; null for a plain substring. */
function patternOf(when: string): { readonly source: string; readonly flags: string } | null {
  const [, source, flags] = /^\/(.+)\/([ims]*)$/s.exec(when) ?? [];
  return source === undefined || flags === undefined ? null : { source, flags };
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source).source !== '';
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
