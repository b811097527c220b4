import { callOf, type Report } from '../core/reported.ts';
import { holderOf, presentStep, type Agent, type Holder, type Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { Clock, Stop, Terminal } from './ports.ts';
import type { RunLoop } from './loop.ts';

/** How often the time that is left until a pane goes back is shown anew, in ms. */
const TICK_MS = 1000;

/** Keeps pane borders and the status line in step with the run. What did not change is not sent again. */
export function keepBorders(loop: RunLoop, terminal: Terminal, clock: Clock, onError: (error: unknown) => void): Stop {
  const shown = new Map<string, string>();
  const ended = new AbortController();
  let working: Promise<void> = Promise.resolve();
  let ticking: Promise<void> | null = null;

  const show = async (run: Run): Promise<void> => {
    const session = run.settings?.session;
    if (session === undefined || run.life.kind === 'stopped') return;
    for (const agent of Object.values(run.agents)) {
      if (agent.pane === null) continue;
      const state = borderOf(agent, holderOf(run, agent.role), clock.now(), callOf(run, agent.role));
      if (shown.get(agent.pane) === state) continue;
      await terminal.label(agent.pane, { role: agent.role, state });
      shown.set(agent.pane, state);
    }
    // Before the first pane there is no session to show it.
    const headline = headlineOf(run);
    if (shown.get('') === headline || Object.values(run.agents).every(({ pane }) => pane === null)) return;
    await terminal.headline(session, headline);
    shown.set('', headline);
  };
  const queue = (work: () => Promise<void>): void => {
    working = working.then(work).catch(onError);
  };
  // Only while a pane is about to go back.
  const tick = async (): Promise<void> => {
    while (isReturning(loop.run()) && !ended.signal.aborted) {
      await clock.sleep(TICK_MS, ended.signal);
      queue(() => show(loop.run()));
    }
  };
  const showAll = (run: Run): Promise<void> => {
    if (isReturning(run)) ticking ??= tick().finally(() => (ticking = null));
    return show(run);
  };

  const unsubscribe = loop.subscribe((run, events) => {
    queue(() => {
      for (const event of events) {
        // What was made anew shows nothing yet.
        if (event.kind === 'session.opened') shown.clear();
        if (event.kind === 'agent.placed') shown.delete(event.pane);
      }
      return showAll(run);
    });
  });
  queue(() => showAll(loop.run()));
  return async () => {
    unsubscribe();
    ended.abort();
    await ticking;
    await working;
  };
}

const isReturning = (run: Run): boolean =>
  Object.values(run.holders).some((holder) => holder.kind === 'human' && holder.backAt !== null);

/** What a pane's border says beside the role: who holds it, what its agent does or wants of a human, when it goes back. */
export function borderOf(agent: Agent, holder: Holder, now: number, call: Report | null = null): string {
  if (holder.kind === 'auto') return call ? callWord(agent, call) : stateWord(agent);
  if (holder.backAt !== null) return `human, goes back in ${Math.max(1, Math.ceil((holder.backAt - now) / 1000))} s`;
  return agent.state.kind === 'idle' ? 'human' : `human, ${stateWord(agent)}`;
}

/** The words themselves are in the status: they are the role's own, and long. */
function callWord(agent: Agent, { what }: Report): string {
  const word = what === 'blocked' ? 'says it is blocked' : 'has a question';
  return agent.state.kind === 'idle' ? word : `${stateWord(agent)}, ${word}`;
}

function stateWord(agent: Agent): string {
  switch (agent.state.kind) {
    case 'asking':
      return 'needs an answer';
    case 'gone':
      return agent.state.deliberate ? 'ended' : 'crashed';
    case 'busy':
      return 'working';
    case 'starting':
    case 'idle':
    case 'failed':
      return agent.state.kind;
    default:
      return agent.state satisfies never;
  }
}

/** Feature, step, who is working, and who holds what, for the session's status line. */
export function headlineOf(run: Run): string {
  const held = Object.keys(run.holders).filter((role) => holderOf(run, role).kind === 'human');
  const parts = [
    ...(run.paused && run.life.kind === 'running' ? ['paused'] : []),
    ...(held.length > 0 && run.life.kind === 'running' ? [`human: ${held.join(', ')}`] : []),
  ];
  return [progressOf(run), ...parts].join(' · ');
}

function progressOf(run: Run): string {
  const feature = run.identity?.feature ?? '';
  const count = run.workflow?.steps.length ?? 0;
  if (run.life.kind === 'completed') return `${feature}: completed (${count}/${count})`;
  const present = presentStep(run);
  if (!present) return feature;
  const who = isAgentStep(present.step) ? present.step.role : present.step.module;
  return `${feature}: ${present.step.id} (${present.index + 1}/${count}), ${who}`;
}
