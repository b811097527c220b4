import { parseArgs } from 'node:util';

export interface SoakOptions {
  readonly minutes: number;
  /** Chooses faults and their moments. */
  readonly seed: number;
  /** Features that run at once. */
  readonly lanes: number;
  /** Where the figures go; absent: the usual place. */
  readonly json?: string;
}

export type Read =
  | { readonly kind: 'run'; readonly options: SoakOptions }
  | { readonly kind: 'help'; readonly text: string }
  /** What is wrong with the arguments, in one line. */
  | { readonly kind: 'refused'; readonly why: string };

const HELP = `Usage: npm run soak -- [OPTIONS]

Runs features back to back with random faults on a private tmux server, then without, and judges what was asked of tmops
(docs/testing.md). Exit code 1 when a figure or a bound is missed.

  --minutes N   how long features are begun (default 2); the last ones are waited for
  --seed N      chooses faults and their moments; printed
  --lanes N     features at once (default 3)
  --json FILE   where the figures go
  --help        this text
`;

/** Reads the arguments of the soak. `chance`: a seed where none is given. */
export function readOptions(argv: readonly string[], chance: () => number): Read {
  let values;
  try {
    const text = { type: 'string' } as const;
    ({ values } = parseArgs({
      args: [...argv],
      options: { minutes: text, seed: text, lanes: text, json: text, help: { type: 'boolean', short: 'h' } },
    }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!(error instanceof Error) || !code.startsWith('ERR_PARSE_ARGS_')) throw error;
    return { kind: 'refused', why: error.message.split('. ')[0] ?? '' };
  }
  if (values.help === true) return { kind: 'help', text: HELP };
  const minutes = Number(values.minutes ?? '2');
  if (!(minutes > 0 && minutes <= 24 * 60)) return refused('--minutes', values.minutes, 'more than 0, at most 1440');
  const seed = values.seed === undefined ? chance() : Number(values.seed);
  if (!Number.isInteger(seed) || seed < 0) return refused('--seed', values.seed, 'a whole number from 0');
  const lanes = Number(values.lanes ?? '3');
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > 10) return refused('--lanes', values.lanes, '1 to 10');
  return { kind: 'run', options: { minutes, seed, lanes, ...(values.json !== undefined && { json: values.json }) } };
}

const refused = (flag: string, value: string | undefined, allowed: string): Read => ({
  kind: 'refused',
  why: `${flag} is ${JSON.stringify(value ?? '')}; allowed: ${allowed}`,
});
