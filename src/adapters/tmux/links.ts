import { askByChild } from './child.ts';
import type { Server } from './child.ts';
import type { Ask } from './commands.ts';
import { keepLink } from './link.ts';
import type { Link, Way } from './link.ts';
import { openPoll } from './poll.ts';
import type { PaneFact } from './panes.ts';

/** Which pane belongs to which session, the link to each session, and who wants to hear of its loss. */
export function linkTable(server: Server, way: Way) {
  const links = new Map<string, Link>();
  const sessions = new Map<string, string>();
  const watchers = new Map<string, Set<(why: string) => void>>();
  const observers = new Map<string, Set<(pane: string) => void>>();
  const modeChanged = (session: string, pane: string): void => {
    if (sessions.get(pane) !== session) return;
    for (const callback of observers.get(session) ?? []) callback(pane);
  };
  const poll = openPoll(server, modeChanged);
  let ended = false;

  const connect = (session: string) => {
    if (ended || links.has(session)) return;
    const link = keepLink({ server, way, poll, modeChanged }, session, (why) => {
      if (links.get(session) !== link) return;
      links.delete(session);
      for (const callback of watchers.get(session) ?? []) callback(why);
    });
    links.set(session, link);
  };
  const drop = async (session: string) => {
    const link = links.get(session);
    links.delete(session);
    for (const [pane, owner] of sessions) if (owner === session) sessions.delete(pane);
    await link?.end();
  };

  return {
    drop,
    sessionOf: (pane: string) => sessions.get(pane),
    askFor: (session: string | undefined): Ask => {
      poll.stir();
      return links.get(session ?? '')?.ask ?? ((chain, options) => askByChild(server, chain, options));
    },
    adopt: (session: string, panes: readonly PaneFact[]): readonly PaneFact[] => {
      poll.stir();
      for (const { pane } of panes) sessions.set(pane, session);
      connect(session);
      return panes.map(({ role, pane, dead, pid }) => ({ role, pane, dead, pid }));
    },
    watch: (session: string, callback: (why: string) => void) => {
      const told = watchers.get(session) ?? new Set();
      watchers.set(session, told.add(callback));
      connect(session);
      return async () => {
        told.delete(callback);
        await Promise.resolve();
      };
    },
    observe: (session: string, callback: (pane: string) => void) => {
      const told = observers.get(session) ?? new Set();
      observers.set(session, told.add(callback));
      return async () => {
        told.delete(callback);
        await Promise.resolve();
      };
    },
    end: async () => {
      ended = true;
      await Promise.all([...links.keys()].map(drop));
    },
  };
}
