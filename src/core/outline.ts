/** A `Label: value` line, with the marks of lists and emphasis taken off. `line` counts from 1. */
export interface Labelled {
  readonly label: string;
  readonly value: string;
  readonly line: number;
}

/** A heading of level 1 or 2 after the title, and the lines below it up to the next one. */
export interface Section {
  readonly heading: string;
  readonly line: number;
  readonly lines: readonly string[];
}

/** What the lines of a Markdown page say, without a judgement on it. Lines carry no line end and no trailing blanks. */
export interface Outline {
  readonly lines: readonly string[];
  /** Whether the last line is ended. If not, more of it may be on its way. */
  readonly ended: boolean;
  readonly title: { readonly text: string; readonly line: number } | null;
  /** Labelled lines before the first section. */
  readonly header: readonly Labelled[];
  readonly sections: readonly Section[];
  /** Labelled lines of all sections, in their order. Lines in code fences are left out. */
  readonly entries: readonly Labelled[];
  /** The line where a code fence starts that nothing closes, or null. */
  readonly openFence: number | null;
}

/** Reads a page in one pass over its characters; it never fails. A byte order mark and CRLF are taken off. */
export function outline(text: string): Outline {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map(withoutEnd);
  const ended = lines.length > 1 && lines.at(-1) === '' && text.endsWith('\n');
  if (ended) lines.pop();
  return { lines, ended, ...scan(lines) };
}

// Labels are short; a longer text before a colon is prose.
const LABEL_MAX_CHARS = 60;

function withoutEnd(line: string): string {
  return line.trimEnd();
}

interface Fence {
  readonly mark: string;
  readonly length: number;
  readonly line: number;
}

function scan(lines: readonly string[]): Pick<Outline, 'title' | 'header' | 'sections' | 'entries' | 'openFence'> {
  let title: Outline['title'] = null;
  let fence: Fence | null = null;
  let body: string[] | null = null;
  const header: Labelled[] = [];
  const entries: Labelled[] = [];
  const sections: Section[] = [];
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    const edge = fenceOf(text, line);
    if (fence !== null || edge !== null) {
      if (fence === null) fence = edge;
      else if (edge !== null && closes(text, edge, fence)) fence = null;
      body?.push(text);
      continue;
    }
    const heading = headingOf(text);
    if (heading !== null && heading.level === 1 && title === null && body === null) {
      title = { text: heading.text, line };
    } else if (heading !== null) {
      body = [];
      sections.push({ heading: heading.text, line, lines: body });
    } else {
      body?.push(text);
      const found = labelled(text, line);
      if (found !== null) (body === null ? header : entries).push(found);
    }
  }
  return { title, header, sections, entries, openFence: fence?.line ?? null };
}

/** A line that opens or closes a code fence, at any indentation (fences stand in lists, too). */
function fenceOf(text: string, line: number): Fence | null {
  const bare = text.trimStart();
  const mark = bare.charAt(0);
  if (mark !== '`' && mark !== '~') return null;
  let length = 0;
  while (bare.charAt(length) === mark) length += 1;
  // "```js```" on one line is inline code, not a fence.
  if (length < 3 || (mark === '`' && bare.includes('`', length))) return null;
  return { mark, length, line };
}

function closes(text: string, edge: Fence, open: Fence): boolean {
  return edge.mark === open.mark && edge.length >= open.length && text.trimStart().length === edge.length;
}

function headingOf(text: string): { level: 1 | 2; text: string } | null {
  const level = text.startsWith('# ') ? 1 : text.startsWith('## ') ? 2 : null;
  if (level === null) return null;
  const words = text.slice(level + 1).trim();
  return words === '' ? null : { level, text: words };
}

function labelled(text: string, line: number): Labelled | null {
  const bare = withoutMarks(text);
  const colon = bare.indexOf(':');
  if (colon < 1 || colon > LABEL_MAX_CHARS) return null;
  const next = bare.charAt(colon + 1);
  if (next !== '' && next !== ' ' && next !== '\t') return null;
  const value = bare.slice(colon + 1).trim();
  return value === '' ? null : { label: bare.slice(0, colon).trim(), value, line };
}

/** Takes off a list mark, a check box, emphasis and leading signs such as a tick: `- **Tests Written:** 18`, `- [x] …`. */
function withoutMarks(text: string): string {
  let bare = text.replaceAll('**', '').trimStart();
  if (/^[-*+>] /.test(bare)) bare = bare.slice(2).trimStart();
  if (/^\[[ xX]\] /.test(bare)) bare = bare.slice(4);
  return bare.replace(/^[^\p{L}\p{N}]+/u, '');
}
