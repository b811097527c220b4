import { adoptConversations, adoptedBy } from './adopt.ts';
import { advance } from './advance.ts';
import { agentObserved } from './decide-agents.ts';
import { decideConflict, isConflictRequest } from './conflict.ts';
import type { ConflictRequest } from './conflicted.ts';
import type { Fact } from './event.ts';
import { evolve } from './evolve.ts';
import type { Decision, DeliveryNews, Refusal, Request } from './request.ts';
import { decideRollback, isRollbackRequest, type RollbackRequest } from './rollback.ts';
import { claimOf } from './claim.ts';
import { timePassed } from './due.ts';
import { memorySeen } from './memory.ts';
import { reported } from './report.ts';
import { interrupting } from './overrun.ts';
import { entersQueue, leavesQueue, stopped } from './queue.ts';
import { checksOf, holderOf, presentStep, relaunch, upAgents, type Prompt, type Run } from './run.ts';
import {
  correction,
  correctionText,
  isSteering,
  notRunning,
  onConflict,
  rollingBack,
  steer,
  type SteeringRequest,
} from './steer.ts';
import { isAgentStep } from './workflow.ts';

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
  for (let more = advance(state, at); more.length > 0; more = advance(state, at)) {
    facts.push(...more);
    state = more.reduce((before, fact) => evolve(before, { ...fact, seq: 0, at }), state);
  }
  return facts;
}

function answer(run: Run, request: Request, at: number): Fact[] | Refusal {
  if (isRollbackRequest(request)) return decideRollback(run, request);
  if (isConflictRequest(request)) return decideConflict(run, request, at);
  if (isSteering(request)) return steer(run, request);
  switch (request.kind) {
    case 'initialise':
      return run.identity ? [] : [{ ...request, kind: 'run.initialised' }];
    case 'adopt-conversations':
      return adoptConversations(run, request);
    case 'start':
      return start(run, request);
    case 'queue':
      return entersQueue(run, request);
    case 'leave-queue':
      return leavesQueue(run, request);
    case 'stop':
      return stopped(run, request);
    case 'memory-seen':
      return run.life.kind === 'running' ? memorySeen(run, request) : [];
    case 'interrupting':
    case 'interrupt-failed':
      return run.life.kind === 'running' ? interrupting(run, request) : notRunning(run, request.kind);
    case 'settle-prompt':
      return settle(run, request);
    case 'message':
      return message(run, request);
    case 'role-report':
      return reported(run, request);
    default:
      if (run.life.kind === 'running') return observed(run, request, at);
      // When all is done the agents are still followed, so that their panes are told rightly; nothing follows from it.
      return run.life.kind === 'completed' && 'role' in request
        ? agentObserved(run, request, at).filter(isObservation)
        : [];
  }
}

const isObservation = (fact: Fact): boolean => fact.kind !== 'agent.launched';

type Observation = Exclude<
  Request,
  | SteeringRequest
  | RollbackRequest
  | ConflictRequest
  | {
      kind:
        | 'initialise'
        | 'adopt-conversations'
        | 'start'
        | 'queue'
        | 'leave-queue'
        | 'stop'
        | 'memory-seen'
        | 'interrupting'
        | 'interrupt-failed'
        | 'settle-prompt'
        | 'message'
        | 'role-report';
    }
>;

