import { randomUUID } from 'node:crypto';
import type { CrewParts } from './crew.ts';

/** How often a server that gives no clear answer is asked again, and how long is waited in between, in ms. */
const ASK_AGAIN = { times: 20, everyMs: 250 };

/**
 * Says what became of the run when its session is gone. Somebody who ended it while tmux goes on wanted that: the run is
 * paused, and resume or start goes on with it. A server that is gone took the session along: it is opened again. Says nothing any
 * more once `leaving` aborts.
 */
export async function reportSessionLoss(parts: CrewParts, why: string, leaving: AbortSignal): Promise<void> {
  const { loop, terminal } = parts;
  const { life, settings, agents } = loop.run();
  if (life.kind !== 'running' || settings === null) return;
  // One that was renamed is not gone; of one that could not be looked at, the vigil will hear more.
  if ((await terminal.survey(settings.session)).kind !== 'absent') return;
  const server = await serverOf(parts, leaving);
  if (leaving.aborted) return;
  if (server === 'up') {
    await loop.submit({ kind: 'session-ended', by: 'human', why: 'the tmux session was ended' });
    return;
  }
  const spareIds = Object.fromEntries(Object.keys(agents).map((role) => [role, randomUUID()]));
  await loop.submit({ kind: 'session-lost', why, spareIds });
}

async function serverOf({ terminal, clock }: CrewParts, leaving: AbortSignal): Promise<'up' | 'down'> {
  for (let asked = 0; asked < ASK_AGAIN.times && !leaving.aborted; asked += 1) {
    const server = await terminal.server();
    if (server !== 'unknown') return server;
    await clock.sleep(ASK_AGAIN.everyMs, leaving);
  }
  return 'down';
}
