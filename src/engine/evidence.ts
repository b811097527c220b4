import { evidenceFrom } from '../core/evidence-window.ts';
import { FileRefused } from '../files/refused.ts';
import { handleOf, type CrewParts } from './crew.ts';
import type { Stop } from './ports.ts';

/** Hands what the agents of a run report to its loop. */
export interface EvidenceFeed {
  /** Follows every agent that is not followed yet. */
  followAll(): Promise<void>;
  /** Takes up all that a role's agent has on disk now. */
  readonly drain: (role: string) => Promise<void>;
  readonly stop: Stop;
}

export function openEvidence({ loop, provider, place }: CrewParts, onError: (error: unknown) => void): EvidenceFeed {
  const followed = new Map<string, Stop>();
  const draining = new Map<string, Promise<void>>();
  let ended = false;

  // Beginning to follow hands over what is there first, so that following anew is the way to have it all.
  const followAnew = async (role: string): Promise<void> => {
    const agent = loop.run().agents[role];
    if (!agent || ended) return;
    await followed.get(role)?.();
    followed.delete(role);
    const stop = await provider.evidence(handleOf(agent, place), evidenceFrom(agent), (piece) => {
      loop.submit({ kind: 'agent-news', role, evidence: piece }).catch(onError);
    });
    followed.set(role, stop);
    await loop.settled();
  };

  // One after the other: of two at once one would follow for ever. Whoever asked before hears of their own failure.
  const drain = (role: string): Promise<void> => {
    const next = Promise.allSettled([draining.get(role)]).then(() => followAnew(role));
    draining.set(role, next);
    return next;
  };

  return {
    drain,
    async followAll() {
      for (const [role, agent] of Object.entries(loop.run().agents)) {
        if (followed.has(role)) continue;
        await drain(role).catch(async (error: unknown) => {
          if (!(error instanceof FileRefused) || agent.process !== null) throw error;
          // What it would report is read nowhere: it is not begun, and a human is told why.
          await loop.submit({ kind: 'agent-failed', role, sentence: error.sentence, hint: error.hint });
        });
      }
    },
    async stop() {
      ended = true;
      await Promise.allSettled(draining.values());
      for (const stop of followed.values()) await stop();
    },
  };
}
