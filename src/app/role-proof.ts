import { claimOf } from '../core/claim.ts';
import { coverageIn } from '../core/coverage-text.ts';
import { isAgentStep, type AgentStep } from '../core/workflow.ts';
import { tryClaim } from '../engine/check-step.ts';
import type { TestOrder, TestRun } from '../engine/ports.ts';
import type { AppPorts } from './ports.ts';
import type { Acting } from './role-acting.ts';
import { composeCheckpoint, handedOver, writeCheckpoint } from './role-handover.ts';
import type { RoleAnswer, RoleOutput } from './role-table.ts';
import type { ProblemView } from './views.ts';

/** Runs the project's tests for a role, and ends its step with that where the workflow says so. */
export async function runTests(
  ports: AppPorts,
  acting: Acting,
  waitMs: number,
  signal: AbortSignal,
): Promise<RoleAnswer<'roleRunTests'>> {
  const order = testOrder(acting);
  if ('problem' in order) return { ok: false, problem: order.problem };
  const { step, feature } = acting;
  const ran = await ports.prover.test(order, signal);
  const wanted = step?.evidence?.tests ?? null;
  const asWanted = wanted === null || ran.kind === 'not-run' ? null : (ran.kind === 'passed') === (wanted === 'pass');
  const output = { feature, ...ranOf(ran), wanted, as_wanted: asWanted };
  if (step?.moves_on !== 'tests' || asWanted !== true || isClaimed(acting, step))
    return { ok: true, output: { ...output, message: wordOn(wanted, asWanted), file: null } };
  const body = `## Test Results\n\n- The tests ${ran.kind === 'passed' ? 'pass' : 'fail'}, as they should${ran.why === '' ? '' : ` (${ran.why})`}.`;
  const written = await writeCheckpoint(
    ports,
    acting,
    composeCheckpoint(acting, step, { body: withSections(body, step), nowMs: ports.clock.now() }),
  );
  if (!written.ok) return written;
  const { message, instructions } = await handedOver(ports, acting, { ...written, waitMs }, signal);
  return { ok: true, output: { ...output, message: `${message} ${instructions}`, file: written.file } };
}

/** Headings that the step's checkpoint has to have, where tmops writes it by itself. */
const withSections = (body: string, { sections }: AgentStep): string =>
  [body, ...sections.filter((each) => !WRITTEN.has(each)).map((each) => `## ${each}\n\n- See the tests.`)].join('\n\n');

/** The checkpoint has them by itself. */
const WRITTEN: ReadonlySet<string> = new Set(['Test Results', 'Next Action']);

const isClaimed = ({ live }: Acting, step: AgentStep): boolean => claimOf(live.loop.run(), step).kind === 'good';

function wordOn(wanted: 'fail' | 'pass' | null, asWanted: boolean | null): string {
  if (wanted === null) return 'Your step says nothing of how the tests have to end.';
  if (asWanted === null) return 'The tests could not be run.';
  return `Your step has to leave the tests ${wanted === 'fail' ? 'failing' : 'passing'}: ${asWanted ? 'so they are' : 'they are not'}.`;
}

const ranOf = ({
  kind,
  why,
  tookMs,
  tail,
}: TestRun): Pick<RoleOutput<'roleCoverage'>, 'outcome' | 'why' | 'took_ms' | 'untrusted_output'> => ({
  outcome: kind,
  why,
  took_ms: tookMs,
  untrusted_output: tail,
});

/** The project's tests in the worktree, as the evidence runs them. */
function testOrder({ live, worktree, feature }: Acting): TestOrder | { readonly problem: ProblemView } {
  const setup = live.setup();
  if (setup?.testCommand) return { worktree, argv: setup.testCommand, env: setup.env };
  return {
    problem: {
      code: 'no-test-command',
      sentence: `No test command of ${feature} is known.`,
      hint: 'The user can name it: project.test_command in tmops.config.yaml, then tmops stop and tmops start.',
    },
  };
}

/** Holds the role's step against the project as its checkpoint would be, without one. */
export async function validateTests(
  ports: AppPorts,
  acting: Acting,
  signal: AbortSignal,
): Promise<RoleAnswer<'roleValidate'>> {
  const { live, feature, workflow, role } = acting;
  const steps = workflow.steps.filter(isAgentStep);
  const step = acting.step ?? steps.findLast((each) => each.role === role && each.evidence?.tests !== undefined);
  if (!step) return { ok: false, problem: nothingToProve(role) };
  const order = testOrder(acting);
  if ('problem' in order) return { ok: false, problem: order.problem };
  const found = await tryClaim({ run: live.loop.run(), step, prover: ports.prover, tests: order, signal });
  const none = { feature, step: step.id, files: [], untrusted_output: '' };
  if (found.ok) return { ok: true, output: { ...none, valid: true, shown: [...found.shown], problem: null } };
  const { sentence, files, tail } = found.finding;
  return {
    ok: true,
    output: { ...none, valid: false, shown: [], problem: sentence, files: [...files], untrusted_output: tail },
  };
}

const nothingToProve = (role: string): ProblemView => ({
  code: 'nothing-to-validate',
  sentence: `The workflow asks for no evidence of the ${role}.`,
  hint: 'run_tests runs the tests.',
});

/** How much of what a command prints is looked through. */
const MOST_PRINTED = 1_000_000;

/** Runs the project's coverage command and reads the percentage it prints. */
export async function checkCoverage(
  ports: AppPorts,
  acting: Acting,
  signal: AbortSignal,
): Promise<RoleAnswer<'roleCoverage'>> {
  const { feature } = acting;
  const ran = await runConfigured(ports, acting, 'coverage_command', signal);
  if ('problem' in ran) return { ok: false, problem: ran.problem };
  if (ran.ran === null)
    return {
      ok: false,
      problem: {
        code: 'no-coverage-command',
        sentence: 'No coverage command is configured, so that nothing can be said of the coverage.',
        hint: 'The user can name it: project.coverage_command in tmops.config.yaml. run_tests runs the tests.',
      },
    };
  const coverage = coverageIn(ran.printed);
  const line = coverage?.line ?? null;
  return { ok: true, output: { feature, ...ranOf(ran.ran), percent: coverage?.percent ?? null, line } };
}

type Configured =
  | { readonly problem: ProblemView }
  /** `ran` null: none is configured. */
  | { readonly ran: TestRun | null; readonly printed: string };

/** A command of the configuration as it is now, run as the tests are. */
export async function runConfigured(
  ports: AppPorts,
  { live, worktree }: Acting,
  key: 'coverage_command' | 'lint_command',
  signal: AbortSignal,
): Promise<Configured> {
  const loaded = ports.config(undefined);
  if (!loaded.ok) return { problem: loaded.problem };
  const argv = loaded.config.project[key];
  if (argv === null) return { ran: null, printed: '' };
  let printed = '';
  const take = (text: string): void => {
    printed = (printed + text).slice(-MOST_PRINTED);
  };
  const env = live.setup()?.env ?? {};
  return { ran: await ports.prover.test({ worktree, argv, env, onOutput: take }, signal), printed };
}
