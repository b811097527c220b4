import type { Arguments } from './arguments.ts';
import { emptyComposer, type Composer } from './composer.ts';
import { dialogForms, type Answer, type OpenDialog } from './dialogs.ts';
import { noFaults, type Faults } from './faults.ts';
import type { LiveView, Size } from './frame.ts';
import type { Painter } from './painter.ts';
import type { Play } from './play.ts';
import type { Records, Status, TakenInput } from './records.ts';
import { bannerRows, entryRows, type Entry } from './transcript.ts';

/** What has the keyboard. */
export type Surface =
  | { readonly kind: 'starting' }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'composer' }
  | { readonly kind: 'transcript-view' }
  | { readonly kind: 'dialog'; readonly dialog: OpenDialog; readonly answered: (answer: Answer) => void };

export interface Prompt {
  readonly text: string;
  readonly pasted: boolean;
}

/** A turn under way. */
export interface Turn {
  readonly prompts: readonly Prompt[];
  /** Aborting it interrupts the turn. */
  readonly interruption: AbortController;
  /** Aborting it ends all thinking of this turn at once. */
  readonly hurry: AbortController;
  /** Whether anything came out of it yet. */
  spoke: boolean;
  /** The last thing said. */
  last: string;
  activity: string;
}

/**
 * Everything the program knows while it runs. One object that the event handlers change; call `changed` after each
 * change that can be seen.
 */
export interface Stage {
  readonly given: Arguments;
  readonly cwd: string;
  readonly play: Play;
  readonly records: Records;
  readonly painter: Painter;
  readonly size: () => Size;
  /** Ends the process with this code after a last message on the terminal. */
  readonly quit: (code: number, words: string) => void;
  readonly faults: Faults;
  /** Values that earlier actions left for `{name}`. */
  readonly kept: Record<string, string>;
  readonly counts: Record<'enters' | 'swallowed' | 'prompts' | 'queued' | 'turns' | 'lost', number>;
  readonly queue: Prompt[];
  readonly entries: Entry[];
  sessionId: string;
  surface: Surface;
  composer: Composer;
  stash: Composer | null;
  mode: 'prompt' | 'shell';
  ghost: string;
  /** The key that ends the program when it is pressed once more. */
  armed: 'c' | 'd' | null;
  turn: Turn | null;
  /** Hooks run one after the other; this is the end of the last one. */
  hooksDone: Promise<void>;
  /** How many entries stand on the terminal already. */
  painted: number;
  paintPending: boolean;
}

type Given = Pick<Stage, 'given' | 'cwd' | 'play' | 'records' | 'painter' | 'size' | 'quit' | 'sessionId'>;

/** A stage before the first prompt. */
export function setStage(given: Given): Stage {
  return {
    ...given,
    faults: noFaults(),
    kept: {},
    counts: { enters: 0, swallowed: 0, prompts: 0, queued: 0, turns: 0, lost: 0 },
    queue: [],
    entries: [],
    surface: { kind: 'starting' },
    composer: emptyComposer,
    stash: null,
    mode: 'prompt',
    ghost: '',
    armed: null,
    turn: null,
    hooksDone: Promise.resolve(),
    painted: 0,
    paintPending: false,
  };
}

/** What the agent is doing, as its status file says it. */
export function statusOf(stage: Stage): Status {
  const { sessionId, surface } = stage;
  const base = { pid: process.pid, sessionId };
  if (surface.kind === 'dialog') {
    return { ...base, status: 'waiting', waitingFor: dialogForms[surface.dialog.name].waitingFor };
  }
  return { ...base, status: stage.turn === null ? 'idle' : 'busy' };
}

/** What is kept for drawing again, at least; the history has all of it. */
const MOST_ENTRIES = 500;

/** Adds to the conversation: on the terminal and in its history. */
export function tell(stage: Stage, entry: Entry): void {
  stage.entries.push(entry);
  if (stage.entries.length > 2 * MOST_ENTRIES) {
    const dropped = stage.entries.splice(0, MOST_ENTRIES).length;
    stage.painted = Math.max(0, stage.painted - dropped);
  }
  stage.records.addHistory(stage.sessionId, entry);
  changed(stage);
}

/** Notes down what was taken in, and for what. */
export function noteInput(stage: Stage, input: Pick<TakenInput, 'text' | 'as'> & Partial<TakenInput>): void {
  stage.records.input({ at: Date.now(), pasted: false, queued: false, ...input });
}

/** Publishes the status and draws the terminal, once for all changes of this moment. */
export function changed(stage: Stage): void {
  if (hasBegun(stage.surface)) stage.records.status(statusOf(stage));
  if (stage.paintPending) return;
  stage.paintPending = true;
  const paint = (): void => {
    stage.paintPending = false;
    const { columns } = stage.size();
    const fresh = stage.entries.slice(stage.painted).flatMap((entry) => entryRows(entry, columns));
    stage.painted = stage.entries.length;
    stage.painter.paint(fresh, viewOf(stage), stage.size());
  };
  if (stage.faults.echoDelayMs > 0) setTimeout(paint, stage.faults.echoDelayMs);
  else setImmediate(paint);
}

/** Before the conversation exists there is no status to read. */
function hasBegun(surface: Surface): boolean {
  return surface.kind !== 'starting' && !(surface.kind === 'dialog' && surface.dialog.name === 'trust');
}

const MOST_ROWS_REDRAWN = 1000;

/** Draws everything again: after a resize, a change of screen or a new conversation. */
export function redraw(stage: Stage): void {
  const { columns } = stage.size();
  const rows = [...banner(stage, columns), ...stage.entries.flatMap((entry) => entryRows(entry, columns))];
  stage.painted = stage.entries.length;
  stage.painter.repaint(rows.slice(-MOST_ROWS_REDRAWN), viewOf(stage), stage.size());
}

function banner(stage: Stage, columns: number): string[] {
  const { role, feature } = stage.given;
  return bannerRows([`${role} · ${feature} · play ${stage.play.name}`, stage.cwd], columns);
}

const EXIT_NOTICE = { c: 'Press Ctrl-C again to exit', d: 'Press Ctrl-D again to exit' } as const;

function viewOf(stage: Stage): LiveView {
  const { surface, turn } = stage;
  return {
    surface: surface.kind === 'dialog' ? surface.dialog : surface.kind,
    composer: stage.composer,
    mode: stage.mode,
    ghost: stage.queue.length > 0 ? 'Press up to edit queued messages' : stage.ghost,
    queued: stage.queue.map(({ text }) => text),
    stashed: stage.stash !== null,
    ...(turn === null ? {} : { activity: turn.activity }),
    ...(stage.armed === null ? {} : { notice: EXIT_NOTICE[stage.armed] }),
  };
}
