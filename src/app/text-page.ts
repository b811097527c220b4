/** A client shows a model what it is given; more comes with the next call. */
const MOST_CHARS = 40_000;

/** A stretch of whole lines. */
export interface TextPage {
  /** Line that the text begins with; 1 is the first. */
  readonly from: number;
  readonly lineCount: number;
  /** Line to go on from; null at the end. */
  readonly next: number | null;
  readonly text: string;
}

/** At most `lines` lines from `from` on, and as many as a client can show. */
export function pageOf(whole: string, { from, lines }: { readonly from: number; readonly lines: number }): TextPage {
  const all = whole.split('\n');
  const shown = bounded(all.slice(from - 1, from - 1 + lines));
  const next = from + shown.length;
  return { from, lineCount: all.length, next: next <= all.length ? next : null, text: cut(shown.join('\n')) };
}

/** Only a single line is longer: such texts are made of paragraphs. */
const cut = (text: string): string => (text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text);

/** As many whole lines as fit, and at least one. */
function bounded(lines: readonly string[]): readonly string[] {
  let room = MOST_CHARS;
  const end = lines.findIndex((line) => (room -= line.length + 1) < 0);
  return end < 0 ? lines : lines.slice(0, Math.max(end, 1));
}
