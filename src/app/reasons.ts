import { remindersAhead } from '../core/advance.ts';
import { awaitsApproval, checkState, claimOf } from '../core/claim.ts';
import type { CheckStage } from '../core/event.ts';
import { callOf, needCodeOf } from '../core/reported.ts';
import { hasArrived, holderOf, openPrompts, presentStep, type Agent, type Run } from '../core/run.ts';
import { isAgentStep, type AgentStep, type ModuleStep } from '../core/workflow.ts';
import type { Failing } from '../engine/disk.ts';
import { silentAgent } from './attention.ts';
import { interruptWord } from './attention-resources.ts';
import { exitWord, faultWord, quoted, reportSentence } from './narrate.ts';
import { heldWhy, iso } from './status-panes.ts';
import { conflictSentences } from './tell-conflict.ts';
import type { QueueView } from './views.ts';

/** Something that was seen and keeps a run where it is. `since` in ms since the epoch. */
export interface Reason {
  readonly code: string;
  readonly sentence: string;
  readonly since: number | null;
}

/** Why a run that is going stands where it does, the most telling first. `failing`: its journal cannot be written. */
export function reasonsOf(run: Run, now: number, failing: Failing | null, queue: QueueView = null): Reason[] {
  if (run.life.kind === 'queued') return [queued(run.life.at, queue)];
  if (run.life.kind !== 'running') return [];
  const step = presentStep(run)?.step;
  return [
    ...(failing
      ? [
          {
            code: 'disk',
            sentence: `${failing.what === 'journal' ? 'The journal takes nothing' : 'What is kept beside the journal cannot be renewed'}: ${failing.why}.`,
            since: failing.since,
          },
        ]
      : []),
    ...rolling(run),
    ...conflicting(run),
    ...paused(run),
    ...overran(run),
    ...(step === undefined ? [] : isAgentStep(step) ? inStep(run, step, now) : inModule(run, step)),
  ];
}

const rolling = ({ rollback }: Run): Reason[] =>
  rollback
    ? [
        {
          code: rollback.failed === null ? 'rolling-back' : 'rollback-failed',
          sentence:
            rollback.failed === null
              ? `Work is being ${rollback.direction === 'back' ? 'taken' : 'put'} back (rollback ${rollback.number}).`
              : `Rollback ${rollback.number} could not be finished: ${quoted(rollback.failed)}.`,
          since: rollback.at,
        },
      ]
    : [];

const conflicting = (run: Run): Reason[] => {
  const { conflict } = run;
  if (!conflict) return [];
  const isFailed = conflict.settling?.failed != null;
  const code = isFailed ? 'conflict-failed' : 'branch-conflict';
  return conflictSentences(run, conflict).map((sentence) => ({ code, sentence, since: conflict.at }));
};

const queued = (since: number, queue: QueueView): Reason => ({
  code: 'queued',
  sentence:
    queue === null
      ? 'It waits in the queue until there is room.'
      : `It is number ${queue.position} of ${queue.length} in the queue: ${queue.why}.`,
  since,
});

const overran = ({ overrun }: Run): Reason[] =>
  overrun === null
    ? []
    : [
        {
          code: 'phase-limit',
          sentence: `The step ${overrun.step} took longer than it may; ${interruptWord(overrun)}`,
          since: overrun.at,
        },
      ];

const paused = ({ paused: pause }: Run): Reason[] =>
  pause
    ? [
        {
          code: 'paused',
          sentence: `The run is paused (${pause.why}, ${pause.by}): no new turn begins.`,
          since: pause.at,
        },
      ]
    : [];

function inModule({ moduleFailure, life }: Run, step: ModuleStep): Reason[] {
  const since = life.kind === 'running' ? life.stepBeganAt : null;
  if (moduleFailure?.step !== step.id)
    return [{ code: 'module', sentence: `The module ${step.module} is at work.`, since }];
  const sentence = `The module ${step.module} failed to ${moduleFailure.stage}: ${quoted(moduleFailure.why)}.`;
  return [{ code: 'module-failed', sentence, since }];
}

function inStep(run: Run, step: AgentStep, now: number): Reason[] {
  const claimed = claimOf(run, step).kind === 'good';
  const agent = run.agents[step.role];
  return [
    ...checked(run, step, 'before'),
    ...(claimed ? [...checked(run, step, 'after'), ...gate(run, step)] : misclaimed(run, step)),
    ...held(run, step.role),
    ...called(run, step.role),
    // What the agent does matters until its work counts.
    ...(agent && !isDecidedElsewhere(run, step) ? agentReasons(run, step, agent, now) : []),
    ...(claimed ? [] : prompted(run, step.role)),
  ];
}

/** Its claim waits for a check or a human, not for its agent. */
const isDecidedElsewhere = (run: Run, step: AgentStep): boolean =>
  claimOf(run, step).kind === 'good' && (awaitsApproval(run, step) || checkState(run, step, 'after').kind !== 'none');

