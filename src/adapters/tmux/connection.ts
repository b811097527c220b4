import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Server } from './child.ts';
import { controlLine, cutAtMarks, meansNoServer, withMarks } from './commands.ts';
import type { Chain, Reply } from './commands.ts';
import { controlParser } from './protocol.ts';
import type { ControlMessage } from './protocol.ts';

/** Why a connection ended. `absent`: tmux said that the session, or the whole server, does not exist. */
export interface Ending {
  readonly absent: boolean;
  readonly why: string;
}

export type Notice = Extract<ControlMessage, { kind: 'notice' }>;

/**
 * One control-mode client of one session: `tmux -C attach-session` on plain pipes. Requests are pipelined. It never
 * comes back after its end; whoever needs another one makes another one.
 *
 * The number of replies that a line causes is not known beforehand (`if-shell` adds those of its branch, an error skips
 * the rest), so each line is followed by a second one that prints a token nobody else can know.
 */
export class ControlConnection {
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #session: string;
  readonly #answerWithinMs: number;
  readonly #notice: (notice: Notice) => void;
  readonly #parser = controlParser();
  readonly #requests: Request[] = [];
  readonly #nonce = randomBytes(8).toString('hex');
  #sent = 0;
  #isAttached = false;
  /** What attach-session answered; later also what hooks of the user answer. */
  #refusal = '';
  #why = '';

  constructor(server: Server, session: string, notice: (notice: Notice) => void) {
    this.#session = session;
    this.#answerWithinMs = server.answerWithinMs;
    this.#notice = notice;
    const flags = ['-u', '-N', ...server.arguments, '-C'];
    const attach = ['attach-session', '-E', '-f', 'ignore-size,no-output', '-t', `=${session}`];
    this.#child = spawn(server.tmux, [...flags, ...attach], { env: server.env, cwd: '/', stdio: 'pipe' });
    this.ended = new Promise((resolve) => {
      this.#listen((ending) => {
        this.#end(ending);
        resolve(ending);
      });
    });
  }

  /** Whether a chain sent now goes to an attached client. */
  get usable(): boolean {
    return this.#isAttached && this.#why === '';
  }

  ask(chain: Chain): Promise<Reply> {
    this.#sent += 1;
    const token = `tmops:${this.#nonce}:${this.#sent}`;
    const mark = `${token}:next`;
    const line = controlLine(withMarks(chain, mark));
    return new Promise((settle) => {
      const request: Request = { chain, token, mark, lines: [], errors: [], timer: undefined, settle };
      // The client stays: to end one that a hanging server has not taken in yet ends the server when it goes on.
      request.timer = setTimeout(() => {
        const why = `tmux did not answer within ${this.#answerWithinMs} ms`;
        settle({ kind: 'failed', why, mayHaveRun: true, late: true });
      }, this.#answerWithinMs);
      this.#requests.push(request);
      this.#child.stdin.write(`${line}\n${controlLine([['display-message', '-p', token]])}\n`);
    });
  }

  /** Detaches and waits for the process to end. */
  async close(): Promise<void> {
    this.#why ||= 'closed';
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_WITHIN_MS);
    await this.ended;
    clearTimeout(timer);
  }

  #listen(ended: (ending: Ending) => void): void {
    let told = '';
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (told = (told + text).slice(-STDERR_TAIL)));
    this.#child.stdout.on('data', (bytes: Buffer) => {
      for (const message of this.#parser.push(bytes)) this.#take(message);
    });
    // A write into a pipe whose reader has gone: the close event follows and says more.
    this.#child.stdin.on('error', (error) => (this.#why ||= error.message));
    this.#child.on('error', (error) => {
      ended({ absent: false, why: error.message });
    });
    const close = () => {
      const refusal = this.#isAttached ? '' : this.#refusal;
      const why = told.trim() || refusal || this.#why || 'the client ended';
      ended({ absent: meansAbsent(why), why });
    };
    this.#child.on('close', close);
    // The client hands its pipes to the server: while that one hangs they stay open, and close never comes.
    this.#child.on('exit', (_code, signal) => {
      if (signal === null) return;
      this.#child.stdout.destroy();
      this.#child.stderr.destroy();
      close();
    });
  }

  #take(message: ControlMessage): void {
    switch (message.kind) {
      case 'reply':
        if (message.ours) this.#answer(message.lines, message.ok);
        else if (!message.ok) this.#refusal ||= message.lines.join(' ');
        return;
      case 'notice':
        if (message.name === 'session-changed') this.#follow(message.words.slice(1).join(' '));
        this.#notice(message);
        return;
      case 'exit':
        this.#why ||= message.why || 'the client was detached';
        return;
      case 'broken':
        this.#abandon(message.why);
        return;
      case 'output':
      case 'stray':
        return;
    }
  }

  #follow(session: string): void {
    this.#isAttached = session === this.#session;
    // With `detach-on-destroy off`, tmux moves the clients of an ended session into another one.
    if (!this.#isAttached) this.#abandon(`the client was moved to the session ${JSON.stringify(session)}`);
  }

  #answer(lines: readonly string[], ok: boolean): void {
    const request = this.#requests[0];
    if (request === undefined) return;
    if (lines.length !== 1 || lines[0] !== request.token) {
      if (ok) request.lines.push(...lines);
      else request.errors.push(lines.join(' '));
      return;
    }
    this.#requests.shift();
    clearTimeout(request.timer);
    request.settle(
      request.errors.length > 0
        ? { kind: 'error', message: request.errors.join('; ') }
        : { kind: 'done', outputs: cutAtMarks(request.chain, request.lines, request.mark) },
    );
  }

  #abandon(why: string): void {
    this.#why ||= why;
    void this.close();
  }

  #end(ending: Ending): void {
    this.#why ||= ending.why;
    for (const request of this.#requests.splice(0)) {
      clearTimeout(request.timer);
      request.settle({ kind: 'failed', why: ending.why, mayHaveRun: true, late: false });
    }
  }
}

const CLOSE_WITHIN_MS = 2000;
const STDERR_TAIL = 2000;

interface Request {
  readonly chain: Chain;
  readonly token: string;
  readonly mark: string;
  readonly lines: string[];
  readonly errors: string[];
  timer: NodeJS.Timeout | undefined;
  readonly settle: (reply: Reply) => void;
}

function meansAbsent(why: string): boolean {
  return meansNoServer(why) || /can't find session|no sessions/.test(why);
}
