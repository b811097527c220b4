import { excessIn } from './checkpoint-limits.ts';
import { fieldsOf, gateOf, namesFeature, namesRole, numbersOf, slug, type Gate } from './claims.ts';
import { keyValues } from './keyvalues.ts';
import { outline, type Labelled, type Outline, type Section } from './outline.ts';

/** What a checkpoint says. All text in it is an agent's or a human's, so it is untrusted. */
export interface Checkpoint {
  readonly title: string;
  readonly from?: string;
  readonly to?: string;
  readonly feature?: string;
  /** As written; it need not be the name of the run's folder. */
  readonly run?: string;
  /** As written; mostly a local time without zone. */
  readonly timestamp?: string;
  readonly gate: Gate;
  readonly sections: readonly Pick<Section, 'heading' | 'lines'>[];
  /** `Label: value` lines of the sections; where a label stands twice, the first one counts. */
  readonly fields: Readonly<Record<string, string>>;
  /** The fields whose value starts with a number: `Coverage: 87% (lines)` is 87. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** What the step waits for. */
export interface Expected {
  /** Base name of the file. A `.checkpoint` file may hold `KEY=VALUE` lines instead of Markdown. */
  readonly file: string;
  /** The role that writes it. */
  readonly from?: string;
  readonly feature: string;
  /** Headings that must be there, e.g. `Work Completed`. */
  readonly sections?: readonly string[];
  readonly kind: 'checkpoint' | 'summary';
  /** Length limit in UTF-16 units, 262,144 when absent. */
  readonly maxChars?: number;
}

/** Where a text misses what is expected. `found` is clipped text of the file, `expected` words of ours. */
export interface Shortfall {
  readonly line: number;
  readonly found: string;
  readonly expected: string;
}

/**
 * `unfinished`: more writing could make it whole, so wait. `malformed`: only another text can help.
 * `settle` says how long a whole text should stand unchanged before it is believed: `short` when it ends as finished
 * checkpoints do, `long` when a writer might still be between two sections or within the last line. A last line
 * without an end is `long` and not `unfinished`, because that is how agents' write tools mostly leave a file.
 */
export type Judgement =
  | { readonly verdict: 'whole'; readonly settle: 'short' | 'long'; readonly checkpoint: Checkpoint }
  | ({ readonly verdict: 'unfinished' } & Shortfall)
  | ({ readonly verdict: 'malformed' } & Shortfall);

/** Judges the text of a checkpoint file, in time linear in its length. */
export function judgeCheckpoint(text: string, expected: Expected): Judgement {
  const unreadable = judgeCharacters(text, expected.maxChars ?? MAX_CHARS);
  if (unreadable !== null) return unreadable;
  const page = outline(text);
  const first = page.lines.find((line) => line !== '');
  if (first === undefined) return unfinished(page, 1, 'a checkpoint; the file is empty');
  const excess = excessIn(page.lines, page.ended);
  if (excess !== null) return { verdict: 'malformed', ...excess, found: clip(excess.found) };
  const pairs = expected.file.endsWith('.checkpoint') && !first.startsWith('#');
  return pairs ? judgePairs(page, expected) : judgePage(page, expected);
}

const MAX_CHARS = 262_144;
/** A title further down is not waited for: the text is something else. */
const TITLE_WITHIN_LINES = 20;
const FOUND_MAX_CHARS = 80;

/**
 * Headings that end a checkpoint in the framework's forms and its recorded runs: triggers end with Expected Response,
 * reports with Next Action or Gate Status, reviews with Final Assessment.
 */
const CLOSING = ['next-action', 'gate-status', 'expected-response', 'final-assessment', 'final-status'];
const CLOSING_SUMMARY = ['next-steps', 'conclusion', 'outcome', 'result', 'verdict'];

function judgeCharacters(text: string, maxChars: number): Judgement | null {
  const malformed = (at: number, found: string, expected: string): Judgement => {
    return { verdict: 'malformed', line: lineAt(text, at), found, expected };
  };
  if (text.length > maxChars) return malformed(0, `${text.length} characters`, `at most ${maxChars} characters`);
  const zero = text.indexOf('\0');
  if (zero !== -1) return malformed(zero, 'a NUL character', 'text');
  const broken = text.indexOf('\uFFFD');
  if (broken === -1) return null;
  const found = 'bytes that are no UTF-8';
  // A character cut in half at the very end is a writer at work.
  if (broken < text.length - 1) return malformed(broken, found, 'text in UTF-8');
  return { verdict: 'unfinished', line: lineAt(text, broken), found, expected: 'the rest of a character' };
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

function judgePage(page: Outline, expected: Expected): Judgement {
  if (page.title === null) return judgeUntitled(page);
  const wrong = judgeNames(page, page.header, expected);
  if (wrong !== null) return wrong;
  const last = page.lines.length;
  if (page.openFence !== null) return unfinished(page, page.openFence, 'the end of this code fence');
  const closing = page.sections.at(-1);
  if (closing === undefined) return unfinished(page, last, 'a section that starts with `## `');
  const missing = missingIn(page.sections, expected.sections ?? []);
  if (missing !== undefined) return unfinished(page, last, `the section \`## ${missing}\``);
  if (isEmpty(closing)) return unfinished(page, closing.line, `text below \`## ${clip(closing.heading)}\``);
  const checkpoint = checkpointOf(page.title.text, page.header, page.entries, page.sections);
  return { verdict: 'whole', settle: settleOf(page, closing, checkpoint, expected), checkpoint };
}

function judgeUntitled(page: Outline): Judgement {
  const line = page.lines.findIndex((text) => text !== '') + 1;
  const found = clip(page.lines[line - 1] ?? '');
  const hopeless = page.sections.length > 0 || page.lines.length > TITLE_WITHIN_LINES;
  return { verdict: hopeless ? 'malformed' : 'unfinished', line, found, expected: 'a title that starts with `# `' };
}

/** A last line without an end is not judged: `Test` may become `Tester`. */
function judgeNames(page: Outline, named: readonly Labelled[], expected: Expected): Judgement | null {
  const written = page.ended ? named : named.filter(({ line }) => line < page.lines.length);
  const from = entryOf(written, 'from');
  if (from !== undefined && expected.from !== undefined && !namesRole(from.value, expected.from)) {
    return malformedName(from, `From: ${expected.from}`);
  }
  const feature = entryOf(written, 'feature');
  if (feature === undefined || namesFeature(feature.value, expected.feature)) return null;
  return malformedName(feature, `Feature: ${expected.feature}`);
}

function malformedName({ label, value, line }: Labelled, expected: string): Judgement {
  return { verdict: 'malformed', line, found: clip(`${label}: ${value}`), expected };
}

function settleOf(page: Outline, closing: Section, { gate }: Checkpoint, { kind }: Expected): 'short' | 'long' {
  const heading = slug(closing.heading);
  const closes = CLOSING.includes(heading) || (kind === 'summary' && CLOSING_SUMMARY.includes(heading));
  // In a gate section the first line may not be the one that holds the human back.
  return page.ended && closes && (heading !== 'gate-status' || gate !== null) ? 'short' : 'long';
}

/** The first heading that none of the sections has: `Work Completed` is there as `## Work completed (retry)`, too. */
function missingIn(sections: readonly Section[], wanted: readonly string[]): string | undefined {
  if (wanted.length === 0) return undefined;
  const there = sections.map(({ heading }) => slug(heading));
  return wanted.find((heading) => {
    const words = slug(heading);
    return !there.some((each) => each === words || each.startsWith(`${words}-`));
  });
}

function isEmpty(section: Section): boolean {
  return section.lines.every((line) => line === '');
}

function judgePairs(page: Outline, expected: Expected): Judgement {
  const read = keyValues(page.lines, page.ended);
  if (read.kind === 'bad') {
    const found = clip(page.lines[read.line - 1] ?? '');
    return { verdict: read.cut ? 'unfinished' : 'malformed', line: read.line, found, expected: 'a line KEY=VALUE' };
  }
  const wrong = judgeNames(page, read.pairs, expected);
  if (wrong !== null) return wrong;
  const status = entryOf(read.pairs, 'status');
  if (status === undefined || status.value === '') return unfinished(page, page.lines.length, 'a line STATUS=…');
  const message = entryOf(read.pairs, 'message');
  const title = message === undefined || message.value === '' ? expected.file : message.value;
  // The framework writes MESSAGE after STATUS; DETAILS after it are optional.
  const settle = page.ended && message !== undefined ? 'short' : 'long';
  return { verdict: 'whole', settle, checkpoint: checkpointOf(title, read.pairs, read.pairs, []) };
}

function checkpointOf(
  title: string,
  header: readonly Labelled[],
  entries: readonly Labelled[],
  sections: readonly Section[],
): Checkpoint {
  const named = (['from', 'to', 'feature', 'run', 'timestamp'] as const).flatMap((key) => {
    const entry = entryOf(header, key);
    return entry === undefined ? [] : [[key, entry.value] as const];
  });
  const fields = fieldsOf(entries);
  return {
    ...Object.fromEntries(named),
    title,
    gate: gateOf([...header, ...entries, ...sections.flatMap(gateLines)]),
    sections: sections.map(({ heading, lines }) => ({ heading, lines })),
    fields,
    metrics: numbersOf(fields),
  };
}

/** In a section of that name the word may stand alone on its line. */
function gateLines({ heading, lines, line }: Section): Labelled[] {
  return slug(heading) === 'gate-status' ? lines.map((value) => ({ label: 'gate', value, line })) : [];
}

function entryOf(entries: readonly Labelled[], key: string): Labelled | undefined {
  return entries.find(({ label }) => label.toLowerCase() === key);
}

function unfinished(page: Outline, line: number, expected: string): Judgement {
  return { verdict: 'unfinished', line, found: clip(page.lines[line - 1] ?? ''), expected };
}

function clip(text: string): string {
  return text.length <= FOUND_MAX_CHARS ? text : `${text.slice(0, FOUND_MAX_CHARS)}…`;
}
