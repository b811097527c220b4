import type { Ask, Chain } from './commands.ts';
import { FOLLOW_CLIENTS } from './plan.ts';

/**
 * Gives the session's windows back the size that the session was made with (its `default-size`) when no human looks at
 * it: a small client leaves its small size behind, and agents in tiny panes draw nothing that can be read.
 * Resolves to true when a human is attached or every window has its size.
 */
export async function restoreSize(ask: Ask, session: string): Promise<boolean> {
  const reply = await ask(sizeFacts(session), { repeatable: true });
  if (reply.kind !== 'done') return false;
  const [clients = [], windows = [], wanted = []] = reply.outputs;
  const size = /^(\d+)x(\d+)$/.exec(wanted[0] ?? '');
  if (size === null || clients.some((client) => watches(client, session))) return true;
  const [, cols = '', rows = ''] = size;
  const changed = windows.map((line) => line.split(' ')).filter(([, is]) => is !== wanted[0]);
  const chain = changed.flatMap(([id = '']) => resizeChain(id, cols, rows));
  if (chain.length === 0) return true;
  return (await ask(chain, { repeatable: true })).kind === 'done';
}

/** The notifications of control mode after which somebody may have left. */
export const LEAVING = new Set(['client-detached', 'client-session-changed']);

function sizeFacts(session: string): Chain {
  return [
    ['list-clients', '-F', '#{client_control_mode} #{session_name} #{session_group}'],
    ['list-windows', '-t', `=${session}:`, '-F', '#{window_id} #{window_width}x#{window_height}'],
    ['show-options', '-v', '-t', `=${session}:`, 'default-size'],
  ];
}

// A session that a human made with `new-session -t` shares the windows; its group bears the first session's name.
function watches(client: string, session: string): boolean {
  const [control, name, group] = client.split(' ');
  return control === '0' && (name === session || group === session);
}

// resize-window leaves the window at a fixed size; the option lets it follow the next client again.
function resizeChain(windowId: string, cols: string, rows: string): Chain {
  return [
    ['resize-window', '-t', windowId, '-x', cols, '-y', rows],
    ['set-option', '-w', '-t', windowId, 'window-size', FOLLOW_CLIENTS],
  ];
}
