/**
 * What an agent's terminal shows, reduced to what delivery must know before it types.
 * Providers classify; the engine only reads. Every field is about the visible screen, not about history.
 */
export type Screen =
  /** Nothing recognisable (still drawing, too small, or a release that draws differently). */
  | { readonly kind: 'unknown' }
  /** The input box is on the screen and takes text. `draft` is what stands in it, without ghost text; '' when empty. */
  | { readonly kind: 'composer'; readonly draft: string; readonly lastRow: string; readonly busy: boolean }
  /** The input box is in a mode where text means something else (a shell command, a menu choice). */
  | { readonly kind: 'composer-mode'; readonly mode: 'shell' | 'menu'; readonly draft: string }
  /** A dialog has the keyboard: a key typed now would answer it. */
  | { readonly kind: 'dialog'; readonly dialog: Dialog }
  /** A full-screen view (a transcript, an editor) that swallows input. */
  | { readonly kind: 'view'; readonly name: string };

/** A question an agent's program shows. Text comes from the screen and is untrusted. */
export interface Dialog {
  /** A stable name such as `trust`, `permission`, `question`, `api-key`; `unrecognised` for one we have no signature of. */
  readonly name: string;
  readonly text: string;
  /** The choices as shown, in order. */
  readonly choices: readonly string[];
  /** What the human can do about it; a sentence of ours, not of the screen. */
  readonly hint: string;
}
