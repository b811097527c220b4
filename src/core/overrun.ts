import { claimOf } from './claim.ts';
import { millisecondsIn } from './duration.ts';
import type { Fact } from './event.ts';
import type { Refusal, Request } from './request.ts';
import { isInterruptOpen } from './resources.ts';
import { hasArrived, holderOf, presentStep, type Agent, type Run } from './run.ts';
import { isAgentStep, type AgentStep, type Step } from './workflow.ts';

/** How long a step may take, in ms: as the workflow says of it, else as the configuration says of all; null: no limit. */
export function limitOf(run: Run, step: Step): number | null {
  if (step.limit === undefined) return run.settings?.phaseLimitMs ?? null;
  return step.limit === 'never' ? null : millisecondsIn(step.limit);
}

/** When the present step has taken too long, in ms since the epoch; Infinity while it cannot. */
export function overrunDueAt(run: Run): number {
  const present = runaway(run);
  return present === null ? Infinity : present.beganAt + present.limitMs;
}

/** The step is left alone from here on; the turn that its role is in is to be interrupted. */
export function overrunAt(run: Run, at: number): Fact[] {
  const present = runaway(run);
  if (present === null || at < present.beganAt + present.limitMs) return [];
  const { step, agent, limitMs } = present;
  return [{ kind: 'step.overran', step: step.id, role: step.role, limitMs, interrupt: agent.state.kind === 'busy' }];
}

interface Runaway {
  readonly step: AgentStep;
  readonly agent: Agent;
  readonly beganAt: number;
  readonly limitMs: number;
}

/**
 * The present step while its limit counts. It does not while a human holds the pane or is asked something, nor while the
 * account has no turn left, and it counts from when the work was last asked for.
 */
function runaway(run: Run): Runaway | null {
  const step = presentStep(run)?.step;
  if (run.life.kind !== 'running' || run.life.stepBeganAt === null || !step || !isAgentStep(step)) return null;
  const limitMs = limitOf(run, step);
  const agent = run.agents[step.role];
  if (limitMs === null || run.overrun?.step === step.id || !agent || agent.parked) return null;
  if (agent.state.kind !== 'busy' && agent.state.kind !== 'idle') return null;
  if (holderOf(run, step.role).kind === 'human' || claimOf(run, step).kind === 'good') return null;
  return isAsked(run, step) ? { step, agent, beganAt: run.life.stepBeganAt, limitMs } : null;
}

/** What was never typed has not run away. */
function isAsked(run: Run, step: AgentStep): boolean {
  const last = run.prompts.findLast(({ purpose }) => 'step' in purpose && purpose.step === step.id);
  return last !== undefined && hasArrived(last);
}

type InterruptRequest = Extract<Request, { kind: 'interrupting' | 'interrupt-failed' }>;

/**
 * Whether Escape may be pressed: only for the turn that took too long, while it lasts, and never in a pane that a human
 * holds. A pause does not matter, since the turn is the present one.
 */
export function interrupting(run: Run, request: InterruptRequest): Fact[] | Refusal {
  const { step, role } = request;
  const { overrun } = run;
  const isOpen = isInterruptOpen(overrun) && overrun.step === step;
  if (request.kind === 'interrupt-failed') return isOpen ? [{ ...request, kind: 'interrupt.failed' }] : [];
  if (holderOf(run, role).kind === 'human') return { reason: 'held', received: role, allowed: [] };
  if (!isOpen || overrun.role !== role || run.agents[role]?.state.kind !== 'busy')
    return { reason: 'not-to-interrupt', received: role, allowed: [] };
  return [{ kind: 'interrupt.pressed', step, role }];
}
