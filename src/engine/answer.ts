import type { Refusal, Request } from '../core/request.ts';
import { choiceMeant, isSameDialog, type Answering, type Dialog, type Screen } from '../core/screen.ts';
import type { RunLoop } from './loop.ts';
import type { AgentProvider, Clock, Terminal } from './ports.ts';

export interface AnswerParts {
  readonly loop: RunLoop;
  readonly terminal: Terminal;
  readonly provider: AgentProvider;
  readonly clock: Clock;
}

export interface AnswerOrder {
  readonly role: string;
  /** The label of a choice, as somebody was shown it. */
  readonly choice: string;
  readonly by: string;
  readonly principal?: string;
  /** Whether this is the dialog that they were shown. */
  readonly isMeant: (dialog: Dialog) => boolean;
}

/** Why no key, or no Enter, was pressed. */
export type AnswerProblem =
  | { readonly kind: 'no-pane' }
  | { readonly kind: 'not-seen'; readonly why: string }
  | { readonly kind: 'in-copy-mode' }
  | { readonly kind: 'dialog-gone' }
  | { readonly kind: 'in-the-pane'; readonly dialog: string; readonly why: string }
  | { readonly kind: 'takes-text'; readonly choice: string }
  | { readonly kind: 'several-choices'; readonly choices: readonly string[] }
  | { readonly kind: 'mark-stays'; readonly marked: string }
  | { readonly kind: 'not-pressed'; readonly why: string };

export type AnswerOutcome =
  /** `isGone`: the dialog was seen to be gone after Enter. */
  | { readonly ok: true; readonly dialog: string; readonly choice: string; readonly isGone: boolean }
  | { readonly ok: false; readonly refusal: Refusal }
  | { readonly ok: false; readonly problem: AnswerProblem };

type Failed = Exclude<AnswerOutcome, { ok: true }>;

/**
 * How long a dialog has to stand before Enter is pressed, in ms. Claude Code 2.1.329 lets Enter go by in the first 0.2 s of
 * a dialog (measured: taken from 150 ms on after it was seen, ignored before), so that nobody answers it by accident.
 */
const STANDS_MS = 500;
/** How long a key may take to show on the screen, how long the dialog to go after Enter, and how often to look. In ms. */
const WITHIN = { moved: 2000, drawn: 500, gone: 5000 };
const LOOK_EVERY_MS = 15;

/**
 * Answers the dialog that a role's agent shows: moves its mark to the choice, one row at a time, and takes it. Every key is
 * pressed only while the dialog of the journal stands on the screen as it was last seen, which tmux checks in the same go;
 * after each it is looked where the mark is. The answer is in the journal before Enter is pressed.
 */
export async function answerDialog(parts: AnswerParts, order: AnswerOrder): Promise<AnswerOutcome> {
  const begun = await begin(parts, order);
  if (!('target' in begun)) return begun;
  const { pane, target } = begun;
  let seen: Seen = begun.seen;
  const { name, choices } = seen.dialog;
  const choice = choices[target] ?? '';
  const about = { role: order.role, choice } as const;
  let isJournaled = false;
  for (let presses = 0; presses < 2 * choices.length + 6; presses += 1) {
    const { marked, rows } = seen.answering;
    const isMarked = marked === target;
    if (isMarked) await parts.clock.sleep(begun.since + STANDS_MS - parts.clock.now());
    const request: Request =
      isMarked && !isJournaled
        ? { kind: 'dialog-answered', ...about, dialog: seen.dialog, by: order.by }
        : { kind: 'dialog-answering', ...about, dialog: seen.dialog };
    const allowed = await parts.loop.submit(request, order.principal);
    if (!allowed.ok) return allowed;
    isJournaled ||= isMarked;
    const key = isMarked ? 'enter' : marked < target ? 'down' : 'up';
    const pressed = await parts.terminal.press(pane, key, rows);
    if (typeof pressed === 'object') return failed({ kind: 'not-pressed', why: pressed.failed });
    if (isMarked && pressed === 'typed')
      return { ok: true, dialog: name, choice, isGone: await isGone(parts, order, seen) };
    const next = await afterKey(parts, order, seen, pressed);
    if ('ok' in next) return next;
    seen = next;
  }
  return failed({ kind: 'not-pressed', why: 'the dialog kept changing on the screen' });
}

/** A dialog whose choices can be marked. */
interface Seen {
  readonly dialog: Dialog;
  readonly answering: Extract<Answering, { kind: 'by-label' }>;
}

const failed = (problem: AnswerProblem): Failed => ({ ok: false, problem });

interface Begun {
  readonly pane: string;
  readonly seen: Seen;
  /** Index of the choice that is meant. */
  readonly target: number;
  /** When it was first looked at, in ms since the epoch. */
  readonly since: number;
}

async function begin(parts: AnswerParts, order: AnswerOrder): Promise<Begun | Failed> {
  const agent = parts.loop.run().agents[order.role];
  if (agent?.state.kind !== 'asking') return refusedAs(parts, order, NO_DIALOG);
  if (agent.pane === null) return failed({ kind: 'no-pane' });
  const seen = await seeDialog(parts, order.role, agent.pane);
  if ('ok' in seen) return seen;
  const { dialog, answering } = seen;
  if (!isSameDialog(agent.state.dialog, dialog) || !order.isMeant(dialog)) return changed(parts, order, dialog);
  if (answering.kind === 'in-the-pane') return failed({ kind: 'in-the-pane', dialog: dialog.name, why: answering.why });
  const target = choiceMeant(dialog, answering.short, order.choice);
  if (target === 'several') return failed({ kind: 'several-choices', choices: dialog.choices });
  if (target === 'none') return refusedAs(parts, order, dialog);
  if (answering.fields.includes(target)) return failed({ kind: 'takes-text', choice: dialog.choices[target] ?? '' });
  return { pane: agent.pane, seen: { dialog, answering }, target, since: parts.clock.now() };
}

