import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { until } from './wait.ts';

/** A tmux server of one test: own socket name in an own socket folder, own configuration. */
export interface PrivateServer {
  readonly socketName: string;
  readonly configFile: string;
  /** Environment for whatever talks to this server: its socket folder lies in `folder`. */
  readonly env: Readonly<Record<string, string>>;
  /** An empty folder for the test's own files; removed at the end. */
  readonly folder: string;
  /** Runs one tmux command (or several with ';' between) and gives what it printed. Rejects when tmux does. */
  run(...command: string[]): Promise<string>;
  /** Whether the server answers. */
  alive(): Promise<boolean>;
  /** Ends the server and waits until it and every process it started in a pane is gone. */
  end(): Promise<void>;
}

/** `config` is the text of its tmux.conf; empty by default. The server starts with the first command that makes a session. */
export async function privateServer(options: { config?: string } = {}): Promise<PrivateServer> {
  const socketName = `tmops-test-${randomBytes(5).toString('hex')}`;
  const root = await realpath(await mkdtemp(path.join(tmpdir(), 'tmops-test-')));
  const folder = path.join(root, 'work');
  const configFile = path.join(root, 'tmux.conf');
  await mkdir(folder);
  await writeFile(configFile, options.config ?? '');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: root,
    TERM: 'xterm-256color',
    SHELL: '/bin/sh',
    TMUX_TMPDIR: root,
  };
  refuseUsersServer(socketName, env.TMUX_TMPDIR);

  const call = (command: string[]) =>
    execa('tmux', ['-u', '-L', socketName, '-f', configFile, ...command], {
      env,
      extendEnv: false,
      reject: false,
    });
  const run = async (...command: string[]) => {
    const result = await call(command);
    if (result.failed) throw new Error(`tmux ${command.join(' ')}: ${result.stderr || String(result.shortMessage)}`);
    return result.stdout;
  };

  return {
    socketName,
    configFile,
    env,
    folder,
    run,
    alive: async () => !(await call(['-N', 'list-sessions'])).failed,
    end: async () => {
      const pids = await processesOf(call);
      await call(['-N', 'kill-server']);
      for (const pid of pids) await untilGone(pid);
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Resolves once the process is gone; ends it by force when it does not go by itself. */
export async function untilGone(pid: string, withinMs = 3000): Promise<void> {
  const startTime = await startOf(pid);
  if (startTime === null) return;
  const gone = async () => (await startOf(pid)) !== startTime;
  try {
    await until(`process ${pid} is gone`, gone, { withinMs });
  } catch (error) {
    if (await gone()) return;
    process.kill(Number(pid), 'SIGKILL');
    await until(`process ${pid} is gone after SIGKILL`, gone, { withinMs });
    throw new Error(`Process ${pid} had to be ended by force`, { cause: error });
  }
}

/** A test that reached a human's server could end their sessions. */
function refuseUsersServer(socketName: string, socketFolder: string): void {
  const own = socketName.startsWith('tmops-test-') && socketFolder.startsWith(path.join(tmpdir(), 'tmops-test-'));
  if (!own) throw new Error(`Refusing to run tests on the tmux server ${socketName} in ${socketFolder}`);
}

async function processesOf(
  call: (command: string[]) => Promise<{ failed: boolean; stdout: string }>,
): Promise<string[]> {
  const panes = await call(['-N', 'list-panes', '-a', '-F', '#{?pane_dead,,#{pane_pid}}']);
  const server = await call(['-N', 'display-message', '-p', '#{pid}']);
  return [...panes.stdout.split('\n'), server.stdout].filter((pid) => /^\d+$/.test(pid));
}

/** When the process started, in ticks since boot; null when there is none (a zombie counts as none). */
async function startOf(pid: string): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null;
    throw error;
  }
}
