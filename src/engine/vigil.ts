import { randomUUID } from 'node:crypto';
import { untilBeat } from '../core/beat.ts';
import type { Agent } from '../core/run.ts';
import { handleOf, type CrewParts } from './crew.ts';
import type { Stop } from './ports.ts';

/** How often agents are looked after: their process, their dialogs, an interrupt that no hook reports. In ms. */
const ROUND_MS = 1000;
/** An agent that says idle this long after its turn began without reporting the end was interrupted. */
const INTERRUPTED_AFTER_MS = 1500;

/**
 * Looks after the agents of a run until stopped. Reports what it sees; decides nothing. `sessionLost` is called instead
 * of reporting agents that ended with their session; it resolves when that is dealt with.
 */
export function keepVigil(
  parts: CrewParts,
  sessionLost: (why: string) => Promise<void>,
  onError: (error: unknown) => void,
): Stop {
  const ended = new AbortController();
  const isOver = (): boolean => ended.signal.aborted;
  const rounds = async (): Promise<void> => {
    while (!isOver()) {
      for (const agent of Object.values(parts.loop.run().agents)) {
        if (isOver()) return;
        await lookAfter(parts, agent, sessionLost).catch(onError);
      }
      await parts.clock.sleep(untilBeat(parts.clock.now(), ROUND_MS), ended.signal);
    }
  };
  const running = rounds();
  return async () => {
    ended.abort();
    await running;
  };
}

async function lookAfter(parts: CrewParts, agent: Agent, sessionLost: (why: string) => Promise<void>): Promise<void> {
  if (agent.process === null || agent.state.kind === 'gone' || agent.state.kind === 'failed') return;
  const { provider, loop, place } = parts;
  const { role, generation } = agent;
  if ((await provider.alive(agent.process)) === 'gone') {
    if (await isSessionGone(parts)) return sessionLost('it is not there any more');
    const exit = await provider.exit({ agentDir: place.agentDir(role) });
    await loop.submit({ kind: 'agent-exited', role, generation, exit, spareId: randomUUID() });
    return;
  }
  if (agent.state.kind === 'idle') return;
  const activity = await provider.activity(handleOf(agent, place));
  if (agent.state.kind === 'starting' || agent.state.kind === 'asking' || activity.kind === 'waiting')
    await lookForDialog(parts, agent, activity.kind);
  const silentMs = parts.clock.now() - agent.state.since;
  if (agent.state.kind === 'busy' && activity.kind === 'idle' && silentMs > INTERRUPTED_AFTER_MS)
    await loop.submit({ kind: 'agent-interrupted', role });
}

async function isSessionGone({ loop, terminal }: CrewParts): Promise<boolean> {
  const { life, settings } = loop.run();
  return life.kind === 'running' && settings !== null && (await terminal.survey(settings.session)).kind === 'absent';
}

async function lookForDialog({ terminal, provider, loop }: CrewParts, agent: Agent, activity: string): Promise<void> {
  if (agent.pane === null) return;
  const look = await terminal.look(agent.pane);
  if (look.kind !== 'seen') return;
  const screen = provider.classify(look.capture);
  const { role } = agent;
  if (screen.kind === 'dialog') await loop.submit({ kind: 'agent-asking', role, dialog: screen.dialog });
  else if (screen.kind !== 'unknown' && activity !== 'waiting') await loop.submit({ kind: 'agent-answered', role });
}
