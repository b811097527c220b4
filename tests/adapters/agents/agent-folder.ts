import { mkdtemp, mkdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { startTimeOf } from '../../../src/adapters/agents/process-table.ts';
import { until } from '../../rig/wait.ts';

/** A temporary folder as the engine makes one for each agent, and a private tmux server to run things in. */
export interface AgentFolder {
  readonly root: string;
  readonly agentDir: string;
  /** Ends the tmux server with what runs in it and removes the folder. */
  remove(): Promise<void>;
  readonly tmux: (...args: string[]) => Promise<string>;
  /** Starts argv as the only process of a new pane and returns the pane's id. */
  readonly run: (argv: readonly string[], size?: { cols: number; rows: number }) => Promise<string>;
}

export async function agentFolder(): Promise<AgentFolder> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'tmops-agent-')));
  const agentDir = join(root, 'agents', 'tester');
  await mkdir(agentDir, { recursive: true, mode: 0o700 });
  const server = ['-S', join(root, 'tmux.sock'), '-f', '/dev/null'];
  const tmux = async (...args: string[]): Promise<string> => (await execa('tmux', [...server, ...args])).stdout;
  return {
    root,
    agentDir,
    tmux,
    run: (argv, size = { cols: 100, rows: 30 }) => newPane(tmux, argv, size),
    remove: async () => {
      await endServer(server);
      // The last words of a hook may still be on their way into it.
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function newPane(
  tmux: AgentFolder['tmux'],
  argv: readonly string[],
  size: { cols: number; rows: number },
): Promise<string> {
  const shape = ['-d', '-x', String(size.cols), '-y', String(size.rows), '-P', '-F', '#{pane_id}'];
  const keep = [';', 'set-option', '-w', 'remain-on-exit', 'on'];
  return (await tmux('new-session', ...shape, ...argv, ...keep)).trim();
}

async function endServer(server: readonly string[]): Promise<void> {
  const listed = await execa('tmux', [...server, 'list-panes', '-a', '-F', '#{pane_pid}'], { reject: false });
  if (listed.exitCode !== 0) return;
  await execa('tmux', [...server, 'kill-server'], { reject: false });
  const pids = listed.stdout.split('\n').filter((line) => line !== '');
  await until('the panes have ended', async () => {
    const found = await Promise.all(pids.map((pid) => startTimeOf(Number(pid))));
    return found.every((started) => started.kind === 'gone');
  });
}
