import { UNKNOWN_BRANCH } from './conflicted.ts';
import type { Event, Taking } from './event.ts';
import { agentChanged, forgiven, withCrashes, type AgentEvent } from './evolve-agents.ts';
import { promptChanged, type PromptEvent } from './evolve-prompts.ts';
import { conflictChanged, isConflictEvent, withWork, type ConflictEvent } from './evolve-conflict.ts';
import { roleReported, withReports, type ReportEvent } from './evolve-reports.ts';
import { isResourceEvent, resourceChanged, withResources, type ResourceEvent } from './evolve-resources.ts';
import { isRollbackEvent, rollbackChanged, type RollbackEvent } from './evolve-rollback.ts';
import { isSteeringEvent, steered, withoutRunning, type SteeringEvent } from './evolve-steering.ts';
import type { Life } from './life.ts';
import { withoutKey, type Agent, upAgents, type Run } from './run.ts';
import { isAgentStep } from './workflow.ts';

/** Facts change state. Replaying a journal is a fold of this function. */
export function evolve(run: Run, event: Event): Run {
  const changed = withReports(withResources(applied(run, event), event), event);
  return { ...withWork(changed, event.seq), seq: event.seq, updatedAt: event.at };
}

type RunEvent = Exclude<
  Event,
  PromptEvent | AgentEvent | SteeringEvent | RollbackEvent | ResourceEvent | ConflictEvent | ReportEvent
>;

const isPromptEvent = (event: Event): event is PromptEvent => event.kind.startsWith('prompt.');
const isAgentEvent = (event: Event): event is AgentEvent => event.kind.startsWith('agent.');

function applied(run: Run, event: Event): Run {
  if (isPromptEvent(event)) return promptChanged(run, event);
  if (isAgentEvent(event)) return agentChanged(run, event);
  if (isSteeringEvent(event)) return steered(run, event);
  if (isRollbackEvent(event)) return rollbackChanged(run, event);
  if (isConflictEvent(event)) return conflictChanged(run, event);
  if (isResourceEvent(event)) return resourceChanged(run, event);
  if (event.kind === 'role.reported') return roleReported(run, event);
  return runChanged(run, event);
}

function runChanged(run: Run, event: RunEvent): Run {
  switch (event.kind) {
    case 'run.initialised':
      return {
        ...run,
        identity: event.identity,
        createdAt: Math.min(event.at, event.begunAt ?? event.at),
        life: { kind: 'initialised' },
      };
    case 'conversation.adopted':
      return { ...run, adopted: { ...run.adopted, [event.conversation.role]: event.conversation } };
    case 'run.started':
      return started(run, event);
    case 'run.surveyed':
      return whileRunning(run, { surveyed: true });
    case 'run.completed':
      return { ...run, life: { kind: 'completed', at: event.at } };
    case 'run.stopped':
      return {
        ...run,
        life: { kind: 'stopped', at: event.at, by: event.by, why: event.why },
        startProblem: event.problem ? { ...event.problem, at: event.at } : null,
        // Whoever starts it again takes the branch as it is then.
        conflict: null,
        // Nobody looks on after a stop: what was being looked at is wanted anew at the next start.
        checks: withoutRunning(run.checks),
        agents: allGone(run, event.at, true),
      };
    case 'supervisor.began':
      return { ...whileRunning(run, { surveyed: false }), unwatchedMs: event.gapMs };
    case 'session.opened':
      return run;
    case 'session.lost':
      return sessionLost(run, event.at);
    case 'step.began':
      return stepBegan(run, event);
    case 'step.completed':
      return stepCompleted(run, event);
    case 'module.failed':
      return {
        ...run,
        moduleFailure: { step: event.step, stage: event.stage, why: event.why, rolledBack: event.rolledBack },
      };
    case 'checkpoint.seen':
      return {
        ...run,
        checks: claimedAnew(run, event.file),
        faults: withoutKey(run.faults, event.file),
        seen: {
          ...run.seen,
          [event.file]: {
            sha256: event.sha256,
            mtimeMs: event.mtimeMs,
            gate: event.gate,
            found: event.found,
            at: event.at,
          },
        },
      };
    case 'checkpoint.gone':
      return { ...run, faults: withoutKey(run.faults, event.file), seen: withoutKey(run.seen, event.file) };
    case 'checkpoint.refused':
      return {
        ...run,
        seen: withoutKey(run.seen, event.fault.file),
        faults: { ...run.faults, [event.fault.file]: event.fault },
      };
    default:
      return unreachable(event);
  }
}

