import * as pty from 'node-pty';
import type { PrivateServer } from './tmux.ts';

/** Somebody who attached to a session with a terminal of their own. */
export interface Human {
  /** Everything the terminal was told to draw so far, without colours and cursor movements. */
  drawn(): string;
  type(keys: string): void;
  resize(cols: number, rows: number): void;
  /** Closes the terminal window, as opposed to detaching, and waits for the client to end. */
  leave(): Promise<void>;
}

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** Attaches by exact name in a terminal of `cols` × `rows`. */
export const attachHuman = (server: PrivateServer, session: string, size: Size): Human =>
  humanAt(server, ['-N', 'attach-session', '-t', `=${session}`], size);

/** Runs `tmux ARGS` in a terminal of that size: as people do it, with the tmux.conf of their home. */
export function humanAt(server: PrivateServer, args: readonly string[], size: Size): Human {
  const client = pty.spawn('tmux', ['-u', '-L', server.socketName, ...args], {
    ...size,
    name: 'xterm-256color',
    cwd: '/',
    env: { ...server.env, LANG: 'C.UTF-8' },
  });
  let received = '';
  let ended = false;
  client.onData((text) => (received += text));
  const end = new Promise<void>((resolve) => {
    client.onExit(() => {
      ended = true;
      resolve();
    });
  });
  return {
    drawn: () => received.replace(/\x1b(\[[0-9;?>]*[ -/]*[@-~]|\([A-Z0-9]|[=>78M])|[\x0e\x0f]/g, ''),
    type: (keys) => {
      client.write(keys);
    },
    resize: (cols, rows) => {
      client.resize(cols, rows);
    },
    leave: async () => {
      if (!ended) client.kill('SIGHUP');
      await end;
    },
  };
}
