import type { Activity, DeliveryTiming } from './agent.ts';
import type { HoldOutcome, StuckOutcome } from './event.ts';
import type { PromptStage } from './run.ts';
import type { Dialog, Screen, StandingRow } from './screen.ts';

/**
 * The delivery protocol as a pure function: from what has been journaled and what is seen now to the one next move.
 *
 *   wanted ─type─▶ intended ─▶ typed ─(our text stands in the composer, and settled)─ enter ─▶ entered ─evidence─▶ taken
 *
 * Rules that never bend: nothing is typed unless the composer is there, empty and in front; the text is pasted once;
 * Enter is pressed only while the composer holds our text and nothing else; only evidence from the agent ends it well.
 */
export type Move =
  /** `rows` is the empty box: who has begun to type in it since is seen by tmux itself. */
  | { readonly do: 'type'; readonly rows: readonly StandingRow[] }
  | { readonly do: 'leave-mode' }
  /** `rows` is the box with our text alone in it. */
  | { readonly do: 'enter'; readonly rows: readonly StandingRow[] }
  /** Our text is seen to stand in the composer although it was not journaled as typed (a crash or a human came between). */
  | { readonly do: 'note-typed' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'hold'; readonly outcome: HoldOutcome | 'not_ready'; readonly reason: string }
  | { readonly do: 'stuck'; readonly outcome: StuckOutcome; readonly reason: string }
  | { readonly do: 'reopen'; readonly why: string };

/** Everything one move is decided from. Times are ms since the epoch. */
export interface Sight {
  readonly now: number;
  readonly stage: Extract<PromptStage, { kind: 'wanted' | 'intended' | 'typed' | 'entered' }>;
  /** The line with its marker. */
  readonly line: string;
  readonly generation: number;
  /** How often pasting this prompt was begun. */
  readonly attempts: number;
  /** What the paste of the present attempt leaves at the pane. */
  readonly mark: string;
  /** The agent reported its conversation, so that its program takes input. */
  readonly sessionBegun: boolean;
  readonly launchedAt: number;
  readonly alive: 'alive' | 'gone' | 'unknown' | 'not-started';
  readonly activity: Activity;
  readonly pane: PaneSight;
  readonly screen: Screen;
  /** The line that the role took last, and when; null when it took none. */
  readonly takenBefore: { readonly line: string; readonly at: number } | null;
  /** When our text was first seen whole in the composer in this attempt; null before. */
  readonly seenAt: number | null;
  readonly timing: DeliveryTiming;
  /** Why nothing may be typed now although the pane would take it: a human holds it, or the run is paused. Else null. */
  readonly hold: string | null;
  /** It is not typed into an agent at work: a message, which would change what the agent is doing. */
  readonly whenIdle: boolean;
  /** tmux did not press the Enter that was journaled last, because something on the screen had moved. */
  readonly enterRefused: boolean;
}

export type PaneSight =
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown'; readonly why: string }
  | {
      readonly kind: 'seen';
      readonly dead: boolean;
      readonly inMode: boolean;
      readonly inputOff: boolean;
      readonly watchers: number;
      readonly cols: number;
      readonly rows: number;
      /** The mark of what was pasted there last; '' when nothing was. */
      readonly pasted: string;
    };

/** Below this size the composer cannot be read (measured with Claude Code: nothing of it is visible at 20x5). */
export const SMALLEST_PANE = { cols: 39, rows: 8 };
/** How often to look again while a prompt is under way, and while it is held. */
export const LOOK_AGAIN = { underWayMs: 8, heldMs: 250 };

export function nextMove(sight: Sight): Move {
  if (sight.hold !== null && !isAwaited(sight)) return held(sight.hold);
  if (sight.stage.kind === 'wanted') return fromWanted(sight);
  if (sight.alive === 'gone')
    return { do: 'hold', outcome: 'agent_dead', reason: 'the agent ended before it took the prompt' };
  return sight.stage.generation === sight.generation ? afterTyping(sight) : afterItsEnd(sight);
}

/** What was entered may still be reported a while longer, whoever holds the pane by now. */
const isAwaited = ({ stage, enterRefused, now, timing }: Sight): boolean =>
  stage.kind === 'entered' && !enterRefused && now - stage.at < timing.evidenceWithinMs;

/**
 * Another process than the one that was typed into: whatever that one had not taken went with it. What it had taken in its
 * last moment it may still be writing down, so its successor has to be up before that is decided.
 */
