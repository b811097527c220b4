import { AUTO_ROLE, type RoleToolName } from '../core/role-tool-names.ts';
import { agentStepOf, roleTools } from '../core/role-tools.ts';
import type { Run } from '../core/run.ts';
import { promptOf, type Workflow } from '../core/workflow.ts';
import type { StopSignal } from '../link/stopper.ts';
import type { AppPorts } from './ports.ts';
import type { Asker } from './principal.ts';
import { actingIn, notHanded, notYourStep, presentAgentStep, toolNames, type Acting } from './role-acting.ts';
import { commitWork, readAll, readSpec, readTests, writeProject } from './role-files.ts';
import { composeCheckpoint, handedOver, settledStep, whatNext, writeCheckpoint } from './role-handover.ts';
import { checkCoverage, runTests, validateTests } from './role-proof.ts';
import { analyzeQuality, draftReport } from './role-review.ts';
import type { RoleAnswer, RoleInput, RoleKey, RoleOutput } from './role-table.ts';
import { abortSignalOf } from './stop-signal.ts';
import { tellRefusal } from './tell.ts';
import type { ProblemView } from './views.ts';
import { waitsFor } from './waits-for.ts';

type RoleHandler<K extends RoleKey> = (input: RoleInput<K>, asker: Asker, signal: StopSignal) => Promise<RoleAnswer<K>>;
export type RoleHandlers = { readonly [K in RoleKey]: RoleHandler<K> };

/** What is done for the tools of role servers, once it is sure who acts in which role. */
export function roleHandlersFor(ports: AppPorts): RoleHandlers {
  const { clock } = ports;
  /** One tool of a role: nothing is done before the caller is known to have it. */
  const as =
    <K extends RoleKey>(
      tool: RoleToolName | null,
      acts: boolean,
      act: (acting: Acting, input: RoleInput<K>, signal: AbortSignal, asker: Asker) => Promise<RoleAnswer<K>>,
    ): RoleHandler<K> =>
    async (input, asker, signal) => {
      const { feature, role } = input as { readonly feature: string; readonly role: string };
      const acted = await actingIn(ports, { feature, role, tool, acts }, asker);
      return acted.ok ? act(acted.acting, input, abortSignalOf(signal), asker) : { ok: false, problem: acted.problem };
    };

  return {
    roleTools: as<'roleTools'>(null, false, (acting) => Promise.resolve(good(toolsOf(acting)))),
    roleSwitch: as<'roleSwitch'>(null, false, async (acting, { to, waitMs }, signal) => {
      await settledStep(ports, acting, waitMs, signal);
      const present = presentAgentStep(acting.live.loop.run());
      if (to !== undefined && present?.role !== to) return { ok: false, problem: notTheTurnOf(to, acting) };
      return good({ ...whatNext(acting), file: null });
    }),
    roleStart: as<'roleStart'>('start_step', true, async (acting, { step, next, message, waitMs }, signal) => {
      const problem = notHanded(acting, step, next);
      if (problem || !acting.step) return { ok: false, problem: problem ?? notYourStep(acting) };
      const text = composeCheckpoint(acting, acting.step, { body: message, nowMs: clock.now() });
      const written = await writeCheckpoint(ports, acting, text);
      return written.ok ? good(await handedOver(ports, acting, { ...written, waitMs }, signal)) : written;
    }),
    roleStatus: as<'roleStatus'>('check_status', false, (acting) => Promise.resolve(good(statusOf(acting)))),
    roleSpec: as<'roleSpec'>('read_spec', false, (acting, input) => readSpec(ports, acting, input)),
    roleReadTests: as<'roleReadTests'>('read_tests', false, (acting, input) => readTests(ports, acting, input)),
    roleReadAll: as<'roleReadAll'>('read_all', false, (acting, input) => readAll(ports, acting, input)),
    roleWriteTest: as<'roleWriteTest'>('write_test', true, (acting, input) =>
      writeProject(ports, acting, input, 'tests'),
    ),
    roleWriteSource: as<'roleWriteSource'>('write_source', true, (acting, input) =>
      writeProject(ports, acting, input, 'source'),
    ),
    roleRunTests: as<'roleRunTests'>('run_tests', true, (acting, input, signal) =>
      runTests(ports, acting, input.waitMs, signal),
    ),
    roleValidate: as<'roleValidate'>('validate_tests', true, (acting, _input, signal) =>
      validateTests(ports, acting, signal),
    ),
    roleCoverage: as<'roleCoverage'>('check_coverage', true, (acting, _input, signal) =>
      checkCoverage(ports, acting, signal),
    ),
    roleQuality: as<'roleQuality'>('analyze_quality', true, (acting, _input, signal) =>
      analyzeQuality(ports, acting, signal),
    ),
    roleReview: as<'roleReview'>('generate_report', false, (acting) => draftReport(ports, acting)),
    roleCommit: as<'roleCommit'>('commit', true, (acting, { message }) => commitWork(ports, acting, message)),
    roleCheckpoint: as<'roleCheckpoint'>('write_checkpoint', true, async (acting, { text, waitMs }, signal) => {
      const written = await writeCheckpoint(ports, acting, text);
      return written.ok ? good(await handedOver(ports, acting, { ...written, waitMs }, signal)) : written;
    }),
    roleReport: as<'roleReport'>('report', true, async ({ live, feature, role }, { kind, text }, _signal, asker) => {
      const answer = await live.loop.submit({ kind: 'role-report', role, what: kind, text }, asker.principal);
      if (!answer.ok) return { ok: false, problem: tellRefusal(answer.refusal, feature) };
      const message =
        kind === 'progress'
          ? 'The status shows it. Go on.'
          : 'The humans are told. End your turn; the answer comes as a prompt.';
      return good({ feature, role, kind, message });
    }),
  };
}

