import type { Dialog } from '../../core/screen.ts';
import type { Row } from './capture.ts';
import { isPlainRule, isRule } from './claude-composer.ts';
import type { ClaudeSignatures } from './claude-signatures.ts';

const LONGEST_TEXT = 2_000;

/** The question these rows end with, or null when they do not end with one. */
export function findDialog(rows: readonly Row[], signatures: ClaudeSignatures): Dialog | null {
  const region = lastSection(isRule(rows.at(-1)) ? rows.slice(0, -1) : rows);
  const choices = choicesOf(region);
  if (choices.length === 0 && !asks(region, signatures)) return null;
  const known = signatures.dialogs.find((dialog) => showsAny(region, dialog.shows));
  const text = region.filter((row) => row.text !== '' && !isRule(row)).map((row) => row.text.trim());
  return {
    name: known?.name ?? 'unrecognised',
    text: text.join('\n').slice(0, LONGEST_TEXT),
    choices,
    hint: known?.hint ?? signatures.unrecognised.hint,
  };
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

/** A question is ruled off from what stands above it. Some have a rule inside: the part with the marked choice counts. */
function lastSection(rows: readonly Row[]): readonly Row[] {
  const starts = rows.flatMap((row, index) => (isPlainRule(row) ? [index + 1] : [])).reverse();
  const sections = [...starts, 0].map((start) => rows.slice(start));
  const whole = sections.filter((section) => section.some((row) => row.text !== ''));
  return whole.find((section) => section.some((row) => markedChoice(row) !== null)) ?? whole[0] ?? [];
}

/** `❯ 1. Yes` or, with at least one blank before the sign, `❯ Yes` or `❯ ✔ Yes` (the one in force). */
function markedChoice(row: Row): { column: number } | null {
  const found = /^( *)❯ +(?:✔ +)?(?=\S)/.exec(row.text);
  if (found === null || (found[1] === '' && !/^❯ +[0-9]+\. /.test(row.text))) return null;
  return { column: found[0].length };
}

function choicesOf(region: readonly Row[]): string[] {
  const marked = region.findIndex((row) => markedChoice(row) !== null);
  const mark = region[marked];
  const column = mark === undefined ? undefined : markedChoice(mark)?.column;
  if (column === undefined || mark === undefined) return [];
  return /❯ +[0-9]+\./.test(mark.text) ? numbered(region) : unnumbered(region, marked, column);
}

/** `2. No`, perhaps with a sign for the mark or for more rows above or below; then what it is continued with. */
const NUMBERED = /^( *[❯↑↓]? *)([0-9]+)\. +(.*)$/;

function numbered(region: readonly Row[]): string[] {
  const choices: string[] = [];
  let column = 0;
  for (const row of region) {
    const found = NUMBERED.exec(row.text);
    if (found !== null) {
      column = found[1]?.length ?? 0;
      choices.push(`${found[2] ?? ''}. ${found[3] ?? ''}`);
    } else if (choices.length > 0 && row.text !== '' && indentOf(row) > column) {
      choices.push(`${choices.pop() ?? ''} ${row.text.trim()}`);
    }
  }
  return choices;
}

/** The rows around the marked one that begin in its column. One that goes on in lower case is the end of a wrapped one. */
function unnumbered(region: readonly Row[], marked: number, column: number): string[] {
  const belongs = (row: Row | undefined): boolean => row !== undefined && row.text !== '' && indentOf(row) === column;
  let first = marked;
  let last = marked;
  while (belongs(region[first - 1])) first -= 1;
  while (belongs(region[last + 1])) last += 1;
  const choices: string[] = [];
  for (const row of region.slice(first, last + 1)) {
    const text = row.text.replace(/^[ ❯✔]+/, '');
    if (/^[a-z(]/.test(text) && choices.length > 0) choices.push(`${choices.pop() ?? ''} ${text}`);
    else choices.push(text);
  }
  return choices;
}

function indentOf(row: Row): number {
  return row.text.length - row.text.trimStart().length;
}
