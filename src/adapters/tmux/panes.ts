import type { Ask, Chain } from './commands.ts';
import { unshown } from './text.ts';

export interface PaneFact {
  readonly role: string;
  readonly pane: string;
  readonly dead: boolean;
  readonly pid: number;
}

export type SessionSurvey =
  | { readonly kind: 'absent' }
  | { readonly kind: 'foreign'; readonly owner: string }
  | { readonly kind: 'ours'; readonly panes: readonly PaneFact[] }
  | { readonly kind: 'unknown'; readonly why: string };

/** A pane as listed, with the window that it stands in. */
export interface ListedPane extends PaneFact {
  readonly windowId: string;
}

export type Found =
  | Exclude<SessionSurvey, { kind: 'ours' }>
  | { readonly kind: 'ours'; readonly sessionId: string; readonly panes: readonly ListedPane[] };

/**
 * Looks a session up by its exact name; panes without a role (a human's own) are left out. A session of ours that was
 * given another name still runs the feature's agents, so the answer for its old name is 'unknown', not 'absent'.
 */
export async function findSession(ask: Ask, session: string, workspaceId: string): Promise<Found> {
  const reply = await ask(listing(session), { repeatable: true });
  switch (reply.kind) {
    case 'no-server':
      return { kind: 'absent' };
    case 'error':
      // A server without any session, about to end.
      if (reply.message === 'no current target') return { kind: 'absent' };
      return { kind: 'unknown', why: reply.message };
    case 'failed':
      return { kind: 'unknown', why: reply.why };
    case 'done':
      return readListing(reply.outputs[0] ?? [], session, workspaceId);
  }
}

/** Refuses names that tmux would change or read as a pattern. */
export function checkSessionName(session: string): void {
  if (!/^[A-Za-z0-9_-]{1,200}$/.test(session)) {
    throw new Error(`Internal error: ${JSON.stringify(session)} is no name for a session`);
  }
}

function listing(session: string): Chain {
  const filter = `#{||:#{==:#{session_name},${session}},#{==:#{@tmops_session},${session}}}`;
  return [['list-panes', '-a', '-f', filter, '-F', `${FIGURES}\t#{session_name}\t#{@tmops_role}\t#{@tmops_workspace}`]];
}

const FIGURES = '#{session_id} #{window_id} #{pane_id} #{pane_dead} #{pane_pid}';

function readListing(lines: readonly string[], session: string, workspaceId: string): Found {
  const rows = lines.map((line) => line.split('\t'));
  const named = rows.filter((row) => row[1] === session);
  const first = named[0];
  if (first === undefined) {
    const renamed = rows.find((row) => row[3] === workspaceId);
    if (renamed === undefined) return { kind: 'absent' };
    return { kind: 'unknown', why: `the session ${session} was renamed to ${JSON.stringify(renamed[1])}` };
  }
  const owner = first.slice(3).join('\t');
  if (owner !== workspaceId) return { kind: 'foreign', owner: owner === '' ? 'someone else' : owner };
  return {
    kind: 'ours',
    sessionId: first[0]?.split(' ')[0] ?? '',
    panes: named.filter((row) => row[2] !== '').map(listedPane),
  };
}

function listedPane(row: readonly string[]): ListedPane {
  const [, windowId = '', pane = '', dead = '', pid = ''] = (row[0] ?? '').split(' ');
  return { role: unshown(row[2] ?? ''), pane, dead: dead === '1', pid: Number(pid), windowId };
}
