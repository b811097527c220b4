import { randomBytes } from 'node:crypto';
import type { AgentHandle, AgentOrder, Launch } from '../core/agent.ts';
import { AGENT_TOKEN_PREFIX } from '../core/secrets.ts';
import type { Agent, Run } from '../core/run.ts';
import type { CrewSetup } from '../core/saved-setup.ts';
import { writeRulesOf } from '../core/workflow.ts';
import type { RunLoop } from './loop.ts';
import type { RunPlace } from './place.ts';
import type { AgentProvider, Clock, Log, PaneFact, PanePlan, SessionPlan, SessionSurvey, Terminal } from './ports.ts';

export interface CrewParts {
  readonly loop: RunLoop;
  readonly terminal: Terminal;
  readonly provider: AgentProvider;
  readonly place: RunPlace;
  readonly setup: CrewSetup;
  readonly clock: Clock;
  readonly log: Log;
}

export const handleOf = (agent: Agent, place: RunPlace): AgentHandle => ({
  role: agent.role,
  sessionId: agent.sessionId,
  agentDir: place.agentDir(agent.role),
  process: agent.process,
});

/**
 * Brings the panes to what the run says: every agent that was launched and has no process yet gets one. What already
 * lives is left alone, so that this can be called again after any crash.
 */
export async function ensureAgents(parts: CrewParts): Promise<void> {
  const { loop } = parts;
  const session = loop.run().settings?.session;
  if (session === undefined) return;
  // Taken once: an agent that is launched from here on has a call of its own coming.
  const agents = starting(loop.run());
  const survey = await surveyWithoutLeavers(parts, session, agents);
  if (survey.kind === 'unknown') return failAll(parts, `tmux did not answer: ${survey.why}`, 'tmops doctor');
  if (survey.kind === 'foreign') {
    return failAll(
      parts,
      `A tmux session called ${session} belongs to ${survey.owner}.`,
      `End that session, or set session_prefix in tmops.config.yaml.`,
    );
  }
  const missing = agents.filter((agent) => !livePane(survey, agent.role));
  const opened = await open(parts, session, survey, missing);
  const panes = new Map([...livePanes(survey), ...opened].map((pane) => [pane.role, pane.pane]));
  for (const agent of agents) {
    const pane = panes.get(agent.role);
    if (pane !== undefined)
      await loop.submit({ kind: 'agent-placed', role: agent.role, generation: agent.generation, pane });
  }
  const begun = starting(loop.run()).filter(({ role }) => agents.some((agent) => agent.role === role));
  await Promise.all(begun.map((agent) => noteProcess(parts, agent)));
}

/** How long the pane of an agent that ended may take to be dead: its launcher writes how it ended first. */
const LEAVE = { withinMs: 2000, lookEveryMs: 20 };

/** A pane counts as alive while its launcher is; the agent that is to come next must not be taken to be in there. */
async function surveyWithoutLeavers(
  parts: CrewParts,
  session: string,
  agents: readonly Agent[],
): Promise<SessionSurvey> {
  const { terminal, provider, place, clock } = parts;
  const isLeaving = async ({ role }: Agent): Promise<boolean> => {
    const process = await provider.process({ agentDir: place.agentDir(role) });
    return process !== null && (await provider.alive(process)) === 'gone';
  };
  const until = clock.now() + LEAVE.withinMs;
  for (;;) {
    const survey = await terminal.survey(session);
    const inside = agents.filter((agent) => livePane(survey, agent.role));
    const leaving = (await Promise.all(inside.map(isLeaving))).includes(true);
    if (!leaving || clock.now() >= until) return survey;
    await clock.sleep(LEAVE.lookEveryMs);
  }
}

const starting = (run: Run): Agent[] =>
  Object.values(run.agents).filter(
    (agent) => agent.process === null && agent.state.kind !== 'gone' && agent.state.kind !== 'failed',
  );

const livePanes = (survey: SessionSurvey): readonly PaneFact[] =>
  survey.kind === 'ours' ? survey.panes.filter((pane) => !pane.dead) : [];
const livePane = (survey: SessionSurvey, role: string): boolean => livePanes(survey).some((pane) => pane.role === role);

async function open(
  parts: CrewParts,
  session: string,
  survey: SessionSurvey,
  agents: readonly Agent[],
): Promise<readonly PaneFact[]> {
  const plans: PanePlan[] = [];
  for (const agent of agents) {
    const plan = await planOf(parts, agent);
    if (plan) plans.push(plan);
  }
  if (plans.length === 0) return [];
  const plan: SessionPlan = { ...planHead(parts, session), panes: plans };
  if (survey.kind === 'absent') {
    return openAnew(parts, plan);
  }
  // A pane finds its place beside its neighbours, so that the plan has to name them all.
  const whole: SessionPlan = { ...plan, panes: everyPane(parts, plans) };
  const reopened: PaneFact[] = [];
  for (const pane of plans) {
    const fact = await reopen(parts, whole, pane);
    if (fact) reopened.push(fact);
  }
  return reopened;
}

async function openAnew(parts: CrewParts, plan: SessionPlan): Promise<readonly PaneFact[]> {
  const { terminal, loop, log } = parts;
  const panes = await terminal.open(plan).catch(async (error: unknown) => {
    log.error('the session could not be opened', { session: plan.session, err: error });
    const { sentence, hint } = toldBy(error);
    await failAll(parts, sentence, hint);
    return [];
  });
  if (panes.length > 0) await loop.submit({ kind: 'session-opened', session: plan.session });
  return panes;
}

/** How often a pane is opened: a dead one may be closed by somebody in the very moment it is given its next agent. */
const REOPEN_TRIES = 2;

