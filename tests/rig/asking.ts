import { rehearsalProvider } from '../../src/adapters/agents/rehearsal.ts';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { openTerminal, type TmuxTerminal } from '../../src/adapters/tmux/terminal.ts';
import type { Event } from '../../src/core/event.ts';
import type { Dialog } from '../../src/core/screen.ts';
import { openRunLoop, type RunLoop } from '../../src/engine/loop.ts';
import type { AgentProvider, Terminal } from '../../src/engine/ports.ts';
import { stageAgent, type StagedAgent } from './rehearsal.ts';
import { started } from './run.ts';
import { privateServer, type PrivateServer } from './tmux.ts';
import { until } from './wait.ts';

/** A rehearsal agent in a pane of a real tmux, as the role `lead` of a run whose journal is in memory. */
export interface AskingRig {
  readonly server: PrivateServer;
  readonly agent: StagedAgent;
  readonly terminal: TmuxTerminal & Terminal;
  readonly provider: AgentProvider;
  readonly loop: RunLoop;
  readonly journal: readonly Event[];
  /** Opens a dialog and notes it in the journal, as the watch over the agents does. */
  asks(name: string, lines?: readonly string[]): Promise<Dialog>;
  /** Opens a dialog without a word to the journal. */
  shows(name: string, lines?: readonly string[]): Promise<Dialog>;
  /** What the agent was given since the dialogs began: keys, byte by byte. */
  keys(): Promise<string>;
  /** What it took, and as what, oldest first. */
  taken(): Promise<readonly { readonly as: unknown; readonly text: unknown }[]>;
  end(): Promise<void>;
}

export async function askingRig(): Promise<AskingRig> {
  const server = await privateServer();
  const agent = await stageAgent(server, { size: { cols: 90, rows: 24 } });
  await agent.shows('composer');
  const terminal = openTerminal({
    socketName: server.socketName,
    configFile: server.configFile,
    env: server.env,
    workspaceId: 'w1',
  });
  const journal: Event[] = [];
  const store = {
    append(events: readonly Event[]) {
      journal.push(...events);
      return Promise.resolve();
    },
  };
  const loop = openRunLoop(started().run, store, systemClock(), () => undefined);
  await loop.submit({ kind: 'agent-placed', role: 'lead', generation: 1, pane: agent.pane });
  const provider = rehearsalProvider();
  const shows = async (name: string, lines?: readonly string[]): Promise<Dialog> => {
    await agent.steer({ do: 'dialog', name, ...(lines === undefined ? {} : { lines }) });
    const text = lines?.at(-1) ?? '';
    return until(`the dialog ${name} is shown`, async () => {
      const screen = await agent.screen();
      return (
        screen.kind === 'dialog' && screen.dialog.name === name && screen.dialog.text.includes(text) && screen.dialog
      );
    });
  };
  return {
    server,
    agent,
    terminal,
    provider,
    loop,
    journal,
    shows,
    async asks(name, lines) {
      const dialog = await shows(name, lines);
      await loop.submit({ kind: 'agent-asking', role: 'lead', dialog });
      return dialog;
    },
    keys: async () => (await agent.bytes()).toString('latin1'),
    taken: async () => (await agent.inputs()).map(({ as, text }) => ({ as, text })),
    async end() {
      await terminal.end();
      await agent.end();
      await server.end();
    },
  };
}
