import { classifyRehearsal } from '../../src/adapters/agents/rehearsal-screen.ts';
import type { Activity, AgentNews } from '../../src/core/agent.ts';
import type { Screen } from '../../src/core/screen.ts';
import type { Clock, PaneLook, PasteMark, RowGuard, TypeResult } from '../../src/engine/ports.ts';
import type { Random } from './random.ts';

/** One character in the box, and who typed it. */
interface Cell {
  readonly char: string;
  readonly ours: boolean;
}

export interface PaneParts {
  readonly clock: Clock;
  readonly random: Random;
  /** What the agent reports, in its own time. */
  readonly report: (news: AgentNews) => void;
  /** A turn that began with this prompt is over. */
  readonly turnOver: (prompt: string) => void;
}

/**
 * A pane that automation and a human share, played on a played clock: a program with an input box, a screen that shows what
 * the program drew a moment ago, and a tmux in between that takes its time both ways. Who typed what is remembered, so
 * that what must not happen is seen at the very moment.
 */
export interface SharedPane {
  // What the engine has of it.
  look(): Promise<PaneLook>;
  paste(line: string, rows?: readonly RowGuard[], mark?: PasteMark): Promise<TypeResult>;
  enter(rows: readonly RowGuard[]): Promise<TypeResult>;
  leaveMode(): Promise<void>;
  onOutput(wrote: () => void): () => void;
  activity(): Activity;
  // What a human does in front of it.
  type(text: string, where: 'end' | 'front'): void;
  backspace(): void;
  clear(): void;
  submit(): void;
  read(isReading: boolean): void;
  // What became of it.
  readonly faults: readonly string[];
  /** Lines that reached the program by our paste. */
  readonly pasted: readonly string[];
  /** What the agent took, oldest first. */
  readonly taken: readonly string[];
  readonly counts: Readonly<Record<'enters' | 'refusals' | 'human prompts', number>>;
  isEmpty(): boolean;
  /** Whether anything that the human typed stands in the box. */
  hasDraft(): boolean;
}

const HISTORY = ['Rehearsal agent', '', '● ready', ''];

export const classifyShared = (capture: string): Screen => classifyRehearsal(capture);

