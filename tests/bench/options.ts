import { parseArgs } from 'node:util';

/** What a run of the bench is asked for. */
export interface BenchOptions {
  /** Ten samples of each instead of all. */
  readonly quick: boolean;
  /** In the order in which they are measured. */
  readonly parts: readonly PartName[];
  /** Where the figures go; absent: the usual place. */
  readonly json?: string;
}

export type Read =
  | { readonly kind: 'run'; readonly options: BenchOptions }
  | { readonly kind: 'help'; readonly text: string }
  /** What is wrong with the arguments, in one line. */
  | { readonly kind: 'refused'; readonly why: string };

/** The parts there are, with what each measures. `claude` runs only when it is asked for. */
export const PARTS = {
  'hand-offs': 'hand-offs and starts of features with rehearsal agents',
  hold: 'from a human’s first key in a pane until the automation holds still',
  'mcp-start': 'tmops mcp from its start to the first list of tools, beside the SDK’s bare server',
  'mcp-call': 'a status call over MCP, beside the SDK’s bare echo',
  'mcp-http': 'a status call over HTTP, beside the SDK’s bare echo; a hundred clients at once',
  targets: 'configuration, checkpoints, the script',
  recovery: 'from a supervisor’s kill -9 until the next one watches',
  idle: 'what idle features cost, and the resume of killed agents',
  demo: 'the phases of a rehearsed feature',
  claude: 'hand-offs with the real Claude Code, on an API on this machine; only when asked for',
} as const;

export type PartName = keyof typeof PARTS;

const ALL = Object.keys(PARTS).filter((name): name is PartName => name in PARTS);

const USUAL = ALL.filter((name) => name !== 'claude');

const HELP = `Usage: npm run bench -- [OPTIONS]

Measures the built product on a private tmux server. A goal that is missed is told, and is no failure.

  --only NAME   measure this part and no other; may be given several times
  --claude      the same as --only claude (npm run bench:claude)
  --quick       ten samples of each, about a minute: only shows that it runs
  --json FILE   where the figures go
  --help        this text

Parts:
${Object.entries(PARTS)
  .map(([name, what]) => `  ${name.padEnd(12)}  ${what}`)
  .join('\n')}
`;

/** Reads the arguments of the bench. */
export function readOptions(argv: readonly string[]): Read {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        quick: { type: 'boolean' },
        claude: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!(error instanceof Error) || !code.startsWith('ERR_PARSE_ARGS_')) throw error;
    return { kind: 'refused', why: error.message.split('. ')[0] ?? '' };
  }
  if (values.help === true) return { kind: 'help', text: HELP };
  const named = [...(values.only ?? []), ...(values.claude === true ? ['claude'] : [])];
  const unknown = named.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined) return { kind: 'refused', why: `There is no part "${unknown}". Parts: ${ALL.join(', ')}` };
  const parts = named.length === 0 ? USUAL : ALL.filter((name) => named.includes(name));
  const options = { quick: values.quick === true, parts, ...(values.json !== undefined && { json: values.json }) };
  return { kind: 'run', options };
}
