import type { Event, EventKind } from './event.ts';
import { askedAnew, forgiven } from './evolve-agents.ts';
import { checksOf, holderOf, snapshotOf, withoutKey, type Check, type Holder, type Run } from './run.ts';
import { isAgentStep } from './workflow.ts';

/** What humans decide about a run, and what checks find out. */
const KINDS = [
  'step.skipped',
  'step.retried',
  'step.reopened',
  'run.paused',
  'run.resumed',
  'pane.taken',
  'pane.used',
  'pane.left',
  'pane.returning',
  'pane.given',
  'gate.approved',
  'gate.rejected',
  'check.wanted',
  'check.passed',
  'check.failed',
  'check.waived',
  'dialog.answered',
] as const satisfies readonly EventKind[];

export type SteeringEvent = Extract<Event, { kind: (typeof KINDS)[number] }>;
type PaneEvent = Extract<SteeringEvent, { kind: `pane.${string}` }>;
type CheckEvent = Extract<SteeringEvent, { kind: `check.${string}` }>;

const NAMES: ReadonlySet<string> = new Set(KINDS);
export const isSteeringEvent = (event: Event): event is SteeringEvent => NAMES.has(event.kind);

export function steered(run: Run, event: SteeringEvent): Run {
  switch (event.kind) {
    case 'run.paused':
      return { ...run, paused: { at: event.at, by: event.by, why: event.why } };
    case 'run.resumed':
      return { ...run, paused: null, agents: forgiven(run.agents) };
    case 'step.skipped':
      return skipped(run, event);
    case 'step.retried':
      return retried(run, event.step);
    case 'step.reopened':
      return reopened(run, event.step);
    case 'gate.approved':
      return { ...run, approved: { ...run.approved, [event.step]: event.sha256 } };
    case 'gate.rejected':
      return { ...run, approved: withoutKey(run.approved, event.step) };
    case 'check.wanted':
    case 'check.passed':
    case 'check.failed':
    case 'check.waived':
      return checked(run, event);
    case 'dialog.answered':
      return run;
    default:
      return held(run, event);
  }
}

function held(run: Run, event: PaneEvent): Run {
  const holders = { ...run.holders, [event.role]: holderAfter(holderOf(run, event.role), event) };
  if (event.kind !== 'pane.given') return { ...run, holders };
  // What is on disk by now decides how it goes on; a step that is still open is asked for again.
  const agents = event.how === 'command' ? forgiven(run.agents, event.role) : run.agents;
  // Why a prompt waited is seen anew.
  const prompts = run.prompts.map((prompt) =>
    prompt.role === event.role && prompt.trouble?.outcome === 'held_for_human' ? { ...prompt, trouble: null } : prompt,
  );
  return { ...run, holders, agents, prompts, life: askedAnew(run, event.role) };
}

function holderAfter(holder: Holder, event: PaneEvent): Holder {
  const { at } = event;
  switch (event.kind) {
    case 'pane.taken': {
      const { how, by, why } = event;
      return { kind: 'human', since: at, how, by, why, usedAt: at, stays: false, backAt: null };
    }
    case 'pane.used':
      return holder.kind === 'human' ? { ...holder, usedAt: at, stays: event.stays, backAt: null } : holder;
    case 'pane.left':
      return holder.kind === 'human' ? { ...holder, stays: false } : holder;
    case 'pane.returning':
      return holder.kind === 'human' ? { ...holder, backAt: event.backAt } : holder;
    case 'pane.given':
      return { kind: 'auto' };
    default:
      return event satisfies never;
  }
}

function checked(run: Run, event: CheckEvent): Run {
  const checks = checksOf(run, event.step);
  const refuted = event.kind === 'check.failed' && event.finding.verdict === 'refuted' ? checks.refuted + 1 : 0;
  return {
    ...run,
    checks: {
      ...run.checks,
      [event.step]: {
        ...checks,
        [event.stage]: checkAfter(event, checks[event.stage]),
        refuted: event.kind === 'check.failed' ? refuted : checks.refuted,
      },
    },
  };
}

function checkAfter(event: CheckEvent, before: Check | null): Check {
  const { at } = event;
  switch (event.kind) {
    case 'check.wanted':
      return { kind: 'running', at, claim: event.claim };
    case 'check.passed': {
      const { claim, snapshot, shown, tookMs } = event;
      return { kind: 'passed', at, claim, snapshot, shown, tookMs };
    }
    case 'check.failed':
      return { kind: 'failed', at, claim: event.claim, finding: event.finding, snapshot: event.snapshot ?? null };
    case 'check.waived':
      return { kind: 'waived', at, claim: before?.claim ?? null, by: event.by, snapshot: snapshotOf(before) };
    default:
      return event satisfies never;
  }
}

const notBegun = (run: Run): Run['life'] =>
  run.life.kind === 'running' ? { ...run.life, stepBeganAt: null } : run.life;

function skipped(run: Run, event: Extract<SteeringEvent, { kind: 'step.skipped' }>): Run {
  const beganAt = run.life.kind === 'running' ? run.life.stepBeganAt : null;
  return {
    ...run,
    life: notBegun(run),
    moduleFailure: null,
    checks: withoutRunning(run.checks),
    done: { ...run.done, [event.step]: { at: event.at, how: 'skipped', mtimeMs: null, beganAt } },
  };
}

/** Checks that were under way, and that nobody waits for any more, are forgotten. */
export function withoutRunning(checks: Run['checks']): Run['checks'] {
  const settled = (check: Check | null): Check | null => (check?.kind === 'running' ? null : check);
  return Object.fromEntries(
    Object.entries(checks).map(([step, { before, after, refuted }]) => [
      step,
      { before: settled(before), after: settled(after), refuted },
    ]),
  );
}

/** What failed is forgotten; what was shown before the step began still holds. */
function retried(run: Run, step: string): Run {
  const { before } = checksOf(run, step);
  return {
    ...run,
    life: notBegun(run),
    moduleFailure: null,
    agents: forgiven(run.agents),
    checks: {
      ...run.checks,
      [step]: { before: before?.kind === 'failed' ? null : before, after: null, refuted: 0 },
    },
  };
}

function reopened(run: Run, from: string): Run {
  const all = run.workflow?.steps ?? [];
  const again = all.slice(all.findIndex((step) => step.id === from));
  const ids = new Set(again.map((step) => step.id));
  const kept = <T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
    Object.fromEntries(Object.entries(record).filter(([id]) => !ids.has(id)));
  const voided = again.filter(isAgentStep).flatMap(({ checkpoint }) => {
    const seen = run.seen[checkpoint];
    return seen ? [[checkpoint, { sha256: seen.sha256, mtimeMs: seen.mtimeMs }] as const] : [];
  });
  return {
    ...run,
    life: notBegun(run),
    moduleFailure: null,
    done: kept(run.done),
    checks: kept(run.checks),
    approved: kept(run.approved),
    // Where this step began is where it begins again; where those after it do is not known any more.
    points: Object.fromEntries(Object.entries(run.points).filter(([id]) => id === from || !ids.has(id))),
    void: { ...run.void, ...Object.fromEntries(voided) },
    askedFrom: { ...run.askedFrom, ...Object.fromEntries([...ids].map((id) => [id, run.prompts.length + 1])) },
  };
}
