import type { Evidence } from './agent.ts';
import { advance } from './advance.ts';
import type { Fact } from './event.ts';
import { evolve } from './evolve.ts';
import type { Decision, DeliveryNews, Refusal, Request } from './request.ts';
import { isNews, markerOf, openPrompts, type Agent, type Prompt, type Run } from './run.ts';

/** More unasked-for ends than this within the window and the agent is left alone for a human. */
export const CRASH_LIMIT = { count: 3, withinMs: 10 * 60_000 };

/** Tool calls are noted as signs of life no more often than this, to keep the journal short. */
const SIGN_EVERY_MS = 60_000;

/**
 * What follows from a request, as facts in order; an empty list when it is no news. Facts that follow from those (the
 * next step, the next prompt) are already among them.
 */
export function decide(run: Run, request: Request, at: number): Decision {
  const first = answer(run, request, at);
  if (!Array.isArray(first)) return { ok: false, refusal: first };
  return { ok: true, facts: withConsequences(run, first, at) };
}

function withConsequences(run: Run, first: readonly Fact[], at: number): readonly Fact[] {
  const facts = [...first];
  let state = facts.reduce((before, fact) => evolve(before, { ...fact, seq: 0, at }), run);
  // Each round completes or begins at least one step, or wants a prompt; the workflow is finite.
  for (let more = advance(state); more.length > 0; more = advance(state)) {
    facts.push(...more);
    state = more.reduce((before, fact) => evolve(before, { ...fact, seq: 0, at }), state);
  }
  return facts;
}

function answer(run: Run, request: Request, at: number): Fact[] | Refusal {
  switch (request.kind) {
    case 'initialise':
      return run.identity ? [] : [{ kind: 'run.initialised', identity: request.identity }];
    case 'start':
      return start(run, request);
    case 'stop':
      if (run.life.kind === 'running') return [{ kind: 'run.stopped', by: request.by, why: request.why }];
      return run.life.kind === 'completed' && upAgents(run).length > 0
        ? [{ kind: 'session.lost', why: `it was ended by ${request.by}` }]
        : [];
    case 'settle-prompt':
      return settle(run, request);
    case 'message':
      return message(run, request);
    default:
      if (run.life.kind === 'running') return observed(run, request, at);
      // When all is done the agents are still followed, so that their panes are told rightly; nothing follows from it.
      return run.life.kind === 'completed' && 'role' in request
        ? agentObserved(run, request, at).filter(isObservation)
        : [];
  }
}

const isObservation = (fact: Fact): boolean => fact.kind !== 'agent.launched';

type Observation = Exclude<Request, { kind: 'initialise' | 'start' | 'stop' | 'settle-prompt' | 'message' }>;

function observed(run: Run, request: Observation, at: number): Fact[] {
  switch (request.kind) {
    case 'watch-again':
      return [{ kind: 'supervisor.began', pid: request.pid, gapMs: request.gapMs }];
    case 'surveyed':
      return run.life.kind === 'running' && run.life.surveyed ? [] : [{ kind: 'run.surveyed' }];
    case 'session-opened':
      return [request.session].map((session) => ({ kind: 'session.opened', session }));
    case 'session-lost':
      return [
        { kind: 'session.lost', why: request.why },
        ...upAgents(run).map((agent) => relaunch(agent, request.spareIds[agent.role] ?? agent.sessionId)),
      ];
    case 'checkpoint-seen':
      return checkpointSeen(run, request);
    case 'checkpoint-refused':
      return same(run.faults[request.fault.file], request.fault)
        ? []
        : [{ kind: 'checkpoint.refused', fault: request.fault, sha256: request.sha256 }];
    case 'module-done':
      return run.done[request.step] ? [] : [{ kind: 'step.completed', step: request.step, how: 'module' }];
    case 'module-failed':
      return [
        {
          kind: 'module.failed',
          step: request.step,
          stage: request.stage,
          why: request.why,
          rolledBack: request.rolledBack,
        },
      ];
    case 'delivery':
      return delivery(run, request.prompt, request.news);
    default:
      return agentObserved(run, request, at);
  }
}

type AgentObservation = Extract<Observation, { role: string }>;

