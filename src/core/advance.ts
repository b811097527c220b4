import { awaitsApproval, checkState, claimOf, isCheckable, orderOf } from './claim.ts';
import { settledByItself } from './conflict.ts';
import { PLAYED_BY_CLIENT } from './role-tool-names.ts';
import type { Fact } from './event.ts';
import { callOf } from './reported.ts';
import {
  hasArrived,
  holderOf,
  instructionsPrompt,
  isBriefed,
  presentStep,
  type Agent,
  type Prompt,
  type Run,
} from './run.ts';
import { isAgentStep, promptOf, reminderOf, type AgentStep } from './workflow.ts';

/** How long a turn that has written its checkpoint may go on before the claim is checked all the same. In ms. */
export const TURN_ENDS_WITHIN_MS = 60_000;
/** How long a role that ended its turn may lack its checkpoint before it is reminded. In ms. */
export const REMIND_AFTER_MS = 5_000;

/**
 * What a running feature needs next, as facts; empty when it can only wait. Called again with the facts applied until
 * it has nothing to add. `at`: now, in ms since the epoch.
 */
export function advance(run: Run, at: number): Fact[] {
  if (run.life.kind !== 'running' || !run.life.surveyed || run.rollback) return [];
  if (run.conflict) return settledByItself(run);
  const outdated = withdrawals(run);
  if (outdated.length > 0) return outdated;
  const present = presentStep(run);
  if (!present) return [{ kind: 'run.completed' }];
  const { step } = present;
  if (isAgentStep(step) && claimOf(run, step).kind === 'good') {
    const next = afterClaim(run, step, at);
    return next === 'waits' ? briefings(run) : next;
  }
  const briefs = briefings(run);
  return briefs.length > 0 ? briefs : beginning(run, present.index, at);
}

/** Prompts that were never typed and ask for what is done, or was opened anew since. */
function withdrawals(run: Run): Fact[] {
  const isOutdated = ({ stage, purpose, id }: Prompt): boolean =>
    stage.kind === 'wanted' &&
    'step' in purpose &&
    (run.done[purpose.step] !== undefined || id < (run.askedFrom[purpose.step] ?? 0));
  return run.prompts
    .filter(isOutdated)
    .map(({ id }) => ({ kind: 'prompt.withdrawn', prompt: id, why: 'what it asks for is no longer wanted' }));
}

/** A whole checkpoint: it is checked, then approved where a human has to, then the step is done. */
function afterClaim(run: Run, step: AgentStep, at: number): Fact[] | 'waits' {
  const order = isCheckable(run, step) ? orderOf(run, step, 'after') : null;
  if (order) {
    const check = checkState(run, step, 'after');
    if (check.kind === 'none') {
      if (!isTurnOver(run, step, at)) return 'waits';
      const claim = run.seen[step.checkpoint]?.sha256 ?? null;
      return [{ kind: 'check.wanted', step: step.id, stage: 'after', claim }];
    }
    if (check.kind === 'running' || check.kind === 'failed') return 'waits';
  }
  if (awaitsApproval(run, step)) return 'waits';
  const found = run.seen[step.checkpoint]?.found === true;
  return [{ kind: 'step.completed', step: step.id, how: found ? 'found' : 'checkpoint' }];
}

/** Agents commit and tidy up after they wrote their checkpoint; what they leave is looked at once they are done. */
function isTurnOver(run: Run, step: AgentStep, at: number): boolean {
  return turnOverAt(run, step) <= at;
}

function turnOverAt(run: Run, step: AgentStep): number {
  // What works is no agent in a pane: its checkpoint is the last that it does.
  if (run.settings?.provider === PLAYED_BY_CLIENT) return 0;
  const seen = run.seen[step.checkpoint];
  const state = run.agents[step.role]?.state;
  if (!seen || !state || (state.kind !== 'busy' && state.kind !== 'asking')) return 0;
  return seen.at + TURN_ENDS_WITHIN_MS;
}

