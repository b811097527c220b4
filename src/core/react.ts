import type { CheckStage, Event } from './event.ts';
import { isInterruptOpen } from './resources.ts';
import { checksOf, openPrompts, presentStep, type Run } from './run.ts';
import { isAgentStep } from './workflow.ts';

/**
 * Wished states, not actions: each may be issued again after a crash. Typing a prompt is the one that cannot be
 * repeated blindly; `deliver` only wakes the role's courier, which follows delivery.ts.
 */
export type Command =
  /** Watch the run's checkpoints, looking at all of them once first. */
  | { readonly do: 'watch' }
  /** Every role that was launched has a pane with its agent in it. */
  | { readonly do: 'ensure-agents' }
  | { readonly do: 'deliver'; readonly role: string }
  | { readonly do: 'execute-module'; readonly step: string }
  /** The project and the checkpoints are as the rollback under way wants them. */
  | { readonly do: 'roll-back'; readonly number: number }
  /** What others did to the branch is put aside, and the worktree is as it was known. */
  | { readonly do: 'put-aside'; readonly number: number }
  /** Look whether what the step claims holds. */
  | { readonly do: 'check'; readonly step: string; readonly stage: CheckStage }
  /** End the turn that the role is in. */
  | { readonly do: 'interrupt'; readonly step: string; readonly role: string }
  /** The work is done: nothing is typed or watched any more; the panes stay for whoever wants to look. */
  | { readonly do: 'rest' }
  | { readonly do: 'close-session' };

/** Facts demand work. `run` is the state after the event. */
export function react(run: Run, event: Event): Command[] {
  switch (event.kind) {
    case 'run.started':
      return [{ do: 'watch' }];
    case 'agent.launched':
      return [{ do: 'ensure-agents' }];
    case 'prompt.wanted':
    case 'prompt.reopened':
    case 'prompt.settled': {
      const role = run.prompts.find((prompt) => prompt.id === event.prompt)?.role;
      return role === undefined ? [] : [{ do: 'deliver', role }];
    }
    case 'step.began': {
      const step = run.workflow?.steps.find((each) => each.id === event.step);
      return step && !isAgentStep(step) ? [{ do: 'execute-module', step: step.id }] : [];
    }
    case 'check.wanted':
      return [{ do: 'check', step: event.step, stage: event.stage }];
    case 'step.overran':
      return event.interrupt ? [{ do: 'interrupt', step: event.step, role: event.role }] : [];
    // What waited for the human to let go is wanted again.
    case 'pane.given':
      return [{ do: 'deliver', role: event.role }];
    case 'run.resumed':
      return rolesWithPrompts(run).map((role): Command => ({ do: 'deliver', role }));
    case 'conflict.settling':
      return puttingAside(run);
    case 'rollback.began':
    case 'rollback.retried':
      return rollbacks(run);
    // Checkpoints came and went, and what waited is wanted again, or withdrawn.
    case 'rollback.done':
      return run.life.kind === 'running'
        ? [
            { do: 'watch' },
            { do: 'ensure-agents' },
            ...rolesWithPrompts(run).map((role): Command => ({ do: 'deliver', role })),
          ]
        : [];
    case 'run.completed':
      return [{ do: 'rest' }];
    case 'run.stopped':
      return [{ do: 'close-session' }];
    default:
      return [];
  }
}

/** What a run needs when a supervisor takes it up again: the commands whose work may not have been finished. */
export function outstanding(run: Run): Command[] {
  // The supervisor may have ended between the decision to stop and the deed.
  if (run.life.kind === 'stopped') return [{ do: 'close-session' }, ...rollbacks(run)];
  if (run.life.kind !== 'running') return rollbacks(run);
  const step = presentStep(run)?.step;
  const module: Command[] =
    step && !isAgentStep(step) && run.life.stepBeganAt !== null && !run.moduleFailure
      ? [{ do: 'execute-module', step: step.id }]
      : [];
  return [
    { do: 'watch' },
    { do: 'ensure-agents' },
    ...rolesWithPrompts(run).map((role): Command => ({ do: 'deliver', role })),
    ...module,
    ...rollbacks(run),
    ...puttingAside(run),
    ...runningChecks(run),
    ...openInterrupt(run),
  ];
}

/** Putting things where they are already does no harm. One that failed waits for somebody to say so. */
const rollbacks = ({ rollback }: Run): Command[] =>
  rollback && rollback.failed === null ? [{ do: 'roll-back', number: rollback.number }] : [];

const puttingAside = ({ conflict }: Run): Command[] =>
  conflict?.settling?.failed === null ? [{ do: 'put-aside', number: conflict.number }] : [];

const rolesWithPrompts = (run: Run): string[] =>
  Object.keys(run.agents).filter((role) => openPrompts(run, role).length > 0);

/** Escape is pressed only while the turn is seen to go on, so that it can be tried again. */
const openInterrupt = ({ overrun }: Run): Command[] =>
  isInterruptOpen(overrun) ? [{ do: 'interrupt', step: overrun.step, role: overrun.role }] : [];

/** Looking again does no harm, so that a check that was cut off is made anew. */
function runningChecks(run: Run): Command[] {
  const stages: readonly CheckStage[] = ['before', 'after'];
  return Object.keys(run.checks).flatMap((step) =>
    stages
      .filter((stage) => checksOf(run, step)[stage]?.kind === 'running')
      .map((stage): Command => ({ do: 'check', step, stage })),
  );
}
