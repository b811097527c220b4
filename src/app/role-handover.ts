import { awaitsApproval, checkState, claimOf, isCheckable, orderOf } from '../core/claim.ts';
import type { Run } from '../core/run.ts';
import { gistOf } from '../core/steer.ts';
import { isAgentStep, promptOf, type AgentStep } from '../core/workflow.ts';
import { judge, pathsOf } from '../engine/claims.ts';
import type { LiveRun } from '../engine/live-run.ts';
import { AUTO_ROLE } from '../core/role-tool-names.ts';
import { hasBegun, notYourStep, presentAgentStep, toolNames, type Acting } from './role-acting.ts';
import { roleTools } from '../core/role-tools.ts';
import type { AppPorts } from './ports.ts';
import type { RoleOutput } from './role-table.ts';
import type { ProblemView } from './views.ts';
import { waitsFor } from './waits-for.ts';

type Written =
  | { readonly ok: true; readonly file: string; readonly before: Before }
  | { readonly ok: false; readonly problem: ProblemView };

/** What was known of the step's checkpoint when it was written. */
type Before = Pick<Run, 'seen' | 'faults'>;

/** Writes the checkpoint of the acting role's present step, whole, if it would be taken. Nothing is written otherwise. */
export async function writeCheckpoint(ports: AppPorts, acting: Acting, text: string): Promise<Written> {
  const { live, step } = acting;
  if (!step) return { ok: false, problem: notYourStep(acting) };
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  const judged = judge(live.loop.run(), step, whole);
  if (judged.verdict !== 'whole') return { ok: false, problem: notWhole(step, judged) };
  const [path = ''] = pathsOf(live.place, step);
  const before = live.loop.run();
  await ports.files.write(path, whole);
  return { ok: true, file: step.checkpoint, before };
}

function notWhole(
  step: AgentStep,
  { line, found, expected }: { readonly line: number; readonly found: string; readonly expected: string },
): ProblemView {
  const there = found === '' ? '' : `, where it says ${JSON.stringify(plain(found))}`;
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
  { file, before, waitMs }: { readonly file: string; readonly before: Before; readonly waitMs: number },
  signal: AbortSignal,
): Promise<RoleOutput<'roleStart'>> {
  if (!acting.auto)
    return {
      ...{ feature: acting.feature, role: acting.role, file },
      message: `${file} is written. tmops looks at it and asks whoever is next.`,
      instructions: 'End your turn now. Your next prompt comes by itself; check_status says how the feature stands.',
      available_tools: toolNames(acting),
    };
  if (acting.step) await untilSettled(ports, acting.live, { step: acting.step, before, waitMs }, signal);
  return { ...whatNext(acting), file };
}

/** Where the present step has its checkpoint, waits until it is clear what becomes of it. */
export async function settledStep(
  ports: AppPorts,
  { live, step }: Acting,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const run = live.loop.run();
  if (step && (claimOf(run, step).kind === 'good' || !hasBegun(run)))
    await untilSettled(ports, live, { step, before: null, waitMs }, signal);
}

/** For whoever plays all roles: whose turn it is, what is to be done, and with what. */
export function whatNext({ live, feature, run, workflow, worktree }: Acting): Omit<RoleOutput<'roleStart'>, 'file'> {
  const now = live.loop.run();
  const step = presentAgentStep(now);
  if (!step || now.life.kind !== 'running')
    return {
      ...{ feature, role: AUTO_ROLE, available_tools: ['switch_role', 'check_status'] },
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
    available_tools: toolNames({ tools: roleTools(workflow, step.role), auto: true, step }),
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
  if (awaitsHuman(run, step)) return `${step.checkpoint} waits for a human to approve it.`;
  const claim = claimOf(run, step);
  if (claim.kind === 'none' && !hasBegun(run)) return `${step.id} has not begun yet. ${waitsFor(run)}`;
  if (claim.kind === 'sent-back') return `${step.checkpoint} was sent back. ${whySentBack(live, step)}`;
  return claim.kind === 'good' ? `${step.checkpoint} is there and not yet taken.` : null;
}

/** The step does not begin by itself: what it was to begin from does not hold. */
const isStuck = (run: Run, step: AgentStep): boolean => checkState(run, step, 'before').kind === 'failed';

/** What is to be approved has been checked before. */
function awaitsHuman(run: Run, step: AgentStep): boolean {
  const order = isCheckable(run, step) ? orderOf(run, step, 'after') : null;
  const { kind } = checkState(run, step, 'after');
  return awaitsApproval(run, step) && (order === null || kind === 'passed' || kind === 'waived');
}

const MOST_SAID = 2000;

/** What an agent in a pane finds in the file that its correction names. */
function whySentBack({ loop, place }: LiveRun, step: AgentStep): string {
  const asked = loop.run().prompts.findLast(({ purpose }) => purpose.kind === 'correction' && purpose.step === step.id);
  if (!asked) return '';
  const whole = asked.file === null ? '' : ` All of it: ${place.runDir}/${asked.file}`;
  return `${plain(gistOf(asked.text ?? '').slice(0, MOST_SAID))}${whole}`;
}

/** Without what would act on a terminal. */
const plain = (text: string): string => text.replaceAll(/[^\P{C}\n\t]/gu, '');

/**
 * Resolves when it is clear what becomes of the step, or the time is up. With `before`, not before its checkpoint was looked at
 * anew: what was found out about an earlier one says nothing.
 */
async function untilSettled(
  { clock }: Pick<AppPorts, 'clock'>,
  live: LiveRun,
  { step, before, waitMs }: { readonly step: AgentStep; readonly before: Before | null; readonly waitMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { checkpoint } = step;
  const isClear = (): boolean => {
    const run = live.loop.run();
    if (run.life.kind !== 'running') return true;
    const present = presentAgentStep(run);
    if (present?.id !== step.id)
      return present === null || hasBegun(run) || run.paused !== null || isStuck(run, present);
    const isLookedAt =
      run.seen[checkpoint] !== before?.seen[checkpoint] || run.faults[checkpoint] !== before?.faults[checkpoint];
    if (before !== null && !isLookedAt) return false;
    const claim = claimOf(run, step).kind;
    if (claim === 'none' && !hasBegun(run)) return run.paused !== null || isStuck(run, step);
    return claim !== 'good' || checkState(run, step, 'after').kind === 'failed' || awaitsHuman(run, step);
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
