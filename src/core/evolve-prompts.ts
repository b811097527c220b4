import type { Event } from './event.ts';
import { checksOf, type Agent, type AgentState, type Prompt, type PromptStage, type Run } from './run.ts';
import { remembered } from './evidence-window.ts';
import { isAgentStep } from './workflow.ts';

export type PromptEvent = Extract<Event, { prompt: number; kind: `prompt.${string}` }>;

/** What a fact about a prompt changes: the prompt itself and, when it was taken, the agent that took it. */
export function promptChanged(run: Run, event: PromptEvent): Run {
  if (event.kind === 'prompt.wanted') {
    const prompt: Prompt = {
      id: event.prompt,
      role: event.role,
      purpose: event.purpose,
      line: event.line,
      file: event.file,
      text: event.text ?? null,
      at: event.at,
      stage: { kind: 'wanted' },
      attempts: 0,
      trouble: null,
    };
    const asked = { ...run, prompts: [...run.prompts, prompt] };
    return event.purpose.kind === 'correction' ? sentBack(asked, event.purpose.step) : asked;
  }
  const prompts = run.prompts.map((prompt) => (prompt.id === event.prompt ? promptAfter(prompt, event) : prompt));
  const role =
    event.kind === 'prompt.taken' ? run.prompts.find((prompt) => prompt.id === event.prompt)?.role : undefined;
  const agent = role === undefined ? undefined : run.agents[role];
  if (!agent || event.kind !== 'prompt.taken') return { ...run, prompts };
  return { ...run, prompts, agents: { ...run.agents, [agent.role]: taking(agent, event) } };
}

/** A checkpoint that is to be corrected does not count as it stands, and neither does what was found out about it. */
function sentBack(run: Run, stepId: string): Run {
  const step = run.workflow?.steps.find((each) => each.id === stepId);
  const seen = step && isAgentStep(step) ? run.seen[step.checkpoint] : undefined;
  if (!step || !isAgentStep(step) || !seen) return run;
  const { sha256, mtimeMs } = seen;
  return {
    ...run,
    void: { ...run.void, [step.checkpoint]: { sha256, mtimeMs } },
    checks: { ...run.checks, [stepId]: { ...checksOf(run, stepId), after: null } },
  };
}

const taking = (agent: Agent, event: Extract<PromptEvent, { kind: 'prompt.taken' }>): Agent => ({
  ...agent,
  spoken: true,
  signAt: event.at,
  evidence: remembered(agent.evidence, event.evidence),
  state: takingState(agent, event),
});

/** An agent may go on with what waited in its queue and report no beginning: it is at work all the same. */
function takingState({ state }: Agent, event: Extract<PromptEvent, { kind: 'prompt.taken' }>): AgentState {
  if (event.queued && state.kind !== 'idle') return state;
  return { kind: 'busy', since: event.at, prompt: event.queued ? null : event.prompt };
}

function promptAfter(prompt: Prompt, event: Exclude<PromptEvent, { kind: 'prompt.wanted' }>): Prompt {
  const at = (stage: PromptStage): Prompt => ({ ...prompt, stage, trouble: null });
  const generation = 'generation' in prompt.stage ? prompt.stage.generation : 0;
  switch (event.kind) {
    case 'prompt.intended':
      return {
        ...at({ kind: 'intended', generation: event.generation, at: event.at }),
        attempts: prompt.attempts + (event.standing === true ? 0 : 1),
      };
    case 'prompt.typed':
      return at({ kind: 'typed', generation, at: event.at });
    case 'prompt.entered':
      return at({ kind: 'entered', generation, at: event.at, times: event.times, busy: busyAtEach(prompt, event) });
    case 'prompt.taken':
      return at({ kind: 'taken', at: event.at, writtenAt: event.writtenAt, queued: event.queued, turnEnded: false });
    case 'prompt.withdrawn':
      return at({ kind: 'withdrawn', at: event.at });
    case 'prompt.reopened':
      return at({ kind: 'wanted' });
    case 'prompt.settled':
      return at(event.as === 'resend' ? { kind: 'wanted' } : { kind: 'delivered-by-hand', at: event.at });
    case 'prompt.held':
    case 'prompt.stuck':
      return { ...prompt, trouble: { outcome: event.outcome, reason: event.reason, since: event.at } };
    default:
      return unreachable(event);
  }
}

const busyAtEach = ({ stage }: Prompt, { busy }: Extract<PromptEvent, { kind: 'prompt.entered' }>): boolean | null =>
  stage.kind === 'entered' && stage.busy !== busy ? null : busy;

function unreachable(value: never): never {
  throw new Error(`Internal error: unknown event ${JSON.stringify(value)}`);
}
