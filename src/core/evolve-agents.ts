import type { Event } from './event.ts';
import { openPrompts, presentStep, type Agent, type AgentState, type Prompt, type Run } from './run.ts';
import { remembered } from './evidence-window.ts';
import { isAgentStep } from './workflow.ts';

export type AgentEvent = Extract<Event, { kind: `agent.${string}` }>;

/** What a fact about an agent changes: the agent and, at the end of a turn, the prompts it took. */
export function agentChanged(run: Run, event: AgentEvent): Run {
  if (event.kind === 'agent.launched') return launched(run, event);
  const agent = run.agents[event.role];
  if (!agent) return run;
  if (event.kind === 'agent.forgot') return forgot(run, agent);
  if (event.kind === 'agent.unparked') return unparked(run, agent, event.at);
  const changed: Run = {
    ...run,
    agents: { ...run.agents, [event.role]: { ...agentAfter(agent, event), signAt: event.at } },
  };
  if (event.kind !== 'agent.turn-ended') return changed;
  const ended = (prompt: Prompt): Prompt =>
    prompt.role === event.role && prompt.stage.kind === 'taken'
      ? { ...prompt, stage: { ...prompt.stage, turnEnded: true } }
      : prompt;
  return { ...changed, prompts: run.prompts.map(ended) };
}

/** A new process. If it is the one whose step is open, that step has to be asked for again. */
function launched(run: Run, event: Extract<Event, { kind: 'agent.launched' }>): Run {
  const before = run.agents[event.role];
  const agent: Agent = {
    role: event.role,
    generation: event.generation,
    sessionId: event.sessionId,
    firstPrompt:
      event.resume && before ? before.firstPrompt : (openPrompts(run, event.role)[0]?.id ?? run.prompts.length + 1),
    pane: before?.pane ?? null,
    process: null,
    state: { kind: 'starting', since: event.at },
    evidence: before?.evidence ?? [],
    signAt: event.at,
    // One that is carried on without having been ours was led by hand.
    spoken: event.resume && (before?.spoken ?? true),
    crashes: before?.crashes ?? [],
    parked: before?.parked ?? null,
  };
  return { ...run, life: askedAnew(run, event.role), agents: { ...run.agents, [event.role]: agent } };
}

/** Whoever asks for agents after they crashed has looked at why: each may end as often again before it is left alone. */
export const forgiven = (agents: Run['agents'], only?: string): Run['agents'] =>
  withCrashes(agents, ({ role, crashes }) => (only === undefined || role === only ? [] : crashes));

/** The agents, each with the crashes that still count. */
export const withCrashes = (agents: Run['agents'], left: (agent: Agent) => readonly number[]): Run['agents'] =>
  Object.fromEntries(Object.entries(agents).map(([role, agent]) => [role, { ...agent, crashes: left(agent) }]));

/** If the present step is the role's, its work is asked for again as soon as that can be. */
export function askedAnew(run: Run, role: string): Run['life'] {
  const step = presentStep(run)?.step;
  const hit = step !== undefined && isAgentStep(step) && step.role === role;
  return run.life.kind === 'running' && hit ? { ...run.life, stepBeganAt: null } : run.life;
}

/** A conversation that knows nothing: its role is briefed and asked again. */
function forgot(run: Run, agent: Agent): Run {
  const firstPrompt = openPrompts(run, agent.role)[0]?.id ?? run.prompts.length + 1;
  return {
    ...run,
    life: askedAnew(run, agent.role),
    agents: { ...run.agents, [agent.role]: { ...agent, firstPrompt, spoken: false } },
  };
}

/** Its turn broke off when it was parked: it is asked to go on. */
function unparked(run: Run, agent: Agent, at: number): Run {
  const state: AgentState = agent.state.kind === 'idle' ? { kind: 'idle', since: at, failed: null } : agent.state;
  return {
    ...run,
    life: askedAnew(run, agent.role),
    agents: { ...run.agents, [agent.role]: { ...agent, parked: null, state } },
  };
}

type OwnEvent = Exclude<AgentEvent, { kind: 'agent.launched' | 'agent.forgot' | 'agent.unparked' }>;

function agentAfter(agent: Agent, event: OwnEvent): Agent {
  const to = (state: AgentState, evidence: string | null = null): Agent => ({
    ...agent,
    state,
    evidence: remembered(agent.evidence, evidence),
  });
  switch (event.kind) {
    case 'agent.placed':
      return { ...agent, pane: event.pane };
    case 'agent.process':
      return { ...agent, process: { pid: event.pid, startTime: event.startTime } };
    case 'agent.session':
      return { ...to(withSession(agent.state, event.at), event.evidence), sessionId: event.sessionId };
    case 'agent.turn-began':
      return { ...to({ kind: 'busy', since: event.at, prompt: event.prompt }, event.evidence), spoken: true };
    case 'agent.turn-ended':
      return to(
        event.background > 0 ? agent.state : { kind: 'idle', since: event.at, failed: event.failed },
        event.evidence,
      );
    case 'agent.asking':
      return to({ kind: 'asking', since: event.at, dialog: event.dialog, before: resumable(agent.state) });
    case 'agent.answered':
      return agent.state.kind === 'asking' ? to(afterAnswer(agent.state.before, event.at)) : agent;
    case 'agent.worked':
      return to(agent.state, event.evidence);
    case 'agent.exited':
      return {
        ...to({ kind: 'gone', since: event.at, exit: event.exit, deliberate: event.deliberate }),
        process: null,
        crashes: event.deliberate ? agent.crashes : [...agent.crashes, event.at].slice(-5),
      };
    case 'agent.parked':
      return { ...agent, parked: { untilMs: event.untilMs, why: event.why } };
    case 'agent.failed':
      return to({ kind: 'failed', since: event.at, sentence: event.sentence, hint: event.hint });
    default:
      return unreachable(event);
  }
}

/** A dialog of the beginning may be answered, and the session reported, before anybody saw that the dialog is gone. */
function withSession(state: AgentState, at: number): AgentState {
  if (state.kind === 'starting') return { kind: 'idle', since: at, failed: null };
  return state.kind === 'asking' && state.before === 'starting' ? { ...state, before: 'idle' } : state;
}

const resumable = (state: AgentState): 'starting' | 'busy' | 'idle' => {
  if (state.kind === 'starting' || state.kind === 'idle') return state.kind;
  return state.kind === 'asking' ? state.before : 'busy';
};

function afterAnswer(before: 'starting' | 'busy' | 'idle', at: number): AgentState {
  if (before === 'starting') return { kind: 'starting', since: at };
  return before === 'idle' ? { kind: 'idle', since: at, failed: null } : { kind: 'busy', since: at, prompt: null };
}

function unreachable(value: never): never {
  throw new Error(`Internal error: unknown event ${JSON.stringify(value)}`);
}
