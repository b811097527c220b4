import { claimOf } from '../core/advance.ts';
import { isBriefed, presentStep, typedLine, type Agent, type Prompt, type Run } from '../core/run.ts';
import { isAgentStep, type AgentStep, type Step } from '../core/workflow.ts';
import { exitWord, faultWord, quoted } from './narrate.ts';
import type { ProblemView, StatusView } from './views.ts';

/** The status of a run, whole. */
export function statusOf(run: Run, attach: string | null, now: number): StatusView {
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
    waitsFor: waitsFor(run),
    attention: attentionOf(run, now),
    session: run.settings?.session ?? null,
    attach: Object.values(run.agents).some((agent) => agent.pane !== null) ? attach : null,
    socket: run.settings?.socket ?? null,
    branch: run.identity?.branch ?? '',
    worktree: run.identity?.worktree ?? '',
    panes: Object.values(run.agents).map(paneOf),
    checkpoints: steps.filter(isAgentStep).map((step) => checkpointOf(run, step, step.id === present?.step.id)),
    prompts: run.prompts.slice(-12).map(promptOf),
    startedAt: run.life.kind === 'running' ? iso(run.life.startedAt) : null,
    updatedAt: iso(run.updatedAt),
    unwatchedMs: run.unwatchedMs,
    cursor: run.seq,
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** One sentence: what has to happen next, and why it has not yet. */
export function waitsFor(run: Run): string {
  switch (run.life.kind) {
    case 'new':
    case 'initialised':
      return `It waits to be started: tmops start ${run.identity?.feature ?? '<feature>'}.`;
    case 'completed':
      return 'Nothing: all steps are done.';
    case 'stopped':
      return `It was stopped by ${run.life.by} (${run.life.why}); tmops start ${run.identity?.feature ?? ''} goes on from here.`;
    case 'running':
      return run.life.surveyed ? waitsInStep(run) : 'It is looking at the checkpoints on disk.';
    default:
      return run.life satisfies never;
  }
}

function waitsInStep(run: Run): string {
  const step = presentStep(run)?.step;
  if (!step) return 'Nothing: all steps are done.';
  if (!isAgentStep(step))
    return run.moduleFailure
      ? `The module ${step.module} failed; see attention.`
      : `The module ${step.module} is at work.`;
  return claimSentence(run, step) ?? promptSentence(run, step);
}

function claimSentence(run: Run, step: AgentStep): string | null {
  const claim = claimOf(run, step);
  if (run.faults[step.checkpoint]) return `${step.checkpoint} is there but not in order; see attention.`;
  if (claim.kind === 'early')
    return `${step.checkpoint} was written before ${claim.before}; it has to be written again.`;
  if (claim.kind === 'older-run') return `${step.checkpoint} is older than this run; it has to be written anew.`;
  if (claim.kind === 'awaits-human')
    return `${step.checkpoint} asks for a human review; it goes on when its status says APPROVED.`;
  return null;
}

function promptSentence(run: Run, step: AgentStep): string {
  const prompt = run.prompts.findLast(
    (each) => each.role === step.role && 'step' in each.purpose && each.purpose.step === step.id,
  );
  const agent = run.agents[step.role];
  if (agent?.state.kind === 'gone' || agent?.state.kind === 'failed')
    return `The ${step.role}'s agent is not running; see attention.`;
  if (!prompt)
    return isBriefed(run, step.role)
      ? `The ${step.role} is about to be prompted.`
      : `The ${step.role} is reading its instructions.`;
  if (prompt.stage.kind === 'taken' || prompt.stage.kind === 'delivered-by-hand')
    return `The ${step.role} works on ${step.checkpoint}.`;
  return `Prompt ${prompt.id} is on its way to the ${step.role}${prompt.trouble ? `: ${prompt.trouble.reason}` : ''}.`;
}

function paneOf(agent: Agent): StatusView['panes'][number] {
  const { state } = agent;
  const detail = {
    starting: () => null,
    idle: () =>
      state.kind === 'idle' && state.failed !== null ? `its last turn failed: ${quoted(state.failed)}` : null,
    busy: () => (state.kind === 'busy' && state.prompt !== null ? `at work on prompt ${state.prompt}` : 'at work'),
    asking: () => (state.kind === 'asking' ? `${state.dialog.name}: ${quoted(state.dialog.text)}` : null),
    gone: () => (state.kind === 'gone' ? exitWord(state.exit) : null),
    failed: () => (state.kind === 'failed' ? state.sentence : null),
  }[state.kind]();
  const word = state.kind === 'asking' ? 'waiting' : state.kind === 'gone' ? 'exited' : state.kind;
  return { role: agent.role, pane: agent.pane, state: word, since: iso(state.since), detail };
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
  if (prompt.stage.kind === 'taken') return prompt.stage.queued ? 'queued' : 'accepted';
  if (prompt.stage.kind === 'delivered-by-hand') return 'accepted';
  if (prompt.trouble) return prompt.trouble.outcome;
  return prompt.stage.kind === 'wanted' ? 'wanted' : 'typing';
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
  const state = done ? 'done' : problem !== null ? 'refused' : isPresent ? 'open' : 'later';
  return { step: step.id, role: step.role, file: step.checkpoint, state, at: done ? iso(done.at) : null, problem };
}

/** What needs a human now, each with the command that helps. */
export function attentionOf(run: Run, now: number): ProblemView[] {
  if (run.life.kind !== 'running') return [];
  const feature = run.identity?.feature ?? '';
  return [
    ...faultProblems(run, feature),
    ...agentProblems(run, feature),
    ...promptProblems(run, feature),
    ...moduleProblem(run, feature),
    ...reviewProblem(run),
    ...silenceProblem(run, now),
  ];
}

function faultProblems(run: Run, feature: string): ProblemView[] {
  const open = new Set(
    (run.workflow?.steps ?? [])
      .filter((step): step is AgentStep => isAgentStep(step) && !run.done[step.id])
      .map((step) => step.checkpoint),
  );
  return Object.values(run.faults)
    .filter((fault) => open.has(fault.file))
    .map((fault) => ({
      code: 'checkpoint-refused',
      sentence: `${faultWord(fault)}.`,
      hint: `Correct .tmops/${feature}/current/checkpoints/${fault.file}; it is read again as soon as it is saved.`,
    }));
}

function agentProblems(run: Run, feature: string): ProblemView[] {
  return Object.values(run.agents).flatMap(({ role, state }): ProblemView[] => {
    if (state.kind === 'failed') return [{ code: 'agent-failed', sentence: state.sentence, hint: state.hint }];
    if (state.kind === 'gone')
      return [
        {
          code: 'agent-ended',
          sentence: `The ${role}'s agent has ended (${exitWord(state.exit)}).`,
          hint: `tmops start ${feature}`,
        },
      ];
    if (state.kind === 'asking')
      return [
        {
          code: 'needs-answer',
          sentence: `The ${role}'s agent asks (${state.dialog.name}): ${quoted(state.dialog.text)}`,
          hint: `${state.dialog.hint} See it with: tmops attach ${feature}`,
        },
      ];
    if (state.kind === 'idle' && state.failed !== null)
      return [
        {
          code: 'turn-failed',
          sentence: `The ${role}'s last turn failed: ${quoted(state.failed)}.`,
          hint: `Look at its pane (tmops attach ${feature}) and prompt it to go on.`,
        },
      ];
    return [];
  });
}

function promptProblems(run: Run, feature: string): ProblemView[] {
  return run.prompts.flatMap((prompt): ProblemView[] => {
    if (!prompt.trouble || prompt.stage.kind === 'taken' || prompt.stage.kind === 'delivered-by-hand') return [];
    const { outcome, reason } = prompt.trouble;
    const sentence = `Prompt ${prompt.id} for the ${prompt.role} is ${outcome.replaceAll('_', ' ')}: ${reason}.`;
    const doubtful = outcome === 'indeterminate' || outcome === 'typed_not_submitted';
    const hint = doubtful
      ? `Look at the pane, then: tmops settle ${feature} ${prompt.id} resend, or: tmops settle ${feature} ${prompt.id} delivered`
      : `tmops attach ${feature}`;
    return [{ code: outcome.replaceAll('_', '-'), sentence, hint }];
  });
}

const moduleProblem = ({ moduleFailure }: Run, feature: string): ProblemView[] =>
  moduleFailure
    ? [
        {
          code: 'module-failed',
          sentence: `The module of step ${moduleFailure.step} failed to ${moduleFailure.stage}: ${quoted(moduleFailure.why)}${moduleFailure.rolledBack ? ' It was rolled back.' : ''}`,
          hint: `Repair the cause, then: tmops start ${feature}`,
        },
      ]
    : [];

function reviewProblem(run: Run): ProblemView[] {
  const step: Step | undefined = presentStep(run)?.step;
  if (!step || !isAgentStep(step) || claimOf(run, step).kind !== 'awaits-human') return [];
  return [
    {
      code: 'awaits-review',
      sentence: `${step.checkpoint} asks for a human review.`,
      hint: `Read it; to go on, change its gate to "Status: APPROVED" and save.`,
    },
  ];
}

/** The only thing in a status that the clock tells: the agent whose step is open, if it has given no sign of life for longer than `features.checkpoint_timeout`. */
export function silentAgent(run: Run, now: number): Agent | null {
  const step = presentStep(run)?.step;
  const agent = step && isAgentStep(step) ? run.agents[step.role] : undefined;
  const limit = run.settings?.silentAfterMs ?? Infinity;
  const isSilent = agent && (agent.state.kind === 'busy' || agent.state.kind === 'idle') && now - agent.signAt >= limit;
  return isSilent ? agent : null;
}

function silenceProblem(run: Run, now: number): ProblemView[] {
  const agent = silentAgent(run, now);
  if (!agent) return [];
  const minutes = Math.round((now - agent.signAt) / 60_000);
  return [
    {
      code: 'agent-silent',
      sentence: `The ${agent.role}'s agent has given no sign of life for ${minutes} min.`,
      hint: `Look at its pane: tmops attach ${run.identity?.feature ?? ''}`,
    },
  ];
}