/** Null when it cannot be opened; that is then in the journal, since nobody looks after an agent without a process. */
async function reopen(parts: CrewParts, plan: SessionPlan, pane: PanePlan): Promise<PaneFact | null> {
  const { terminal, loop, log } = parts;
  for (let tries = 1; ; tries += 1) {
    try {
      return await terminal.reopen(plan, pane);
    } catch (error) {
      const survey = await terminal.survey(plan.session);
      // The whole session went, which is told and repaired by who watches it.
      if (survey.kind === 'absent') throw error;
      const opened = livePanes(survey).find(({ role }) => role === pane.role);
      if (opened) return opened;
      if (tries < REOPEN_TRIES) continue;
      log.error('the pane could not be opened', { role: pane.role, err: error });
      await loop.submit({ kind: 'agent-failed', role: pane.role, ...toldBy(error) });
      return null;
    }
  }
}

function everyPane({ loop }: CrewParts, plans: readonly PanePlan[]): PanePlan[] {
  const { workflow, identity } = loop.run();
  const asleep = (role: string): PanePlan => ({ role, argv: [], cwd: identity?.worktree ?? '' });
  return Object.keys(workflow?.roles ?? {}).map((role) => plans.find((plan) => plan.role === role) ?? asleep(role));
}

const planHead = ({ setup, loop, place }: CrewParts, session: string): Omit<SessionPlan, 'panes'> => ({
  session,
  feature: loop.run().identity?.feature ?? '',
  workspaceId: setup.workspaceId,
  workspaceRoot: place.workspaceRoot,
  layout: setup.layout,
  statusArgv: setup.statusArgv,
  size: setup.size,
});

/** Null when the provider refuses; the refusal is then in the journal. */
async function planOf(parts: CrewParts, agent: Agent): Promise<PanePlan | null> {
  const { provider, log, loop } = parts;
  const order = orderOf(parts, agent);
  try {
    const { launch, forgot } = await prepare(provider, order, loop.run().agents[agent.role]?.spoken === true);
    if (forgot) await loop.submit({ kind: 'conversation-lost', role: agent.role });
    return { role: agent.role, argv: launch.argv, cwd: launch.cwd };
  } catch (error) {
    const { sentence, hint } = toldBy(error);
    log.error('the agent could not be prepared', { role: agent.role, err: error });
    await loop.submit({ kind: 'agent-failed', role: agent.role, sentence, hint });
    return null;
  }
}

/** A conversation whose record is gone cannot be resumed; one of the same id is begun then, and knows nothing. */
async function prepare(
  provider: AgentProvider,
  order: AgentOrder,
  resume: boolean,
): Promise<{ launch: Launch; forgot: boolean }> {
  if (!resume) return { launch: await provider.create(order), forgot: false };
  try {
    return { launch: await provider.resume(order), forgot: false };
  } catch (error) {
    if (!(error instanceof Error && 'reason' in error && error.reason === 'no-conversation')) throw error;
    return { launch: await provider.create(order), forgot: true };
  }
}

function orderOf({ loop, place, setup }: CrewParts, agent: Agent): AgentOrder {
  const { identity, workflow, settings } = loop.run();
  const role = workflow?.roles[agent.role];
  if (!identity || !workflow || !role)
    throw new Error(`Internal error: an agent for ${agent.role}, which the workflow does not have`);
  const mode = role.permission_mode ?? setup.modes[agent.role];
  const rules = writeRulesOf(workflow, agent.role);
  return {
    workspaceRoot: place.workspaceRoot,
    feature: identity.feature,
    run: identity.run,
    role: agent.role,
    sessionId: agent.sessionId,
    cwd: identity.worktree,
    agentDir: place.agentDir(agent.role),
    runDir: place.runDir,
    env: setup.env,
    token: `${AGENT_TOKEN_PREFIX}${randomBytes(24).toString('hex')}`,
    permissions: {
      allow: [...setup.allow, ...role.allow],
      denyWrites: rules?.deny ?? [],
      ...(rules?.allow ? { allowWrites: rules.allow } : {}),
      ...(mode === undefined ? {} : { mode }),
    },
    ...(settings?.instructions === 'system_prompt' ? { systemPromptFile: `${place.rolesDir}/${agent.role}.md` } : {}),
    ...(setup.testCommand ? { testCommand: setup.testCommand } : {}),
  };
}

/** How long the launcher may take to write its process id; it is a few shell lines. */
const PROCESS_WITHIN_MS = 10_000;

async function noteProcess({ loop, provider, place, clock }: CrewParts, agent: Agent): Promise<void> {
  const until = clock.now() + PROCESS_WITHIN_MS;
  while (clock.now() < until) {
    const process = await provider.process({ agentDir: place.agentDir(agent.role) });
    if (process) {
      await loop.submit({ kind: 'agent-process', role: agent.role, generation: agent.generation, ...process });
      return;
    }
    await clock.sleep(5);
  }
  await loop.submit({
    kind: 'agent-failed',
    role: agent.role,
    sentence: `The ${agent.role}'s agent did not start within ${PROCESS_WITHIN_MS / 1000} s.`,
    hint: 'Look at its pane, then start the feature again.',
  });
}

async function failAll({ loop }: CrewParts, sentence: string, hint: string): Promise<void> {
  for (const agent of starting(loop.run()))
    await loop.submit({ kind: 'agent-failed', role: agent.role, sentence, hint });
}

/** Errors that speak for themselves carry a sentence and a hint; any other is told by its message. */
function toldBy(error: unknown): { sentence: string; hint: string } {
  if (error instanceof Error && 'sentence' in error && 'hint' in error)
    return { sentence: String(error.sentence), hint: String(error.hint) };
  return { sentence: error instanceof Error ? error.message : String(error), hint: 'tmops doctor' };
}