function afterItsEnd(sight: Sight): Move {
  const waited = sight.now - sight.launchedAt;
  if (!sight.sessionBegun && waited < sight.timing.readyWithinMs) return { do: 'wait', ms: LOOK_AGAIN.underWayMs * 2 };
  return { do: 'reopen', why: 'the agent that was typed into ended before it took the prompt' };
}

function fromWanted(sight: Sight): Move {
  return (
    blockedByAgent(sight) ??
    blockedByPane(sight) ??
    standsAlready(sight) ??
    blockedByScreen(sight) ??
    blockedByWork(sight) ?? { do: 'type', rows: boxOf(sight.screen) }
  );
}

const boxOf = (screen: Screen): readonly StandingRow[] => (screen.kind === 'composer' ? screen.rows : []);

/** Typed before and never entered: it must not be typed a second time behind itself. */
function standsAlready({ screen, line, attempts }: Sight): Move | null {
  const stands = attempts > 0 && screen.kind === 'composer' && standing(screen.draft, line) === 'ours';
  return stands ? { do: 'note-typed' } : null;
}

const held = (reason: string): Move => ({ do: 'hold', outcome: 'held_for_human', reason });
const notReady = (reason: string): Move => ({ do: 'hold', outcome: 'not_ready', reason });

function blockedByAgent(sight: Sight): Move | null {
  if (sight.alive === 'gone') return { do: 'hold', outcome: 'agent_dead', reason: 'the agent is not running' };
  if (sight.alive === 'not-started') return notReady('the agent is being started');
  if (sight.alive === 'unknown') return held('it could not be told whether the agent is alive');
  return null;
}

function blockedByPane({ pane }: Sight): Move | null {
  if (pane.kind === 'gone') return { do: 'hold', outcome: 'agent_dead', reason: 'the pane is gone' };
  if (pane.kind === 'unknown') return held(`the pane could not be looked at (${pane.why})`);
  if (pane.dead) return { do: 'hold', outcome: 'agent_dead', reason: 'the program in the pane has ended' };
  if (pane.inputOff) return held('input to the pane is switched off');
  if (pane.inMode && pane.watchers > 0) return held('somebody reads the pane in copy mode');
  if (pane.inMode) return { do: 'leave-mode' };
  if (pane.cols < SMALLEST_PANE.cols || pane.rows < SMALLEST_PANE.rows) {
    return held(
      `the pane is too small (${pane.cols}x${pane.rows}; at least ${SMALLEST_PANE.cols}x${SMALLEST_PANE.rows})`,
    );
  }
  return null;
}

function blockedByScreen(sight: Sight): Move | null {
  const { screen } = sight;
  if (screen.kind === 'dialog') return blockedBy(screen.dialog);
  if (sight.activity.kind === 'waiting')
    return {
      do: 'hold',
      outcome: 'blocked_by_dialog',
      reason: `the agent waits for an answer (${sight.activity.waitingFor})`,
    };
  if (screen.kind === 'view') return held(`the pane shows ${screen.name}, which takes no prompts`);
  if (screen.kind === 'composer-mode')
    return held(screen.mode === 'shell' ? 'the composer is in shell mode' : 'a menu is open in the composer');
  if (screen.kind === 'unknown' || !sight.sessionBegun) return notYet(sight);
  if (screen.draft === '') return null;
  return isOldPicture(sight, screen.draft)
    ? notReady('the screen does not show yet that the prompt before was taken')
    : held('a draft that is not ours stands in the composer');
}

function blockedByWork({ whenIdle, activity, screen }: Sight): Move | null {
  const isAtWork = activity.kind === 'busy' || (screen.kind === 'composer' && screen.busy);
  return whenIdle && isAtWork
    ? { do: 'hold', outcome: 'queued', reason: 'the agent is at work; it is typed when the turn has ended' }
    : null;
}

/** Evidence may be quicker than the screen. */
function isOldPicture({ takenBefore, timing, now }: Sight, draft: string): boolean {
  if (takenBefore === null || now - takenBefore.at >= timing.echoWithinMs) return false;
  return squeezed(draft) === squeezed(takenBefore.line);
}

const blockedBy = (dialog: Dialog): Move => ({
  do: 'hold',
  outcome: 'blocked_by_dialog',
  reason: `${dialog.name}: ${firstLine(dialog.text)}`,
});
const firstLine = (text: string): string =>
  (text.split('\n').find((line) => line.trim() !== '') ?? '').trim().slice(0, 120);

