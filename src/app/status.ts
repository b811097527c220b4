import type { CheckStage } from '../core/event.ts';
import { presentStep, typedLine, type Prompt, type Run } from '../core/run.ts';
import { isAgentStep, type AgentStep } from '../core/workflow.ts';
import type { Failing } from '../engine/disk.ts';
import { attentionOf } from './attention.ts';
import { faultWord } from './narrate.ts';
import { conflictView, stashesView } from './tell-conflict.ts';
import { iso, paneOf } from './status-panes.ts';
import type { QueueView, StatusView } from './views.ts';
import { waitsFor } from './waits-for.ts';

export interface StatusOf {
  /** The command that shows the panes; null before there were any. */
  readonly attach: string | null;
  readonly now: number;
  readonly failing: Failing | null;
  readonly queue: QueueView;
}

/** The status of a run, whole. */
export function statusOf(run: Run, { attach, now, failing, queue }: StatusOf): StatusView {
  const present = presentStep(run);
  const steps = run.workflow?.steps ?? [];
  return {
    feature: run.identity?.feature ?? '',
    run: run.identity?.run ?? '',
    phase: run.life.kind,
    step: present?.step.id ?? null,
    stepNumber: present ? present.index + 1 : steps.length,
    stepCount: steps.length,
    role: present && isAgentStep(present.step) ? present.step.role : null,
    waitsFor: waitsFor(run, queue),
    attention: attentionOf(run, now, failing),
    paused: run.paused ? { since: iso(run.paused.at), by: run.paused.by, why: run.paused.why } : null,
    queue,
    checks: checksView(run),
    unsafe: [...(run.settings?.unsafe ?? [])],
    session: run.settings?.session ?? null,
    attach: Object.values(run.agents).some((agent) => agent.pane !== null) ? attach : null,
    socket: run.settings?.socket ?? null,
    branch: run.identity?.branch ?? '',
    worktree: run.identity?.worktree ?? '',
    conflict: conflictView(run),
    stashes: stashesView(run),
    panes: Object.values(run.agents).map((agent) => paneOf(run, agent)),
    checkpoints: checkpointsOf(run),
    prompts: run.prompts.slice(-12).map(promptOf),
    startedAt: run.life.kind === 'running' ? iso(run.life.startedAt) : null,
    updatedAt: iso(run.updatedAt),
    unwatchedMs: run.unwatchedMs,
    cursor: run.seq,
  };
}

export function promptOf(prompt: Prompt): StatusView['prompts'][number] {
  const purpose = 'step' in prompt.purpose ? `${prompt.purpose.kind} ${prompt.purpose.step}` : prompt.purpose.kind;
  const at = 'at' in prompt.stage ? prompt.stage.at : prompt.at;
  return {
    prompt: prompt.id,
    role: prompt.role,
    purpose,
    text: typedLine(prompt),
    outcome: outcomeOf(prompt),
    reason: prompt.trouble?.reason ?? null,
    at: iso(at),
  };
}

/** The closed set of outcomes; `wanted` and `typing` are on the way to one. */
export function outcomeOf(prompt: Prompt): string {
  const { stage, trouble } = prompt;
  if (stage.kind === 'taken') return stage.queued ? 'queued' : 'accepted';
  if (stage.kind === 'delivered-by-hand') return 'accepted';
  if (stage.kind === 'withdrawn') return 'withdrawn';
  if (trouble) return trouble.outcome;
  return stage.kind === 'wanted' ? 'wanted' : 'typing';
}

/** Each step that ends with a file, and how that file stands. */
export function checkpointsOf(run: Run): StatusView['checkpoints'] {
  const present = presentStep(run)?.step.id;
  return (run.workflow?.steps ?? []).filter(isAgentStep).map((step) => checkpointOf(run, step, step.id === present));
}

function checkpointOf(run: Run, step: AgentStep, isPresent: boolean): StatusView['checkpoints'][number] {
  const done = run.done[step.id];
  const fault = run.faults[step.checkpoint];
  // The file has a column of its own.
  const problem =
    fault && !done
      ? faultWord(fault)
          .slice(fault.file.length)
          .replace(/^[,:] /, '')
      : null;
  const state = done
    ? done.how === 'skipped'
      ? 'skipped'
      : 'done'
    : problem !== null
      ? 'refused'
      : isPresent
        ? 'open'
        : 'later';
  return { step: step.id, role: step.role, file: step.checkpoint, state, at: done ? iso(done.at) : null, problem };
}

function checksView(run: Run): StatusView['checks'] {
  const stages: readonly CheckStage[] = ['before', 'after'];
  return Object.entries(run.checks).flatMap(([step, checks]) =>
    stages.flatMap((stage) => {
      const check = checks[stage];
      if (!check) return [];
      const said = check.kind === 'passed' ? [...check.shown] : check.kind === 'failed' ? [check.finding.sentence] : [];
      return [{ step, stage, state: check.kind, said, tookMs: check.kind === 'passed' ? check.tookMs : null }];
    }),
  );
}
