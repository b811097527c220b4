import type { Cell, Row } from './capture.ts';

/** The input box: a rule, the sign with what is typed, a rule; below it the footer. Indexes count rows of the screen. */
export interface Composer {
  readonly top: number;
  readonly bottom: number;
  readonly sign: '❯' | '!';
  /** What somebody typed, row by row as shown, without sign, indent and ghost text. */
  readonly typed: readonly string[];
}

/** The lowest box on the screen, or null when the lowest rule does not close one. */
export function findComposer(rows: readonly Row[]): Composer | null {
  const bottom = rows.findLastIndex((row) => isRule(row));
  // A dialog hides the box but leaves the rule with the conversation's name as the last row.
  if (bottom < 0 || !isPlainRule(rows[bottom])) return null;
  const top = rows.findLastIndex((row, index) => index < bottom && isRule(row));
  const inside = top < 0 ? [] : rows.slice(top + 1, bottom);
  const sign = inside[0]?.text[0];
  if ((sign !== '❯' && sign !== '!') || !inside.slice(1).every(isContinuation)) return null;
  return { top, bottom, sign, typed: withoutGhost(inside) };
}

/** Across the pane, plain or with the conversation's name near its end. */
export function isRule(row: Row | undefined): boolean {
  return isPlainRule(row) || /^─+ [^─]+ ─+$/.test(row?.text ?? '');
}

/** The shortest is that of the smallest pane Claude Code draws a box in. */
export function isPlainRule(row: Row | undefined): boolean {
  return /^─{15,}$/.test(row?.text ?? '');
}

const INDENT = 2;

function isContinuation(row: Row): boolean {
  return row.text === '' || row.text.startsWith(' '.repeat(INDENT));
}

/** Ghost text is dim, but for its first character when the cursor stands on it. */
function withoutGhost(inside: readonly Row[]): string[] {
  const contents = inside.map((row) => row.cells.slice(INDENT));
  const shown = contents.flat().filter(isInk);
  const first = contents[0]?.findIndex(isInk) ?? -1;
  const cursorOnGhost = contents[0]?.[first]?.inverse === true && shown.slice(1).some((cell) => cell.dim);
  if (cursorOnGhost && shown.slice(1).every((cell) => cell.dim)) return contents.map(() => '');
  return contents.map((cells) => textOf(cells.filter((cell) => !cell.dim)));
}

function isInk(cell: Cell): boolean {
  return cell.char.trim() !== '';
}

function textOf(cells: readonly Cell[]): string {
  return cells
    .map((cell) => cell.char)
    .join('')
    .trimEnd();
}
