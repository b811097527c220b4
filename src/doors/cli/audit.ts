import { InvalidArgumentError, type Command } from 'commander';
import type { Checked } from '../../audit/check.ts';
import type { AuditRecord } from '../../audit/record.ts';
import type { OperationSummary } from '../../audit/summary.ts';
import { EXIT, fail, lookOf, print, printJson, type Asked, type Cli } from './cli.ts';
import type { Does } from './operation-command.ts';
import { table, type Cell } from './table.ts';
import { cleanLine } from './text.ts';
import type { Look } from './look.ts';

export interface AuditShown {
  /** How many records there are of what was asked for. */
  readonly of: number;
  /** The last of them, oldest first. */
  readonly records: readonly AuditRecord[];
  /** Number of the last record of the log. */
  readonly head: number;
  readonly summary: readonly OperationSummary[];
}

/** Looks at the audit log without a supervisor. */
export interface AuditPorts {
  readonly verify: (known: string | undefined) => Promise<Asked<Checked>>;
  readonly show: (wanted: Wanted) => Promise<Asked<AuditShown>>;
}

interface Wanted {
  readonly feature?: string;
  readonly operation?: string;
  readonly principal?: string;
  readonly last: number;
}

const LAST = 50;

export function addAuditCommands(program: Command, does: Does): void {
  const audit = program
    .command('audit')
    .description('Looks at the record of every call: who asked for what, when, and what became of it.');
  audit
    .command('verify')
    .summary('Check that no record was changed, taken out or put in')
    .description(
      'Holds each record of the audit log against its hash and against the record before it. Exit code 1: one does not fit.',
    )
    .option(
      '--head <hash>',
      'a hash that verify gave at an earlier time: tells whether records were cut off the end',
      hash,
    )
    .action(({ head }: { head?: string }) => does((cli) => verify(cli, head)));
  audit
    .command('show')
    .summary('Show calls')
    .description('Shows the last calls, oldest first.')
    .option('--feature <name>', 'only calls for this feature')
    .option('--operation <name>', 'only calls of this operation, e.g. start')
    .option('--principal <name>', 'only calls of this principal, e.g. mcp:1000')
    .option('--last <number>', `how many, ${LAST} without it`, count)
    .option('--summary', 'instead of calls, how each operation did: calls, failures, durations')
    .action(({ summary, last, ...flags }: ShowFlags) =>
      does((cli) => show(cli, { ...flags, last: last ?? LAST }, summary === true)),
    );
}

type ShowFlags = Omit<Wanted, 'last'> & { readonly last?: number; readonly summary?: boolean };

async function verify(cli: Cli, known: string | undefined): Promise<number> {
  const asked = await cli.ports.audit.verify(known);
  if (!asked.ok) return fail(cli, asked.failure);
  const { output } = asked;
  if (cli.json) printJson(cli, output);
  else print(cli, renderCheck(output));
  return output.ok ? EXIT.ok : EXIT.refused;
}

export function renderCheck(check: Checked): string[] {
  if (!check.ok)
    return [
      `The audit log is not whole: ${cleanLine(check.file)}, line ${check.line}: ${cleanLine(check.why)}.`,
      'What stands before that line is as it was written. Compare with a copy, if there is one.',
    ];
  const { files, records, first, head, unfinished } = check;
  if (records === 0) return ['The audit log is empty: nothing was called yet.'];
  return [
    `The audit log is whole: records ${first} to ${head.seq} in ${files} ${files === 1 ? 'file' : 'files'}.`,
    ...(first > 1 ? [`Those before ${first} are no longer kept.`] : []),
    ...(unfinished > 0
      ? [`Its last line is not finished (${unfinished} bytes): it is being written, or a crash cut it off.`]
      : []),
    `Its head is ${head.hash}. Kept elsewhere, it shows a later loss of the end: tmops audit verify --head ${head.hash}`,
  ];
}

async function show(cli: Cli, wanted: Wanted, summary: boolean): Promise<number> {
  const asked = await cli.ports.audit.show(wanted);
  if (!asked.ok) return fail(cli, asked.failure);
  const { of, records, summary: figures } = asked.output;
  if (cli.json) return printJson(cli, summary ? { of, summary: figures } : { of, records });
  if (of === 0) return print(cli, ['No such call is on record.']);
  return print(cli, summary ? renderSummary(figures, lookOf(cli)) : renderRecords(records, lookOf(cli)));
}

export const renderRecords = (records: readonly AuditRecord[], look: Look): string[] =>
  table(['#', 'when', 'who', 'client', 'operation', 'target', 'outcome', 'ms'], records.map(rowOf), look);

function rowOf(record: AuditRecord): Cell[] {
  const { seq, at } = record;
  const when = cleanLine(at).replace('T', ' ').slice(0, 19);
  if (record.kind === 'gap') return [String(seq), when, '', '', '', '', gapOf(record), ''];
  const { principal, client = '', operation, target = '', outcome, durationMs } = record;
  const words = [principal, client, operation, target].map(cleanLine);
  return [String(seq), when, ...words, outcome === 'ok' ? 'ok' : [cleanLine(outcome), 'bad'], durationMs.toFixed(0)];
}

const gapOf = ({ torn, lost }: Extract<AuditRecord, { kind: 'gap' }>): Cell =>
  lost === undefined ? [`a crash cut a line off (${torn ?? 0} bytes)`, 'bad'] : [`${lost} records were lost`, 'bad'];

export const renderSummary = (figures: readonly OperationSummary[], look: Look): string[] =>
  table(
    ['operation', 'calls', 'p50 ms', 'p95 ms', 'max ms', 'not done'],
    figures.map(({ operation, calls, p50Ms, p95Ms, maxMs, failures }) => [
      cleanLine(operation),
      String(calls),
      ...[p50Ms, p95Ms, maxMs].map((each) => each.toFixed(1)),
      Object.entries(failures)
        .map(([code, number]) => `${cleanLine(code)} ${number}`)
        .join(', '),
    ]),
    look,
  );

function hash(word: string): string {
  if (/^[0-9a-f]{64}$/.test(word)) return word;
  throw new InvalidArgumentError('A hash is 64 of the characters 0-9 and a-f.');
}

function count(word: string): number {
  const value = Number(word);
  if (Number.isInteger(value) && value >= 1 && value <= 100_000) return value;
  throw new InvalidArgumentError('It is a whole number from 1 to 100000.');
}
