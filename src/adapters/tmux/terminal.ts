import { askByChild, askStartingServer, tmuxVersion } from './child.ts';
import type { Server } from './child.ts';
import { closeSession } from './closing.ts';
import type { Chain } from './commands.ts';
import { tellPane } from './failure.ts';
import type { Way } from './link.ts';
import { linkTable } from './links.ts';
import { checkPane, lookAt } from './look.ts';
import type { PaneLook } from './look.ts';
import { openSession, reopenPane } from './opening.ts';
import type { Doors } from './opening.ts';
import { checkSessionName, findSession } from './panes.ts';
import type { PaneFact, SessionSurvey } from './panes.ts';
import { headlineChain, labelChain } from './plan.ts';
import type { PanePlan, SessionPlan } from './plan.ts';
import { pasteLine, pressEnter } from './typing.ts';
import type { TypeResult } from './typing.ts';

export interface TerminalOptions {
  /** `-L`: a server by name. Without this and `socketPath`, the user's default server. */
  readonly socketName?: string;
  /** `-S`: a server by the path of its socket. */
  readonly socketPath?: string;
  /** `-f`: read instead of the user's tmux.conf by a server that is started here. */
  readonly configFile?: string;
  /** The program; default `tmux`. */
  readonly tmux?: string;
  /** Environment of every tmux process, and of a server that is started here. */
  readonly env: Readonly<Record<string, string>>;
  /** Marks sessions as this workspace's own. */
  readonly workspaceId: string;
  /** Standing connections or processes; default `auto`, see there. */
  readonly way?: Way;
  /** How long tmux may take to answer, in ms; default 5000. */
  readonly answerWithinMs?: number;
}

/** tmux for the features of one workspace. What the methods mean is written at the port that this fits. */
export interface TmuxTerminal {
  survey(session: string): Promise<SessionSurvey>;
  server(): Promise<'up' | 'down' | 'unknown'>;
  open(plan: SessionPlan): Promise<readonly PaneFact[]>;
  reopen(plan: SessionPlan, pane: PanePlan): Promise<PaneFact>;
  look(pane: string): Promise<PaneLook>;
  paste(pane: string, line: string): Promise<TypeResult>;
  enter(pane: string, lastRow: string): Promise<TypeResult>;
  leaveMode(pane: string): Promise<void>;
  label(pane: string, label: { readonly role: string; readonly state: string }): Promise<void>;
  headline(session: string, text: string): Promise<void>;
  /** Ends the session; rejects when it is someone else's. `onLost` stays silent about an end that was asked for. */
  close(session: string): Promise<void>;
  onLost(session: string, callback: (why: string) => void): () => Promise<void>;
  /** E.g. `3.3a`. Rejects when the program cannot be run. */
  version(): Promise<string>;
  /** Ends the connections, never the server. */
  end(): Promise<void>;
}

/** Sessions are known by name, panes by tmux's own ids. Nothing runs before the first call. */
export function openTerminal(options: TerminalOptions): TmuxTerminal {
  const server = serverOf(options);
  const links = linkTable(server, options.way ?? 'auto');
  const doors: Doors = { ask: (chain) => askByChild(server, chain), create: (chain) => startServer(server, chain) };
  const target = (pane: string) => {
    checkPane(pane);
    return { pane, session: links.sessionOf(pane) };
  };

  return {
    async survey(session) {
      checkSessionName(session);
      const found = await findSession(links.askFor(session), session, options.workspaceId);
      return found.kind === 'ours' ? { kind: 'ours', panes: links.adopt(session, found.panes) } : found;
    },
    async server() {
      const { kind } = await askByChild(server, [['list-sessions', '-F', '#{session_id}']]);
      return kind === 'no-server' ? 'down' : kind === 'failed' ? 'unknown' : 'up';
    },
    async open(plan) {
      checkSessionName(plan.session);
      return links.adopt(plan.session, await openSession(doors, plan));
    },
    async reopen(plan, pane) {
      checkSessionName(plan.session);
      const fact = await reopenPane(doors, plan, pane);
      links.adopt(plan.session, [fact]);
      return fact;
    },
    look: async (pane) => lookAt(links.askFor(target(pane).session), pane),
    paste: async (pane, line) => pasteLine(links.askFor(target(pane).session), target(pane), line),
    enter: async (pane, lastRow) => pressEnter(links.askFor(target(pane).session), target(pane), lastRow),
    leaveMode: async (pane) =>
      tellPane(links.askFor(target(pane).session), 'Could not leave the mode', [['copy-mode', '-q', '-t', pane]]),
    label: async (pane, label) =>
      tellPane(links.askFor(target(pane).session), 'Could not label the pane', labelChain(pane, label)),
    async headline(session, text) {
      checkSessionName(session);
      await tellPane(links.askFor(session), 'Could not set the headline', headlineChain(session, text));
    },
    async close(session) {
      checkSessionName(session);
      await links.drop(session);
      await closeSession(doors.ask, session, options.workspaceId);
    },
    onLost(session, callback) {
      checkSessionName(session);
      return links.watch(session, callback);
    },
    version: () => tmuxVersion(server),
    end: () => links.end(),
  };
}

function serverOf(options: TerminalOptions): Server {
  const flag = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
  // Inside of a pane these two would choose that pane's server and session.
  const env = Object.fromEntries(
    Object.entries(options.env).filter(([name]) => name !== 'TMUX' && name !== 'TMUX_PANE'),
  );
  return {
    tmux: options.tmux ?? 'tmux',
    arguments: [
      ...flag('-L', options.socketName),
      ...flag('-S', options.socketPath),
      ...flag('-f', options.configFile),
    ],
    env,
    answerWithinMs: options.answerWithinMs ?? 5000,
  };
}

/** A server that starts reads the user's tmux.conf first, and plugins in it may take seconds. */
function startServer(server: Server, chain: Chain) {
  return askStartingServer({ ...server, answerWithinMs: server.answerWithinMs * 4 }, chain);
}
