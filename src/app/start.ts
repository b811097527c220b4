import type { StartPlan } from '../config/plan.ts';
import type { Config, Provider } from '../config/schema.ts';
import { scrubEnvironment } from '../core/environment.ts';
import type { Settings } from '../core/event.ts';
import { isAgentStep } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import { unfit, type FitnessOrder } from './fitness.ts';
import type { Handler } from './handler.ts';
import { checkBaseline } from './baseline.ts';
import type { AppPorts, Told } from './ports.ts';
import type { Asker } from './principal.ts';
import type { InTurn, StartQueue } from './queue.ts';
import { panesOf, roomFor, tooManyPanes, whyFull } from './room.ts';
import { sessionOpened, setGoing } from './set-going.ts';
import type { InputOf, OutputOf } from './table.ts';
import { abortSignalOf } from './stop-signal.ts';
import { tellRefusal, unknownFeature } from './tell.ts';
import type { ProblemView } from './views.ts';

export interface StartParts {
  readonly ports: AppPorts;
  readonly queue: StartQueue;
  /** One after the other, so that the limits count whoever came before, and the files of a run have one writer. */
  readonly inTurn: InTurn;
}

/**
 * Settles how the run is to be carried out, checks what can be checked beforehand, and sets it going; or puts it into the
 * queue where there is no room for it.
 */
export function startHandler({ ports, queue, inTurn }: StartParts): Handler<'start'> {
  return async (input, asker, signal) => {
    const prepared = await inTurn(() => prepare(ports, input, asker));
    if (!prepared.ok) return prepared;
    // Tests may take minutes, which other features need not wait for.
    const baseline = await proveBaseline(ports, prepared.order, abortSignalOf(signal));
    if (!baseline.ok) return baseline;
    const begun = await inTurn(() => begin({ ports, queue }, prepared.order, asker, baseline.notes));
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

async function prepare(ports: AppPorts, input: InputOf<'start'>, asker: Asker): Promise<Told<{ order: StartOrder }>> {
  const live = await ports.workspace.live(input.feature);
  if (!live?.loop.run().identity) return { ok: false, problem: unknownFeature(input.feature) };
  const loaded = ports.config(asker.env);
  if (!loaded.ok) return loaded;
  const planned = loaded.plan(input.layout);
  if (!planned.ok) return planned;
  const { config } = loaded;
  const testCommand = await ports.testCommand(config);
  const choice = choose(ports, config, planned.plan, input, asker);
  const order: StartOrder = { live, config, choice, testCommand };
  const problem =
    overBefore(live, input.feature) ??
    tooManyPanes(config, input.feature, choice.settings.panes ?? 0) ??
    (await unfit(ports, fitnessOf(order))) ??
    (await ports.placeRoles(live.place, choice.plan, config, testCommand));
  return problem ? { ok: false, problem } : { ok: true, order };
}

/** A run that is over would be refused only when its turn has come. */
function overBefore({ loop }: LiveRun, feature: string): ProblemView | null {
  const { life } = loop.run();
  return life.kind === 'completed'
    ? tellRefusal({ reason: 'completed', received: 'start', allowed: [] }, feature)
    : null;
}

const fitnessOf = ({ live, config, choice }: StartOrder): FitnessOrder => ({
  live,
  config,
  workflow: choice.plan.workflow,
  settings: choice.settings,
  provider: choice.provider,
  env: choice.env,
  callerEnv: choice.callerEnv,
  trust: choice.trust,
});

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
async function begin(
  { ports, queue }: Pick<StartParts, 'ports' | 'queue'>,
  order: StartOrder,
  asker: Asker,
  notes: readonly string[],
): Promise<Begun> {
  const { live, config, choice } = order;
  const { feature = '' } = live.loop.run().identity ?? {};
  if ((await ports.workspace.live(feature)) !== live) {
    const sentence = `Another run of ${feature} was initialised while its tests ran.`;
    return { ok: false, problem: { code: 'run-replaced', sentence, hint: `tmops start ${feature}` } };
  }
  const full = whyFull(roomFor(ports, config, feature), choice.settings.panes ?? 0);
  const isGoing = live.loop.run().life.kind === 'running';
  await equip(ports, order, asker);
  if (!isGoing && (full !== null || !queue.isEmpty())) return enterQueue({ ports, queue }, order, asker, full);
  const resumed = live.loop.run().settings !== null;
  const begun = await setGoing(live, asker, { workflow: choice.plan.workflow, settings: choice.settings });
  if (!begun.ok) return begun;
  const told = begun.isNews ? notes : ['It was running already.'];
  return {
    ok: true,
    opened: sessionOpened(ports, live),
    output: await outputOf(ports, order, { resumed, queue: null, notes: told }),
  };
}

/** Whoever waits already stays where it is, and takes what was settled now. */
async function enterQueue(
  { ports, queue }: Pick<StartParts, 'ports' | 'queue'>,
  order: StartOrder,
  asker: Asker,
  full: string | null,
): Promise<Begun> {
  const { live, choice } = order;
  const resumed = live.loop.run().settings !== null;
  if (full !== null) queue.noteWhy(full);
  const place = queue.lastPlace() + 1;
  const { workflow } = choice.plan;
  const answer = await live.loop.submit(
    { kind: 'queue', by: asker.door, workflow, settings: choice.settings, place },
    asker.principal,
  );
  const run = live.loop.run();
  if (!answer.ok) return { ok: false, problem: tellRefusal(answer.refusal, run.identity?.feature ?? '') };
  queue.wake();
  const output = await outputOf(ports, order, { resumed, queue: queue.placeOf(run), notes: [] });
  return { ok: true, opened: Promise.resolve(null), output };
}

interface Choice {
  readonly plan: StartPlan;
  readonly provider: Provider;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string>>;
  readonly callerEnv: Readonly<Record<string, string>>;
  readonly trust: boolean;
}

function choose(ports: AppPorts, config: Config, plan: StartPlan, input: InputOf<'start'>, asker: Asker): Choice {
  const callerEnv = asker.env ?? {};
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
      panes: panesOf(plan.workflow, plan.layout),
      phaseLimitMs: config.features.phase_limit,
      onConflict: config.git.on_conflict,
      ...(plan.unsafe.length > 0 && { unsafe: plan.unsafe }),
    },
  };
}

