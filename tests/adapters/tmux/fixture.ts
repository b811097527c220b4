import { openTerminal } from '../../../src/adapters/tmux/terminal.ts';
import type { TerminalOptions, TmuxTerminal } from '../../../src/adapters/tmux/terminal.ts';
import { layoutSchema } from '../../../src/core/layout.ts';
import type { SessionPlan, Terminal } from '../../../src/engine/ports.ts';
import { privateServer } from '../../rig/tmux.ts';
import type { PrivateServer } from '../../rig/tmux.ts';

export const ROLES = ['orchestrator', 'tester', 'implementer', 'verifier'];

export interface Fixture {
  readonly rig: PrivateServer;
  readonly terminal: TmuxTerminal & Terminal;
  /** A second terminal on the same server, ended with the fixture. */
  another(options: Partial<TerminalOptions>): TmuxTerminal;
  /** A plan whose panes sleep, in the fixture's folder. */
  plan(changes?: Partial<SessionPlan>): SessionPlan;
  end(): Promise<void>;
}

/** A terminal on a private server with the given tmux.conf. */
export async function fixture(options: { config?: string } = {}): Promise<Fixture> {
  const rig = await privateServer(options);
  const opened: TmuxTerminal[] = [];
  const another = (changes: Partial<TerminalOptions>) => {
    const { socketName, configFile, env } = rig;
    const terminal = openTerminal({ socketName, configFile, env, workspaceId: 'workspace-1', ...changes });
    opened.push(terminal);
    return terminal;
  };
  return {
    rig,
    terminal: another({}),
    another,
    plan: (changes = {}) => ({
      session: 'tmops-feat',
      feature: 'feat',
      workspaceId: 'workspace-1',
      layout: layoutSchema.parse({ name: 'quad', windows: [{ roles: 'rest' }] }),
      panes: ROLES.map((role) => ({ role, argv: ['sleep', '1000'], cwd: rig.folder })),
      statusArgv: ['sleep', '1001'],
      size: { cols: 220, rows: 100 },
      ...changes,
    }),
    end: async () => {
      await Promise.all(opened.map((terminal) => terminal.end()));
      await rig.end();
    },
  };
}
