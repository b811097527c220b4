/**
 * What may be typed into a composer as it stands. Everything else goes into a file that a safe line points at, because
 * composers change what they are given: tabs become blanks, `/` and `!` are commands, long or many lines arrive marked
 * as pasted, a closing `\` turns Enter into a line break (measured with Claude Code 2.1; see docs/delivery.md).
 */

/** A longer line would fill the composer of a small pane. Counted in UTF-16 units. */
const MAX_CHARACTERS = 60;
const UNSAFE_FIRST = /^[/!#?@\s]/;
const UNSAFE_LAST = /[\\;\s]$/;
/** Control, format, private and unassigned characters, and any line or paragraph end. */
const UNSAFE_ANYWHERE = /[\p{C}\p{Zl}\p{Zp}]/u;
/** Composers show blanks other than the plain one as they like. */
const ODD_BLANK = /[^\S ]| {2}/;

/** Whether the text reaches the agent unchanged when it is typed as one line. */
export function isTypable(text: string): boolean {
  if (text === '' || text.length > MAX_CHARACTERS || text !== text.normalize('NFC')) return false;
  return !UNSAFE_FIRST.test(text) && !UNSAFE_LAST.test(text) && !UNSAFE_ANYWHERE.test(text) && !ODD_BLANK.test(text);
}

/** The line that points at a file, given relative to the worktree. */
export const pointerLine = (path: string): string => `Read ${path} and do what it says.`;
