import { awaitsApproval, checkState, claimOf } from '../core/claim.ts';
import type { Event, EventKind } from '../core/event.ts';
import { callOf } from '../core/reported.ts';
import { holderOf, openPrompts, presentStep, type Agent, type Run } from '../core/run.ts';
import { isAgentStep, type AgentStep } from '../core/workflow.ts';
import type { Failing } from '../engine/disk.ts';
import { attentionOf } from './attention.ts';
import { narrate } from './narrate.ts';
import { reasonsOf } from './reasons.ts';
import { conflictOffers } from './tell-conflict.ts';
import { iso } from './status-panes.ts';
import type { OutputOf } from './table.ts';
import type { QueueView } from './views.ts';
import { waitsFor } from './waits-for.ts';

type Explanation = OutputOf<'explain'>;
type Help = Explanation['help'][number];

const SHOWN_EVENTS = 8;

export interface Circumstances {
  /** The newest events of the run, oldest first. */
  readonly events: readonly Event[];
  /** ms since the epoch. */
  readonly now: number;
  readonly failing: Failing | null;
  readonly queue: QueueView;
}

/** What a run waits for, since when, what was seen last, and what would help. */
export function explain(run: Run, { events, now, failing, queue }: Circumstances): Explanation {
  const reasons = reasonsOf(run, now, failing, queue);
  const since = sinceOf(run) ?? reasons.find((reason) => reason.since !== null)?.since ?? null;
  return {
    feature: run.identity?.feature ?? '',
    waitsFor: waitsFor(run, queue),
    queue,
    since: since === null ? null : iso(since),
    reasons: reasons.map((reason) => ({ ...reason, since: reason.since === null ? null : iso(reason.since) })),
    lastSeen: events
      .filter(({ kind }) => !MOTIONS.has(kind))
      .slice(-SHOWN_EVENTS)
      .map(narrate),
    attention: attentionOf(run, now, failing),
    help: helpFor(run),
  };
}

/** Steps on the way that say nothing about why. */
const MOTIONS: ReadonlySet<EventKind> = new Set([
  'agent.placed',
  'agent.process',
  'agent.worked',
  'branch.known',
  'pane.used',
  'prompt.intended',
  'prompt.typed',
  'prompt.entered',
]);

/** Of a run that is not going; what one that is waits for is among its reasons. */
function sinceOf({ life, createdAt }: Run): number | null {
  if (life.kind === 'stopped' || life.kind === 'completed' || life.kind === 'queued') return life.at;
  return life.kind === 'running' || createdAt === 0 ? null : createdAt;
}

function helpFor(run: Run): Help[] {
  const feature = run.identity?.feature ?? '<feature>';
  switch (run.life.kind) {
    case 'new':
    case 'initialised':
    case 'stopped':
      return [help(`start ${feature}`, 'opens the panes and goes on from the present checkpoint')];
    case 'queued':
      return [help(`stop ${feature}`, 'takes it out of the queue'), help('list', 'shows the features that run')];
    case 'completed':
      return [help(`init ${feature} --run-type retry`, 'begins a fresh run beside this one')];
    case 'running':
      return [...runningHelp(run, feature), help(`attach ${feature}`, 'shows the panes')];
    default:
      return run.life satisfies never;
  }
}

const help = (command: string, does: string): Help => ({ command: `tmops ${command}`, does });

function runningHelp(run: Run, feature: string): Help[] {
  if (run.conflict) return conflictOffers(run, run.conflict);
  const step = presentStep(run)?.step;
  const again = run.overrun ? [help(`retry ${feature}`, `asks for the step ${run.overrun.step} once more`)] : [];
  const resume = run.paused ? [help(`resume ${feature}`, 'goes on')] : [];
  const heldRoles = Object.keys(run.holders).filter((role) => holderOf(run, role).kind === 'human');
  return [
    ...resume,
    ...again,
    ...heldRoles.map((role) => help(`give ${feature} ${role}`, 'hands the pane back')),
    ...Object.values(run.agents).flatMap((agent) => answerHelp(agent, feature)),
    ...Object.keys(run.reports).flatMap((role) => reportHelp(run, role, feature)),
    ...(step === undefined ? [] : isAgentStep(step) ? stepHelp(run, step, feature) : moduleHelp(run, step.id, feature)),
  ];
}

const answerHelp = ({ role, state }: Agent, feature: string): Help[] =>
  state.kind === 'asking'
    ? [help(`answer ${feature} ${role} <choice>`, `answers it: ${state.dialog.choices.join(' | ')}`)]
    : [];

function reportHelp(run: Run, role: string, feature: string): Help[] {
  if (!callOf(run, role)) return [];
  const answer = help(`message ${feature} ${role} '…'`, `answers the ${role}`);
  const take = help(`take ${feature} ${role}`, 'makes its pane yours, to answer there');
  return holderOf(run, role).kind === 'human' ? [answer] : [answer, take];
}

const moduleHelp = ({ moduleFailure }: Run, step: string, feature: string): Help[] =>
  moduleFailure === null ? [] : [retryHelp(step, feature), skipHelp(step, feature)];

const retryHelp = (step: string, feature: string): Help =>
  help(`retry ${feature}`, `asks for the step ${step} once more`);
const skipHelp = (step: string, feature: string): Help => help(`skip ${feature}`, `goes on without the step ${step}`);

function stepHelp(run: Run, step: AgentStep, feature: string): Help[] {
  const isBaseline = checkState(run, step, 'before').kind === 'failed';
  const claimed = claimOf(run, step).kind === 'good';
  const isRefuted = claimed && checkState(run, step, 'after').kind === 'failed';
  if (isBaseline)
    return [
      help(`approve ${feature}`, `begins ${step.id} although the project is not in order`),
      help(`retry ${feature}`, 'looks at the project again'),
    ];
  if (claimed && (isRefuted || awaitsApproval(run, step)))
    return [
      help(`approve ${feature}`, `lets ${step.checkpoint} stand`),
      help(`reject ${feature} --comment '…'`, `sends it back to the ${step.role}`),
    ];
  return [...doubtHelp(run, step, feature), ...workHelp(run, step, feature)];
}

const doubtHelp = (run: Run, step: AgentStep, feature: string): Help[] =>
  openPrompts(run, step.role)
    .filter(({ trouble }) => trouble?.outcome === 'indeterminate' || trouble?.outcome === 'typed_not_submitted')
    .map(({ id }) => help(`settle ${feature} ${id} resend|delivered`, 'says what became of the prompt in doubt'));

function workHelp(run: Run, step: AgentStep, feature: string): Help[] {
  const look = help(`read-pane ${feature} ${step.role}`, `shows what the ${step.role} does`);
  // An agent whose pane a human holds is not started by a retry.
  const isHeld = holderOf(run, step.role).kind === 'human';
  const again = [...(isHeld ? [] : [retryHelp(step.id, feature)]), skipHelp(step.id, feature)];
  switch (run.agents[step.role]?.state.kind) {
    case 'gone':
    case 'failed':
      return [help(`start ${feature}`, 'starts the agents that are not running'), look, ...again];
    case 'idle':
      return [help(`message ${feature} ${step.role} 'Go on.'`, 'asks it to go on'), look, ...again];
    case 'busy':
    case 'asking':
    case 'starting':
    case undefined:
      return [look];
  }
}
