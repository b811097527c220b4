import { isInterruptOpen } from '../core/resources.ts';
import type { Agent } from '../core/run.ts';
import { handleOf, type CrewParts } from './crew.ts';

/** How long it is tried, and how often it is looked whether it can be done or was, in ms. */
const TRY_FOR_MS = 30_000;
const LOOK_EVERY_MS = 250;
/** How long the agent may take to stop before Escape is pressed once more, in ms: it may go on with what it had queued. */
const STOPS_WITHIN_MS = 5000;
/** An Escape more than these would go to a screen that does not react to it. */
const PRESSES = 3;

export interface InterruptOrder {
  readonly step: string;
  readonly role: string;
}

type Look =
  /** It is over, or is no longer ours to end. */
  { readonly kind: 'over' } | { readonly kind: 'pressed' } | { readonly kind: 'not-now'; readonly why: string };

/**
 * Ends the turn that an agent is in, by Escape. The key is pressed only while the agent says and shows that it works, with
 * nothing in its composer and no question open, each row of its box standing as it was seen, which tmux checks in the same
 * go. It is in the journal before it is pressed, and refused there while a human holds the pane.
 */
export async function interruptTurn(parts: CrewParts, order: InterruptOrder, closing: AbortSignal): Promise<void> {
  const { clock, loop } = parts;
  const until = clock.now() + TRY_FOR_MS;
  let why = 'its pane could not be looked at';
  let presses = 0;
  let pressedAt = -Infinity;
  while (!closing.aborted && clock.now() < until) {
    const agent = wanted(parts, order);
    if (!agent) return;
    const isWaiting = clock.now() - pressedAt < STOPS_WITHIN_MS;
    const found: Look =
      isWaiting || presses >= PRESSES ? { kind: 'not-now', why } : await lookAndPress(parts, order, agent);
    if (found.kind === 'over') return;
    if (found.kind === 'pressed') {
      presses += 1;
      pressedAt = clock.now();
      why = `Escape was pressed ${presses === 1 ? 'once' : `${presses} times`} and it goes on`;
    } else why = found.why;
    await clock.sleep(LOOK_EVERY_MS, closing);
  }
  // Whoever takes the run up next finds it outstanding.
  if (!closing.aborted) await loop.submit({ kind: 'interrupt-failed', ...order, why });
}

/** The agent, while its turn is still to be ended. */
function wanted({ loop }: CrewParts, { step, role }: InterruptOrder): Agent | null {
  const { overrun, agents } = loop.run();
  const isOpen = isInterruptOpen(overrun) && overrun.step === step;
  const agent = agents[role];
  return isOpen && agent?.state.kind !== 'gone' && agent?.state.kind !== 'failed' ? (agent ?? null) : null;
}

async function lookAndPress(parts: CrewParts, order: InterruptOrder, agent: Agent): Promise<Look> {
  const { terminal, provider, loop, place } = parts;
  if (agent.pane === null) return notNow('it has no pane');
  if (agent.state.kind === 'asking') return notNow(`it asks something (${agent.state.dialog.name})`);
  const look = await terminal.look(agent.pane);
  if (look.kind !== 'seen' || look.dead) return notNow(look.kind === 'unknown' ? look.why : 'its pane is gone');
  if (look.inMode && look.watchers > 0) return notNow('somebody reads the pane in copy mode');
  if (look.inMode) await terminal.leaveMode(agent.pane);
  const screen = provider.classify(look.capture);
  if (screen.kind !== 'composer')
    return notNow(`its pane shows ${screen.kind === 'unknown' ? 'no composer' : `a ${screen.kind}`}`);
  if (screen.draft !== '') return notNow('a text stands in its composer');
  const [first, ...rest] = screen.rows;
  const activity = await provider.activity(handleOf(agent, place));
  if (!screen.busy || !first || activity.kind === 'idle') return notNow('it does not show that it works');
  if (activity.kind === 'waiting') return notNow(`it waits for an answer (${activity.waitingFor})`);
  const answer = await loop.submit({ kind: 'interrupting', ...order });
  if (!answer.ok) return answer.refusal.reason === 'held' ? notNow('a human holds the pane') : { kind: 'over' };
  const pressed = await terminal.press(agent.pane, 'escape', [first, ...rest]);
  if (typeof pressed === 'object') return notNow(pressed.failed);
  return pressed === 'typed' ? { kind: 'pressed' } : notNow('its screen kept changing');
}

const notNow = (why: string): Look => ({ kind: 'not-now', why });
