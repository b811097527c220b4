import { randomUUID } from 'node:crypto';
import type { StartPlan } from '../config/plan.ts';
import type { Config } from '../config/schema.ts';
import { adoptedBy } from '../core/adopt.ts';
import { scrubEnvironment } from '../core/environment.ts';
import type { Settings } from '../core/event.ts';
import type { Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { Caller } from '../link/protocol.ts';
import type { Handler } from './handler.ts';
import { openOrTell } from './open-run.ts';
import { checkBaseline } from './baseline.ts';
import type { AppPorts, Told } from './ports.ts';
import type { InputOf, OutputOf } from './table.ts';
import { abortSignalOf } from './stop-signal.ts';
import { tellRefusal, unknownFeature } from './tell.ts';
import type { ProblemView } from './views.ts';

/** How long start waits for the session to be open; tmux needs milliseconds. */
const OPEN_WITHIN_MS = 15_000;

/** Settles how the run is to be carried out, checks what can be checked beforehand, and sets it going. */
export function startHandler(ports: AppPorts): Handler<'start'> {
  // One after the other, so that the limit counts whoever came before, and the files of a run have one writer.
  let before: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = Promise.allSettled([before]).then(act);
    before = turn;
    return turn;
  };
  return async (input, caller, signal) => {
    const prepared = await inTurn(() => prepare(ports, input, caller));
    if (!prepared.ok) return prepared;
    // Tests may take minutes, which other features need not wait for.
    const baseline = await proveBaseline(ports, prepared.order, abortSignalOf(signal));
    if (!baseline.ok) return baseline;
    const begun = await inTurn(() => begin(ports, prepared.order, caller, baseline.notes));
    if (!begun.ok) return begun;
    const failure = await begun.opened;
    return failure ? { ok: false, problem: failure } : { ok: true, output: begun.output };
  };
}

/** What is to be set going, once it was found fit. */
interface StartOrder {
  readonly live: LiveRun;
  readonly config: Config;
  readonly choice: Choice;
  readonly testCommand: readonly string[] | null;
}

type Begun =
  | { readonly ok: false; readonly problem: ProblemView }
  | {
      readonly ok: true;
      readonly output: OutputOf<'start'>;
      /** The problem when an agent cannot have its pane. */
      readonly opened: Promise<ProblemView | null>;
    };

async function prepare(ports: AppPorts, input: InputOf<'start'>, caller: Caller): Promise<Told<{ order: StartOrder }>> {
  const live = await ports.workspace.live(input.feature);
  if (!live?.loop.run().identity) return { ok: false, problem: unknownFeature(input.feature) };
  const loaded = ports.config(caller.env);
  if (!loaded.ok) return loaded;
  const planned = loaded.plan(input.layout);
  if (!planned.ok) return planned;
  const { config } = loaded;
  const testCommand = await ports.testCommand(config);
  const choice = choose(ports, config, planned.plan, input, caller);
  const order: StartOrder = { live, config, choice, testCommand };
  const problem = (await overLimit(ports, config, input.feature)) ?? (await unfit(ports, order));
  return problem ? { ok: false, problem } : { ok: true, order };
}

async function proveBaseline(
  ports: AppPorts,
  order: StartOrder,
  signal: AbortSignal,
): ReturnType<typeof checkBaseline> {
  const { live, choice, testCommand } = order;
  const { workflow } = choice.plan;
  return checkBaseline(ports, { live, workflow, settings: choice.settings, env: choice.env, testCommand }, signal);
}

/** Others may have been started, and the run may have had a successor, since it was found fit. */
async function begin(ports: AppPorts, order: StartOrder, caller: Caller, notes: readonly string[]): Promise<Begun> {
  const { feature = '' } = order.live.loop.run().identity ?? {};
  if ((await ports.workspace.live(feature)) !== order.live) {
    const sentence = `Another run of ${feature} was initialised while its tests ran.`;
    return { ok: false, problem: { code: 'run-replaced', sentence, hint: `tmops start ${feature}` } };
  }
  const problem = await overLimit(ports, order.config, feature);
  if (problem) return { ok: false, problem };
  return setGoing(ports, order, caller, notes);
}

