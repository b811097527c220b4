import type { Agent, Run } from '../core/run.ts';
import { presentStep } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { Stop, Terminal } from './ports.ts';
import type { RunLoop } from './loop.ts';

/** Keeps pane borders and the status line in step with the run. What did not change is not sent again. */
export function keepBorders(loop: RunLoop, terminal: Terminal, onError: (error: unknown) => void): Stop {
  const shown = new Map<string, string>();
  let working: Promise<void> = Promise.resolve();

  const show = async (run: Run): Promise<void> => {
    const session = run.settings?.session;
    if (session === undefined || run.life.kind === 'stopped') return;
    for (const agent of Object.values(run.agents)) {
      if (agent.pane === null) continue;
      const state = stateWord(agent);
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

  const unsubscribe = loop.subscribe((run, events) => {
    const work = (): Promise<void> => {
      for (const event of events) {
        // What was made anew shows nothing yet.
        if (event.kind === 'session.opened') shown.clear();
        if (event.kind === 'agent.placed') shown.delete(event.pane);
      }
      return show(run);
    };
    working = working.then(work).catch(onError);
  });
  working = working.then(() => show(loop.run())).catch(onError);
  return async () => {
    unsubscribe();
    await working;
  };
}

/** One word for a pane's border. */
export function stateWord(agent: Agent): string {
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

/** Feature, step and who is working, for the session's status line. */
export function headlineOf(run: Run): string {
  const feature = run.identity?.feature ?? '';
  const count = run.workflow?.steps.length ?? 0;
  if (run.life.kind === 'completed') return `${feature}: completed (${count}/${count})`;
  const present = presentStep(run);
  if (!present) return feature;
  const who = isAgentStep(present.step) ? present.step.role : present.step.module;
  return `${feature}: ${present.step.id} (${present.index + 1}/${count}), ${who}`;
}