/** Every role gets its instructions once in each conversation. */
function briefings(run: Run): Fact[] {
  if (run.settings?.instructions !== 'typed' || run.paused) return [];
  const missing = Object.keys(run.workflow?.roles ?? {}).filter(
    (role) => run.agents[role] !== undefined && !instructionsPrompt(run, role),
  );
  return missing.map((role, index) => ({
    kind: 'prompt.wanted',
    prompt: run.prompts.length + 1 + index,
    role,
    purpose: { kind: 'instructions' },
    line: `Read .tmops/${run.identity?.feature ?? ''}/current/roles/${role}.md and follow it.`,
    file: null,
  }));
}

/** Prompts of the step in the agent's present conversation, oldest first. */
function askedOf(run: Run, step: AgentStep): readonly Prompt[] {
  const from = Math.max(run.agents[step.role]?.firstPrompt ?? 1, run.askedFrom[step.id] ?? 1);
  return run.prompts.filter(
    ({ role, id, purpose, stage }) =>
      role === step.role && id >= from && 'step' in purpose && purpose.step === step.id && stage.kind !== 'withdrawn',
  );
}

const isUp = (agent: Agent | undefined): agent is Agent =>
  agent !== undefined && agent.state.kind !== 'gone' && agent.state.kind !== 'failed';

function beginning(run: Run, index: number, at: number): Fact[] {
  const { workflow, identity, life } = run;
  const step = workflow?.steps[index];
  if (!step || !identity || life.kind !== 'running' || run.paused || run.overrun?.step === step.id) return [];
  if (!isAgentStep(step))
    return life.stepBeganAt !== null || run.moduleFailure?.step === step.id
      ? []
      : [{ kind: 'step.began', step: step.id }];
  const agent = run.agents[step.role];
  if (!isUp(agent) || agent.parked || !isBriefed(run, step.role)) return [];
  const asked = askedOf(run, step);
  const last = asked.at(-1);
  if (life.stepBeganAt !== null) return nudge(run, step, agent, asked, at);
  const began: Fact = { kind: 'step.began', step: step.id };
  if (last && !hasArrived(last)) return [began];
  const wanted = { kind: 'prompt.wanted', prompt: run.prompts.length + 1, role: step.role, file: null } as const;
  if (last) {
    // It may be at work on a human's prompt, or wait for one; what that brings is awaited first.
    if (agent.state.kind === 'busy' || agent.state.kind === 'asking' || callOf(run, step.role)) return [];
    return [began, { ...wanted, purpose: { kind: 'reminder', step: step.id }, line: reminderOf(workflow, step) }];
  }
  const checked = orderOf(run, step, 'before') ? checkState(run, step, 'before').kind : 'passed';
  if (checked === 'none') return [{ kind: 'check.wanted', step: step.id, stage: 'before', claim: null }];
  if (checked === 'running' || checked === 'failed') return [];
  return [began, { ...wanted, purpose: { kind: 'step', step: step.id }, line: promptOf(workflow, index, identity) }];
}

/** A turn that ended without its checkpoint, or says nothing any more: the role is reminded, a few times. */
function nudge(run: Run, step: AgentStep, agent: Agent, asked: readonly Prompt[], at: number): Fact[] {
  if (!run.workflow || at < Math.min(nudgeAt(run, step, agent, asked), silenceAt(run, step, agent, asked))) return [];
  return [
    {
      kind: 'prompt.wanted',
      prompt: run.prompts.length + 1,
      role: step.role,
      file: null,
      purpose: { kind: 'reminder', step: step.id },
      line: reminderOf(run.workflow, step),
    },
  ];
}

function nudgeAt(run: Run, step: AgentStep, agent: Agent, asked: readonly Prompt[]): number {
  const last = asked.at(-1);
  const isOver = last?.stage.kind === 'taken' ? last.stage.turnEnded : last?.stage.kind === 'delivered-by-hand';
  if (!isOver || agent.state.kind !== 'idle' || agent.state.failed !== null) return Infinity;
  if (agent.parked || holderOf(run, step.role).kind === 'human' || run.faults[step.checkpoint]) return Infinity;
  // It waits for a human: a reminder would have it guess.
  if (callOf(run, step.role)) return Infinity;
  return remindersLeft(run, asked) > 0 ? agent.state.since + REMIND_AFTER_MS : Infinity;
}

