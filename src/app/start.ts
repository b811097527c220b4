import { randomUUID } from 'node:crypto';
import type { StartPlan } from '../config/plan.ts';
import type { Config } from '../config/schema.ts';
import { scrubEnvironment } from '../core/environment.ts';
import type { Settings } from '../core/event.ts';
import type { Run } from '../core/run.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { Caller } from '../link/protocol.ts';
import type { Handler } from './handler.ts';
import { openOrTell } from './open-run.ts';
import type { AppPorts } from './ports.ts';
import type { InputOf, OutputOf } from './table.ts';
import { tellRefusal, unknownFeature } from './tell.ts';
import type { ProblemView } from './views.ts';

/** How long start waits for the session to be open; tmux needs milliseconds. */
const OPEN_WITHIN_MS = 15_000;

/** Settles how the run is to be carried out, checks what can be checked beforehand, and sets it going. */
export function startHandler(ports: AppPorts): Handler<'start'> {
  // One after the other, so that the limit counts whoever came before, and the files of a run have one writer.
  let before: Promise<unknown> = Promise.resolve();
  return async (input, caller) => {
    const beginning = Promise.allSettled([before]).then(() => begin(ports, input, caller));
    before = beginning;
    const begun = await beginning;
    if (!begun.ok) return begun;
    const failure = await begun.opened;
    return failure ? { ok: false, problem: failure } : { ok: true, output: begun.output };
  };
}

type Begun =
  | { readonly ok: false; readonly problem: ProblemView }
  | {
      readonly ok: true;
      readonly output: OutputOf<'start'>;
      /** The problem when an agent cannot have its pane. */
      readonly opened: Promise<ProblemView | null>;
    };

async function begin(ports: AppPorts, input: InputOf<'start'>, caller: Caller): Promise<Begun> {
  const live = await ports.workspace.live(input.feature);
  if (!live?.loop.run().identity) return { ok: false, problem: unknownFeature(input.feature) };
  const loaded = ports.config(caller.env);
  if (!loaded.ok) return loaded;
  const planned = loaded.plan(input.layout);
  if (!planned.ok) return planned;
  const choice = choose(ports, loaded.config, planned.plan, input, caller);
  const problem =
    (await overLimit(ports, loaded.config, input.feature)) ?? (await unfit(ports, live, loaded.config, choice));
  if (problem) return { ok: false, problem };
  return setGoing(ports, live, loaded.config, choice, caller);
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
      socket: ports.socketOf(config, callerEnv),
    },
  };
}

async function overLimit(ports: AppPorts, config: Config, feature: string): Promise<ProblemView | null> {
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

async function unfit(ports: AppPorts, live: LiveRun, config: Config, choice: Choice): Promise<ProblemView | null> {
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
  const testCommand = await ports.testCommand(config);
  return ports.placeRoles(live.place, choice.plan, config, testCommand);
}

async function setGoing(
  ports: AppPorts,
  live: LiveRun,
  config: Config,
  choice: Choice,
  caller: Caller,
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
    testCommand: await ports.testCommand(config),
    allow: config.providers.claude_code.allow,
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
    ...(answer.events.length === 0 ? ['It was running already.'] : []),
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
