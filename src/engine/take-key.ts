import { randomUUID } from 'node:crypto';
import { holderOf } from '../core/run.ts';
import type { CrewParts } from './crew.ts';

/**
 * Does what a key in a pane means: the take key takes it or gives it back, any other one is a sign of the human who
 * pressed it. Panes that are no agent's mean nothing.
 */
export async function keyPressed({ loop }: CrewParts, pane: string, what: 'take-key' | 'other'): Promise<void> {
  const run = loop.run();
  const role = Object.values(run.agents).find((agent) => agent.pane === pane)?.role;
  if (role === undefined) return;
  const holder = holderOf(run, role);
  if (what === 'other') {
    const stays = holder.kind === 'human' && holder.stays;
    await loop.submit({ kind: 'human-seen', role, sign: 'key', stays, why: 'somebody pressed a key in the pane' });
  } else if (holder.kind === 'auto') {
    await loop.submit({ kind: 'take', roles: [role], by: 'key' });
  } else {
    await loop.submit({ kind: 'give', roles: [role], by: 'key', spareIds: { [role]: randomUUID() } });
  }
}