function checked(run: Run, step: AgentStep, stage: CheckStage): Reason[] {
  const check = checkState(run, step, stage);
  const what = stage === 'before' ? `The project before ${step.id}` : `What ${step.checkpoint} claims`;
  if (check.kind === 'running') return [{ code: 'checking', sentence: `${what} is being checked.`, since: check.at }];
  if (check.kind !== 'failed') return [];
  const { verdict, sentence } = check.finding;
  return [{ code: verdict === 'refuted' ? 'check-failed' : 'check-inconclusive', sentence, since: check.at }];
}

function gate(run: Run, step: AgentStep): Reason[] {
  const seen = run.seen[step.checkpoint];
  if (!seen || !awaitsApproval(run, step) || checkState(run, step, 'after').kind === 'failed') return [];
  const asks = seen.gate === 'human' ? 'asks for a human review' : 'has to be approved, as the workflow says';
  return [{ code: 'gate', sentence: `${step.checkpoint} ${asks}.`, since: seen.at }];
}

function misclaimed(run: Run, step: AgentStep): Reason[] {
  const { checkpoint } = step;
  const since = run.seen[checkpoint]?.at ?? null;
  const fault = run.faults[checkpoint];
  if (fault) return [{ code: 'checkpoint-refused', sentence: `${faultWord(fault)}.`, since }];
  const claim = claimOf(run, step);
  switch (claim.kind) {
    case 'early':
      return [{ code: 'checkpoint-early', sentence: `${checkpoint} was written before ${claim.before}.`, since }];
    case 'older-run':
      return [{ code: 'checkpoint-old', sentence: `${checkpoint} is older than this run.`, since }];
    case 'sent-back':
      return [{ code: 'sent-back', sentence: `${checkpoint} was sent back and is not written anew yet.`, since }];
    case 'none':
    case 'good':
      return [];
    default:
      return claim satisfies never;
  }
}

function held(run: Run, role: string): Reason[] {
  const holder = holderOf(run, role);
  if (holder.kind === 'auto') return [];
  const back = holder.backAt === null ? '' : ` It goes back at ${iso(holder.backAt)} unless it is used.`;
  const sentence = `A human holds the ${role}'s pane (${heldWhy(run, role) ?? ''}): nothing is typed into it.${back}`;
  return [{ code: 'held', sentence, since: holder.since }];
}

function called(run: Run, role: string): Reason[] {
  const call = callOf(run, role);
  const code = call && needCodeOf(call.what);
  return call && code !== null ? [{ code, sentence: reportSentence(role, call), since: call.at }] : [];
}

function agentReasons(run: Run, step: AgentStep, agent: Agent, now: number): Reason[] {
  const { role, state, parked, signAt } = agent;
  const limit: Reason[] = parked
    ? [
        {
          code: 'usage-limit',
          sentence: `The ${role}'s account is at a limit until ${iso(parked.untilMs)}: ${quoted(parked.why)}.`,
          since: state.since,
        },
      ]
    : [];
  const silent: Reason[] =
    silentAgent(run, now) === agent
      ? [{ code: 'agent-silent', sentence: `The ${role}'s agent has given no sign of life.`, since: signAt }]
      : [];
  const doing = agentReason(run, step, agent);
  return [...limit, ...silent, ...(doing === null ? [] : [{ ...doing, since: state.since }])];
}

function agentReason(run: Run, step: AgentStep, { role, state, parked }: Agent): Omit<Reason, 'since'> | null {
  switch (state.kind) {
    case 'asking':
      return {
        code: 'asking',
        sentence: `The ${role}'s agent asks (${state.dialog.name}): ${quoted(state.dialog.text)}`,
      };
    case 'gone':
      return { code: 'agent-ended', sentence: `The ${role}'s agent has ended (${exitWord(state.exit)}).` };
    case 'failed':
      return { code: 'agent-failed', sentence: state.sentence };
    case 'starting':
      return { code: 'starting', sentence: `The ${role}'s agent is being started.` };
    case 'busy':
      return { code: 'working', sentence: `The ${role} is at work.` };
    case 'idle':
      if (state.failed !== null)
        return parked ? null : { code: 'turn-failed', sentence: `Its last turn broke off: ${quoted(state.failed)}.` };
      return withoutCheckpoint(run, step);
    default:
      return state satisfies never;
  }
}

function withoutCheckpoint(run: Run, step: AgentStep): Omit<Reason, 'since'> | null {
  const ahead = claimOf(run, step).kind === 'good' ? null : remindersAhead(run, step);
  if (ahead === null) return null;
  const next = ahead > 0 ? `it will be reminded (${ahead} left)` : 'it was reminded as often as the workflow says';
  return { code: 'no-checkpoint', sentence: `The ${step.role} ended its turn without ${step.checkpoint}; ${next}.` };
}

/** Prompts that have not arrived yet. */
const prompted = (run: Run, role: string): Reason[] =>
  openPrompts(run, role)
    .filter((prompt) => !hasArrived(prompt))
    .map(({ id, trouble, at }) => ({
      code: trouble ? trouble.outcome.replaceAll('_', '-') : 'on-its-way',
      sentence: `Prompt ${id} for the ${role} ${trouble ? `waits: ${trouble.reason}` : 'is on its way'}.`,
      since: trouble?.since ?? at,
    }));
