import type { Settings } from '../core/event.ts';
import { checksOf, type Run } from '../core/run.ts';
import { isAgentStep, type AgentStep, type Workflow } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { TestRun } from '../engine/ports.ts';
import type { AppPorts, Told } from './ports.ts';
import type { ProblemView } from './views.ts';

/** How long a start waits for the tests; whoever calls gives up a little later. What takes longer is awaited by its step. */
const WAIT_MS = 240_000;

export interface BaselineOrder {
  readonly live: LiveRun;
  readonly workflow: Workflow;
  readonly settings: Settings;
  /** That of the agents. */
  readonly env: Readonly<Record<string, string>>;
  readonly testCommand: readonly string[] | null;
}

/**
 * Whether the work can begin: the project's tests pass, where a step ahead begins from that. `notes` say what was found,
 * or why nothing was looked at.
 */
export async function checkBaseline(
  ports: AppPorts,
  order: BaselineOrder,
  signal: AbortSignal,
): Promise<Told<{ readonly notes: readonly string[] }>> {
  const { live, workflow, settings, testCommand, env } = order;
  const run = live.loop.run();
  if (!settings.evidence || !run.identity || run.life.kind === 'running') return { ok: true, notes: [] };
  if (testCommand === null) return { ok: true, notes: isTested(workflow) ? [NO_COMMAND] : [] };
  const step = workflow.steps.filter(isAgentStep).find(({ evidence }) => evidence?.before === 'tests-pass');
  if (settings.baseline === 'waived' || !step || !(await isAhead(ports, live, workflow, step)))
    return { ok: true, notes: [] };
  const { worktree, feature } = run.identity;
  const ran = await inTime(
    ports,
    (calledOff) => ports.prover.baseline({ worktree, argv: testCommand, env }, calledOff),
    signal,
  );
  if (ran === null) return { ok: true, notes: [`The project's tests still run; the step ${step.id} waits for them.`] };
  if (ran.kind !== 'passed') return { ok: false, problem: refusal(feature, worktree, testCommand, ran) };
  return { ok: true, notes: [`The project's tests pass: ${ran.why === '' ? seconds(ran.tookMs) : ran.why}.`] };
}

const NO_COMMAND =
  'No test command is known (project.test_command), so that what the agents say of tests is not checked.';

const isTested = (workflow: Workflow): boolean =>
  workflow.steps.some((step) => isAgentStep(step) && (step.evidence?.before ?? step.evidence?.tests) !== undefined);

/** Once it was begun its own work may have turned the tests red; so may what humans did while nobody watched. */
async function isAhead(ports: AppPorts, live: LiveRun, workflow: Workflow, step: AgentStep): Promise<boolean> {
  const run = live.loop.run();
  if (run.done[step.id] !== undefined || isBegun(run, step)) return false;
  const later = workflow.steps.slice(workflow.steps.indexOf(step)).filter(isAgentStep);
  const there = await Promise.all(
    later.map(({ checkpoint }) => ports.isThere(`${live.place.checkpointsDir}/${checkpoint}`)),
  );
  return !there.includes(true);
}

function isBegun(run: Run, step: AgentStep): boolean {
  const { before } = checksOf(run, step.id);
  const from = run.askedFrom[step.id] ?? 1;
  return (
    before?.kind === 'passed' ||
    before?.kind === 'waived' ||
    run.prompts.some(({ id, purpose }) => id >= from && 'step' in purpose && purpose.step === step.id)
  );
}

/** Null when it takes longer than can be waited for; it goes on then. Called off with the call that asked for it. */
async function inTime(
  { clock }: AppPorts,
  act: (calledOff: AbortSignal) => Promise<TestRun>,
  signal: AbortSignal,
): Promise<TestRun | null> {
  const done = new AbortController();
  const calledOff = new AbortController();
  const callOff = (): void => {
    calledOff.abort();
  };
  signal.addEventListener('abort', callOff);
  try {
    const late = clock.sleep(WAIT_MS, done.signal).then(() => null);
    return await Promise.race([act(calledOff.signal), late]);
  } finally {
    done.abort();
    signal.removeEventListener('abort', callOff);
  }
}

function refusal(
  feature: string,
  worktree: string,
  argv: readonly string[],
  { kind, why, tail }: TestRun,
): ProblemView {
  const command = argv.join(' ');
  const what =
    kind === 'failed'
      ? `The project's tests do not pass before the work begins (${command} in ${worktree}: ${why}).`
      : `The project's tests could not be run before the work begins (${command} in ${worktree}): ${why}.`;
  const ways = `Repair them and start again; or begin all the same: tmops start ${feature} --baseline waived (MCP: baseline "waived").`;
  return {
    code: kind === 'failed' ? 'baseline-red' : 'baseline-unknown',
    sentence: `${what}${quotedLines(tail)}`,
    hint: `${ways} evidence.enabled: false in tmops.config.yaml switches all such checks off.`,
  };
}

const MOST_LINES = 40;

/** Each line marked, so that what the project printed is not taken for words of ours. */
function quotedLines(tail: string): string {
  const lines = tail.trimEnd().split('\n').slice(-MOST_LINES);
  return tail.trim() === '' ? '' : ` They ended with:\n${lines.map((line) => `  | ${line}`).join('\n')}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
