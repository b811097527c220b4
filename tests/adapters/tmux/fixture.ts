import type { Way } from '../../../src/adapters/tmux/link.ts';
import { openTerminal } from '../../../src/adapters/tmux/terminal.ts';
import type { TerminalOptions, TmuxTerminal } from '../../../src/adapters/tmux/terminal.ts';
import { layoutSchema } from '../../../src/core/layout.ts';
import type { PaneFact, SessionPlan, Terminal } from '../../../src/engine/ports.ts';
import { privateServer } from '../../rig/tmux.ts';
import type { PrivateServer } from '../../rig/tmux.ts';
import { until } from '../../rig/wait.ts';

export const ROLES = ['orchestrator', 'tester', 'implementer', 'verifier'];

export interface Fixture {
  readonly rig: PrivateServer;
  readonly terminal: TmuxTerminal & Terminal;
  /** A second terminal on the same server, ended with the fixture. */
  another(options: Partial<TerminalOptions>): TmuxTerminal;
  /** Opens a session and waits for the standing connection where there is to be one. */
  open(plan: SessionPlan): Promise<readonly PaneFact[]>;
  /** Process ids of the control clients attached to a session. */
  connections(session?: string): Promise<string[]>;
  /** A plan whose panes sleep, in the fixture's folder. */
  plan(changes?: Partial<SessionPlan>): SessionPlan;
  end(): Promise<void>;
}

/** A terminal on a private server with the given tmux.conf. */
export async function fixture(options: { config?: string; way?: Way } = {}): Promise<Fixture> {
  const rig = await privateServer(options);
  const opened: TmuxTerminal[] = [];
  const another = (changes: Partial<TerminalOptions>) => {
    const { socketName, configFile, env } = rig;
    const terminal = openTerminal({ socketName, configFile, env, workspaceId: 'workspace-1', ...changes });
    opened.push(terminal);
    return terminal;
  };
  const terminal = another({ way: options.way ?? 'auto' });
  const connections = async (session = 'tmops-feat') => {
    const lines = await rig.run('list-clients', '-F', '#{client_control_mode} #{client_pid} #{session_name}');
    const ours = lines.split('\n').filter((line) => line.startsWith('1 ') && line.endsWith(` ${session}`));
    return ours.map((line) => line.split(' ')[1] ?? '');
  };
  return {
    rig,
    terminal,
    another,
    connections,
    open: async (plan) => {
      const panes = await terminal.open(plan);
      if (options.way === 'control') await until('it is connected', async () => (await connections(plan.session))[0]);
      return panes;
    },
    plan: (changes = {}) => ({
      session: 'tmops-feat',
      feature: 'feat',
      workspaceId: 'workspace-1',
      workspaceRoot: rig.folder,
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
