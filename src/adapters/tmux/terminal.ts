import type { MarkedSession } from '../../core/gc.ts';
import { announce } from './announce.ts';
import type { Announcement } from './announce.ts';
import { askByChild, askStartingServer, tmuxVersion } from './child.ts';
import type { Server } from './child.ts';
import { closeSession } from './closing.ts';
import type { Chain } from './commands.ts';
import { tellPane } from './failure.ts';
import { forgetKeys, offerKey } from './key-table.ts';
import type { Pressed } from './key-table.ts';
import { deleteLeftBuffer, endLeftSession, lookAtServer } from './left-behind.ts';
import type { LeftOnServer } from './left-behind.ts';
import type { Way } from './link.ts';
import { linkTable } from './links.ts';
import { checkPane, lookAt, processOf } from './look.ts';
import type { PaneLook } from './look.ts';
import { openSession, reopenPane } from './opening.ts';
import type { Doors } from './opening.ts';
import { followOutput } from './output.ts';
import { checkSessionName, findSession } from './panes.ts';
import type { PaneFact, SessionSurvey } from './panes.ts';
import { headlineChain, labelChain } from './plan.ts';
import type { PanePlan, SessionPlan } from './plan.ts';
import { pasteLine, pressKey } from './typing.ts';
import type { Key, PasteMark, RowGuard, TypeResult } from './typing.ts';

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
  /**
   * A folder of ours alone for the pipes that tell of output and for the keys of a session; its path holds no character
   * that a shell would read.
   */
  readonly pipesFolder?: string;
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
  processOf(pane: string): Promise<number | null>;
  paste(pane: string, line: string, rows?: readonly RowGuard[], mark?: PasteMark): Promise<TypeResult>;
  press(pane: string, key: Key, rows: readonly [RowGuard, ...RowGuard[]]): Promise<TypeResult>;
  leaveMode(pane: string): Promise<void>;
  label(pane: string, label: { readonly role: string; readonly state: string }): Promise<void>;
  headline(session: string, text: string): Promise<void>;
  announce(session: string, announcement: Announcement): Promise<void>;
  /** Ends the session; rejects when it is someone else's. `onLost` stays silent about an end that was asked for. */
  close(session: string): Promise<void>;
  onOutput(pane: string, callback: () => void): Promise<(() => Promise<void>) | null>;
  onMode(session: string, callback: (pane: string) => void): () => Promise<void>;
  onKey(
    session: string,
    key: string | null,
    callback: (pane: string, what: Pressed) => void,
  ): Promise<() => Promise<void>>;
  onLost(session: string, callback: (why: string) => void): () => Promise<void>;
  /** What stands on the server that somebody who died may have left; nothing is changed. */
  leftBehind(): Promise<LeftOnServer>;
  endLeftSession(session: MarkedSession): Promise<void>;
  deleteLeftBuffer(name: string): Promise<void>;
  /** E.g. `3.3a`. Rejects when the program cannot be run. */
  version(): Promise<string>;
  /** Ends the connections, never the server. */
  end(): Promise<void>;
}

/** Sessions are known by name, panes by tmux's own ids. Nothing runs before the first call. */
export function openTerminal(options: TerminalOptions): TmuxTerminal {
  const server = serverOf(options);
  const links = linkTable(server, options.way ?? 'auto');
  const doors: Doors = {
    ask: (chain, how) => askByChild(server, chain, how),
    create: (chain) => startServer(server, chain),
  };
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
      const { kind } = await askByChild(server, [['list-sessions', '-F', '#{session_id}']], { repeatable: true });
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
    processOf: async (pane) => processOf(links.askFor(target(pane).session), pane),
    look: async (pane) => lookAt(links.askFor(target(pane).session), pane),
    paste: async (pane, line, rows, mark) =>
      pasteLine(links.askFor(target(pane).session), target(pane), line, rows, mark),
    press: async (pane, key, rows) => pressKey(links.askFor(target(pane).session), target(pane), key, rows),
    leaveMode: async (pane) =>
      tellPane(links.askFor(target(pane).session), 'Could not leave the mode', [['copy-mode', '-q', '-t', pane]]),
    label: async (pane, label) =>
      tellPane(links.askFor(target(pane).session), 'Could not label the pane', labelChain(pane, label)),
    async headline(session, text) {
      checkSessionName(session);
      await tellPane(links.askFor(session), 'Could not set the headline', headlineChain(session, text));
    },
    async announce(session, announcement) {
      checkSessionName(session);
      await announce(links.askFor(session), session, announcement);
    },
    async close(session) {
      checkSessionName(session);
      await links.drop(session);
      await closeSession(doors.ask, session, options.workspaceId);
      await forgetKeys(doors.ask, session);
    },
    ...ears(server, links, options.pipesFolder),
    leftBehind: () => lookAtServer(doors.ask),
    endLeftSession: (session) => endLeftSession(doors.ask, session),
    deleteLeftBuffer: (name) => deleteLeftBuffer(doors.ask, name),
    version: () => tmuxVersion(server),
    end: () => links.end(),
  };
}

/** The ways to be told instead of asking. */
function ears(
  server: Server,
  links: ReturnType<typeof linkTable>,
  folder: string | undefined,
): Pick<TmuxTerminal, 'onOutput' | 'onMode' | 'onKey' | 'onLost'> {
  return {
    onOutput: async (pane, callback) => {
      checkPane(pane);
      const ask = links.askFor(links.sessionOf(pane));
      return folder === undefined ? null : followOutput(ask, pane, folder, callback);
    },
    onMode(session, callback) {
      checkSessionName(session);
      return links.observe(session, callback);
    },
    async onKey(session, key, pressed) {
      checkSessionName(session);
      const ask = links.askFor(session);
      if (key !== null && folder !== undefined) return offerKey(server, ask, { session, key, folder, pressed });
      await forgetKeys(ask, session);
      return () => Promise.resolve();
    },
    onLost(session, callback) {
      checkSessionName(session);
      return links.watch(session, callback);
    },
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