interface Choice {
  readonly plan: StartPlan;
  readonly provider: 'claude_code' | 'rehearsal';
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string>>;
  readonly callerEnv: Readonly<Record<string, string>>;
  readonly trust: boolean;
}

function choose(ports: AppPorts, config: Config, plan: StartPlan, input: InputOf<'start'>, caller: Caller): Choice {
  const callerEnv = caller.env ?? {};
  const provider = input.provider ?? config.providers.default;
  return {
    plan,
    provider,
    callerEnv,
    env: scrubEnvironment(callerEnv, config.providers.claude_code.env),
    trust: input.trust ?? config.providers.claude_code.trust_workspace,
    settings: {
      session: `${config.session_prefix}-${input.feature}`,
      layout: plan.layout.name,
      provider,
      instructions: config.instructions,
      silentAfterMs: config.features.checkpoint_timeout,
      limitRetryMs: config.features.limit_retry,
      handBackAfterMs: config.human.hand_back_after,
      evidence: config.evidence.enabled,
      baseline: input.baseline ?? 'required',
      socket: ports.socketOf(config, callerEnv),
    },
  };
}

/** The problem when as many features run as may. */
export async function overLimit(ports: AppPorts, config: Config, feature: string): Promise<ProblemView | null> {
  const running: string[] = [];
  for (const each of await ports.features()) {
    const other = each.feature === feature ? null : await openOrTell(ports, each.feature);
    if (other && 'live' in other && other.live?.loop.run().life.kind === 'running') running.push(each.feature);
  }
  const limit = config.isolation === 'branch' ? 1 : config.features.concurrent_limit;
  if (running.length < limit) return null;
  const hint = `Wait for one of them, stop one (tmops stop ${running[0] ?? ''}), or raise features.concurrent_limit in tmops.config.yaml.`;
  return {
    code: 'too-many-features',
    sentence: `${running.join(', ')} ${running.length === 1 ? 'is' : 'are'} running and the limit is ${limit}.`,
    hint,
  };
}

async function unfit(ports: AppPorts, { live, config, choice, testCommand }: StartOrder): Promise<ProblemView | null> {
  const { feature = '' } = live.loop.run().identity ?? {};
  if ((await ports.specState(feature, live.place.runDir)) === 'missing') {
    return {
      code: 'no-spec',
      sentence: `.tmops/${feature}/current/TASK_SPEC.md is missing.`,
      hint: `tmops init ${feature} makes a new one from the template.`,
    };
  }
  if (!config.providers[choice.provider].enabled) {
    const hint = `Set providers.${choice.provider}.enabled to true in tmops.config.yaml, or start with another provider.`;
    return { code: 'provider', sentence: `The provider ${choice.provider} is switched off.`, hint };
  }
  const fault =
    (await ports.providerFault(choice.provider, config, choice.env)) ??
    (await ports.trust(choice.provider, choice.trust, choice.callerEnv));
  if (fault) return fault;
  const open = await openElsewhere(ports, live.loop.run(), choice);
  if (open) return open;
  const survey = await ports.terminal(choice.settings.socket).survey(choice.settings.session);
  if (survey.kind === 'foreign') {
    return {
      code: 'session-taken',
      sentence: `A tmux session called ${choice.settings.session} belongs to ${survey.owner}.`,
      hint: 'End that session, or set session_prefix in tmops.config.yaml.',
    };
  }
  if (survey.kind === 'unknown')
    return { code: 'tmux', sentence: `tmux did not answer: ${survey.why}.`, hint: 'tmops doctor' };
  return ports.placeRoles(live.place, choice.plan, config, testCommand);
}