/**
 * When an agent in the middle of its turn has been silent for so long that it is reminded: once in a turn, as often as the
 * workflow says in all. After that a human is asked (see silentSince).
 */
function silenceAt(run: Run, step: AgentStep, agent: Agent, asked: readonly Prompt[]): number {
  const last = asked.at(-1);
  const isUnderWay = last?.stage.kind === 'taken' && !last.stage.turnEnded && last.purpose.kind !== 'reminder';
  if (!isUnderWay || agent.state.kind !== 'busy' || agent.parked || run.paused) return Infinity;
  if (holderOf(run, step.role).kind === 'human' || run.faults[step.checkpoint]) return Infinity;
  return remindersLeft(run, asked) > 0 ? agent.signAt + (run.settings?.silentAfterMs ?? Infinity) : Infinity;
}

/**
 * Since when the present role has given no sign of life for which a human would have to be asked, in ms since the epoch;
 * null where it need not be looked at, or is about to be reminded first.
 */
export function silentSince(run: Run, step: AgentStep): number | null {
  const agent = run.agents[step.role];
  if (!agent || (agent.state.kind !== 'busy' && agent.state.kind !== 'idle')) return null;
  if (agent.state.kind === 'idle' && callOf(run, step.role)) return null;
  const asked = askedOf(run, step);
  const canRemind = run.life.kind === 'running' && run.life.stepBeganAt !== null && claimOf(run, step).kind !== 'good';
  if (canRemind && silenceAt(run, step, agent, asked) < Infinity) return null;
  const last = asked.at(-1);
  return Math.max(agent.signAt, last?.purpose.kind === 'reminder' ? last.at : 0);
}

function remindersLeft(run: Run, asked: readonly Prompt[]): number {
  const began = run.life.kind === 'running' ? (run.life.stepBeganAt ?? 0) : 0;
  const given = asked.filter(({ purpose, at }) => purpose.kind === 'reminder' && at > began).length;
  return (run.workflow?.reminders ?? 0) - given;
}

/**
 * How often the step's role will still be reminded, now that it has ended its turn without its checkpoint; null while it
 * has not, or waits for a human.
 */
export function remindersAhead(run: Run, step: AgentStep): number | null {
  const asked = askedOf(run, step);
  const last = asked.at(-1);
  const isOver = last?.stage.kind === 'taken' && last.stage.turnEnded;
  if (run.agents[step.role]?.state.kind !== 'idle' || !isOver || callOf(run, step.role)) return null;
  return Math.max(0, remindersLeft(run, asked));
}

/** Whether the present role ended its turn without its checkpoint and is not reminded any more. */
export const isOutOfReminders = (run: Run, step: AgentStep): boolean => remindersAhead(run, step) === 0;

/** When time alone changes what is to be done in the present step, in ms since the epoch; Infinity when it does not. */
export function stepDueAt(run: Run): number {
  const step = presentStep(run)?.step;
  if (run.life.kind !== 'running' || !run.life.surveyed || run.rollback || !step || !isAgentStep(step)) return Infinity;
  if (claimOf(run, step).kind === 'good') {
    const waits =
      isCheckable(run, step) && orderOf(run, step, 'after') && checkState(run, step, 'after').kind === 'none';
    return waits ? turnOverAt(run, step) : Infinity;
  }
  const agent = run.agents[step.role];
  if (!isUp(agent) || run.paused || run.life.stepBeganAt === null) return Infinity;
  if (run.overrun?.step === step.id) return Infinity;
  const asked = askedOf(run, step);
  return Math.min(nudgeAt(run, step, agent, asked), silenceAt(run, step, agent, asked));
}
