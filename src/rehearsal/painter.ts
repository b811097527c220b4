import { drawLive, type LiveView, type Size } from './frame.ts';

/** What the program puts on a terminal: conversation that scrolls away, and a live part below it. */
export interface Painter {
  /** Draws the live part again, after the conversation rows that are new. */
  paint(fresh: readonly string[], view: LiveView, size: Size): void;
  /** Draws everything again, after a resize or a change of screen. */
  repaint(all: readonly string[], view: LiveView, size: Size): void;
  /** Goes to the alternate screen or back; what is on it must be painted again. */
  switchScreen(alternate: boolean): void;
  /** Takes the live part away and leaves the terminal as it was found. */
  leave(): void;
}

const WRAPPING_OFF = '\x1b[?7l';
const WRAPPING_ON = '\x1b[?7h';
const CURSOR_OFF = '\x1b[?25l';
const CURSOR_ON = '\x1b[?25h';
const ERASE_ROW = '\x1b[2K';
const ERASE_BELOW = '\x1b[J';
const ERASE_ALL = '\x1b[H\x1b[2J\x1b[3J';

/** A painter that sends one write per frame. Turns bracketed paste on; `leave` turns it off. */
export function createPainter(write: (bytes: string) => void): Painter {
  let cursorRow = 0;
  let height = 0;
  write('\x1b[?2004h');

  // Rows are erased one by one: erasing a whole screen at once would push its old picture into tmux's history.
  const draw = (begin: string, fresh: readonly string[], view: LiveView, size: Size): void => {
    const frame = drawLive(view, size);
    const rows = [...fresh, ...frame.rows];
    const left = Math.max(0, height - rows.length);
    const up = left + frame.rows.length - 1 - frame.cursor.row;
    const drawn = [...rows, ...Array<string>(left).fill('')].map((row) => ERASE_ROW + row).join('\r\n');
    cursorRow = frame.cursor.row;
    height = frame.rows.length;
    write(
      `${CURSOR_OFF}${WRAPPING_OFF}${begin}${drawn}${move(up, 'A')}\r${move(frame.cursor.column, 'C')}` +
        `${WRAPPING_ON}${CURSOR_ON}`,
    );
  };

  return {
    paint(fresh, view, size) {
      draw(`${move(cursorRow, 'A')}\r`, fresh, view, size);
    },
    repaint(all, view, size) {
      height = 0;
      draw(ERASE_ALL, all, view, size);
    },
    switchScreen(alternate) {
      write(alternate ? '\x1b[?1049h' : '\x1b[?1049l');
    },
    leave() {
      write(`${move(cursorRow, 'A')}\r${ERASE_BELOW}\x1b[?1049l\x1b[?2004l${CURSOR_ON}${WRAPPING_ON}`);
    },
  };
}

function move(count: number, direction: 'A' | 'C'): string {
  return count > 0 ? `\x1b[${count}${direction}` : '';
}
