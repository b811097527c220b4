/** One character as the terminal shows it. */
export interface Cell {
  readonly char: string;
  /** Drawn faint: a placeholder, a suggestion, a hint. */
  readonly dim: boolean;
  /** Drawn in reverse: the program's own cursor. */
  readonly inverse: boolean;
}

export interface Row {
  /** The row's text without trailing white space. */
  readonly text: string;
  readonly cells: readonly Cell[];
}

/** Reads `tmux capture-pane -p -e`: one row a line, attributes carried on from row to row. Blank rows at the end go. */
export function readCapture(capture: string): readonly Row[] {
  let look: Look = PLAIN;
  const rows = capture.split('\n').map((line) => {
    const read = readLine(line, look);
    look = read.look;
    return read.row;
  });
  return rows.slice(0, rows.findLastIndex((row) => row.text !== '') + 1);
}

type Look = Omit<Cell, 'char'>;

const PLAIN: Look = { dim: false, inverse: false };

/** A control sequence with its parameters and final byte, a string (OSC, DCS) up to its end, or a short escape. */

const ESCAPE = /\x1b(?:\[([0-9;:<=>?]*)[ -/]*([@-~])|[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?/y;

function readLine(line: string, before: Look): { row: Row; look: Look } {
  let look = before;
  const cells: Cell[] = [];
  for (let at = 0; at < line.length;) {
    ESCAPE.lastIndex = at;
    const escape = ESCAPE.exec(line);
    if (escape !== null) {
      if (escape[2] === 'm') look = afterSgr(look, escape[1] ?? '');
      at += escape[0].length;
      continue;
    }
    const char = String.fromCodePoint(line.codePointAt(at) ?? 0);
    if (!isControl(char)) cells.push({ char, ...look });
    at += char.length;
  }
  const text = cells.map((cell) => cell.char).join('');
  return { row: { text: text.trimEnd(), cells }, look };
}

/** Characters that terminals act upon (C0, DEL, C1) stand in no cell. */
function isControl(char: string): boolean {
  return char < ' ' || (char >= '\x7f' && char < '\xa0');
}

/** Select Graphic Rendition, ECMA-48 8.3.117: only what a Cell tells. */
function afterSgr(before: Look, parameters: string): Look {
  let look = before;
  const codes = parameters.split(';');
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === '' || code === '0') look = PLAIN;
    else if (code === '2') look = { ...look, dim: true };
    else if (code === '22') look = { ...look, dim: false };
    else if (code === '7') look = { ...look, inverse: true };
    else if (code === '27') look = { ...look, inverse: false };
    // A colour by number or by its parts: what follows belongs to it.
    else if (code === '38' || code === '48' || code === '58') at += codes[at + 1] === '2' ? 4 : 2;
  }
  return look;
}
