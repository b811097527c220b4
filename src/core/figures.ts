import type { Checkpoint } from './checkpoint.ts';
import { leadingNumber, slug } from './claims.ts';

/** The framework's phases, as its extractor tells them from checkpoint names. */
export type Phase = 'discovery' | 'testing' | 'implementation' | 'verification';
export type Value = number | string | boolean | readonly string[];

/** One value of `metrics.json` under `phases.<phase>.<key>`. */
export interface Figure {
  readonly phase: Phase;
  readonly key: string;
  readonly value: Value;
}

export interface Change {
  /** Relative to the worktree. */
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted';
}

/** What the checkpoints of a run claim, in the framework's keys. */
export function claimedFigures(checkpoints: readonly { file: string; checkpoint: Checkpoint }[]): Figure[] {
  const pages = new Map<Phase, Page>();
  for (const { file, checkpoint } of checkpoints) {
    const phase = PHASE_SIGNS.find(([sign]) => file.includes(sign))?.[1];
    if (phase !== undefined) pages.set(phase, pageOf(checkpoint));
  }
  const figures = NUMBERS.flatMap(({ phase, key, labels, also = [] }): Figure[] => {
    const values = [phase, ...also].map((each) => firstNumber(pages.get(each), labels));
    const value = values.find((each) => each !== null) ?? null;
    return value === null ? [] : [{ phase, key, value }];
  });
  return [...figures, ...testingWords(pages.get('testing')), ...passing(pages), ...review(pages.get('verification'))];
}

/** What git says of the files, in the framework's keys. */
export function changedFigures(changes: readonly Change[]): Figure[] {
  const tests = changes.filter(({ path }) => isTest(path)).map(({ path }) => path);
  const sources = changes.filter(({ path }) => !isTest(path));
  const pathsOf = (kind: Change['kind']): string[] =>
    sources.filter((each) => each.kind === kind).map(({ path }) => path);
  return [
    { phase: 'testing', key: 'test_files', value: tests },
    { phase: 'testing', key: 'test_file_count', value: tests.length },
    { phase: 'implementation', key: 'files_created', value: pathsOf('added') },
    { phase: 'implementation', key: 'files_modified', value: pathsOf('modified') },
    { phase: 'implementation', key: 'total_files_changed', value: sources.length },
  ];
}

interface Page {
  /** Values by the slug of their label. */
  readonly fields: ReadonlyMap<string, string>;
  readonly checkpoint: Checkpoint;
}

const PHASE_SIGNS: readonly (readonly [sign: string, phase: Phase])[] = [
  ['discovery', 'discovery'],
  ['tests-complete', 'testing'],
  ['impl-complete', 'implementation'],
  ['verify-complete', 'verification'],
];

const NUMBERS: readonly { phase: Phase; key: string; labels: readonly string[]; also?: readonly Phase[] }[] = [
  { phase: 'discovery', key: 'files_discovered', labels: ['files-discovered'] },
  { phase: 'discovery', key: 'directories_found', labels: ['directories', 'directories-found'] },
  { phase: 'testing', key: 'tests_written', labels: ['tests-written', 'total-tests-written', 'tests-created'] },
  { phase: 'testing', key: 'test_file_count', labels: ['test-files-created', 'test-files'] },
  {
    phase: 'testing',
    key: 'coverage_percent',
    labels: ['coverage', 'test-coverage', 'code-coverage', 'line-coverage'],
    also: ['implementation', 'verification'],
  },
  { phase: 'implementation', key: 'total_files_changed', labels: ['files-created-modified', 'files-changed'] },
  { phase: 'implementation', key: 'lines_of_code', labels: ['lines-of-code', 'lines-added'] },
  { phase: 'verification', key: 'edge_cases_identified', labels: ['edge-cases', 'edge-cases-handled'] },
];

