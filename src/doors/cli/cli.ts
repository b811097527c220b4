import type { Readable, Writable } from 'node:stream';
import type * as z from 'zod';
import { BAD_ARGUMENTS, checkArguments } from '../../app/arguments.ts';
import { operations } from '../../app/table.ts';
import type { OperationKey, OutputOf } from '../../app/table.ts';
import type { ProblemView, StatusView } from '../../app/views.ts';
import type { LinkPort } from '../../link/port.ts';
import type { ToolChoice } from '../../core/toolset.ts';
import type { AuditPorts } from './audit.ts';
import type { ReachOptions, Reached, Target } from '../mcp/remote.ts';
import { colourInk, noInk } from './look.ts';
import type { Look } from './look.ts';
import type { PromptCommands } from './prompts.ts';
import { renderProblem } from './render-status.ts';
import { printableJson } from './text.ts';

/** What commands that need no supervisor do; each resolves with the exit code of the process, unless it says otherwise. */
export interface CliPorts {
  readonly link: LinkPort;
  /** Shows the panes: `tmux attach` outside of tmux, `switch-client` inside. */
  readonly attach: (view: Pick<StatusView, 'feature' | 'session' | 'socket'>) => Promise<number>;
  /** Looks at this machine without a supervisor. */
  readonly doctor: () => Promise<OutputOf<'doctor'>>;
  readonly audit: AuditPorts;
  /** What of the choice is not given, the configuration says. */
  readonly mcp: (choice: Partial<ToolChoice> & { readonly only?: string }) => Promise<number>;
  /** Serves the tools of one role of a feature, or of all in turn. */
  readonly roleMcp: (role: string, feature: string) => Promise<number>;
  /** Connects to a server of MCP as its client. */
  readonly client: (target: Target, options: ReachOptions) => Promise<Reached>;
  readonly prompts: PromptCommands;
  readonly demo: (args: readonly string[]) => Promise<number>;
  readonly supervise: (args: readonly string[]) => Promise<number>;
}

/** A stream that may be a terminal, as node's are. */
export type Output = Writable & { readonly columns?: number; readonly rows?: number };
export type Input = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

export interface CliOptions {
  /** Without node and the script. */
  readonly argv: readonly string[];
  readonly version: string;
  readonly ports: CliPorts;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether stdout is a terminal. */
  readonly isTty: boolean;
  /** NO_COLOR is set (https://no-color.org). */
  readonly noColour: boolean;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly stop: AbortSignal;
}

/** What a command works with. */
export interface Cli extends CliOptions {
  readonly json: boolean;
}

export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3, interrupted: 130 } as const;

export type Asked<T> =
  { readonly ok: true; readonly output: T } | { readonly ok: false; readonly failure: ProblemView };

/** How a command that is an operation by another name calls it, and which of its arguments are words of their own. */
export interface Called {
  readonly command: string;
  readonly words: readonly string[];
}

/** The table, typed so that a key leads to the type of its output. */
const outputs: { readonly [K in OperationKey]: { readonly output: z.ZodType<OutputOf<K>> } } = operations;

/** Asks the supervisor; the output is checked, since it may be of another release. */
export async function ask<K extends OperationKey>(
  cli: Cli,
  key: K,
  raw: unknown,
  called?: Called,
): Promise<Asked<OutputOf<K>>> {
  const asked = await askAny(cli, key, raw, called);
  if (!asked.ok) return asked;
  const read = outputs[key].output.safeParse(asked.output);
  return read.success ? { ok: true, output: read.data } : { ok: false, failure: unreadable(key) };
}

/** Asks the supervisor and prints what it gave: as JSON when that was asked for, else in lines for people. */
export async function show<K extends OperationKey>(
  cli: Cli,
  key: K,
  raw: unknown,
  render: (view: OutputOf<K>, look: Look) => readonly string[],
  called?: Called,
): Promise<number> {
  if (cli.json) {
    const asked = await askAny(cli, key, raw, called);
    return asked.ok ? printJson(cli, asked.output) : fail(cli, asked.failure);
  }
  const asked = await ask(cli, key, raw, called);
  return asked.ok ? print(cli, render(asked.output, lookOf(cli))) : fail(cli, asked.failure);
}

export function lookOf({ isTty, noColour, stdout }: CliOptions): Look {
  const columns = isTty ? (stdout.columns ?? 80) : Infinity;
  return { columns, ink: isTty && !noColour ? colourInk : noInk, now: Date.now() };
}

export function print({ stdout }: CliOptions, lines: readonly string[]): number {
  if (lines.length > 0) stdout.write(`${lines.join('\n')}\n`);
  return EXIT.ok;
}

export function printJson({ stdout }: CliOptions, value: unknown): number {
  stdout.write(`${printableJson(value)}\n`);
  return EXIT.ok;
}

/** Says on stderr what failed and what to do, and gives the exit code. */
export function fail(cli: Cli, failure: ProblemView): number {
  if (cli.json) cli.stderr.write(`${printableJson(failure, 0)}\n`);
  else cli.stderr.write(`${renderProblem(failure, { columns: Infinity, ink: noInk, now: 0 }, '').join('\n')}\n`);
  if (failure.code === BAD_ARGUMENTS) return EXIT.usage;
  if (failure.code.startsWith('supervisor-')) return EXIT.unreachable;
  return cli.stop.aborted ? EXIT.interrupted : EXIT.refused;
}

async function askAny(cli: Cli, key: OperationKey, raw: unknown, called?: Called): Promise<Asked<unknown>> {
  const operation = operations[key];
  const naming = {
    operation: `tmops ${called?.command ?? operation.name}`,
    argument: (name: string) => (called?.words.includes(name) === true ? name : argumentName(name)),
  };
  const checked = checkArguments(operation, raw, naming);
  if (!checked.ok) return checked;
  return cli.ports.link(operation.name, checked.input, { door: 'cli' }, cli.stop);
}

const POSITIONAL: ReadonlySet<string> = new Set(['feature', 'role', 'prompt', 'as', 'text']);

function argumentName(key: string): string {
  if (key === '' || POSITIONAL.has(key)) return key;
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

const unreadable = (key: OperationKey): ProblemView => ({
  code: 'supervisor-incompatible',
  sentence: `The supervisor answered ${operations[key].name} in a form that this tmops does not know.`,
  hint: 'It is of another release: end it (tmops doctor shows its process) and call again, or add --json.',
});