/** A conversation that is still led by hand is not carried on: two programs would both write into it. */
async function openElsewhere(ports: AppPorts, run: Run, { plan, settings, env }: Choice): Promise<ProblemView | null> {
  for (const role of Object.keys(plan.workflow.roles)) {
    const adopted = adoptedBy(run, role, settings.provider);
    const pid = adopted ? await ports.holderOfConversation(adopted.sessionId, env) : null;
    if (pid === null) continue;
    const sentence = `The ${role}'s conversation is still open in process ${pid}; two programs would both write into it.`;
    const hint = `End it there with /exit, then: tmops start ${run.identity?.feature ?? ''}`;
    return { code: 'conversation-open', sentence, hint };
  }
  return null;
}

async function setGoing(
  ports: AppPorts,
  { live, config, choice, testCommand }: StartOrder,
  caller: Caller,
  baseline: readonly string[],
): Promise<Begun> {
  const { plan, settings } = choice;
  const { feature = '', run: runName = '' } = live.loop.run().identity ?? {};
  const resumed = live.loop.run().settings !== null;
  const spec = await ports.specState(feature, live.place.runDir);
  await ports.workspace.equip(live, choice.settings, {
    workspaceId: ports.workspaceId,
    layout: plan.layout,
    size: { cols: config.tmux.cols, rows: config.tmux.rows },
    statusArgv: ports.statusArgv(feature),
    env: choice.env,
    testCommand,
    allow: config.providers.claude_code.allow,
    takeKey: config.human.take_key,
    modes: Object.fromEntries(Object.keys(plan.workflow.roles).map((role) => [role, modeOf(config, role)])),
  });
  const spareIds = Object.fromEntries(Object.keys(plan.workflow.roles).map((role) => [role, randomUUID()]));
  const answer = await live.loop.submit({
    kind: 'start',
    by: caller.door,
    workflow: plan.workflow,
    settings,
    spareIds,
  });
  if (!answer.ok) return { ok: false, problem: tellRefusal(answer.refusal, feature) };
  const notes = [
    ...plan.leftOut.map(
      (role) => `The role ${role} of the workflow is left out: it is not in features.default_phases.`,
    ),
    ...(answer.events.length === 0 ? ['It was running already.'] : baseline),
    ...(spec === 'template'
      ? [`.tmops/${feature}/current/TASK_SPEC.md is still the template; the agents will find no task in it.`]
      : []),
  ];
  return {
    ok: true,
    opened: sessionOpened(ports, live),
    output: {
      feature,
      run: runName,
      session: settings.session,
      attach: ports.attachCommand(settings.session, settings.socket),
      provider: choice.provider,
      resumed,
      steps: plan.workflow.steps.map((step) =>
        isAgentStep(step)
          ? { step: step.id, role: step.role, checkpoint: step.checkpoint }
          : { step: step.id, role: '', checkpoint: `module ${step.module}` },
      ),
      notes,
    },
  };
}

const modeOf = ({ providers: { claude_code: claude } }: Config, role: string): string =>
  claude.permission_modes[role] ?? claude.permission_mode;

/** Resolves when every agent has its pane or the run has ended; with the problem when one cannot have it. */
async function sessionOpened(ports: AppPorts, live: LiveRun): Promise<ProblemView | null> {
  const done = new AbortController();
  const isPlaced = (run: Run): boolean =>
    run.life.kind !== 'running' ||
    Object.values(run.agents).every((agent) => agent.process !== null || agent.state.kind === 'failed');
  const unsubscribe = live.loop.subscribe((run) => {
    if (isPlaced(run)) done.abort();
  });
  if (isPlaced(live.loop.run())) done.abort();
  await ports.clock.sleep(OPEN_WITHIN_MS, done.signal);
  unsubscribe();
  const failed = Object.values(live.loop.run().agents).flatMap(({ state }) =>
    state.kind === 'failed' ? [state] : [],
  )[0];
  return failed ? { code: 'agent-failed', sentence: failed.sentence, hint: failed.hint } : null;
}
