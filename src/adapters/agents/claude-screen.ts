import { standingRows, type Screen } from '../../core/screen.ts';
import { readCapture, type Row } from './capture.ts';
import { findComposer, isRule, type Composer } from './claude-composer.ts';
import { asks, findDialog, showsAny } from './claude-dialog.ts';
import type { ClaudeSignatures } from './claude-signatures.ts';

/**
 * What the pane of a Claude Code shows, from `capture-pane -p -e` of the visible screen. Anything that is not surely the
 * input box is not called one: a prompt held back can be sent later, a dialog answered by mistake cannot be taken back.
 */
export function classifyClaude(capture: string, signatures: ClaudeSignatures): Screen {
  const rows = readCapture(capture);
  const belowRules = rows.slice(rows.findLastIndex(isRule) + 1);
  const view = signatures.views.find((candidate) => showsAny(belowRules, candidate.shows));
  if (view !== undefined) return { kind: 'view', name: view.name };

  const composer = findComposer(rows);
  if (composer === null) return dialogOrUnknown(rows, signatures);
  const footer = rows.slice(composer.bottom + 1);
  if (asks(footer, signatures)) return dialogOrUnknown(rows, signatures);
  // Some dialogs leave the box below them on the screen while they have the keyboard.
  const above = rows.slice(0, composer.top);
  if (asks(above, signatures)) return dialogOrUnknown(above, signatures);
  return composerScreen(rows, composer, { above, footer }, signatures);
}

function dialogOrUnknown(rows: readonly Row[], signatures: ClaudeSignatures): Screen {
  const found = findDialog(rows, signatures);
  return found === null ? { kind: 'unknown' } : { kind: 'dialog', ...found };
}

interface Around {
  readonly above: readonly Row[];
  readonly footer: readonly Row[];
}

function composerScreen(
  rows: readonly Row[],
  composer: Composer,
  around: Around,
  signatures: ClaudeSignatures,
): Screen {
  const draft = composer.typed.join('\n').trim();
  if (composer.sign === '!') return { kind: 'composer-mode', mode: 'shell', draft };
  if (isMenu(draft, around.footer, signatures)) return { kind: 'composer-mode', mode: 'menu', draft };
  const box = standingRows(rows, composer.top + 1, composer.bottom + 2);
  return { kind: 'composer', draft, rows: box, busy: isBusy(around, signatures) };
}

/**
 * A slash command, a list of files below a mention, a search, an item of the footer with the cursor on it: Enter would
 * not submit what stands in the box.
 */
function isMenu(draft: string, footer: readonly Row[], signatures: ClaudeSignatures): boolean {
  const listed = footer.some((row) => /^ {2,}[❯+◇] \S/.test(row.text));
  const cursorBelow = footer.some((row) => row.cells.some((cell) => cell.inverse));
  return draft.startsWith('/') || listed || cursorBelow || showsAny(footer, signatures.menu.footer);
}

/** How far above the box a spinner with its tip may stand. */
const SPINNER_WITHIN_ROWS = 10;

function isBusy({ above, footer }: Around, signatures: ClaudeSignatures): boolean {
  if (showsAny(footer, signatures.busy.footer) || signatures.busy.footer.some((text) => isCutOff(text, footer)))
    return true;
  return above.slice(-SPINNER_WITHIN_ROWS).some((row) => isSpinner(row, signatures.busy.spinner));
}

/** A footer too long for the pane ends in an ellipsis: enough of the text before it will do. */
function isCutOff(text: string, footer: readonly Row[]): boolean {
  const shortest = Math.ceil(text.length / 2);
  return footer.some((row) => row.text.endsWith('…') && row.text.slice(0, -1).includes(text.slice(0, shortest)));
}

/** `✻ Thinking… (3s · 35 tokens)`; the row a finished turn leaves behind has no ellipsis. */
function isSpinner(row: Row, signs: string): boolean {
  return signs.includes(row.text[0] ?? ' ') && /^. \p{L}+…/u.test(row.text);
}
