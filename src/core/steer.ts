import { answering } from './answer.ts';
import { awaitsApproval, checkState, claimOf } from './claim.ts';
import type { Conflict } from './conflicted.ts';
import type { Fact, Finding } from './event.ts';
import type { Refusal, Request } from './request.ts';
import { checksOf, holderOf, presentStep, upAgents, relaunch, type Run } from './run.ts';
import type { Rollback } from './rolled-back.ts';
import { correctionOf, isAgentStep, type AgentStep } from './workflow.ts';

/** What a human asks of a run that is going. Each gives facts, or a refusal that says what could be asked instead. */
export type SteeringRequest = Extract<
  Request,
  {
    kind:
      | 'take'
      | 'give'
      | 'pause'
      | 'resume'
      | 'approve'
      | 'reject'
      | 'skip'
      | 'retry'
      | 'redo'
      | 'dialog-answering'
      | 'dialog-answered';
  }
>;

const KINDS: ReadonlySet<string> = new Set<SteeringRequest['kind']>([
  'take',
  'give',
  'pause',
  'resume',
  'approve',
  'reject',
  'skip',
  'retry',
  'redo',
  'dialog-answering',
  'dialog-answered',
]);
export const isSteering = (request: Request): request is SteeringRequest => KINDS.has(request.kind);

/** What would be of no effect, or of a wrong one, on work that is just being taken back. */
const JUDGING: ReadonlySet<SteeringRequest['kind']> = new Set(['approve', 'reject', 'skip', 'retry', 'redo']);

export const rollingBack = ({ step, direction }: Rollback): Refusal => ({
  reason: 'rolling-back',
  received: step,
  allowed: [direction],
});

export const onConflict = ({ number }: Conflict): Refusal => ({
  reason: 'branch-conflict',
  received: String(number),
  allowed: ['accept', 'stash', 'abort'],
});

export function steer(run: Run, request: SteeringRequest): Fact[] | Refusal {
  if (run.life.kind !== 'running') return notRunning(run, request.kind);
  if (run.rollback && JUDGING.has(request.kind)) return rollingBack(run.rollback);
  if (run.conflict && request.kind === 'resume') return onConflict(run.conflict);
  switch (request.kind) {
    case 'take':
    case 'give':
      return handOver(run, request);
    case 'pause':
      return run.paused ? [] : [{ kind: 'run.paused', by: request.by, why: request.why }];
    case 'resume':
      return run.paused ? [{ kind: 'run.resumed', by: request.by }, ...launches(run, request.spareIds)] : [];
    case 'approve':
      return approve(run, request);
    case 'reject':
      return reject(run, request);
    case 'skip':
      return skip(run, request);
    case 'retry':
      return retry(run, request);
    case 'redo':
      return redo(run, request);
    case 'dialog-answering':
    case 'dialog-answered':
      return answering(run, request);
    default:
      return request satisfies never;
  }
}

/** What is asked of a run that does not go on. */
export function notRunning({ life }: Run, received: string): Refusal {
  if (life.kind === 'completed') return { reason: 'completed', received, allowed: ['init --run-type retry'] };
  return { reason: life.kind === 'queued' ? 'queued' : 'not-running', received, allowed: ['start'] };
}

/** Agents that are down and whose pane no human holds are started again. */
export function launches(run: Run, spareIds: Readonly<Record<string, string>>): Fact[] {
  const up = new Set(upAgents(run).map(({ role }) => role));
  return Object.values(run.agents)
    .filter(({ role }) => !up.has(role) && holderOf(run, role).kind === 'auto')
    .map((agent) => relaunch(agent, spareIds[agent.role] ?? agent.sessionId));
}

function handOver(run: Run, request: Extract<SteeringRequest, { kind: 'take' | 'give' }>): Fact[] | Refusal {
  const known = Object.keys(run.agents);
  const unknown = request.roles.find((role) => !known.includes(role));
  if (unknown !== undefined) return { reason: 'unknown-role', received: unknown, allowed: known };
  const roles = request.roles.length > 0 ? request.roles : known;
  if (request.kind === 'take') {
    // Asked for by name, it does not go back by itself, also where it was taken by being used.
    return roles
      .filter((role) => !isCommanded(run, role))
      .map((role) => ({ kind: 'pane.taken', role, how: 'command', by: request.by, why: 'asked to' }));
  }
  const held = roles.filter((role) => holderOf(run, role).kind === 'human');
  const given = held.map((role): Fact => ({ kind: 'pane.given', role, how: 'command', by: request.by }));
  const up = new Set(upAgents(run).map(({ role }) => role));
  const down = Object.values(run.agents).filter(({ role }) => held.includes(role) && !up.has(role));
  return [...given, ...down.map((agent) => relaunch(agent, request.spareIds[agent.role] ?? agent.sessionId))];
}

const isCommanded = (run: Run, role: string): boolean => {
  const holder = holderOf(run, role);
  return holder.kind === 'human' && holder.how === 'command';
};

/** The present step, where it has a checkpoint. */
function presentClaim(run: Run): AgentStep | null {
  const step = presentStep(run)?.step;
  return step && isAgentStep(step) ? step : null;
}

