import type { Ask, Chain } from './commands.ts';
import { meansGone } from './failure.ts';
import { FOLLOW_CLIENTS } from './plan.ts';

/**
 * Gives the session's windows back the size that the session was made with (its `default-size`) when no human looks at
 * it: a small client leaves its small size behind, and agents in tiny panes draw nothing that can be read.
 * Resolves to tmux's words when the session or the server is gone, to null otherwise.
 */
export async function restoreSize(ask: Ask, session: string): Promise<string | null> {
  const reply = await ask(sizeFacts(session), { repeatable: true });
  if (reply.kind === 'no-server') return reply.message;
  if (reply.kind === 'error') return meansGone(reply.message) ? reply.message : null;
  if (reply.kind === 'failed') return null;
  const [clients = [], windows = [], wanted = []] = reply.outputs;
  const size = /^(\d+)x(\d+)$/.exec(wanted[0] ?? '');
  if (size === null || clients.some((client) => watches(client, session))) return null;
  const changed = windows.map((line) => line.split(' ')).filter(([, is]) => is !== wanted[0]);
  const chain = changed.flatMap(([id = '']) => resizeChain(id, size[0]));
  if (chain.length > 0) await ask(chain, { repeatable: true });
  return null;
}

/** The notifications of control mode after which somebody may have left; the first one says that we attached. */
export const LEAVING = new Set(['session-changed', 'client-detached', 'client-session-changed']);

function sizeFacts(session: string): Chain {
  return [
    ['list-clients', '-F', '#{client_control_mode} #{session_name} #{session_group}'],
    ['list-windows', '-t', `=${session}:`, '-F', '#{window_id} #{window_width}x#{window_height}'],
    ['show-options', '-v', '-t', `=${session}:`, 'default-size'],
  ];
}

/** Whether a line of list-clients (`control session group`) is a human who looks at the session. */
// A session that a human made with `new-session -t` shares the windows; its group bears the first session's name.
export function watches(client: string, session: string): boolean {
  const [control, name, group] = client.split(' ');
  return control === '0' && (name === session || group === session);
}

/** Brings a window to a size such as `220x100`. */
export function resizeChain(windowId: string, size: string): Chain {
  const [cols = '', rows = ''] = size.split('x');
  // resize-window leaves the window at a fixed size; the option lets it follow the next client again.
  return [
    ['resize-window', '-t', windowId, '-x', cols, '-y', rows],
    ['set-option', '-w', '-t', windowId, 'window-size', FOLLOW_CLIENTS],
  ];
}
