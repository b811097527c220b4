import { randomInt } from 'node:crypto';
import type { Ask, Chain, Command } from './commands.ts';
import { quote } from './commands.ts';
import { meansGone, toldBy } from './failure.ts';
import { rowEndPattern } from './text.ts';

/**
 * The only file that pastes. A paste into a dead pane that `remain-on-exit` keeps ends a tmux 3.3a server with every
 * session on it, so each paste stands in one branch of an `if-shell -F` whose condition tmux checks in the same go.
 */
export type TypeResult = 'typed' | 'refused' | { readonly failed: string };

/** Pastes one line, bracketed when the program asked for that. */
export function pasteLine(ask: Ask, target: TypeTarget, line: string): Promise<TypeResult> {
  if (line === '' || line.length > LINE_LIMIT || /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(line)) {
    throw new Error(`Internal error: ${JSON.stringify(line.slice(0, 80))} is not one line of text that can be typed`);
  }
  return paste(ask, target, { text: line, flags: ['-p'], guard: TAKES_INPUT });
}

/** Presses Enter if a row still ends with the end of `lastRow`. Never bracketed: it has to count as a key. */
export function pressEnter(ask: Ask, target: TypeTarget, lastRow: string): Promise<TypeResult> {
  const guard = `#{&&:${TAKES_INPUT},#{C/r:${rowEndPattern(lastRow)}}}`;
  return paste(ask, target, { text: '\r', flags: [], guard });
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

async function paste(
  ask: Ask,
  target: TypeTarget,
  what: { text: string; flags: readonly string[]; guard: string },
): Promise<TypeResult> {
  const buffer = bufferName(target.session);
  const reply = await ask(guardedPaste(target.pane, buffer, what), { repeatable: false });
  if (reply.kind === 'done') return branchTaken(reply.outputs[1]?.[0] ?? '', target.pane);
  // The condition was true of nothing and tmux then found no pane to paste into: the text is still in the buffer.
  if (reply.kind === 'error') await ask([['delete-buffer', '-b', buffer]], { repeatable: false });
  if (reply.kind === 'error' && meansGone(reply.message)) return { failed: `the pane ${target.pane} is gone` };
  const doubt = reply.kind === 'failed' && reply.mayHaveRun ? '; it is not known whether the text was typed' : '';
  return { failed: `${toldBy(reply)}${doubt}` };
}

function guardedPaste(
  pane: string,
  buffer: string,
  what: { text: string; flags: readonly string[]; guard: string },
): Chain {
  const type = inner(['paste-buffer', ...what.flags, '-r', '-d', '-b', buffer, '-t', pane], say(TYPED));
  const refuse = inner(['delete-buffer', '-b', buffer], say(`${REFUSED} #{pane_id}`, pane));
  return [
    ['set-buffer', '-b', buffer, '--', what.text],
    ['if-shell', '-F', '-t', pane, what.guard, type, refuse],
  ];
}

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