function notYet(sight: Sight): Move {
  if (sight.now - sight.launchedAt < sight.timing.readyWithinMs) return notReady('the agent is starting');
  if (!sight.sessionBegun) return held('the agent has not reported its session; its hooks may be switched off');
  return held('the composer cannot be found on the screen');
}

function afterTyping(sight: Sight): Move {
  const { screen, stage, timing, now } = sight;
  if (sight.pane.kind === 'gone' || (sight.pane.kind === 'seen' && sight.pane.dead))
    return { do: 'wait', ms: LOOK_AGAIN.heldMs };
  const stands = screen.kind === 'composer' ? standing(screen.draft, sight.line) : 'no';
  if (stands === 'ours' && stage.kind === 'intended') return { do: 'note-typed' };
  if (stands === 'ours' && screen.kind === 'composer') return readyToEnter(sight, screen.rows);
  if (stands === 'changed') return stuck('typed_not_submitted', 'something was added to our text in the composer');
  // Once Enter was pressed a dialog hides whether the text still stands, and may be of the prompt's own turn.
  if (screen.kind === 'dialog' && stage.kind !== 'entered')
    return stuck('typed_not_submitted', `a dialog opened before Enter (${screen.dialog.name})`);
  if (stage.kind === 'intended' && sight.pane.kind === 'seen' && sight.pane.pasted !== sight.mark)
    return { do: 'reopen', why: 'tmux was not told to paste it' };
  const since = now - ('at' in stage ? stage.at : now);
  const patience = stage.kind === 'entered' ? timing.evidenceWithinMs : timing.echoWithinMs;
  if (since < patience) return { do: 'wait', ms: LOOK_AGAIN.underWayMs };
  if (stage.kind === 'entered')
    return stuck('indeterminate', `${whereabouts(screen)}, and the agent did not report the prompt`);
  return stuck(
    'indeterminate',
    screen.kind === 'composer'
      ? 'the text was pasted but is not in the composer'
      : 'the text was pasted, and the composer cannot be seen',
  );
}

function whereabouts(screen: Screen): string {
  if (screen.kind === 'composer') return 'Enter was pressed, the text has left the composer';
  return screen.kind === 'dialog'
    ? `a dialog is open (${screen.dialog.name})`
    : 'Enter was pressed, the composer cannot be seen';
}

const stuck = (outcome: StuckOutcome, reason: string): Move => ({ do: 'stuck', outcome, reason });

function readyToEnter(sight: Sight, rows: readonly StandingRow[]): Move {
  const { stage, timing, now, pane, activity } = sight;
  if (pane.kind !== 'seen' || sight.hold !== null) return { do: 'wait', ms: LOOK_AGAIN.heldMs };
  if (pane.inMode && pane.watchers > 0) return stuck('typed_not_submitted', 'somebody reads the pane in copy mode');
  if (pane.inMode) return { do: 'leave-mode' };
  // A dialog has the keyboard before it is drawn.
  if (activity.kind === 'waiting')
    return stuck('typed_not_submitted', `the agent waits for an answer (${activity.waitingFor})`);
  if (stage.kind === 'typed') {
    const settled = sight.seenAt === null ? 0 : now - sight.seenAt;
    return sight.seenAt !== null && settled >= timing.settleMs
      ? { do: 'enter', rows }
      : { do: 'wait', ms: Math.max(1, timing.settleMs - settled) };
  }
  if (stage.kind !== 'entered') return { do: 'wait', ms: LOOK_AGAIN.underWayMs };
  if (sight.enterRefused) return { do: 'enter', rows };
  const again = timing.enterAgainAfterMs[stage.times - 1];
  if (again === undefined) {
    return now - stage.at < timing.evidenceWithinMs
      ? { do: 'wait', ms: LOOK_AGAIN.underWayMs }
      : stuck(
          'typed_not_submitted',
          `Enter was pressed ${stage.times} times and the text still stands in the composer`,
        );
  }
  return now - stage.at >= again ? { do: 'enter', rows } : { do: 'wait', ms: LOOK_AGAIN.underWayMs };
}

/** Composers wrap by themselves, so that only the text without white space can be compared. */
function standing(draft: string, line: string): 'ours' | 'changed' | 'no' {
  const shown = squeezed(draft);
  const ours = squeezed(line);
  if (shown === ours) return 'ours';
  return shown.includes(ours) ? 'changed' : 'no';
}

/** A line without white space: what composers wrap is compared so. */
export const squeezed = (text: string): string => text.replaceAll(/\s+/g, '');
