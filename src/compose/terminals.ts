import { openTerminal, type TmuxTerminal } from '../adapters/tmux/terminal.ts';
import { readEnvironment } from '../config/environment.ts';
import type { Config } from '../config/schema.ts';
import { scrubEnvironment } from '../core/environment.ts';

/** One terminal for each tmux server that runs of this workspace are on. */
export function openTerminals(
  config: Config,
  workspaceId: string,
  pipesFolder: string,
): { readonly on: (socket: string | null) => TmuxTerminal; readonly end: () => Promise<void> } {
  const open = new Map<string, TmuxTerminal>();
  return {
    on(socket) {
      const known = open.get(socket ?? '');
      if (known) return known;
      const server = socket === null ? {} : socket.includes('/') ? { socketPath: socket } : { socketName: socket };
      const env = terminalEnvironment();
      const terminal = openTerminal({ ...server, tmux: config.tmux.command, workspaceId, pipesFolder, env });
      open.set(socket ?? '', terminal);
      return terminal;
    },
    async end() {
      for (const terminal of open.values()) await terminal.end();
    },
  };
}

/**
 * A tmux server that is started here shows its environment to whoever may talk to it, so that nothing of Claude Code's
 * goes into it. tmux' own client must not believe it runs inside the caller's session either.
 */
const terminalEnvironment = (): Record<string, string> => scrubEnvironment(readEnvironment(), ['TMUX_TMPDIR']);
