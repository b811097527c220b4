import { randomInt } from 'node:crypto';
import type { Ask, Chain, Command } from './commands.ts';
import { quote } from './commands.ts';
import { meansGone, toldBy } from './failure.ts';
import { wholeRowPattern } from './text.ts';

/**
 * The only file that pastes. A paste into a dead pane that `remain-on-exit` keeps ends a tmux 3.3a server with every
 * session on it, so each paste stands in one branch of an `if-shell -F` whose condition tmux checks in the same go.
 */
export type TypeResult = 'typed' | 'refused' | { readonly failed: string };

/** A row, whole: standing anywhere on the screen, or first at this place, counted from 1. */
export type RowGuard = string | { readonly text: string; readonly at: number };

/**
 * What tmux is to keep at the pane with a paste, so that whoever looks afterwards knows whether it came to be. It is
 * pasted only where `before` is kept there: two pastes that were decided from the same look cannot both come to be,
 * although the first one's sender may be dead by now and its request still on its way.
 */
export interface PasteMark {
  readonly before: string;
  readonly after: string;
}

/** The pane's option that keeps the mark. */
export const PASTED = '@tmops_pasted';

/** Pastes one line, bracketed when the program asked for that, if the pane still shows each of these rows. */
export function pasteLine(
  ask: Ask,
  target: TypeTarget,
  line: string,
  rows: readonly RowGuard[] = [],
  mark?: PasteMark,
): Promise<TypeResult> {
  if (line === '' || line.length > LINE_LIMIT || /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(line)) {
    throw new Error(`Internal error: ${JSON.stringify(line.slice(0, 80))} is not one line of text that can be typed`);
  }
  if (mark === undefined) return paste(ask, target, { text: line, flags: ['-p'], guard: whileStanding(rows) });
  const guard = allOf([`#{==:#{${PASTED}},${checkMark(mark.before)}}`, whileStanding(rows)]);
  const keep: Command = ['set-option', '-p', '-t', target.pane, PASTED, checkMark(mark.after)];
  return paste(ask, target, { text: line, flags: ['-p'], guard, keep });
}

/** Marks stand in formats of tmux. */
function checkMark(mark: string): string {
  if (!/^[\d.]*$/.test(mark)) throw new Error(`Internal error: ${JSON.stringify(mark)} is no mark of a paste`);
  return mark;
}

export type Key = 'up' | 'down' | 'enter' | 'escape';

/** Presses one key if the pane still shows each of these rows. Never bracketed: it has to count as a key. */
export function pressKey(
  ask: Ask,
  target: TypeTarget,
  key: Key,
  rows: readonly [RowGuard, ...RowGuard[]],
): Promise<TypeResult> {
  return paste(ask, target, { text: KEYS[key], flags: [], guard: whileStanding(rows) });
}

const KEYS: Readonly<Record<Key, string>> = { up: '\x1b[A', down: '\x1b[B', enter: '\r', escape: '\x1b' };

/** Where all rows are too long for one command the first ones count; the very first always does. */
function whileStanding(rows: readonly RowGuard[]): string {
  let bytes = 0;
  const conditions = rows.map(stands).filter((condition, index) => {
    bytes += Buffer.byteLength(condition);
    return index === 0 || bytes <= GUARD_BYTES;
  });
  return allOf([TAKES_INPUT, ...conditions]);
}

/** tmux tells the first row of the pane that fits, from 1; 0 when there is none. */
function stands(row: RowGuard): string {
  if (typeof row === 'string') return `#{C/r:${wholeRowPattern(row)}}`;
  return `#{==:#{C/r:${wholeRowPattern(row.text)}},${row.at}}`;
}

/** tmux takes some 16 KB in one command line. */
const GUARD_BYTES = 6000;

/** Halved again and again: tmux follows nested conditions to a depth of a hundred. */
function allOf(conditions: readonly string[]): string {
  if (conditions.length <= 1) return conditions[0] ?? '1';
  const half = Math.ceil(conditions.length / 2);
  return `#{&&:${allOf(conditions.slice(0, half))},${allOf(conditions.slice(half))}}`;
}

