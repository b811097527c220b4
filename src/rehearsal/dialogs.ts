import type { Key } from './keys.ts';

export const dialogNames = ['trust', 'permission', 'question', 'limit'] as const;
export type DialogName = (typeof dialogNames)[number];

/** A question that has the keyboard. `typed` is what was pasted or typed into the free-text choice. */
export interface OpenDialog {
  readonly name: DialogName;
  readonly title: string;
  readonly lines: readonly string[];
  readonly selected: number;
  readonly typed: string;
}

interface DialogForm {
  readonly title: string;
  readonly lines: readonly string[];
  readonly choices: readonly string[];
  /** Index of the choice that a blind Enter takes. */
  readonly preselected: number;
  /** Index of the choice that takes free text, or -1. */
  readonly freeText: number;
  /** What the status file says the agent waits for. */
  readonly waitingFor: string;
  readonly footer: string;
}

/** The dialogs, with the choices and the defaults that Claude Code 2.1 was seen to have. */
export const dialogForms: Readonly<Record<DialogName, DialogForm>> = {
  trust: {
    title: 'Accessing workspace:',
    lines: ['Quick safety check: is this a project you created or one you trust?'],
    choices: ['No, exit', 'Yes, I trust this folder'],
    preselected: 0,
    freeText: -1,
    waitingFor: 'folder trust',
    footer: 'Enter to confirm · Esc to cancel',
  },
  permission: {
    title: 'Command',
    lines: ['This command requires approval', 'Do you want to proceed?'],
    choices: ['1. Yes', "2. Yes, and don't ask again", '3. No'],
    preselected: 0,
    freeText: -1,
    waitingFor: 'permission prompt',
    footer: 'Esc to cancel · Tab to amend',
  },
  question: {
    title: 'Question',
    lines: ['Which one?'],
    choices: ['1. The first', '2. The second', '3. Type something.'],
    preselected: 0,
    freeText: 2,
    waitingFor: 'input needed',
    footer: 'Enter to select · ↑/↓ to navigate · Esc to cancel',
  },
  limit: {
    title: 'Usage limit reached',
    lines: ['What do you want to do?'],
    choices: ['1. Stop and wait for the limit to reset', '2. Go on with another model'],
    preselected: 0,
    freeText: -1,
    waitingFor: 'limit choice',
    footer: 'Enter to choose · Esc to cancel',
  },
};

/** How a dialog ended. */
export type Answer =
  | { readonly kind: 'chosen'; readonly choice: string; readonly index: number }
  | { readonly kind: 'typed'; readonly text: string }
  | { readonly kind: 'cancelled' };

/** A dialog as it opens; `lines` replaces its usual text. */
export function openDialog(name: DialogName, lines: readonly string[] = dialogForms[name].lines): OpenDialog {
  const { title, preselected } = dialogForms[name];
  return { name, title, lines, selected: preselected, typed: '' };
}

/** What a key does to a dialog. Text that no choice takes is lost. */
export function press(dialog: OpenDialog, key: Key): { dialog: OpenDialog; answer?: Answer } {
  const form = dialogForms[dialog.name];
  switch (key.kind) {
    case 'enter':
      return { dialog, answer: takeSelected(dialog) };
    case 'escape':
      return { dialog, answer: { kind: 'cancelled' } };
    case 'up':
      return { dialog: { ...dialog, selected: Math.max(0, dialog.selected - 1) } };
    case 'down':
      return { dialog: { ...dialog, selected: Math.min(form.choices.length - 1, dialog.selected + 1) } };
    case 'backspace':
      return { dialog: { ...dialog, typed: dialog.typed.slice(0, -1) } };
    case 'text':
    case 'paste':
      return pressText(dialog, key);
    default:
      return { dialog };
  }
}

/** The choices as drawn: the free-text one shows what was typed. */
export function shownChoices(dialog: OpenDialog): string[] {
  const { choices, freeText } = dialogForms[dialog.name];
  return choices.map((choice, index) =>
    index === freeText && dialog.typed !== '' ? `${index + 1}. ${dialog.typed}` : choice,
  );
}

function pressText(dialog: OpenDialog, key: { kind: 'text' | 'paste'; text: string }): ReturnType<typeof press> {
  const { choices, freeText } = dialogForms[dialog.name];
  const typing = freeText >= 0 && dialog.selected === freeText && dialog.typed !== '';
  const digit = key.kind === 'text' && !typing && /^[1-9]$/.test(key.text) ? Number(key.text) - 1 : -1;
  const numbered = choices[digit];
  if (numbered?.startsWith(`${key.text}.`) === true && digit !== freeText) {
    return { dialog, answer: { kind: 'chosen', choice: numbered, index: digit } };
  }
  if (freeText < 0) return { dialog };
  if (digit === freeText) return { dialog: { ...dialog, selected: freeText } };
  return { dialog: { ...dialog, selected: freeText, typed: (dialog.typed + key.text).slice(0, 4096) } };
}

function takeSelected(dialog: OpenDialog): Answer {
  const { choices, freeText } = dialogForms[dialog.name];
  if (dialog.selected === freeText && dialog.typed !== '') return { kind: 'typed', text: dialog.typed };
  return { kind: 'chosen', choice: choices[dialog.selected] ?? '', index: dialog.selected };
}
