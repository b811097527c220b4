import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { execa } from 'execa';
import { until } from '../rig/wait.ts';

/** One pane on a tmux server of its own. */
export interface Pane {
  readonly pid: number;
  /** What the pane shows, without colours. */
  screen(): Promise<string>;
  /** Types one line (which may not end in `;`), waits until it is seen, and presses Enter. */
  submit(line: string): Promise<void>;
  /** Ends the server, waits for the pane's process, and removes the socket that tmux leaves. Safe to call twice. */
  end(): Promise<void>;
}

/** Runs `argv` with exactly `env` in a pane of 120 by 40. */
export async function startPane(options: { cwd: string; env: Record<string, string>; argv: string[] }): Promise<Pane> {
  const server = ['-L', `tmops-test-${randomBytes(6).toString('hex')}`, '-f', '/dev/null'];
  const tmux = async (...args: string[]) => (await execa('tmux', [...server, ...args])).stdout;
  const env = Object.entries({ ...options.env, TERM: 'tmux-256color' }).map(([name, value]) => `${name}=${value}`);
  const shape = ['-d', '-x', '120', '-y', '40', '-c', options.cwd, '-P', '-F', '#{pane_id} #{pane_pid} #{socket_path}'];
  // Chained, so that what a program that ends at once has said can still be read.
  const keep = [';', 'set-option', '-w', 'remain-on-exit', 'on'];
  const facts = await tmux('new-session', ...shape, 'env', '-i', ...env, ...options.argv, ...keep);
  const [pane = '', pid = '', socket = ''] = facts.split(' ');
  const screen = () => tmux('capture-pane', '-p', '-t', pane);
  const end = async () => {
    await tmux('kill-server');
    await until(`process ${pid} ended`, () => !isAlive(Number(pid)));
    await rm(socket, { force: true });
  };
  let ended: Promise<void> | undefined;
  return {
    pid: Number(pid),
    screen,
    async submit(line) {
      await tmux('send-keys', '-t', pane, '-l', '--', line);
      await until(`"${line}" stands in the pane`, async () => (await screen()).includes(line));
      await tmux('send-keys', '-t', pane, 'Enter');
    },
    end: () => (ended ??= end()),
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
