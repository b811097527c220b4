import type { StatusView } from '../../app/views.ts';
import { EXIT, ask, fail, lookOf, print, printJson } from './cli.ts';
import type { Cli } from './cli.ts';
import { changed, pause } from './follow.ts';
import { renderFrame, renderProblem, renderStatus } from './render-status.ts';

/** Ages in the picture move on at least this often. */
const REFRESH_MS = 15_000;
/** Between two looks: a burst of events is one picture. */
const SETTLE_MS = 50;
/** Between two looks when there was nothing new, or no supervisor. */
const QUIET_MS = 1_000;
const DEFAULT_ROWS = 24;

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const CTRL_C = '\u0003';

/**
 * Shows a status and draws it anew each time something changes, until the process is ended (q and Ctrl-C do so too).
 * A supervisor that goes away is shown and waited for. On something that is no terminal, each picture follows the last.
 */
export async function watchStatus(given: Cli, feature: string): Promise<number> {
  const keys = new AbortController();
  const cli: Cli = { ...given, stop: AbortSignal.any([given.stop, keys.signal]) };
  const first = await ask(cli, 'status', { feature });
  if (!first.ok) return fail(cli, first.failure);
  const screen = cli.isTty && !cli.json ? terminalScreen(cli, keys) : plainScreen(cli);
  try {
    screen.show(first.output);
    await redraw(cli, feature, first.output.cursor, screen);
  } finally {
    screen.close();
  }
  return EXIT.ok;
}

async function redraw(cli: Cli, feature: string, from: number, screen: Screen): Promise<void> {
  let cursor = from;
  const isOver = (): boolean => cli.stop.aborted;
  while (!isOver()) {
    const began = performance.now();
    const news = await changed(cli, feature, cursor, REFRESH_MS);
    const quick = performance.now() - began < QUIET_MS;
    await pause(cli, news || !quick ? SETTLE_MS : QUIET_MS);
    if (isOver()) return;
    const asked = await ask(cli, 'status', { feature });
    if (asked.ok) {
      if (news || cli.isTty) screen.show(asked.output);
      cursor = asked.output.cursor;
    } else {
      screen.complain(asked.failure);
    }
  }
}

interface Screen {
  show(view: StatusView): void;
  complain(failure: { sentence: string; hint: string }): void;
  close(): void;
}

function terminalScreen(cli: Cli, keys: AbortController): Screen {
  const { stdin, stdout } = cli;
  let lines: () => string[] = () => [];
  const draw = (): void => {
    // Each line is drawn over the old one and cleared to its end: no flicker, no scrolling.
    stdout.write(`\u001b[H${lines().join('\u001b[K\r\n')}\u001b[K\u001b[J`);
  };
  const onKey = (key: Buffer | string): void => {
    if (/^q/.test(String(key)) || String(key).includes(CTRL_C)) keys.abort();
  };
  const rows = (): number => stdout.rows ?? DEFAULT_ROWS;
  stdout.write(ENTER);
  stdout.on('resize', draw);
  if (stdin.isTTY) {
    // Otherwise keys would be echoed into the picture.
    stdin.setRawMode?.(true);
    stdin.on('data', onKey);
  }
  return {
    show: (view) => {
      lines = () => renderFrame(view, { ...lookOf(cli), rows: rows() });
      draw();
    },
    complain: (failure) => {
      lines = () => renderProblem(failure, lookOf(cli), '').slice(0, rows());
      draw();
    },
    close: () => {
      stdout.off('resize', draw);
      stdin.off('data', onKey);
      if (stdin.isTTY) {
        stdin.setRawMode?.(false);
        stdin.pause();
      }
      stdout.write(LEAVE);
    },
  };
}

function plainScreen(cli: Cli): Screen {
  return {
    show: (view) => {
      if (cli.json) printJson(cli, view);
      else print(cli, [...renderStatus(view, lookOf(cli)), '']);
    },
    complain: (failure) => {
      fail(cli, { code: 'supervisor-lost', ...failure });
    },
    close: () => undefined,
  };
}