/** A checkpoint that is saved again, in the same words or others, is a new claim: what had failed is looked at once more. */
function claimedAnew(run: Run, file: string): Run['checks'] {
  const step = run.workflow?.steps.find((each) => isAgentStep(each) && each.checkpoint === file);
  const checks = step && run.done[step.id] === undefined ? run.checks[step.id] : undefined;
  return step && checks?.after?.kind === 'failed'
    ? { ...run.checks, [step.id]: { ...checks, after: null } }
    : run.checks;
}

const started = (run: Run, event: Extract<Event, { kind: 'run.started' }>): Run => ({
  ...run,
  workflow: event.workflow,
  settings: event.settings,
  moduleFailure: null,
  unwatchedMs: 0,
  paused: null,
  startProblem: null,
  // What humans did to the branch while the run did not go is where it begins from.
  branch: run.life.kind === 'running' ? run.branch : UNKNOWN_BRANCH,
  agents: forgiven(run.agents),
  // Starting is asking for agents, also for those that were ended on purpose, or in whose pane somebody once was.
  holders: stillHeld(
    run.holders,
    (how, role) => how === 'command' || (how === 'use' && upAgents(run).some((agent) => agent.role === role)),
  ),
  life: { kind: 'running', startedAt: event.at, surveyed: false, stepBeganAt: null },
});

/** The panes that stay their human's. */
const stillHeld = (holders: Run['holders'], stays: (how: Taking, role: string) => boolean): Run['holders'] =>
  Object.fromEntries(
    Object.entries(holders).filter(([role, holder]) => holder.kind === 'human' && stays(holder.how, role)),
  );

const sessionLost = (run: Run, at: number): Run => ({
  ...run,
  // Nobody sits in front of a pane that is gone; who asked for it by name, or ended its agent, still has it.
  holders: stillHeld(run.holders, (how) => how !== 'use'),
  agents: wentAlong(allGone(run, at, run.life.kind === 'completed'), at),
});

/** An end that is seen a moment before that of the whole session is no crash of the agent's own. */
const wentAlong = (agents: Run['agents'], at: number): Run['agents'] =>
  withCrashes(agents, ({ crashes }) => crashes.filter((crash) => at - crash > GOING_ALONG_MS));
const GOING_ALONG_MS = 10_000;

const whileRunning = (run: Run, change: Partial<Extract<Life, { kind: 'running' }>>): Run =>
  run.life.kind === 'running' ? { ...run, life: { ...run.life, ...change } } : run;

/** A step that begins once more began where it did first: a rollback goes back there. */
function stepBegan(run: Run, { step, at }: Extract<Event, { kind: 'step.began' }>): Run {
  const before = run.checks[step]?.before;
  const isFirst = before && before.kind !== 'running' && run.points[step] === undefined;
  const points = isFirst ? { ...run.points, [step]: before } : run.points;
  return { ...whileRunning(run, { stepBeganAt: at }), moduleFailure: null, points };
}

function stepCompleted(run: Run, event: Extract<Event, { kind: 'step.completed' }>): Run {
  const step = run.workflow?.steps.find((each) => each.id === event.step);
  const file = step && 'checkpoint' in step ? step.checkpoint : undefined;
  const mtimeMs = file === undefined ? null : (run.seen[file]?.mtimeMs ?? null);
  return {
    ...whileRunning(run, { stepBeganAt: null }),
    done: {
      ...run.done,
      [event.step]: {
        at: event.at,
        how: event.how,
        mtimeMs,
        beganAt: run.life.kind === 'running' ? run.life.stepBeganAt : null,
      },
    },
  };
}

function allGone(run: Run, at: number, deliberate: boolean): Run['agents'] {
  const gone = (agent: Agent): Agent =>
    agent.state.kind === 'gone' || agent.state.kind === 'failed'
      ? { ...agent, pane: null }
      : {
          ...agent,
          pane: null,
          process: null,
          state: { kind: 'gone', since: at, exit: { kind: 'unknown' }, deliberate },
        };
  return Object.fromEntries(Object.entries(run.agents).map(([role, agent]) => [role, gone(agent)]));
}

function unreachable(value: never): never {
  throw new Error(`Internal error: unknown event ${JSON.stringify(value)}`);
}
