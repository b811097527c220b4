import { checkState, claimOf, awaitsApproval } from '../core/claim.ts';
import { isAgentStep, promptOf, type AgentStep } from '../core/workflow.ts';
import { judge, pathsOf } from '../engine/claims.ts';
import type { LiveRun } from '../engine/live-run.ts';
import { notYourStep, presentAgentStep, toolNames, type Acting } from './role-acting.ts';
import { roleTools } from '../core/role-tools.ts';
import type { AppPorts } from './ports.ts';
import type { RoleOutput } from './role-table.ts';
import type { ProblemView } from './views.ts';

type Written = { readonly ok: true; readonly file: string } | { readonly ok: false; readonly problem: ProblemView };

/** Writes the checkpoint of the acting role's present step, whole, if it would be taken. Nothing is written otherwise. */
export async function writeCheckpoint(ports: AppPorts, acting: Acting, text: string): Promise<Written> {
  const { live, step } = acting;
  if (!step) return { ok: false, problem: notYourStep(acting) };
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  const judged = judge(live.loop.run(), step, whole);
  if (judged.verdict !== 'whole') return { ok: false, problem: notWhole(step, judged) };
  const [path = ''] = pathsOf(live.place, step);
  await ports.files.write(path, whole);
  return { ok: true, file: step.checkpoint };
}

function notWhole(
  step: AgentStep,
  { line, found, expected }: { readonly line: number; readonly found: string; readonly expected: string },
): ProblemView {
  const there = found === '' ? '' : `, where it says ${JSON.stringify(found)}`;
  return {
    code: 'checkpoint-not-whole',
    sentence: `The text is no ${step.checkpoint} yet: line ${line}${there}, lacks ${expected}. Nothing was written.`,
    hint: 'Put that right and call again with the whole text.',
  };
}

/** A checkpoint as tmops writes one: the head that all have, sections, and who is next. `body` comes from a role. */
export function composeCheckpoint(
  acting: Pick<Acting, 'workflow' | 'feature' | 'run'>,
  step: AgentStep,
  { body, nowMs }: { readonly body: string; readonly nowMs: number },
): string {
  const { workflow, feature, run } = acting;
  const steps = workflow.steps.filter(isAgentStep);
  const next = steps[steps.indexOf(step) + 1];
  const titleOf = (role: string): string => workflow.roles[role]?.title ?? role;
  const asked = next && promptOf(workflow, workflow.steps.indexOf(next), { feature, run });
  return [
    `# Checkpoint: ${step.checkpoint}`,
    '',
    `**From:** ${titleOf(step.role)}`,
    ...(next ? [`**To:** ${titleOf(next.role)}`] : []),
    `**Timestamp:** ${localTime(nowMs)}`,
    `**Feature:** ${feature}`,
    '',
    ...(/^## /m.test(body) ? [] : ['## Work Completed', '']),
    body.trim(),
    '',
    '## Next Action',
    '',
    next ? `${titleOf(next.role)}: ${asked ?? ''}` : 'None: the run ends here.',
    '',
  ].join('\n');
}

/** As the framework's own tools write it: local, to the second. */
function localTime(ms: number): string {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace('T', ' ');
}

/**
 * What a role is told that has ended its step, or took up another one. Whoever plays all roles waits until it is clear what
 * comes next, and is told what to do then; an agent in a pane ends its turn and is asked in its pane.
 */
export async function handedOver(
  ports: AppPorts,
  acting: Acting,
  order: { readonly file: string | null; readonly waitMs: number },
  signal: AbortSignal,
): Promise<RoleOutput<'roleStart'>> {
  const { file } = order;
  if (!acting.auto)
    return {
      ...{ feature: acting.feature, role: acting.role, file },
      message: `${file ?? 'Nothing'} is written. tmops looks at it and asks whoever is next.`,
      instructions: 'End your turn now. Your next prompt comes by itself; check_status says how the feature stands.',
      available_tools: toolNames(acting),
    };
  if (acting.step && file !== null) await untilSettled(ports, acting.live, acting.step, order.waitMs, signal);
  return { ...whatNext(acting), file };
}

/** Where the present step has its checkpoint, waits until it is clear what becomes of it. */
export async function settledStep(
  ports: AppPorts,
  { live, step }: Acting,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (step && claimOf(live.loop.run(), step).kind === 'good') await untilSettled(ports, live, step, waitMs, signal);
}

/** For whoever plays all roles: whose turn it is, what is to be done, and with what. */
export function whatNext({ live, feature, run, workflow, worktree }: Acting): Omit<RoleOutput<'roleStart'>, 'file'> {
  const now = live.loop.run();
  const step = presentAgentStep(now);
  if (!step || now.life.kind !== 'running')
    return {
      ...{ feature, role: 'auto', available_tools: toolNames({ tools: [], auto: true }) },
      message:
        now.life.kind === 'completed'
          ? `${feature} is completed.`
          : `${feature} is at no step of a role (${now.life.kind}).`,
      instructions: now.life.kind === 'completed' ? 'Nothing is left to do.' : 'Call switch_role again in a while.',
    };
  const title = workflow.roles[step.role]?.title ?? step.role;
  const asked = promptOf(workflow, workflow.steps.indexOf(step), { feature, run });
  const trouble = troubleOf(live, step);
  return {
    ...{ feature, role: step.role },
    message: trouble ?? `It is the turn of the ${title}: ${step.id}.`,
    instructions: [
      `Read ${live.place.rolesDir}/${step.role}.md and do what it says for the prompt "${asked}".`,
      `The worktree is ${worktree}. The step ends with ${step.checkpoint}; use the tools that are available and no others.`,
    ].join(' '),
    available_tools: toolNames({ tools: roleTools(workflow, step.role), auto: true }),
  };
}

/** Why the step's checkpoint is there and the step is not done; null where nothing is the matter. */
export function troubleOf(live: LiveRun, step: AgentStep): string | null {
  const run = live.loop.run();
  const fault = run.faults[step.checkpoint];
  if (fault) return `${fault.file} is not taken: line ${fault.line} lacks ${fault.expected}.`;
  const check = checkState(run, step, 'after');
  if (check.kind === 'failed') return `${step.checkpoint} did not hold: ${check.finding.sentence}`;
  if (check.kind === 'running') return `${step.checkpoint} is still being checked. Call switch_role to wait for it.`;
  if (awaitsApproval(run, step)) return `${step.checkpoint} waits for a human to approve it.`;
  return claimOf(run, step).kind === 'good' ? `${step.checkpoint} is there and not yet taken.` : null;
}

/** Resolves when it is clear what becomes of the step, or the time is up. */
async function untilSettled(
  { clock }: Pick<AppPorts, 'clock'>,
  live: LiveRun,
  step: AgentStep,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const isClear = (): boolean => {
    const run = live.loop.run();
    if (run.life.kind !== 'running') return true;
    const present = presentAgentStep(run);
    if (present?.id !== step.id) return present === null || run.life.stepBeganAt !== null;
    return (
      run.faults[step.checkpoint] !== undefined ||
      checkState(run, step, 'after').kind === 'failed' ||
      awaitsApproval(run, step)
    );
  };
  const clear = new AbortController();
  const unsubscribe = live.loop.subscribe(() => {
    if (isClear()) clear.abort();
  });
  try {
    if (!isClear()) await clock.sleep(waitMs, AbortSignal.any([clear.signal, signal]));
  } finally {
    unsubscribe();
  }
}
