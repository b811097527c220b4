import { breakRows, clip, textColumns, wrapText } from './cells.ts';
import { textOf, type Composer } from './composer.ts';
import { dialogForms, shownChoices, type OpenDialog } from './dialogs.ts';
import { bold, dim } from './style.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What the lower part of the terminal shows: everything that is not finished conversation. */
export interface LiveView {
  readonly surface: 'starting' | 'leaving' | 'composer' | 'transcript-view' | OpenDialog;
  readonly composer: Composer;
  readonly mode: 'prompt' | 'shell';
  /** Shown dimmed in an empty box. */
  readonly ghost: string;
  readonly queued: readonly string[];
  /** What the agent is doing; absent while it does nothing. */
  readonly activity?: string;
  /** Replaces the footer's usual words. */
  readonly notice?: string;
  readonly stashed: boolean;
}

export interface Frame {
  /** At most as many as the terminal has; the top ones are left out where they do not fit. */
  readonly rows: readonly string[];
  readonly cursor: { readonly row: number; readonly column: number };
}

export interface SlashCommand {
  readonly name: string;
  readonly says: string;
}

export const slashCommands: readonly SlashCommand[] = [
  { name: '/clear', says: 'Begin a new conversation' },
  { name: '/exit', says: 'End the program' },
  { name: '/help', says: 'Say what this program is' },
];

export const TRANSCRIPT_FOOTER = 'Showing detailed transcript · ctrl+o to toggle';

/** Draws the live part for a terminal of `size`. */
export function drawLive(view: LiveView, size: Size): Frame {
  switch (view.surface) {
    case 'starting':
      return { rows: [dim('Starting…')], cursor: { row: 0, column: 0 } };
    case 'leaving':
      return { rows: [dim('Ending…')], cursor: { row: 0, column: 0 } };
    case 'transcript-view':
      return atBottom([rule(size), clip(`  ${TRANSCRIPT_FOOTER}`, size.columns)], size);
    case 'composer':
      return drawComposer(view, size);
    default:
      return atBottom(dialogRows(view.surface, size), size);
  }
}

/** Whether what is being typed is a slash command's name. */
export function menuIsOpen(composer: Composer): boolean {
  return /^\/[\w-]*$/.test(textOf(composer));
}

function drawComposer(view: LiveView, size: Size): Frame {
  const box = boxRows(view, size);
  const above = [...queuedRows(view, size), ...activityRows(view, size), ...menuRows(view, size)];
  const below = [rule(size), footer(view, size)];
  const room = Math.max(0, size.rows - box.rows.length - below.length);
  const top = last([...above, rule(size)], room);
  const rows = [...top, ...box.rows, ...below].slice(0, size.rows);
  return { rows, cursor: { row: Math.min(top.length + box.cursorRow, size.rows - 1), column: box.cursorColumn } };
}

function boxRows(view: LiveView, size: Size): { rows: string[]; cursorRow: number; cursorColumn: number } {
  const mark = view.mode === 'shell' ? '! ' : '❯ ';
  const { cells, cursor } = view.composer;
  if (cells.length === 0) {
    const ghost = clip(view.ghost, size.columns - 2);
    return { rows: [ghost === '' ? mark : mark + dim(ghost)], cursorRow: 0, cursorColumn: 2 };
  }
  const shown = cells.map((cell) => cell.shown);
  const ranges = breakRows(shown, Math.max(2, size.columns - 2));
  const at = ranges.findLastIndex(({ from }) => from <= cursor);
  const most = Math.max(1, size.rows - 4);
  const first = Math.max(0, Math.min(at - most + 1, ranges.length - most));
  const drawn = ranges.slice(first, first + most);
  const rows = drawn.map(({ from, to }, index) => {
    const text = clip(shown.slice(from, to).join('').trimEnd(), size.columns - 2);
    // The first row that fits carries the mark even when rows above it do not: it shows where the box is.
    return (index === 0 ? mark : '  ') + text;
  });
  const before = shown.slice(ranges[at]?.from ?? 0, cursor).join('');
  return { rows, cursorRow: at - first, cursorColumn: Math.min(2 + textColumns(before), size.columns - 1) };
}

function queuedRows(view: LiveView, size: Size): string[] {
  return view.queued.slice(-3).flatMap((text) => {
    const first = text.trim().split('\n')[0] ?? '';
    return ['', dim(clip(`❯ ${first}`, size.columns)), dim(clip('  ⎿  Queued', size.columns))];
  });
}

function activityRows(view: LiveView, size: Size): string[] {
  return view.activity === undefined ? [''] : ['', clip(`✻ ${view.activity}`, size.columns)];
}

function menuRows(view: LiveView, size: Size): string[] {
  if (view.mode !== 'prompt' || !menuIsOpen(view.composer)) return [];
  const typed = textOf(view.composer);
  const matching = slashCommands.filter(({ name }) => name.startsWith(typed));
  return matching.map(({ name, says }, index) =>
    clip(`  ${index === 0 ? '❯' : ' '} ${name.padEnd(12)}${says}`, size.columns),
  );
}

function footer(view: LiveView, size: Size): string {
  const usual = view.activity === undefined ? '? for shortcuts' : 'esc to interrupt';
  const said = view.notice ?? (view.mode === 'shell' ? '! for shell mode' : usual);
  return clip(`  ${said} · rehearsal${view.stashed ? ' · draft stashed' : ''}`, size.columns);
}

function dialogRows(dialog: OpenDialog, size: Size): string[] {
  const choices = shownChoices(dialog).flatMap((choice, index) => {
    const chosen = index === dialog.selected;
    return wrapText(choice, size.columns - 6).map((row, line) => {
      const first = chosen ? ' ❯ ' : '   ';
      const mark = line === 0 ? first : '     ';
      return chosen ? bold(mark + row) : mark + row;
    });
  });
  const lines = dialog.lines.flatMap((line) => wrapText(line, size.columns - 2).map((row) => ` ${row}`));
  return [
    rule(size),
    clip(` ${dialog.title}`, size.columns),
    '',
    ...lines,
    ...choices,
    '',
    clip(` ${dialogForms[dialog.name].footer}`, size.columns),
  ];
}

function atBottom(rows: readonly string[], size: Size): Frame {
  const kept = last(rows, size.rows);
  return { rows: kept, cursor: { row: kept.length - 1, column: 0 } };
}

function last(rows: readonly string[], most: number): readonly string[] {
  return rows.slice(Math.max(0, rows.length - most));
}

function rule(size: Size): string {
  return '─'.repeat(size.columns);
}
