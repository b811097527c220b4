import type { Checkpoint } from './checkpoint.ts';
import { changedFigures, claimedFigures, type Change, type Figure, type Phase, type Value } from './figures.ts';

/** `measured`: tmops saw it itself. `claimed`: a checkpoint says so. */
export type Source = 'measured' | 'claimed';

/** What tmops saw itself. An absent part was not measured. Durations in ms. */
export interface Measured {
  readonly steps: readonly { readonly step: string; readonly role: string; readonly durationMs: number }[];
  /** The files that git says the feature changed. */
  readonly changes?: readonly Change[];
  /** The last run of the project's test command by tmops, where its output could be counted. */
  readonly tests?: { readonly passing: number; readonly total: number };
  readonly promptsDelivered: number;
  /** Each from a checkpoint being whole on disk to the next agent having accepted its prompt. */
  readonly handOffsMs: readonly number[];
}

export interface MetricsInput {
  readonly feature: string;
  readonly run: string;
  /** Name of the run's folder. */
  readonly runDirectory: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly checkpoints: readonly { readonly file: string; readonly checkpoint: Checkpoint; readonly mtimeMs: number }[];
  readonly measured: Measured;
}

/** The content of `metrics.json`: the keys of the framework's own extractor, then `measured` and `sources` of ours. */
export interface Metrics {
  readonly feature: string;
  readonly timestamp: string;
  readonly run_directory: string;
  readonly phases: Readonly<Record<Phase, Readonly<Record<string, Value>>>>;
  readonly timeline: readonly { readonly checkpoint: string; readonly timestamp: string }[];
  readonly summary: Readonly<Record<string, Value>>;
  readonly measured: {
    readonly run: string;
    readonly steps: readonly { readonly step: string; readonly role: string; readonly duration_ms: number }[];
    readonly prompts_delivered: number;
    readonly hand_offs_ms: readonly number[];
  };
  /** By dotted path, e.g. `phases.testing.tests_written`. */
  readonly sources: Readonly<Record<string, Source>>;
}

/**
 * Measured figures win over claimed ones. A figure nobody knows is left out: the framework's readers take absence for
 * zero and cannot print null. `success` needs every test to pass, of a known number, and no known issue.
 */
export function metricsOf(input: MetricsInput): Metrics {
  const ledger = ledgerOf(input);
  const timeline = timelineOf(input);
  const phases: Record<Phase, Record<string, Value>> = {
    discovery: {},
    testing: {},
    implementation: {},
    verification: {},
  };
  for (const { phase, key, value } of ledger.values()) phases[phase][key] = value;
  const summary = summaryOf(ledger, timeline);
  const { steps, promptsDelivered, handOffsMs } = input.measured;
  return {
    feature: input.feature,
    timestamp: isoTime(input.at),
    run_directory: input.runDirectory,
    phases,
    timeline,
    summary: Object.fromEntries(summary.map(({ key, value }) => [key, value])),
    measured: {
      run: input.run,
      steps: steps.map(({ step, role, durationMs }) => ({ step, role, duration_ms: durationMs })),
      prompts_delivered: promptsDelivered,
      hand_offs_ms: handOffsMs,
    },
    sources: sourcesOf(ledger, timeline, summary),
  };
}

interface Entry extends Figure {
  readonly source: Source;
}

/** The best figure for each `phase.key`. */
type Ledger = ReadonlyMap<string, Entry>;

function ledgerOf({ checkpoints, measured }: MetricsInput): Ledger {
  const ledger = new Map<string, Entry>();
  const enter = (figures: readonly Figure[], source: Source): void => {
    for (const figure of figures) ledger.set(`${figure.phase}.${figure.key}`, { ...figure, source });
  };
  enter(claimedFigures(checkpoints), 'claimed');
  if (measured.changes !== undefined) enter(changedFigures(measured.changes), 'measured');
  if (measured.tests !== undefined) {
    const { passing, total } = measured.tests;
    enter(
      [
        { phase: 'implementation', key: 'tests_passing', value: passing },
        { phase: 'implementation', key: 'tests_total', value: total },
      ],
      'measured',
    );
  }
  const passing = numberIn(ledger, 'implementation.tests_passing');
  const total = numberIn(ledger, 'implementation.tests_total');
  if (passing === undefined || total === undefined || total === 0) return ledger;
  const source = sourceIn(ledger, ['implementation.tests_passing', 'implementation.tests_total']);
  enter([{ phase: 'implementation', key: 'pass_rate', value: (passing / total) * 100 }], source);
  return ledger;
}

/** In the order of the names, as the framework's tools list them. The time is that of the file, which tmops measured. */
function timelineOf({ checkpoints }: MetricsInput): Metrics['timeline'] {
  return checkpoints
    .map(({ file, mtimeMs }) => ({ checkpoint: file, timestamp: isoTime(mtimeMs) }))
    .sort((a, b) => (a.checkpoint < b.checkpoint ? -1 : 1));
}

interface SummaryLine {
  readonly key: string;
  readonly value: Value;
  readonly source: Source;
}

const SUMMARY_KEYS: readonly (readonly [key: string, from: string])[] = [
  ['total_tests', 'testing.tests_written'],
  ['test_coverage', 'testing.coverage_percent'],
  ['test_pass_rate', 'implementation.pass_rate'],
  ['files_changed', 'implementation.total_files_changed'],
  ['issues_found', 'verification.issues_found'],
  ['quality', 'verification.quality_assessment'],
];

const SUCCESS_FROM = ['implementation.tests_passing', 'implementation.tests_total', 'verification.issues_found'];

function summaryOf(ledger: Ledger, timeline: Metrics['timeline']): SummaryLine[] {
  const lines: SummaryLine[] = [];
  for (const [key, from] of SUMMARY_KEYS) {
    const entry = ledger.get(from);
    if (entry !== undefined) lines.push({ key, value: entry.value, source: entry.source });
  }
  const [first, last] = [timeline.at(0), timeline.at(-1)];
  lines.push({ key: 'checkpoints_completed', value: timeline.length, source: 'measured' });
  if (first !== undefined) lines.push({ key: 'first_checkpoint', value: first.timestamp, source: 'measured' });
  if (last !== undefined) lines.push({ key: 'last_checkpoint', value: last.timestamp, source: 'measured' });
  const [passing, total, issues] = SUCCESS_FROM.map((path) => numberIn(ledger, path));
  const success = total !== undefined && total > 0 && passing === total && (issues ?? 0) === 0;
  return [...lines, { key: 'success', value: success, source: sourceIn(ledger, SUCCESS_FROM) }];
}

function sourcesOf(
  ledger: Ledger,
  timeline: Metrics['timeline'],
  summary: readonly SummaryLine[],
): Record<string, Source> {
  const sources: Record<string, Source> = {};
  for (const [path, { source }] of ledger) sources[`phases.${path}`] = source;
  if (timeline.length > 0) sources['timeline'] = 'measured';
  for (const { key, source } of summary) sources[`summary.${key}`] = source;
  return sources;
}

/** What rests on one claim, or on nothing, is a claim. */
function sourceIn(ledger: Ledger, paths: readonly string[]): Source {
  const known = paths.map((path) => ledger.get(path)?.source).filter((source) => source !== undefined);
  return known.length > 0 && known.every((source) => source === 'measured') ? 'measured' : 'claimed';
}

function numberIn(ledger: Ledger, path: string): number | undefined {
  const value = ledger.get(path)?.value;
  return typeof value === 'number' ? value : undefined;
}

/** Formatting only: the time comes from the caller. */
function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
