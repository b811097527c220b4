import { setTimeout as sleep } from 'node:timers/promises';
import type { Ask } from './commands.ts';
import { tellPane } from './failure.ts';
import { findSession } from './panes.ts';
import type { Found } from './panes.ts';
import { isBufferOf } from './typing.ts';

/** Ends a session of ours by its id, waits until tmux does not know it, and removes text left in buffers. */
export async function closeSession(ask: Ask, session: string, workspaceId: string): Promise<void> {
  const found = await findSession(ask, session, workspaceId);
  if (found.kind === 'foreign') throw new Error(`The session ${session} belongs to ${found.owner} and was left alone`);
  if (found.kind === 'unknown') throw new Error(`The session ${session} could not be ended: ${found.why}`);
  // By id: the name may belong to another session by now.
  if (found.kind === 'ours')
    await tellPane(ask, 'Could not end the session', [['kill-session', '-t', found.sessionId]]);
  await untilAbsent(() => findSession(ask, session, workspaceId), session);
  await deleteBuffers(ask, session);
}

async function untilAbsent(find: () => Promise<Found>, session: string): Promise<void> {
  for (let looks = 0; looks < CLOSE_LOOKS; looks += 1) {
    const { kind } = await find();
    if (kind === 'absent' || kind === 'foreign') return;
    await sleep(CLOSE_PAUSE_MS);
  }
  throw new Error(`tmux still knows the session ${session} after it was ended`);
}

const CLOSE_LOOKS = 100;
const CLOSE_PAUSE_MS = 30;

/** Text that a process left behind when it ended between two steps. */
async function deleteBuffers(ask: Ask, session: string): Promise<void> {
  const reply = await ask([['list-buffers', '-F', '#{buffer_name}']], { repeatable: true });
  const names = reply.kind === 'done' ? (reply.outputs[0] ?? []).filter((name) => isBufferOf(session, name)) : [];
  for (const name of names) await ask([['delete-buffer', '-b', name]], { repeatable: true });
}
