/** `percent`: of lines where the tool tells them, otherwise of statements; 0 to 100. `line`: where it was read, at most 200 units. */
export interface CoverageRead {
  readonly percent: number;
  readonly line: string;
}

const MOST_UNITS = 4 * 1024 * 1024;
/** No tool's totals are longer; what is longer is not looked at. */
const LONGEST_LINE = 1_000;
const SHOWN = 200;

/**
 * The coverage that a test run printed, as the usual tools tell it: istanbul, c8, nyc, jest, vitest, bun, deno and node:test (the
 * row of all files; the column of lines by the table's head), coverage.py, go, cargo llvm-cov and tarpaulin, simplecov, lcov.
 * The last total counts. Of several Go packages without a total it is the lowest, since the whole is not told.
 * Null where there is none. Takes linear time whatever the text; only its last 4 Mi units are looked at.
 */
export function coverageIn(output: string): CoverageRead | null {
  const lines = output
    .slice(-MOST_UNITS)
    .replaceAll(ESCAPES, '')
    .split(/\r\n|\n|\r/);
  for (let at = lines.length - 1, searches = 0; at >= 0 && searches < MOST_SEARCHES; at -= 1) {
    const line = lines[at] ?? '';
    if (line.length > LONGEST_LINE || !/\d/.test(line)) continue;
    const isGo = GO_PACKAGE.test(line);
    if (isGo || isTotalRow(line)) searches += 1;
    const percent = isGo ? lowestOfGo(lines, at) : (ofTable(lines, at) ?? ofLine(line));
    if (percent !== null && percent <= 100) return { percent, line: shownOf(line) };
  }
  return null;
}

/** Totals of these kinds need a look at other lines. A tool prints few, of which one can be read. */
const MOST_SEARCHES = 20;

/** Colours, and links as terminals draw them. */
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,1000}(?:\u0007|\u001b\\))/g;

const NUMBER = '(\\d{1,3}(?:\\.\\d{1,12})?)';

/** One total on a line of its own. */
const TOTALS: readonly RegExp[] = [
  // go tool cover -func
  new RegExp(`^total:\\s+\\(statements\\)\\s+${NUMBER}%`),
  // tarpaulin
  new RegExp(`^\\s{0,8}${NUMBER}% coverage\\b`),
  // simplecov, new and old
  new RegExp(`^\\s{0,8}Line Coverage: ${NUMBER}%`),
  new RegExp(`\\b\\d{1,9} / \\d{1,9} LOC \\(${NUMBER}%\\) covered`),
  // The short report of istanbul, and PHPUnit's.
  new RegExp(`^\\s{0,8}Lines\\s{0,20}:\\s{0,20}${NUMBER}\\s?%`),
  // lcov and genhtml
  new RegExp(`^\\s{0,8}lines\\.{1,20}: ${NUMBER}%`),
];

function ofLine(line: string): number | null {
  if (/^TOTAL\s/.test(line)) return ofTotalRow(line);
  for (const total of TOTALS) {
    const found = total.exec(line)?.[1];
    if (found !== undefined) return Number(found);
  }
  return null;
}

/** coverage.py has one percentage there; llvm-cov has those of regions, functions and lines. */
function ofTotalRow(line: string): number | null {
  const percents = line.split(/\s+/).filter((word) => /^\d{1,3}(?:\.\d{1,12})?%$/.test(word));
  const meant = percents[2] ?? percents.at(-1);
  return meant === undefined ? null : Number(meant.slice(0, -1));
}

/** The row of all files in a table drawn with `|`: istanbul writes `All files`, node:test `# all files` or `ℹ all files`. */
function ofTable(lines: readonly string[], at: number): number | null {
  const line = lines[at] ?? '';
  if (!isTotalRow(line)) return null;
  const cells = cellsOf(line);
  const column = columnOfLines(lines, at) ?? (cells[0] === 'All files' && isPercent(cells[4]) ? 4 : 1);
  const meant = cells[column];
  return isPercent(meant) ? Number.parseFloat(meant) : null;
}

const isTotalRow = (line: string): boolean => /^[\s#\u2139|]{0,20}all files\s{0,400}\|/i.test(line);

/** How far above the totals the head of a table may stand. */
const LONGEST_TABLE = 20_000;

function columnOfLines(lines: readonly string[], below: number): number | null {
  for (let at = below - 1; at >= 0 && at > below - LONGEST_TABLE; at -= 1) {
    const line = lines[at] ?? '';
    if (line.length > LONGEST_LINE || !line.includes('%') || !line.includes('|')) continue;
    const cells = cellsOf(line);
    const column = cells.findIndex((cell) => /^(?:% ?lines?|lines? ?%)$/i.test(cell));
    if (column > 0 && /^file$/i.test(cells[0] ?? '')) return column;
  }
  return null;
}

/** Without the marks that TAP and node's reporter put in front, and without the border on the left that deno draws. */
const cellsOf = (line: string): string[] =>
  line
    .replace(/^[\s#\u2139|]{1,20}/, '')
    .split('|')
    .map((cell) => cell.trim());

const isPercent = (cell: string | undefined): cell is string =>
  cell !== undefined && /^\d{1,3}(?:\.\d{1,12})?\s?%?$/.test(cell);

const GO_PACKAGE = new RegExp(`\\bcoverage: ${NUMBER}% of statements`);

/** The lowest of the packages, each as it was told last; a total that stands before them belongs to another run. */
function lowestOfGo(lines: readonly string[], last: number): number | null {
  const percents = new Map<string, number>();
  for (let at = last; at >= 0; at -= 1) {
    const line = lines[at] ?? '';
    if (line.length > LONGEST_LINE) continue;
    const found = GO_PACKAGE.exec(line)?.[1];
    if (found === undefined) continue;
    const [first = '', second = ''] = line.trim().split(/\s+/);
    const name = first === 'ok' ? second : first;
    if (!percents.has(name)) percents.set(name, Number(found));
  }
  return [...percents.values()].reduce<number | null>((least, each) => Math.min(least ?? each, each), null);
}

/** As one line of what can be shown. */
const shownOf = (line: string): string =>
  line
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, SHOWN);
