import * as z from 'zod';
import { layoutSchema } from './layout.ts';

const variables = z.record(z.string(), z.string()).readonly();
const words = z.array(z.string()).readonly();

const crewSetup = z
  .object({
    workspaceId: z.string(),
    layout: layoutSchema,
    size: z.object({ cols: z.number(), rows: z.number() }).readonly(),
    statusArgv: words,
    /** The scrubbed environment of whoever called start. */
    env: variables,
    testCommand: words.nullable(),
    /** Permission rules for every role, in the provider's own language. */
    allow: words,
    /** The key that takes or gives back the pane it is pressed in; null: none. */
    takeKey: z.string().nullable(),
    /** Permission mode of single roles; the workflow's own wish comes first. */
    modes: variables,
    /** The variables of whoever called start that configure tmops itself; absent when they sent none. */
    variables: variables.optional(),
  })
  .readonly();

/** What does not follow from the journal and is needed to start agents. Settled anew at each start. */
export type CrewSetup = z.infer<typeof crewSetup>;

const savedSetup = z.object({ socket: z.string().nullable(), provider: z.string(), setup: crewSetup }).readonly();

/** What a run was started with, for whoever takes it up again. */
export type SavedSetup = z.infer<typeof savedSetup>;

type Parsed =
  | { readonly ok: true; readonly setup: SavedSetup }
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