function agentObserved(run: Run, request: AgentObservation, at: number): Fact[] {
  const agent = run.agents[request.role];
  if (!agent) return [];
  switch (request.kind) {
    case 'agent-placed':
      return agent.pane === request.pane || agent.generation !== request.generation
        ? []
        : [{ ...request, kind: 'agent.placed' }];
    case 'agent-process':
      return same(agent.process, { pid: request.pid, startTime: request.startTime }) ||
        agent.generation !== request.generation
        ? []
        : [{ ...request, kind: 'agent.process' }];
    case 'agent-news':
      return isNews(agent.evidence, request.evidence.id) ? news(run, agent, request.evidence, at) : [];
    case 'agent-interrupted':
      return agent.state.kind === 'busy'
        ? [{ kind: 'agent.turn-ended', role: agent.role, failed: null, background: 0, evidence: null }]
        : [];
    case 'agent-asking':
      return agent.state.kind === 'asking' && same(agent.state.dialog, request.dialog)
        ? []
        : [{ ...request, kind: 'agent.asking' }];
    case 'agent-answered':
      return agent.state.kind === 'asking' ? [{ ...request, kind: 'agent.answered' }] : [];
    case 'agent-exited':
      return exited(agent, request, at);
    case 'conversation-lost':
      return [{ kind: 'agent.forgot', role: agent.role }];
    case 'agent-failed':
      return [{ ...request, kind: 'agent.failed' }];
    default:
      return unreachable(request);
  }
}

function start(run: Run, request: Extract<Request, { kind: 'start' }>): Fact[] | Refusal {
  if (!run.identity) return { reason: 'not-initialised', received: 'start', allowed: ['init'] };
  if (run.life.kind === 'completed')
    return { reason: 'completed', received: 'start', allowed: ['init --run-type retry'] };
  const moved = run.settings !== null && run.settings.provider !== request.settings.provider;
  const launch = (role: string): Fact => {
    const agent = run.agents[role];
    const spare = request.spareIds[role] ?? '';
    return agent && !moved
      ? relaunch(agent, spare)
      : { kind: 'agent.launched', role, generation: (agent?.generation ?? 0) + 1, sessionId: spare, resume: false };
  };
  const down = Object.keys(request.workflow.roles).filter(
    (role) => !upAgents(run).some((agent) => agent.role === role),
  );
  if (run.life.kind === 'running' && down.length === 0 && run.moduleFailure === null) return [];
  return [
    { kind: 'run.started', by: request.by, workflow: request.workflow, settings: request.settings },
    ...down.map(launch),
  ];
}

/** The conversation is carried on if anything was said in it; otherwise there is none to resume. */
const relaunch = (agent: Agent, spareId: string): Fact => ({
  kind: 'agent.launched',
  role: agent.role,
  generation: agent.generation + 1,
  sessionId: agent.spoken ? agent.sessionId : spareId,
  resume: agent.spoken,
});

const upAgents = (run: Run): Agent[] =>
  Object.values(run.agents).filter((agent) => agent.state.kind !== 'gone' && agent.state.kind !== 'failed');

function exited(agent: Agent, request: Extract<Request, { kind: 'agent-exited' }>, at: number): Fact[] {
  if (agent.generation !== request.generation || agent.state.kind === 'gone') return [];
  // Exit code 0 is the human's /exit or Ctrl-D: their will, not a crash.
  const deliberate = request.exit.kind === 'code' && request.exit.code === 0;
  const gone: Fact = {
    kind: 'agent.exited',
    role: agent.role,
    generation: agent.generation,
    exit: request.exit,
    deliberate,
  };
  if (deliberate) return [gone];
  const recent = agent.crashes.filter((crash) => at - crash < CRASH_LIMIT.withinMs).length;
  if (recent < CRASH_LIMIT.count) return [gone, relaunch(agent, request.spareId)];
  const sentence = `The ${agent.role}'s agent ended ${recent + 1} times within ${CRASH_LIMIT.withinMs / 60_000} minutes and is not started again by itself.`;
  return [
    gone,
    {
      kind: 'agent.failed',
      role: agent.role,
      sentence,
      hint: 'Look at its pane for the reason, then start the feature again.',
    },
  ];
}

function news(run: Run, agent: Agent, { id, atMs, news: what }: Evidence, at: number): Fact[] {
  const role = agent.role;
  switch (what.kind) {
    case 'session-started':
      return [{ kind: 'agent.session', role, sessionId: what.sessionId, source: what.source, evidence: id }];
    case 'prompt-taken': {
      const ours = openPrompts(run, role).find((prompt) => what.text.includes(markerOf(prompt.id)) && hasBegun(prompt));
      if (ours)
        return [
          { kind: 'prompt.taken', prompt: ours.id, queued: isQueued(ours, agent), evidence: id, writtenAt: atMs },
        ];
      return [{ kind: 'agent.turn-began', role, prompt: null, evidence: id }];
    }
    case 'turn-ended':
      return [{ kind: 'agent.turn-ended', role, failed: null, background: what.background, evidence: id }];
    case 'turn-failed':
      return [{ kind: 'agent.turn-ended', role, failed: what.error, background: 0, evidence: id }];
    case 'tool-started':
    case 'tool-ended':
      return at - agent.signAt > SIGN_EVERY_MS ? [{ kind: 'agent.worked', role, evidence: id }] : [];
    // Questions and farewells are seen by other means too (the screen, the exit); alone they change no state.
    case 'asking':
    case 'session-ended':
      return [];
    default:
      return unreachable(what);
  }
}

