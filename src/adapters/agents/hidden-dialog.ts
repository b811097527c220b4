import type { Screen } from '../../core/screen.ts';

/**
 * The question of a screen goes into the journal and to whoever asks, so that its words hold no secret. All else is compared
 * with what was typed, and its rows with what tmux shows; that is not kept.
 */
export function withoutSecrets(screen: Screen, hide: ((text: string) => string) | undefined): Screen {
  if (hide === undefined || screen.kind !== 'dialog') return screen;
  const { text, choices } = screen.dialog;
  return { ...screen, dialog: { ...screen.dialog, text: hide(text), choices: choices.map(hide) } };
}
