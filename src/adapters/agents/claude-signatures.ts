import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import * as z from 'zod';

const TEXTS = z.array(z.string().min(3));
const HINT = z.string().min(10);

/** The shape of config/claude-code.yaml, where each field is explained. */
const SIGNATURES = z.strictObject({
  allow: z.array(z.string().min(1)),
  busy: z.strictObject({ footer: TEXTS.min(1), spinner: z.string().min(1) }),
  menu: z.strictObject({ footer: TEXTS }),
  views: z.array(z.strictObject({ name: z.string(), shows: TEXTS.min(1) })),
  asks: TEXTS.min(1),
  dialogs: z.array(
    z.strictObject({ name: z.string(), shows: TEXTS.min(1), hint: HINT, answer: z.enum(['label', 'pane']) }),
  ),
  text_field: z.strictObject({ shows: TEXTS.min(1), before: TEXTS }),
  unrecognised: z.strictObject({ hint: HINT }),
});

export type ClaudeSignatures = z.infer<typeof SIGNATURES>;

/** Reads config/claude-code.yaml or a file of its shape. Rejects with an Error that names the file and what is wrong. */
export async function loadSignatures(file: string): Promise<ClaudeSignatures> {
  const text = await readFile(file, 'utf8');
  try {
    return SIGNATURES.parse(parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new Error(`${file} cannot be used: ${why}`, { cause });
  }
}
