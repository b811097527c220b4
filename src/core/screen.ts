/**
 * What an agent's terminal shows, reduced to what delivery must know before it types.
 * Providers classify; the engine only reads. Every field is about the visible screen, not about history.
 */
export type Screen =
  /** Nothing recognisable (still drawing, too small, or a release that draws differently). */
  | { readonly kind: 'unknown' }
  /**
   * The input box is on the screen and takes text. `draft` is what stands in it, without ghost text; '' when empty.
   * `rows` is the box as it is drawn, from its first row on to the row below the rule that closes it.
   */
  | { readonly kind: 'composer'; readonly draft: string; readonly rows: readonly StandingRow[]; readonly busy: boolean }
  /** The input box is in a mode where text means something else (a shell command, a menu choice). */
  | { readonly kind: 'composer-mode'; readonly mode: 'shell' | 'menu'; readonly draft: string }
  /** A dialog has the keyboard: a key typed now would answer it. Without `answering` only a human can. */
  | { readonly kind: 'dialog'; readonly dialog: Dialog; readonly answering?: Answering }
  /** A full-screen view (a transcript, an editor) that swallows input. */
  | { readonly kind: 'view'; readonly name: string };

/** A row of the screen, whole, without white space at its end, and the first row that reads so, counted from 1. */
export interface StandingRow {
  readonly text: string;
  readonly at: number;
}

/** These rows of a screen but for blank ones; `from` and `to` count from 0, `to` is the first that is left out. */
export function standingRows(screen: readonly { readonly text: string }[], from: number, to: number): StandingRow[] {
  const texts = screen.map(({ text }) => text.trimEnd());
  return texts
    .slice(from, to)
    .filter((text) => text !== '')
    .map((text) => ({ text, at: texts.indexOf(text) + 1 }));
}

/** A question an agent's program shows. Text comes from the screen and is untrusted. */
export interface Dialog {
  /** A stable name such as `trust`, `permission`, `question`, `api-key`; `unrecognised` for one we have no signature of. */
  readonly name: string;
  /** All that it shows, without the mark of the present choice. */
  readonly text: string;
  /** The choices as shown, in order. */
  readonly choices: readonly string[];
  /** What the human can do about it; a sentence of ours, not of the screen. */
  readonly hint: string;
  /** When the limit ends that it tells of, in ms since the epoch. */
  readonly limitUntilMs?: number;
}

/** How a dialog can be answered from outside of its pane. */
export type Answering =
  /** One of the choices is marked, Up and Down move the mark, and Enter takes the marked one. */
  | {
      readonly kind: 'by-label';
      /** Index of the marked choice. */
      readonly marked: number;
      /** The choices without the explanations below them; the whole label where there is none. */
      readonly short: readonly string[];
      /** Indexes of choices that take a text of their own. */
      readonly fields: readonly number[];
      /** Its rows as they stand on the screen, without white space at their ends; the marked one first. */
      readonly rows: readonly [string, ...string[]];
    }
  /** `why` is the rest of a sentence that begins with "It cannot be answered from here: ". */
  | { readonly kind: 'in-the-pane'; readonly why: string };

/**
 * Whether two looks show the same question. The mark may stand elsewhere, and so may what is said below the choices; the
 * question itself and the choices may not differ but for line breaks.
 */
export function isSameDialog(one: Dialog, other: Dialog): boolean {
  return one.name === other.name && questionOf(one) === questionOf(other) && choicesOf(one) === choicesOf(other);
}

/** What tells this question from another one, in one string. */
export const dialogKey = (dialog: Dialog): string =>
  JSON.stringify([dialog.name, questionOf(dialog), choicesOf(dialog)]);

const choicesOf = ({ choices }: Dialog): string => squeezed(choices.join(''));

function questionOf(dialog: Dialog): string {
  const text = squeezed(dialog.text);
  const choices = choicesOf(dialog);
  const end = choices === '' ? -1 : text.lastIndexOf(choices);
  return end < 0 ? text : text.slice(0, end);
}

/** Lines that are drawn are as long as the pane is wide. */
const squeezed = (text: string): string => text.replaceAll(/[\s\u2500-\u257f]+/g, '');

/** Which choice is meant by `wanted`: its label, the label without its number, or without the explanation below it. */
export function choiceMeant(
  { choices }: Dialog,
  short: readonly string[],
  wanted: string,
): number | 'none' | 'several' {
  const named = (names: readonly string[]): number[] =>
    names.flatMap((name, index) => (spoken(name) === spoken(wanted) ? [index] : []));
  const ways = [choices, choices.map(unnumbered), short, short.map(unnumbered)];
  const found = ways.map(named).find((indexes) => indexes.length > 0) ?? [];
  if (found.length > 1) return 'several';
  return found[0] ?? 'none';
}

const unnumbered = (label: string): string => label.replace(/^[0-9]+\. +/, '');

/** Typographic quotes are what programs draw and what nobody types. */
const spoken = (text: string): string =>
  text
    .replaceAll(/[\u2018\u2019]/g, "'")
    .replaceAll(/[\u201c\u201d]/g, '"')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase();