const good = <T>(output: T): { readonly ok: true; readonly output: T } => ({ ok: true, output });

/** Those of one role, or of all where all are played in turn. */
export function toolsOf({
  workflow,
  feature,
  run,
  role,
  auto,
}: Pick<Acting, 'workflow' | 'feature' | 'run' | 'role' | 'auto'>): RoleOutput<'roleTools'> {
  const roles = auto ? Object.keys(workflow.roles) : [role];
  const found = new Map<string, RoleOutput<'roleTools'>['tools'][number]>();
  for (const each of roles)
    for (const { name, does, hands } of roleTools(workflow, each)) {
      const known = found.get(name);
      if (known) known.roles.push(each);
      else found.set(name, { name, operation: does, roles: [each], hands: hands && named(workflow, hands) });
    }
  const tools = [...found.values()];
  return { feature, run, role: auto ? AUTO_ROLE : role, tools };
}

function named(
  workflow: Workflow,
  { step, next }: { readonly step: string; readonly next: string },
): { step: string; next: string; role: string; file: string } {
  const [ended, begun] = [agentStepOf(workflow, step), agentStepOf(workflow, next)];
  return { step, next, role: begun?.role ?? '', file: ended?.checkpoint ?? '' };
}

function statusOf(acting: Acting): RoleOutput<'roleStatus'> {
  const { live, workflow, feature, role } = acting;
  const run = live.loop.run();
  const step = presentAgentStep(run);
  return {
    ...{ feature, run: acting.run, role, phase: run.life.kind },
    present: step && {
      step: step.id,
      role: step.role,
      prompt: promptOf(workflow, workflow.steps.indexOf(step), { feature, run: acting.run }),
      file: step.checkpoint,
    },
    yours: step?.role === role,
    waits_for: waitsFor(run),
    done: workflow.steps.filter(({ id }) => run.done[id] !== undefined).map(({ id }) => id),
    messages: messagesTo(run, role),
    available_tools: toolNames(acting),
  };
}

const MOST_MESSAGES = 10;

/** For whoever has no pane that they are typed into. */
function messagesTo({ prompts, life }: Run, role: string): string[] {
  const since = life.kind === 'running' ? (life.stepBeganAt ?? 0) : 0;
  const said = prompts.filter(
    (prompt) => prompt.role === role && prompt.purpose.kind === 'message' && prompt.at >= since,
  );
  return said.slice(-MOST_MESSAGES).map(({ line }) => line);
}

const notTheTurnOf = (to: string, acting: Acting): ProblemView => ({
  code: 'role-not-next',
  sentence: `It is not the turn of the ${to}: ${whatNext(acting).message}`,
  hint: `Allowed now: ${whatNext(acting).available_tools.join(', ')}.`,
});