const hasBegun = (prompt: Prompt): boolean => prompt.attempts > 0;

/** What the agent said of itself when Enter was pressed; its reports, which may be late, where it said nothing. */
const isQueued = ({ stage }: Prompt, agent: Agent): boolean =>
  (stage.kind === 'entered' ? stage.busy : null) ?? isWorking(agent);

/** A question in the middle of a turn does not end the turn. */
const isWorking = ({ state }: Agent): boolean =>
  state.kind === 'busy' || (state.kind === 'asking' && state.before === 'busy');

function delivery(run: Run, id: number, what: DeliveryNews): Fact[] {
  const prompt = run.prompts.find((each) => each.id === id);
  if (!prompt || !FOLLOWS[what.kind].has(prompt.stage.kind)) return [];
  switch (what.kind) {
    case 'intended':
      return [
        { kind: 'prompt.intended', prompt: id, pane: what.pane, generation: what.generation, sha256: what.sha256 },
      ];
    case 'typed':
      return [{ kind: 'prompt.typed', prompt: id }];
    case 'entered':
      return [{ kind: 'prompt.entered', prompt: id, times: what.times, busy: what.busy }];
    case 'reopened':
      return [{ kind: 'prompt.reopened', prompt: id, why: what.why }];
    case 'held':
      return sameTrouble(prompt, what)
        ? []
        : [{ kind: 'prompt.held', prompt: id, outcome: what.outcome, reason: what.reason }];
    case 'stuck':
      return sameTrouble(prompt, what)
        ? []
        : [{ kind: 'prompt.stuck', prompt: id, outcome: what.outcome, reason: what.reason }];
    default:
      return unreachable(what);
  }
}

type Stage = Prompt['stage']['kind'];

const UNDER_WAY: readonly Stage[] = ['intended', 'typed', 'entered'];
/** What may follow on which stage. Between a look and its news a report or a human may have brought the prompt elsewhere. */
const FOLLOWS: Readonly<Record<DeliveryNews['kind'], ReadonlySet<Stage>>> = {
  intended: new Set<Stage>(['wanted']),
  typed: new Set<Stage>(['intended']),
  entered: new Set<Stage>(['typed', 'entered']),
  reopened: new Set<Stage>(UNDER_WAY),
  held: new Set<Stage>(['wanted', ...UNDER_WAY]),
  stuck: new Set<Stage>(UNDER_WAY),
};

const sameTrouble = (prompt: Prompt, what: { outcome: string; reason: string }): boolean =>
  prompt.trouble?.outcome === what.outcome && prompt.trouble.reason === what.reason;

function settle(run: Run, request: Extract<Request, { kind: 'settle-prompt' }>): Fact[] | Refusal {
  const received = String(request.prompt);
  const prompt = run.prompts.find((each) => each.id === request.prompt);
  const doubtful = run.prompts
    .filter((each) => each.trouble?.outcome === 'indeterminate' || each.trouble?.outcome === 'typed_not_submitted')
    .map((each) => String(each.id));
  if (!prompt) return { reason: 'unknown-prompt', received, allowed: doubtful };
  if (!doubtful.includes(received)) return { reason: 'prompt-not-in-doubt', received, allowed: doubtful };
  return [{ kind: 'prompt.settled', prompt: request.prompt, as: request.as, by: request.by }];
}

function message(run: Run, request: Extract<Request, { kind: 'message' }>): Fact[] | Refusal {
  if (run.life.kind !== 'running') return { reason: 'not-running', received: request.role, allowed: ['start'] };
  if (!run.agents[request.role])
    return { reason: 'unknown-role', received: request.role, allowed: Object.keys(run.agents) };
  return [
    {
      kind: 'prompt.wanted',
      prompt: run.prompts.length + 1,
      role: request.role,
      purpose: { kind: 'message' },
      line: request.line,
      file: request.file,
    },
  ];
}

function checkpointSeen(run: Run, request: Extract<Observation, { kind: 'checkpoint-seen' }>): Fact[] {
  const before = run.seen[request.file];
  if (before?.sha256 === request.sha256 && before.mtimeMs === request.mtimeMs) return [];
  const found = run.life.kind === 'running' && !run.life.surveyed;
  return [{ ...request, kind: 'checkpoint.seen', found }];
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function unreachable(value: never): never {
  throw new Error(`Internal error: unknown request ${JSON.stringify(value)}`);
}
