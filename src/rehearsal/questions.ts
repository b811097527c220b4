import { emptyComposer } from './composer.ts';
import { openDialog, type Answer, type DialogName } from './dialogs.ts';
import { fireHook } from './hooks.ts';
import type { TakenInput } from './records.ts';
import { changed, noteInput, type Stage } from './stage.ts';

/** What an answer means to whoever asked. */
export type Verdict = { readonly approved: boolean; readonly words: string };

/**
 * Shows a dialog and resolves when it is answered. The event is reported at once and runs beside the dialog, as in
 * Claude Code. Throws when a dialog is open already.
 */
export async function ask(stage: Stage, name: DialogName, lines?: readonly string[]): Promise<Verdict> {
  if (stage.surface.kind === 'dialog') throw new Error(`the ${stage.surface.dialog.name} dialog is open already`);
  const dialog = openDialog(name, lines);
  const openedAt = Date.now();
  announce(stage, name, dialog.lines);
  const answer = await new Promise<Answer>((answered) => {
    stage.surface = { kind: 'dialog', dialog, answered };
    changed(stage);
  });
  const verdict = judge(name, answer);
  noteInput(stage, { as: noteOf(name, verdict), text: verdict.words, openMs: Date.now() - openedAt });
  if (name === 'trust' && !verdict.approved) {
    stage.quit(1, "The rehearsal agent didn't start because this folder isn't trusted.");
  }
  stage.surface = { kind: 'composer' };
  changed(stage);
  return verdict;
}

/** Closes an open dialog as Esc does; nothing happens without one. */
export function cancelQuestion(stage: Stage): void {
  if (stage.surface.kind === 'dialog') stage.surface.answered({ kind: 'cancelled' });
}

/** Puts a half-written text away, or brings it back into an empty box. */
export function stashDraft(stage: Stage): void {
  if (stage.composer.cells.length > 0) {
    stage.stash = stage.composer;
    stage.composer = emptyComposer;
  } else if (stage.stash !== null) {
    stage.composer = stage.stash;
    stage.stash = null;
  }
}

function announce(stage: Stage, name: DialogName, lines: readonly string[]): void {
  switch (name) {
    case 'trust':
      // Asked before the conversation exists: no event.
      return;
    case 'permission':
      void fireHook(stage, 'PermissionRequest', { tool_name: 'Bash', tool_input: { command: lines[0] ?? '' } });
      return;
    case 'question':
      void fireHook(stage, 'PermissionRequest', { tool_name: 'AskUserQuestion', tool_input: { questions: lines } });
      return;
    case 'limit':
      void fireHook(stage, 'Notification', { message: 'Usage limit reached', notification_type: 'limit' });
      return;
  }
}

function judge(name: DialogName, answer: Answer): Verdict {
  switch (answer.kind) {
    case 'cancelled':
      return { approved: false, words: 'cancelled' };
    case 'typed':
      return { approved: true, words: answer.text };
    case 'chosen':
      return { approved: isApproval(name, answer.index), words: answer.choice };
  }
}

function isApproval(name: DialogName, index: number): boolean {
  switch (name) {
    case 'trust':
    case 'limit':
      return index === 1;
    case 'permission':
      return index < 2;
    case 'question':
      return true;
  }
}

function noteOf(name: DialogName, verdict: Verdict): TakenInput['as'] {
  if (!verdict.approved) return 'refused';
  return name === 'question' ? 'answer' : 'approved';
}