export interface TypeTarget {
  readonly pane: string;
  /** The pane's session, when known: buffers are named after it. */
  readonly session: string | undefined;
}

/** Whether a buffer was made here for the session. */
export function isBufferOf(session: string, buffer: string): boolean {
  return new RegExp(`^tmops-${session}-\\d+$`).test(buffer);
}

const LINE_LIMIT = 4000;

// Alive, in no mode, taking input. True only for exactly this: a fact that is missing makes it false.
const TAKES_INPUT = '#{==:#{pane_dead}#{pane_in_mode}#{pane_input_off},000}';

const TYPED = 'tmops-typed';
const REFUSED = 'tmops-refused';

interface Paste {
  readonly text: string;
  readonly flags: readonly string[];
  readonly guard: string;
  /** Done in the same breath when it was pasted. */
  readonly keep?: Command;
}

async function paste(ask: Ask, target: TypeTarget, what: Paste): Promise<TypeResult> {
  const buffer = bufferName(target.session);
  const reply = await ask(guardedPaste(target.pane, buffer, what), { repeatable: false });
  if (reply.kind === 'done') return branchTaken(reply.outputs[1]?.[0] ?? '', target.pane);
  // The condition was true of nothing and tmux then found no pane to paste into: the text is still in the buffer.
  if (reply.kind === 'error') await ask([['delete-buffer', '-b', buffer]], { repeatable: false });
  if (reply.kind === 'error' && meansGone(reply.message)) return { failed: `the pane ${target.pane} is gone` };
  const doubt = reply.kind === 'failed' && reply.mayHaveRun ? '; it is not known whether the text was typed' : '';
  return { failed: `${toldBy(reply)}${doubt}` };
}

function guardedPaste(pane: string, buffer: string, what: Paste): Chain {
  const plain: Command = ['paste-buffer', ...what.flags, '-r', '-d', '-b', buffer, '-t', pane];
  const act = what.text.startsWith('\x1b') ? unchanged(pane, plain) : plain;
  const type = inner(act, ...(what.keep ? [what.keep] : []), say(TYPED));
  const refuse = inner(['delete-buffer', '-b', buffer], say(`${REFUSED} #{pane_id}`, pane));
  return [
    ['set-buffer', '-b', buffer, '--', what.text],
    ['if-shell', '-F', '-t', pane, what.guard, type, refuse],
  ];
}

/** From 3.7 on tmux writes an escape as `^[` unless it is told not to; before, it does not know that flag. */
function unchanged(pane: string, plain: Command): Command {
  const [name = '', ...rest] = plain;
  return ['if-shell', '-F', '-t', pane, WRITES_ESCAPES_AS_TEXT, inner([name, '-S', ...rest]), inner(plain)];
}

const WRITES_ESCAPES_AS_TEXT = '#{m/r:^(next-)?(3[.]([7-9]|[1-9][0-9])|[4-9]|[1-9][0-9]),#{version}}';

function inner(...chain: readonly Command[]): string {
  return chain.map((command) => command.map(quote).join(' ')).join(' ; ');
}

function say(text: string, pane?: string): Command {
  return ['display-message', '-p', ...(pane === undefined ? [] : ['-t', pane]), text];
}

function branchTaken(said: string, pane: string): TypeResult {
  if (said === TYPED) return 'typed';
  if (said === `${REFUSED} ${pane}`) return 'refused';
  // Without the pane tmux judged another one and shows that one's id here.
  if (said.startsWith(REFUSED)) return { failed: `the pane ${pane} is gone` };
  return { failed: `tmux answered ${JSON.stringify(said)}; it is not known whether the text was typed` };
}

// Random start: several processes may type on one server.
let lastBuffer = randomInt(1e9, 1e12);

function bufferName(session: string | undefined): string {
  lastBuffer += 1;
  return `tmops-${session ?? 'pane'}-${lastBuffer}`;
}
