import * as z from 'zod';
import { layoutSchema } from './layout.ts';

const variables = z.record(z.string(), z.string());

const savedSetup = z.object({
  socket: z.string().nullable(),
  provider: z.string(),
  setup: z.object({
    workspaceId: z.string(),
    layout: layoutSchema,
    size: z.object({ cols: z.number(), rows: z.number() }),
    statusArgv: z.array(z.string()),
    env: variables,
    testCommand: z.array(z.string()).nullable(),
    allow: z.array(z.string()),
    takeKey: z.string().nullable(),
    modes: variables,
    variables: variables.optional(),
  }),
});

type Parsed =
  | { readonly ok: true; readonly setup: z.infer<typeof savedSetup> }
  /** `why` names the place. */
  | { readonly ok: false; readonly why: string };

/** Reads what a run was started with, as it was written into a file that others can write, too. */
export function parseSavedSetup(text: string): Parsed {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return { ok: false, why: 'it is not JSON' };
  }
  const parsed = savedSetup.safeParse(raw);
  if (parsed.success) return { ok: true, setup: parsed.data };
  const [first] = parsed.error.issues;
  return { ok: false, why: `${first?.path.join('.') ?? ''}: ${first?.message ?? ''}` };
}
