import type { Answering, Dialog } from '../../core/screen.ts';
import type { Row } from './capture.ts';
import { findChoices, type Choices } from './claude-choices.ts';
import { isPlainRule, isRule } from './claude-composer.ts';
import type { ClaudeSignatures } from './claude-signatures.ts';

const LONGEST_TEXT = 2_000;

export interface FoundDialog {
  readonly dialog: Dialog;
  readonly answering: Answering;
}

/** The question these rows end with, or null when they do not end with one. */
export function findDialog(rows: readonly Row[], signatures: ClaudeSignatures): FoundDialog | null {
  const whole = isRule(rows.at(-1)) ? rows.slice(0, -1) : rows;
  const region = lastSection(whole);
  const found = findChoices(region);
  if (found === null && !asks(region, signatures)) return null;
  const known = signatures.dialogs.find((dialog) => showsAny(region, dialog.shows));
  const text = region
    .map((row, index) => (index === found?.markedRow ? unmarked(row.text) : row.text))
    .filter((row, index) => row !== '' && !isRule(region[index]))
    .map((row) => row.trim());
  const dialog = {
    name: known?.name ?? 'unrecognised',
    text: text.join('\n').slice(0, LONGEST_TEXT),
    choices: found?.choices.map(({ label }) => label) ?? [],
    hint: known?.hint ?? signatures.unrecognised.hint,
  };
  const isCut = region.length === whole.length || region.some((row) => MORE_LINES.test(row.text));
  return { dialog, answering: isCut ? CUT_OFF : answeringOf(region, found, known, signatures) };
}

/** Whether the block of rows these end with says how to answer. */
export function asks(rows: readonly Row[], signatures: ClaudeSignatures): boolean {
  const end = rows.findLastIndex((row) => row.text !== '') + 1;
  const start = rows.findLastIndex((row, index) => index < end && row.text === '') + 1;
  return showsAny(rows.slice(Math.max(start, end - 5), end), signatures.asks);
}

/** Whether any of the texts stands in these rows. White space does not count, since texts are wrapped. */
export function showsAny(rows: readonly Row[], texts: readonly string[]): boolean {
  const shown = compact(rows.map((row) => row.text).join(''));
  return texts.some((text) => shown.includes(compact(text)));
}

function compact(text: string): string {
  return text.replace(/\s+/g, '');
}

const unmarked = (row: string): string => row.replace('❯', ' ');

/**
 * A question is ruled off from what stands above it. Some have a rule inside: the part with the marked choice counts, and
 * what stands above it where the choices begin there.
 */
function lastSection(rows: readonly Row[]): readonly Row[] {
  const starts = rows.flatMap((row, index) => (isPlainRule(row) ? [index + 1] : [])).reverse();
  const sections = [...starts, 0].map((start) => rows.slice(start));
  const whole = sections.filter((section) => section.some((row) => row.text !== ''));
  const marked = whole.filter((section) => findChoices(section) !== null);
  const first = marked[0];
  const isWhole = (section: readonly Row[]): boolean => findChoices(section)?.missing === 'none';
  // One more part at most: what stands above that is the conversation.
  return [first, marked[1]].find((section) => section && isWhole(section)) ?? first ?? whole[0] ?? [];
}

/** No rule above it, or a row that says so: its beginning has left a small pane. */
const MORE_LINES = /^ *[↑↓] [0-9]+ more lines?$/;

const inThePane = (why: string): Answering => ({ kind: 'in-the-pane', why });
const CUT_OFF = inThePane('not all of it is on the screen; make the pane larger');

type Signature = ClaudeSignatures['dialogs'][number];

function answeringOf(
  region: readonly Row[],
  found: Choices | null,
  known: Signature | undefined,
  signatures: ClaudeSignatures,
): Answering {
  if (known === undefined) return inThePane('tmops does not know this question');
  if (known.answer === 'pane') return inThePane('it has to be read and answered in the pane');
  if (found === null) return inThePane('it marks none of its choices');
  const { choices, marked, markedRow, missing } = found;
  if (missing !== 'none') return CUT_OFF;
  if (choices.some(({ label }) => /^([0-9]+\. +)?\[.\] /.test(label))) return inThePane('it takes several choices');
  const fields = fieldsOf(choices, signatures);
  if (fields.some((field) => !isPlaceholder(choices[field]?.label ?? '', signatures)))
    return inThePane('somebody is typing a text into it');
  const markedText = region[markedRow]?.text ?? '';
  const others = region.filter((row, index) => index !== markedRow && /[\p{L}\p{N}]/u.test(row.text));
  return {
    kind: 'by-label',
    marked,
    short: choices.map(({ short }) => short),
    fields,
    rows: [markedText, ...others.map((row) => row.text)],
  };
}

const isPlaceholder = (label: string, { text_field: field }: ClaudeSignatures): boolean =>
  field.shows.some((text) => label.replace(/^[0-9]+\. +/, '').startsWith(text));

/** The choice that is a field for a text: it says so while it is empty, and stands before another that never changes. */
function fieldsOf(choices: Choices['choices'], signatures: ClaudeSignatures): number[] {
  return choices.flatMap(({ label }, index) => {
    const next = choices[index + 1]?.label ?? '';
    const isBefore = signatures.text_field.before.some((text) => next.endsWith(text));
    return isBefore || isPlaceholder(label, signatures) ? [index] : [];
  });
}