function observed(run: Run, request: Observation, at: number): Fact[] | Refusal {
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
    case 'session-ended':
      // Told of twice: nobody is left whose session it could be.
      if (run.paused && upAgents(run).length === 0) return [];
      return [
        { kind: 'session.lost', why: request.why },
        { kind: 'run.paused', by: request.by, why: request.why },
      ];
    case 'time-passed':
      return timePassed(run, at);
    case 'check-found':
      return checkFound(run, request);
    case 'checkpoint-gone':
      return run.faults[request.file] || isUndoneClaim(run, request.file)
        ? [{ kind: 'checkpoint.gone', file: request.file }]
        : [];
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

function start(run: Run, request: Extract<Request, { kind: 'start' }>): Fact[] | Refusal {
  if (!run.identity) return { reason: 'not-initialised', received: 'start', allowed: ['init'] };
  if (request.inTurn && run.life.kind !== 'queued') return [];
  if (run.life.kind === 'completed')
    return { reason: 'completed', received: 'start', allowed: ['init --run-type retry'] };
  if (run.rollback) return rollingBack(run.rollback);
  if (run.conflict) return onConflict(run.conflict);
  const moved = run.settings !== null && run.settings.provider !== request.settings.provider;
  const launch = (role: string): Fact => {
    const agent = run.agents[role];
    const spare = request.spareIds[role] ?? '';
    const adopted = adoptedBy(run, role, request.settings.provider);
    if (adopted) return { kind: 'agent.launched', role, generation: 1, sessionId: adopted.sessionId, resume: true };
    return agent && !moved
      ? relaunch(agent, spare)
      : { kind: 'agent.launched', role, generation: (agent?.generation ?? 0) + 1, sessionId: spare, resume: false };
  };
  const down = Object.keys(request.workflow.roles).filter(
    (role) => !upAgents(run).some((agent) => agent.role === role),
  );
  if (run.life.kind === 'running' && down.length === 0 && run.moduleFailure === null && !run.paused) return [];
  return [
    { kind: 'run.started', by: request.by, workflow: request.workflow, settings: request.settings },
    ...down.map(launch),
  ];
}

/**
 * A write begins with its fact. Whoever takes a pane is in the journal before or after it, never beside it: a refusal here
 * is what keeps the first byte, or Enter, from being sent into a pane that a human holds.
 */
function delivery(run: Run, id: number, what: DeliveryNews): Fact[] | Refusal {
  const prompt = run.prompts.find((each) => each.id === id);
  if (!prompt || !FOLLOWS[what.kind].has(prompt.stage.kind)) return [];
  const isHeld = run.paused !== null || run.rollback !== null || holderOf(run, prompt.role).kind === 'human';
  const isWrite = what.kind === 'intended' || what.kind === 'entered';
  if (isWrite && isHeld) return { reason: 'held', received: what.kind, allowed: [] };
  switch (what.kind) {
    case 'intended':
      return [{ ...what, kind: 'prompt.intended', prompt: id }];
    case 'typed':
      return [{ kind: 'prompt.typed', prompt: id }];
    case 'entered':
      return [{ kind: 'prompt.entered', prompt: id, times: what.times, busy: what.busy }];
    case 'reopened':
      return [{ kind: 'prompt.reopened', prompt: id, why: what.why }];
    case 'held':
      // A doubt stays one while somebody holds the pane: they may settle it.
      return sameTrouble(prompt, what) || (isHeld && isDoubtful(prompt))
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

const isDoubtful = ({ trouble }: Prompt): boolean =>
  trouble?.outcome === 'indeterminate' || trouble?.outcome === 'typed_not_submitted';

function settle(run: Run, request: Extract<Request, { kind: 'settle-prompt' }>): Fact[] | Refusal {
  const received = String(request.prompt);
  const prompt = run.prompts.find((each) => each.id === request.prompt);
  const doubtful = run.prompts.filter(isDoubtful).map((each) => String(each.id));
  if (!prompt) return { reason: 'unknown-prompt', received, allowed: doubtful };
  if (!doubtful.includes(received)) return { reason: 'prompt-not-in-doubt', received, allowed: doubtful };
  return [{ kind: 'prompt.settled', prompt: request.prompt, as: request.as, by: request.by }];
}

function message(run: Run, request: Extract<Request, { kind: 'message' }>): Fact[] | Refusal {
  if (run.life.kind !== 'running') return notRunning(run, request.role);
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

/** Only what was asked for is news: a claim that changed meanwhile is checked anew. */
function checkFound(run: Run, request: Extract<Observation, { kind: 'check-found' }>): Fact[] {
  const { step: id, stage, claim, tookMs, found } = request;
  const check = checksOf(run, id)[stage];
  if (check?.kind !== 'running' || check.claim !== claim) return [];
  if (found.ok) {
    const { snapshot, shown } = found;
    return [{ kind: 'check.passed', step: id, stage, claim, snapshot, shown, tookMs }];
  }
  const { finding, snapshot = null } = found;
  const failed: Fact = { kind: 'check.failed', step: id, stage, claim, finding, snapshot, tookMs };
  const step = presentStep(run)?.step;
  const isAgain =
    stage === 'after' &&
    finding.verdict === 'refuted' &&
    step?.id === id &&
    isAgentStep(step) &&
    claimOf(run, step).kind === 'good' &&
    checksOf(run, id).refuted < step.retries;
  return isAgain ? [failed, correction(run, step, correctionText(step, finding))] : [failed];
}

const isUndoneClaim = (run: Run, file: string): boolean =>
  run.seen[file] !== undefined &&
  (run.workflow?.steps ?? []).some(
    (step) => isAgentStep(step) && step.checkpoint === file && run.done[step.id] === undefined,
  );

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
