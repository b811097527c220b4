import { once } from 'node:events';
import { execa } from 'execa';

/** Starts the programs that tell a human something. Each runs for a while at most; none is waited for by a run. */
export interface Notifier {
  /** A notification of the desktop, where there is a program for it. */
  desktop(title: string, body: string): void;
  /** The user's own command, with `input` on its standard input. */
  command(argv: readonly string[], input: string): void;
  /** Ends what still runs. */
  close(): Promise<void>;
}

export interface NotifierOptions {
  /** Where the command runs. */
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  readonly onProblem: (program: string, why: string) => void;
  /** How long a program may run, in ms; default 10,000. */
  readonly withinMs?: number;
}

const WITHIN_MS = 10_000;
/** More at once are dropped and reported: a command that hangs must not fill the machine. */
const MAX_AT_ONCE = 4;

export function openNotifier({ cwd, platform, onProblem, withinMs = WITHIN_MS }: NotifierOptions): Notifier {
  const running = new Set<Running>();
  let isMissing = false;

  const run = (argv: readonly string[], input: string, onMissing: () => void): void => {
    const [program = ''] = argv;
    if (running.size >= MAX_AT_ONCE) {
      onProblem(program, `${MAX_AT_ONCE} are running already`);
      return;
    }
    const begun = start(argv, input, cwd, withinMs);
    running.add(begun);
    void begun.ended.then(({ why, missing }) => {
      running.delete(begun);
      if (why !== null) onProblem(program, why);
      if (missing) onMissing();
    });
  };

  return {
    desktop(title, body) {
      const argv = desktopArgv(platform, title, body);
      // Told once; looking for it again each time would find nothing else.
      if (argv === null || isMissing) return;
      run(argv, '', () => {
        isMissing = true;
      });
    },
    command(argv, input) {
      run(argv, input, () => undefined);
    },
    async close() {
      for (const each of running) each.end();
      await Promise.all([...running].map(({ ended }) => ended));
    },
  };
}

/** The program and its arguments; null where none is known. */
export function desktopArgv(platform: NodeJS.Platform, title: string, body: string): readonly string[] | null {
  if (platform === 'linux') return ['notify-send', '--app-name=tmops', '--', title, withoutMarkup(body)];
  if (platform !== 'darwin') return null;
  // The words are arguments of the script, so that nothing in them is read as AppleScript.
  const lines = ['on run argv', 'display notification (item 2 of argv) with title (item 1 of argv)', 'end run'];
  return ['osascript', ...lines.flatMap((line) => ['-e', line]), title, body];
}

/** Desktops may read the body as HTML-like markup (Desktop Notifications Specification 1.2). */
const withoutMarkup = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

interface Running {
  readonly ended: Promise<End>;
  end(): void;
}

const spawned = (program: string, args: readonly string[], cwd: string) =>
  execa(program, args, {
    cwd,
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    reject: false,
    // A group of its own, so that what it started ends with it.
    detached: true,
  });

function start([program = '', ...args]: readonly string[], input: string, cwd: string, withinMs: number): Running {
  const child = spawned(program, args, cwd);
  let late = false;
  const end = (): void => {
    if (child.pid !== undefined) endGroup(child.pid);
  };
  const timer = setTimeout(() => {
    late = true;
    end();
  }, withinMs);
  // A program that does not read its input is no problem.
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(input);
  const ended = endOf(child).then((how) => {
    clearTimeout(timer);
    return late ? { why: `it was ended after ${withinMs} ms`, missing: false } : how;
  });
  return { ended, end };
}

interface End {
  /** Null when it ended well. */
  readonly why: string | null;
  readonly missing: boolean;
}

async function endOf(child: ReturnType<typeof spawned>): Promise<End> {
  if (child.pid === undefined) {
    const { shortMessage, code } = await child;
    return { why: shortMessage ?? 'it could not be started', missing: code === 'ENOENT' };
  }
  // What it left running may hold the pipes; only its own end counts.
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return { why: failureOf(code, signal), missing: false };
}

const failureOf = (code: number | null, signal: string | null): string | null =>
  code === 0 ? null : signal === null ? `exit code ${code ?? '?'}` : `signal ${signal}`;

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Gone already.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
  }
}