function pageOf(checkpoint: Checkpoint): Page {
  const fields = new Map<string, string>();
  for (const [label, value] of Object.entries(checkpoint.fields)) {
    if (!fields.has(slug(label))) fields.set(slug(label), value);
  }
  return { fields, checkpoint };
}

function firstNumber(page: Page | undefined, labels: readonly string[]): number | null {
  const value = firstField(page, labels);
  return value === undefined ? null : leadingNumber(value);
}

function firstField(page: Page | undefined, labels: readonly string[]): string | undefined {
  const label = labels.find((each) => page?.fields.has(each));
  return label === undefined ? undefined : page?.fields.get(label);
}

/** `All tests failing: CONFIRMED` is how a tester says that the tests are red before the code is written. */
function testingWords(page: Page | undefined): Figure[] {
  const word = firstField(page, ['all-tests-failing', 'tests-failing']);
  const red = word !== undefined && /^(?:confirmed|yes|true|✅)/iu.test(word);
  return red ? [{ phase: 'testing', key: 'initial_state', value: 'all_failing' }] : [];
}

/** `Passing: 28` beside `Total tests: 28`, or `Tests Passing: 28/28`. */
function passing(pages: ReadonlyMap<Phase, Page>): Figure[] {
  const page = pages.get('implementation');
  const word = firstField(page, ['passing', 'tests-passing', 'passed', 'tests-passed']) ?? '';
  const of = /^\d{1,9}\s?\/\s?(\d{1,9})/.exec(word)?.[1];
  const passed = leadingNumber(word);
  const total = of === undefined ? firstNumber(page, ['total-tests', 'tests-total', 'tests']) : Number(of);
  const figures: Figure[] = [];
  if (passed !== null) figures.push({ phase: 'implementation', key: 'tests_passing', value: passed });
  if (total !== null) figures.push({ phase: 'implementation', key: 'tests_total', value: total });
  return figures;
}

function review(page: Page | undefined): Figure[] {
  if (page === undefined) return [];
  const security = firstNumber(page, ['security-issues', 'security-concerns']);
  const speed = firstNumber(page, ['performance-concerns', 'performance-issues']);
  const counted = security === null && speed === null ? null : (security ?? 0) + (speed ?? 0);
  const issues = firstNumber(page, ['issues-found', 'issues', 'total-issues']) ?? counted;
  const quality = qualityOf(page);
  const figures: Figure[] = [];
  if (issues !== null) figures.push({ phase: 'verification', key: 'issues_found', value: issues });
  if (security !== null) figures.push({ phase: 'verification', key: 'security_concerns', value: security > 0 });
  if (quality !== null) figures.push({ phase: 'verification', key: 'quality_assessment', value: quality });
  return [...figures, { phase: 'verification', key: 'recommendations_count', value: recommendationsIn(page) }];
}

function qualityOf(page: Page): 'high' | 'medium' | 'low' | null {
  const score = firstNumber(page, ['quality-score', 'total-score', 'overall-score']);
  if (score !== null) return score >= 8 ? 'high' : score >= 5 ? 'medium' : 'low';
  const word = slug(firstField(page, ['quality', 'code-quality', 'overall-quality']) ?? '');
  if (word === '') return null;
  if (/^(?:good|high|excellent|pass)/.test(word)) return 'high';
  return /^(?:poor|low|needs|fail)/.test(word) ? 'low' : 'medium';
}

function recommendationsIn({ checkpoint }: Page): number {
  const section = checkpoint.sections.find(({ heading }) => slug(heading).startsWith('recommendation'));
  return section?.lines.filter((line) => /^(?:[-*+]|\d{1,3}[.)])\s/.test(line)).length ?? 0;
}

function isTest(path: string): boolean {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  return parts.some((part) => TEST_FOLDERS.has(part)) || /(?:[._-](?:test|spec)\.\w+$)|^test_/.test(name);
}

const TEST_FOLDERS = new Set(['test', 'tests', '__tests__', 'spec', 'specs']);