export function openSharedPane({ clock, random, report, turnOver }: PaneParts): SharedPane {
  // Narrow enough for lines to be wrapped here or there, or to fill their rows.
  const cols = random.int(22, 50);
  const rule = '─'.repeat(cols);
  let cells: readonly Cell[] = [];
  let shown: readonly Cell[] = [];
  let busy = false;
  let reading = false;
  let wrote: (() => void) | null = null;
  let kept = '';
  let swallows = random.chance(0.1) ? 1 : 0;
  const faults: string[] = [];
  const pasted: string[] = [];
  const taken: string[] = [];
  const counts = { enters: 0, refusals: 0, 'human prompts': 0 };

  /** Something takes up to so many ms. */
  const passes = (most: number): Promise<void> => clock.sleep(random.int(0, most));
  const later = (most: number, act: () => void): void => {
    void passes(most).then(act);
  };
  const screen = (): string[] => [
    ...HISTORY,
    rule,
    ...boxRows(shown, cols),
    rule,
    busy ? '  esc to interrupt · rehearsal' : '  ? for shortcuts · rehearsal',
  ];
  const draw = (): void => {
    later(15, () => {
      shown = cells;
      later(4, () => wrote?.());
    });
  };
  const change = (next: readonly Cell[]): void => {
    cells = next;
    draw();
  };

  const work = (prompt: string): void => {
    busy = true;
    draw();
    later(60, () => {
      busy = false;
      draw();
      later(20, () => {
        report({ kind: 'turn-ended', last: '', background: 0 });
        turnOver(prompt);
      });
    });
  };
  const pressEnter = (): void => {
    if (swallows > 0) {
      swallows -= 1;
      return;
    }
    const text = textOf(cells).trim();
    if (text === '') return;
    taken.push(text);
    change([]);
    if (busy)
      later(20, () => {
        report({ kind: 'prompt-taken', text });
      });
    else {
      busy = true;
      later(20, () => {
        report({ kind: 'prompt-taken', text });
        work(text);
      });
    }
  };
  const keys = (act: () => void): void => {
    // In copy mode tmux keeps them.
    if (!reading) later(3, act);
  };
  const stands = (guards: readonly RowGuard[]): boolean => {
    const rows = screen();
    const first = (text: string): number => rows.findIndex((row) => row.trimEnd() === text.trimEnd()) + 1;
    return guards.every((guard) => (typeof guard === 'string' ? first(guard) > 0 : first(guard.text) === guard.at));
  };
  /** tmux looks, and sends in the same go; the program has it a moment later. */
  const guarded = async (
    guards: readonly RowGuard[],
    sends: () => void,
    isAsSeen: () => boolean = () => true,
  ): Promise<TypeResult> => {
    await passes(8);
    const isRefused = reading || !stands(guards) || !isAsSeen();
    if (isRefused) counts.refusals += 1;
    else sends();
    await passes(4);
    return isRefused ? 'refused' : 'typed';
  };

  return {
    async look() {
      await passes(6);
      const capture = screen().join('\n');
      const tmux = { inMode: reading, pasted: kept };
      await passes(4);
      return { kind: 'seen', dead: false, inputOff: false, watchers: 1, cols: 60, rows: 20, ...tmux, capture };
    },
    paste: (line, rows = [], mark) =>
      guarded(
        rows,
        () => {
          kept = mark?.after ?? kept;
          pasted.push(line);
          later(3, () => {
            change([...cells, ...cellsOf(line, true)]);
          });
        },
        () => mark === undefined || mark.before === kept,
      ),
    enter: (rows) =>
      guarded(rows, () => {
        counts.enters += 1;
        const text = textOf(shown);
        if (shown.some(({ ours }) => !ours)) faults.push(`Enter was pressed while ${JSON.stringify(text)} stood there`);
        else if (text !== '' && text !== pasted.at(-1)) faults.push(`Enter was pressed on ${JSON.stringify(text)}`);
        later(3, pressEnter);
      }),
    leaveMode: () => Promise.resolve(),
    onOutput(callback) {
      wrote = callback;
      return () => (wrote = null);
    },
    activity: () => ({ kind: busy ? 'busy' : 'idle' }),
    type: (text, where) => {
      keys(() => {
        const typed = cellsOf(text, false);
        change(where === 'end' ? [...cells, ...typed] : [...typed, ...cells]);
      });
    },
    backspace: () => {
      keys(() => {
        change(cells.slice(0, -1));
      });
    },
    clear: () => {
      keys(() => {
        change([]);
      });
    },
    submit: () => {
      keys(() => {
        counts['human prompts'] += 1;
        pressEnter();
      });
    },
    read: (isReading) => {
      reading = isReading;
    },
    faults,
    pasted,
    taken,
    counts,
    hasDraft: () => cells.some(({ ours }) => !ours),
    isEmpty: () => cells.length === 0 && shown.length === 0,
  };
}

const textOf = (cells: readonly Cell[]): string => cells.map(({ char }) => char).join('');
const cellsOf = (text: string, ours: boolean): Cell[] => Array.from(text, (char) => ({ char, ours }));

/** The box as it is drawn, wrapped at its width. */
function boxRows(cells: readonly Cell[], cols: number): string[] {
  const room = cols - 2;
  const rows = textOf(cells)
    .split('\n')
    .flatMap((line) =>
      Array.from({ length: Math.max(1, Math.ceil(line.length / room)) }, (_, row) =>
        line.slice(row * room, (row + 1) * room),
      ),
    );
  return rows.map((row, index) => `${index === 0 ? '❯' : ' '} ${row}`.trimEnd());
}