const NO_DIALOG: Dialog = { name: '', text: '', choices: [], hint: '' };

/** The core's own word for what stands in the way. */
async function refusedAs({ loop }: AnswerParts, { role, choice }: AnswerOrder, dialog: Dialog): Promise<Failed> {
  const answer = await loop.submit({ kind: 'dialog-answering', role, dialog, choice });
  // It has begun to ask in this very moment: nobody was shown that yet.
  return answer.ok ? failed({ kind: 'dialog-gone' }) : answer;
}

/** Notes the dialog that is there now, so that whoever asks next is shown it. */
async function changed({ loop }: AnswerParts, { role }: AnswerOrder, dialog: Dialog): Promise<Failed> {
  await loop.submit({ kind: 'agent-asking', role, dialog });
  return { ok: false, refusal: { reason: 'dialog-changed', received: dialog.name, allowed: dialog.choices } };
}

async function gone({ loop }: AnswerParts, { role }: AnswerOrder): Promise<Failed> {
  await loop.submit({ kind: 'agent-answered', role });
  return failed({ kind: 'dialog-gone' });
}

type SeenDialog = { readonly dialog: Dialog; readonly answering: Answering };

/** What the pane asks now. What is half drawn is looked at again, for a moment. */
async function seeDialog(parts: AnswerParts, role: string, pane: string): Promise<SeenDialog | Failed> {
  const until = parts.clock.now() + WITHIN.drawn;
  for (;;) {
    const look = await parts.terminal.look(pane);
    if (look.kind === 'gone') return failed({ kind: 'no-pane' });
    if (look.kind === 'unknown') return failed({ kind: 'not-seen', why: look.why });
    if (look.inMode && look.watchers > 0) return failed({ kind: 'in-copy-mode' });
    if (look.inMode) await parts.terminal.leaveMode(pane);
    const screen = parts.provider.classify(look.capture);
    if (screen.kind === 'dialog' && !look.inMode) return { dialog: screen.dialog, answering: answeringOf(screen) };
    if (isOther(screen)) return gone(parts, { role, choice: '', by: '', isMeant: () => true });
    if (parts.clock.now() >= until) return failed({ kind: 'not-seen', why: 'what it shows was not recognised' });
    await parts.clock.sleep(LOOK_EVERY_MS);
  }
}

const isOther = (screen: Screen): boolean => screen.kind !== 'dialog' && screen.kind !== 'unknown';

const answeringOf = (screen: Extract<Screen, { kind: 'dialog' }>): Answering =>
  screen.answering ?? { kind: 'in-the-pane', why: 'tmops cannot tell its choices apart' };

/**
 * Where the mark is after a key. A key that tmux refused was not pressed, since something on the screen had changed: the
 * next look says what.
 */
async function afterKey(
  parts: AnswerParts,
  order: AnswerOrder,
  before: Seen,
  pressed: 'typed' | 'refused',
): Promise<Seen | Failed> {
  const pane = parts.loop.run().agents[order.role]?.pane ?? null;
  if (pane === null) return failed({ kind: 'no-pane' });
  const until = parts.clock.now() + WITHIN.moved;
  for (;;) {
    const seen = await seeDialog(parts, order.role, pane);
    if ('ok' in seen) return seen;
    const { dialog, answering } = seen;
    if (!isSameDialog(before.dialog, dialog)) return changed(parts, order, dialog);
    if (answering.kind === 'in-the-pane')
      return failed({ kind: 'in-the-pane', dialog: dialog.name, why: answering.why });
    if (pressed === 'refused' || answering.marked !== before.answering.marked) return { dialog, answering };
    if (parts.clock.now() >= until)
      return failed({ kind: 'mark-stays', marked: dialog.choices[answering.marked] ?? '' });
    await parts.clock.sleep(LOOK_EVERY_MS);
  }
}

/** Waits until the dialog is gone, or another one is there, and notes which. */
async function isGone(parts: AnswerParts, { role }: AnswerOrder, answered: Seen): Promise<boolean> {
  const { loop, terminal, provider, clock } = parts;
  const until = clock.now() + WITHIN.gone;
  while (clock.now() < until) {
    const pane = loop.run().agents[role]?.pane ?? null;
    const look = pane === null ? null : await terminal.look(pane);
    // Some answers end the agent; that is noted by whoever looks after it.
    if (look?.kind === 'gone' || (look?.kind === 'seen' && look.dead)) return true;
    const screen: Screen = look?.kind === 'seen' ? provider.classify(look.capture) : { kind: 'unknown' };
    if (screen.kind === 'dialog' && !isSameDialog(screen.dialog, answered.dialog)) {
      await loop.submit({ kind: 'agent-asking', role, dialog: screen.dialog });
      return true;
    }
    if (isOther(screen)) {
      await loop.submit({ kind: 'agent-answered', role });
      return true;
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
  return false;
}
