import { parseArgs } from 'node:util';
import * as z from 'zod';

const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be a UUID');

const schema = z
  .strictObject({
    'session-id': uuid.optional(),
    resume: uuid.optional(),
    'agent-dir': z.string().startsWith('/', 'must be an absolute path'),
    /** A play's file; without one every turn ends at once. */
    play: z.string().optional(),
    role: z.string().default('agent'),
    name: z.string().default('rehearsal'),
    feature: z.string().default('feature'),
    run: z.string().default('initial'),
    /** The script that gets each event as JSON; without one no events are reported. */
    hook: z.string().optional(),
    /** The script that is asked before a file is written; without one every file may be. */
    'write-hook': z.string().optional(),
    /** Nothing is accepted before this many ms; what is typed until then is lost. */
    'slow-start': z.coerce.number().int().min(0).max(600_000).default(0),
    /** A JSON file with a list of steering verbs, done before the first prompt. */
    'steer-file': z.string().optional(),
  })
  .refine((given) => (given['session-id'] === undefined) !== (given.resume === undefined), {
    message: 'exactly one of --session-id and --resume is needed',
  });

export type Arguments = z.output<typeof schema>;

/** Reads the command line (without node and the script). Throws an Error that names the argument that is wrong. */
export function readArguments(argv: readonly string[]): Arguments {
  const text = { type: 'string' } as const;
  const names = Object.keys(schema.shape);
  const options = Object.fromEntries(names.map((name) => [name, text]));
  const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
  const parsed = schema.safeParse(values);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data;
}
