import type { Config } from '../config/schema.ts';
import type { StartPlan } from '../config/plan.ts';
import type { AdoptProblem, Conversation } from '../core/adopt.ts';
import type { Run } from '../core/run.ts';
import { forecast } from '../engine/forecast.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { Answer, Handler } from './handler.ts';
import { nextAfterStart } from './next-after-start.ts';
import type { AppPorts, Told } from './ports.ts';
import type { Asker } from './principal.ts';
import { checkpointsOf } from './status.ts';
import type { InputOf, OutputOf } from './table.ts';
import { tellAdopt, tellRefusal, unknownFeature } from './tell.ts';

type Refused = Extract<Answer<'adopt'>, { ok: false }>;

/**
 * Begins the journal of a run that was made by hand, so that `start` goes on from its checkpoints. Of what the framework
 * and the human made nothing is changed, and no process is touched.
 */
export function adoptHandler(ports: AppPorts): Handler<'adopt'> {
  return async ({ feature, panes = {} }, asker) => {
    const loaded = ports.config(asker.env);
    if (!loaded.ok) return loaded;
    const planned = loaded.plan(undefined);
    if (!planned.ok) return planned;
    const { plan } = planned;
    const where = await placeOf(ports, feature);
    if (!where.ok) return where;
    const found = await conversationsIn(ports, { feature, panes, config: loaded.config, plan, asker, ...where });
    if (!found.ok) return found;
    const begun = await begin(ports, feature, where, asker.principal);
    if (!begun.ok) return begun;
    const { live, isNew } = begun;
    const { conversations } = found;
    const noted = await live.loop.submit({ kind: 'adopt-conversations', conversations }, asker.principal);
    if (!noted.ok) return { ok: false, problem: tellRefusal(noted.refusal, feature) };
    return { ok: true, output: await outputOf(ports, { live, isNew, plan, panes }) };
  };
}

interface Where {
  readonly run: string;
  readonly branch: string;
  readonly worktree: string;
  readonly begunAt: number | null;
}

/** Where the run is: as its journal says, or as its folders and git do. */
async function placeOf(ports: AppPorts, feature: string): Promise<({ ok: true } & Where) | Refused> {
  const found = await ports.findByHand(feature);
  // Without these there is no run that a journal could belong to.
  if (!found.ok && NO_RUN.has(found.problem.kind)) return refused(found.problem, feature);
  const known = (await ports.workspace.live(feature))?.loop.run().identity;
  if (known) return { ok: true, run: known.run, branch: known.branch, worktree: known.worktree, begunAt: null };
  return found.ok ? { ok: true, ...found.found } : refused(found.problem, feature);
}

const NO_RUN: ReadonlySet<AdoptProblem['kind']> = new Set(['no-folder', 'no-current', 'in-the-way', 'link-out']);

const refused = (problem: AdoptProblem, feature: string): Refused => ({
  ok: false,
  problem: tellAdopt(problem, feature),
});

async function begin(
  ports: AppPorts,
  feature: string,
  { run, branch, worktree, begunAt }: Where,
  principal: string,
): Promise<{ ok: true; live: LiveRun; isNew: boolean } | Refused> {
  const live = await ports.workspace.live(feature);
  // Removed since it was found.
  if (!live) return { ok: false, problem: unknownFeature(feature) };
  if (live.loop.run().identity) return { ok: true, live, isNew: false };
  const runType = run === 'initial' ? 'initial' : 'retry';
  // What it was begun from cannot be told any more.
  const identity = { base: null, workspaceId: ports.workspaceId, feature, run, runType, branch, worktree } as const;
  await live.loop.submit({ kind: 'initialise', identity, begunAt: begunAt ?? ports.clock.now() }, principal);
  return { ok: true, live, isNew: true };
}

interface PaneOrder extends Where {
  readonly feature: string;
  readonly panes: InputOf<'adopt'>['panes'];
  readonly config: Config;
  readonly plan: StartPlan;
  readonly asker: Asker;
}

/** The conversations that are led in these panes, each by a Claude Code of the human's. */
async function conversationsIn(
  ports: AppPorts,
  order: PaneOrder,
): Promise<Told<{ readonly conversations: readonly Conversation[] }>> {
  const { feature, panes = {}, plan, worktree } = order;
  const roles = Object.keys(plan.workflow.roles);
  const conversations: Conversation[] = [];
  for (const [role, pane] of Object.entries(panes)) {
    if (!roles.includes(role))
      return { ok: false, problem: tellRefusal({ reason: 'unknown-role', received: role, allowed: roles }, feature) };
    const found = await conversationIn(ports, order, role, pane);
    if ('kind' in found) return refused(found, feature);
    if (conversations.some(({ sessionId }) => sessionId === found.sessionId))
      return refused({ kind: 'pane-twice', pane }, feature);
    if (found.cwd !== worktree && !found.cwd.startsWith(`${worktree}/`))
      return refused({ kind: 'works-elsewhere', role, cwd: found.cwd, worktree }, feature);
    const { sessionId, process } = found;
    conversations.push({ role, provider: 'claude_code', sessionId, process });
  }
  return { ok: true, conversations };
}

async function conversationIn(
  ports: AppPorts,
  { config, asker }: PaneOrder,
  role: string,
  pane: string,
): Promise<{ sessionId: string; process: Conversation['process']; cwd: string } | AdoptProblem> {
  const env = asker.env ?? {};
  const pid = await ports.terminal(ports.socketOf(config, env)).processOf(pane);
  if (pid === null) return { kind: 'pane-gone', role, pane };
  const found = await ports.findConversation(pid, env);
  return found?.spoken === true ? found : { kind: 'no-conversation', role, pane };
}

interface Adopted {
  readonly live: LiveRun;
  readonly isNew: boolean;
  readonly plan: StartPlan;
  readonly panes: NonNullable<InputOf<'adopt'>['panes']>;
}

async function outputOf(ports: AppPorts, { live, isNew, plan, panes }: Adopted): Promise<OutputOf<'adopt'>> {
  const run = live.loop.run();
  const { feature = '', run: name = '', branch = '', worktree = '' } = run.identity ?? {};
  const specState = await ports.specState(feature, live.place.runDir);
  const seen = await afterStart(ports, live, plan);
  const conversations = Object.values(run.adopted).map(({ role, sessionId, process }) => ({
    role,
    sessionId,
    process: process.pid,
    pane: panes[role] ?? null,
  }));
  return {
    feature,
    run: name,
    branch,
    worktree,
    adopted: isNew,
    specState,
    checkpoints: checkpointsOf(seen),
    next: nextAfterStart(seen),
    conversations,
    notes: [
      ...(isNew ? [] : [`tmops knew this run already (${run.life.kind}).`]),
      ...(specState === 'missing' ? [`.tmops/${feature}/current/TASK_SPEC.md is missing; start asks for it.`] : []),
      ...(specState === 'template' ? [`.tmops/${feature}/current/TASK_SPEC.md is still the template.`] : []),
    ],
    nextSteps: [
      ...conversations.map(
        ({ role, pane }) => `End the ${role}'s conversation${pane === null ? '' : ` in pane ${pane}`} with /exit`,
      ),
      `tmops start ${feature}`,
    ],
  };
}

/** A run that has been started says itself how it stands. */
async function afterStart(ports: AppPorts, { loop, place }: LiveRun, { workflow }: StartPlan): Promise<Run> {
  const run = loop.run();
  if (run.life.kind !== 'initialised') return run;
  return forecast({ run, workflow, place, look: ports.lookAtCheckpoint, now: ports.clock.now() });
}