/** Written down before it is queued or begun, so that a supervisor that takes the run up can carry it out. */
async function equip(ports: AppPorts, { live, config, choice, testCommand }: StartOrder, asker: Asker): Promise<void> {
  const { plan, settings } = choice;
  const roles = Object.keys(plan.workflow.roles);
  await ports.workspace.equip(live, settings, {
    workspaceId: ports.workspaceId,
    layout: plan.layout,
    size: { cols: config.tmux.cols, rows: config.tmux.rows },
    statusArgv: ports.statusArgv(live.loop.run().identity?.feature ?? ''),
    env: choice.env,
    testCommand,
    allow: config.providers.claude_code.allow,
    takeKey: config.human.take_key,
    modes: Object.fromEntries(roles.map((role) => [role, modeOf(config, role)])),
    ...(asker.env === undefined ? {} : { variables: ownVariables(asker.env) }),
  });
}

const modeOf = ({ providers: { claude_code: claude } }: Config, role: string): string =>
  claude.permission_modes[role] ?? claude.permission_mode;

/** Those that configure tmops: with them the configuration reads the same when its turn has come. */
const ownVariables = (env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('TMOPS_') && name !== 'TMOPS_AGENT_TOKEN'));

async function outputOf(
  ports: AppPorts,
  { live, choice }: StartOrder,
  { notes, ...rest }: Pick<OutputOf<'start'>, 'resumed' | 'queue'> & { readonly notes: readonly string[] },
): Promise<OutputOf<'start'>> {
  const { plan, settings, provider } = choice;
  const { feature = '', run = '' } = live.loop.run().identity ?? {};
  const spec = await ports.specState(feature, live.place.runDir);
  return {
    feature,
    run,
    session: settings.session,
    attach: ports.attachCommand(settings.session, settings.socket),
    provider,
    ...rest,
    steps: plan.workflow.steps.map((step) =>
      isAgentStep(step)
        ? { step: step.id, role: step.role, checkpoint: step.checkpoint }
        : { step: step.id, role: '', checkpoint: `module ${step.module}` },
    ),
    notes: [
      ...plan.unsafe.map((sentence) => `UNSAFE: ${sentence}`),
      ...plan.leftOut.map(
        (role) => `The role ${role} of the workflow is left out: it is not in features.default_phases.`,
      ),
      ...notes,
      ...(spec === 'template'
        ? [`.tmops/${feature}/current/TASK_SPEC.md is still the template; the agents will find no task in it.`]
        : []),
    ],
  };
}
