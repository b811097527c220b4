import { standingRows, type Answering, type Dialog, type Screen } from '../../core/screen.ts';

/** Reads a capture (`capture-pane -p -e`) of the rehearsal agent's terminal. */
export function classifyRehearsal(capture: string): Screen {
  const rows = readRows(capture);
  const lastRow = rows.at(-1)?.text ?? '';
  if (isCut(lastRow.trim(), VIEW_FOOTER)) return { kind: 'view', name: 'transcript' };
  const dialog = SIGNATURES.find(({ footer }) => isCut(lastRow.trim(), footer));
  if (dialog !== undefined) return { kind: 'dialog', ...readDialog(rows, dialog) };
  if (/\bEsc to cancel\b/.test(lastRow)) return { kind: 'dialog', ...readDialog(rows, UNRECOGNISED) };
  return readComposer(rows);
}

interface Row {
  readonly text: string;
  /** The row without what is dimmed. */
  readonly solid: string;
}

interface Signature {
  readonly name: string;
  readonly footer: string;
  readonly hint: string;
}

const VIEW_FOOTER = 'Showing detailed transcript · ctrl+o to toggle';
const BUSY_FOOTER = 'esc to interrupt';

const SIGNATURES: readonly Signature[] = [
  {
    name: 'trust',
    footer: 'Enter to confirm · Esc to cancel',
    hint: 'Choose "Yes, I trust this folder" in the pane if you do.',
  },
  { name: 'permission', footer: 'Esc to cancel · Tab to amend', hint: 'Allow or refuse the command in the pane.' },
  {
    name: 'question',
    footer: 'Enter to select · ↑/↓ to navigate · Esc to cancel',
    hint: 'Answer the question in the pane.',
  },
  { name: 'limit', footer: 'Enter to choose · Esc to cancel', hint: 'Choose in the pane how to go on.' },
];

const UNRECOGNISED: Signature = { name: 'unrecognised', footer: '', hint: 'Answer the dialog in the pane.' };

/** Whether a row shows `whole`, possibly cut short by an ellipsis at a narrow pane's edge. */
function isCut(row: string, whole: string): boolean {
  if (row === whole) return true;
  return row.endsWith('…') && row.length >= 10 && whole.startsWith(row.slice(0, -1).trimEnd());
}

function readDialog(rows: readonly Row[], signature: Signature): { dialog: Dialog; answering: Answering } {
  const begin = rows.findLastIndex(({ text }) => isRule(text)) + 1;
  const lines = rows.slice(begin).map(({ text }) => text);
  const choices: string[] = [];
  for (const line of lines) {
    const begun = /^ (?:❯ | {2})(\S.*)$/.exec(line)?.[1];
    const continued = /^ {5}(\S.*)$/.exec(line)?.[1];
    if (begun !== undefined) choices.push(begun);
    else if (continued !== undefined) choices.push(`${choices.pop() ?? ''} ${continued}`.trim());
  }
  const text = lines
    .map((line) => line.replace('❯', ' ').trim())
    .filter((line) => line !== '')
    .join('\n');
  const { name, hint } = signature;
  // Without the rule above it, its beginning does not fit into the pane.
  const answering = begin === 0 ? CUT_OFF : answeringOf(lines, choices, signature);
  return { dialog: { name, text, choices, hint }, answering };
}

const CUT_OFF: Answering = { kind: 'in-the-pane', why: 'not all of it is on the screen; make the pane larger' };

function answeringOf(lines: readonly string[], choices: readonly string[], { name }: Signature): Answering {
  const inThePane = (why: string): Answering => ({ kind: 'in-the-pane', why });
  const markedRow = lines.find((line) => line.startsWith(' ❯ '));
  if (name === 'unrecognised') return inThePane('tmops does not know this question');
  const marked = markedRow === undefined ? -1 : choices.findIndex((choice) => choice.startsWith(markedRow.slice(3)));
  if (markedRow === undefined || marked < 0) return inThePane('it marks none of its choices');
  const isField = (choice: string): boolean => choice.startsWith(TEXT_FIELD);
  const fields = choices.flatMap((choice, index) => (isField(choice) ? [index] : []));
  if (name === 'question' && fields.length === 0) return inThePane('somebody is typing a text into it');
  return {
    kind: 'by-label',
    marked,
    short: choices,
    fields,
    rows: [markedRow, ...lines.filter((line) => line !== markedRow && line !== '')],
  };
}

const TEXT_FIELD = '3. Type something.';

/** The box stands between the last two rules, with the footer below. */
function readComposer(rows: readonly Row[]): Screen {
  const lower = rows.findLastIndex(({ text }) => isRule(text));
  const upper = rows.findLastIndex(({ text }, index) => index < lower && isRule(text));
  const footer = rows[lower + 1]?.text.trim();
  const box = rows.slice(upper + 1, lower);
  const mark = box[0]?.text.slice(0, 1);
  if (upper < 0 || lower !== rows.length - 2 || footer === undefined) return { kind: 'unknown' };
  if (mark !== '❯' && mark !== '!') return { kind: 'unknown' };
  const draftRows = box.map(({ solid }) => solid.slice(2).trimEnd());
  const draft = draftRows.join('\n').trimEnd();
  if (mark === '!') return { kind: 'composer-mode', mode: 'shell', draft };
  if (/^\/[\w-]*(\s|$)/.test(draft)) return { kind: 'composer-mode', mode: 'menu', draft };
  const busy = footer.startsWith(BUSY_FOOTER);
  return { kind: 'composer', draft, rows: standingRows(rows, upper + 1, lower + 2), busy };
}

function isRule(text: string): boolean {
  return /^─{8,}$/.test(text.trim());
}

/** The rows of a capture down to the last that is not blank. Attributes last from one row into the next. */
function readRows(capture: string): Row[] {
  let dim = false;
  const rows = capture.split('\n').map((line) => {
    let text = '';
    let solid = '';
    for (const part of line.split(SGR_SPLIT)) {
      const codes = SGR.exec(part)?.[1];
      if (codes !== undefined) {
        dim = dimAfter(dim, codes);
      } else {
        text += part;
        solid += dim ? ' '.repeat(part.length) : part;
      }
    }
    return { text: text.trimEnd(), solid };
  });
  return rows.slice(0, rows.findLastIndex(({ text }) => text !== '') + 1);
}

const SGR_SPLIT = /(\x1b\[[0-9;:]*m)/;
const SGR = /^\x1b\[([0-9;:]*)m$/;

/** Whether text is dimmed after these attribute codes. Bold off (22) is dim off too. */
function dimAfter(dim: boolean, codes: string): boolean {
  for (const code of codes === '' ? ['0'] : codes.split(';')) {
    if (code === '2') dim = true;
    else if (code === '0' || code === '' || code === '22') dim = false;
    // A colour's own numbers follow (38;5;2 is a colour, not dim).
    else if (code === '38' || code === '48' || code === '58') return dim;
  }
  return dim;
}