/** Says yes to a checkpoint that asks for it, or lets one stand whose check failed. */
function approve(run: Run, { by, comment }: Extract<SteeringRequest, { kind: 'approve' }>): Fact[] | Refusal {
  const step = presentClaim(run);
  const nothing: Refusal = { reason: 'nothing-to-approve', received: step?.id ?? '', allowed: [] };
  if (!step) return nothing;
  if (checkState(run, step, 'before').kind === 'failed')
    return [{ kind: 'check.waived', step: step.id, stage: 'before', by, comment }];
  const sha256 = run.seen[step.checkpoint]?.sha256;
  if (claimOf(run, step).kind !== 'good' || sha256 === undefined) return nothing;
  const failed = checkState(run, step, 'after').kind === 'failed';
  const waived: Fact[] = failed ? [{ kind: 'check.waived', step: step.id, stage: 'after', by, comment }] : [];
  if (failed || awaitsApproval(run, step))
    return [...waived, { kind: 'gate.approved', step: step.id, by, comment, sha256 }];
  return nothing;
}

/** Sends the present checkpoint back to the role that wrote it. */
function reject(run: Run, { by, comment }: Extract<SteeringRequest, { kind: 'reject' }>): Fact[] | Refusal {
  const step = presentClaim(run);
  const isAsked =
    step !== null &&
    claimOf(run, step).kind === 'good' &&
    (awaitsApproval(run, step) || checkState(run, step, 'after').kind === 'failed');
  if (!isAsked) return { reason: 'nothing-to-reject', received: step?.id ?? '', allowed: [] };
  const said = comment === null ? 'No comment was given.' : `What was said:\n\n${comment}`;
  return [
    { kind: 'gate.rejected', step: step.id, by, comment },
    correction(
      run,
      step,
      `# ${step.checkpoint} was sent back\n\nIt was read by a human (${by}) and rejected. ${said}\n`,
    ),
  ];
}

/** The prompt that sends a checkpoint back, with a file that says why. */
export function correction(run: Run, step: AgentStep, text: string): Fact {
  const prompt = run.prompts.length + 1;
  const file = `prompts/${String(prompt).padStart(4, '0')}-${step.role}.md`;
  if (!run.workflow || !run.identity) throw new Error('Internal error: a correction in a run without a workflow');
  return {
    kind: 'prompt.wanted',
    prompt,
    role: step.role,
    purpose: { kind: 'correction', step: step.id },
    line: correctionOf(run.workflow, step, `.tmops/${run.identity.feature}/current/${file}`),
    file,
    text,
  };
}

const PRINTED = 'The end of what the tests printed:';

/** What a correction says, without its title and what tests printed. */
export const gistOf = (text: string): string => (text.split(`\n${PRINTED}\n`)[0] ?? '').replace(/^# .*\n/, '').trim();

/** What the role is told of a claim that did not hold. */
export function correctionText(step: AgentStep, { sentence, files, tail }: Finding): string {
  const list = files.length > 0 ? `\nFiles:\n${files.map((file) => `- ${file}`).join('\n')}\n` : '';
  const fence = '````';
  const end = tail === '' ? '' : `\n${PRINTED}\n\n${fence}text\n${tail}\n${fence}\n`;
  return `# ${step.checkpoint} does not hold\n\n${sentence}\n${list}${end}\nPut it right within your role, then write ${step.checkpoint} anew.\n`;
}

function skip(run: Run, request: Extract<SteeringRequest, { kind: 'skip' }>): Fact[] | Refusal {
  const present = presentStep(run)?.step.id ?? '';
  const step = request.step ?? present;
  const ids = (run.workflow?.steps ?? []).map(({ id }) => id);
  if (!ids.includes(step)) return { reason: 'unknown-step', received: step, allowed: ids };
  if (step !== present) return { reason: 'not-the-present-step', received: step, allowed: [present] };
  return [{ kind: 'step.skipped', step, by: request.by, why: request.why }];
}

function retry(run: Run, { by, spareIds }: Extract<SteeringRequest, { kind: 'retry' }>): Fact[] | Refusal {
  const step = presentStep(run)?.step;
  if (!step) return { reason: 'completed', received: 'retry', allowed: ['init --run-type retry'] };
  const finding = isAgentStep(step) ? failedFinding(run, step) : null;
  const again: Fact[] =
    finding !== null && isAgentStep(step) ? [correction(run, step, correctionText(step, finding))] : [];
  // Whoever asks again may know that the limit is gone; if it is not, the next turn says so.
  const parked = isAgentStep(step) && run.agents[step.role]?.parked;
  const unparked: Fact[] = parked ? [{ kind: 'agent.unparked', role: step.role }] : [];
  return [{ kind: 'step.retried', step: step.id, by }, ...unparked, ...again, ...launches(run, spareIds)];
}

function failedFinding(run: Run, step: AgentStep): Finding | null {
  const { after } = checksOf(run, step.id);
  return after?.kind === 'failed' && claimOf(run, step).kind === 'good' ? after.finding : null;
}

function redo(run: Run, request: Extract<SteeringRequest, { kind: 'redo' }>): Fact[] | Refusal {
  const done = (run.workflow?.steps ?? []).filter(({ id }) => run.done[id] !== undefined).map(({ id }) => id);
  const ids = (run.workflow?.steps ?? []).map(({ id }) => id);
  const step = request.step ?? done.at(-1) ?? '';
  if (request.step !== null && !ids.includes(step)) return { reason: 'unknown-step', received: step, allowed: ids };
  if (!done.includes(step)) return { reason: 'step-not-done', received: step, allowed: done };
  return [{ kind: 'step.reopened', step, by: request.by, why: request.why }];
}
