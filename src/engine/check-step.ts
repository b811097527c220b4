import { heldSince, orderOf, type CheckOrder } from '../core/claim.ts';
import type { CheckStage, Finding } from '../core/event.ts';
import { checksOf, snapshotOf, type Run } from '../core/run.ts';
import { isAgentStep, writeRulesOf, type AgentStep, type WriteRules } from '../core/workflow.ts';
import { matcher, outside, writeRulesWord } from '../core/write-rules.ts';
import type { CrewParts } from './crew.ts';
import type { Change, Prover, TestOrder, TestRun } from './ports.ts';

/**
 * Holds what a step claims, or what it begins from, against the project, and reports what was found. Looking again does
 * no harm: the tree is kept under the same name, and tests are run anew. It is broken off when nobody waits for it any
 * more: the run was stopped, the step skipped, the checkpoint written anew.
 */
export async function checkStep(
  { loop, clock, setup }: Pick<CrewParts, 'loop' | 'clock' | 'setup'>,
  prover: Prover,
  { step: id, stage }: { readonly step: string; readonly stage: CheckStage },
  closing: AbortSignal,
): Promise<void> {
  const run = loop.run();
  const step = run.workflow?.steps.find((each) => each.id === id);
  const check = checksOf(run, id)[stage];
  if (!step || !isAgentStep(step) || check?.kind !== 'running' || !run.identity) return;
  const { claim } = check;
  const unwanted = new AbortController();
  const unsubscribe = loop.subscribe((now) => {
    const present = checksOf(now, id)[stage];
    if (now.life.kind !== 'running' || present?.kind !== 'running' || present.claim !== claim) unwanted.abort();
  });
  const signal = AbortSignal.any([closing, unwanted.signal]);
  const { worktree } = run.identity;
  const tests = setup.testCommand === null ? null : { worktree, argv: setup.testCommand, env: setup.env };
  const order = orderOf(run, step, stage);
  const began = clock.now();
  try {
    const found = await findOut({ run, step, order, prover, tests, worktree, signal }, stage).catch(couldNot);
    if (signal.aborted) return;
    await loop.submit({ kind: 'check-found', step: id, stage, claim, tookMs: clock.now() - began, found });
  } finally {
    unsubscribe();
  }
}

/**
 * What a check of the step's checkpoint would find now, without one. Nothing is reported; the tree is kept under a name that no
 * check goes by.
 */
export async function tryClaim(order: {
  readonly run: Run;
  readonly step: AgentStep;
  readonly prover: Prover;
  readonly tests: TestOrder;
  readonly signal: AbortSignal;
}): Promise<Found> {
  const { run, step } = order;
  const worktree = run.identity?.worktree ?? '';
  return findOut({ ...order, order: orderOf(run, step, 'after'), worktree, trial: true }, 'after').catch(couldNot);
}

type Found =
  | { readonly ok: true; readonly snapshot: string | null; readonly shown: readonly string[] }
  | { readonly ok: false; readonly finding: Finding; readonly snapshot: string | null };

interface Look {
  readonly run: Run;
  readonly step: AgentStep;
  readonly order: CheckOrder | null;
  readonly prover: Prover;
  /** Null when no test command is known. */
  readonly tests: TestOrder | null;
  readonly worktree: string;
  readonly signal: AbortSignal;
  /** Nobody claims anything yet. */
  readonly trial?: boolean;
}

async function findOut(look: Look, stage: CheckStage): Promise<Found> {
  if (!look.order) return { ok: true, snapshot: null, shown: [] };
  return stage === 'before' ? beginning(look, look.order) : claimed(look, look.order);
}

/** The tests come first, so that what they leave in the tree is none of the step's work. */
async function beginning(look: Look, order: CheckOrder): Promise<Found> {
  const { prover, tests, signal } = look;
  const ran = order.tests === null || tests === null ? null : await prover.baseline(tests, signal);
  const snapshot = await keep(look, order, 'before');
  const finding = ran === null ? null : judged('pass', 'before', ran);
  if (finding) return { ok: false, finding, snapshot };
  return { ok: true, snapshot, shown: order.tests === null ? [] : [testsWord(ran)] };
}

/** The tree comes first, since the tests may write files of their own. */
async function claimed(look: Look, order: CheckOrder): Promise<Found> {
  const snapshot = await keep(look, order, 'after');
  const from = snapshotOf(checksOf(look.run, look.step.id).before);
  const changes = from === null || snapshot === null ? null : await changesSince(look, from, snapshot);
  const written = snapshot === null ? { shown: [] } : await judgeWritten(look, changes, snapshot);
  if ('finding' in written) return { ok: false, finding: written.finding, snapshot };
  const tested = await judgeTests(look, order, changes, snapshot);
  if ('finding' in tested) return { ok: false, finding: tested.finding, snapshot };
  return { ok: true, snapshot, shown: [...written.shown, ...tested.shown] };
}

async function keep({ run, step, prover, worktree, trial }: Look, order: CheckOrder, stage: CheckStage) {
  const { feature = '', run: name = '' } = run.identity ?? {};
  // Where the step began first is what a rollback goes back to: its ref is not given to another tree.
  const isAgain = stage === 'before' && run.points[step.id] !== undefined;
  const suffix = trial === true ? '-trial' : isAgain ? '-again' : '';
  const ref = `${feature}/${name}/${step.id}-${stage}${suffix}`;
  return order.tree ? prover.keep(worktree, ref) : null;
}

/** What tests leave behind is nobody's work, and what others changed and was accepted is not the step's. */
async function changesSince(look: Look, from: string, to: string): Promise<readonly Change[]> {
  const { run, prover, worktree } = look;
  const isGenerated = matcher(run.workflow?.generated ?? []);
  const changes = (await prover.changed(worktree, from, to)).filter(({ path }) => !isGenerated(path));
  const accepted = changes.length === 0 ? NOTHING : await acceptedIn(look, to);
  return changes.filter(({ path }) => !accepted.has(path));
}

const NOTHING: ReadonlySet<string> = new Set();

/** Files that stand in the kept tree as somebody else's commits left them, which a human accepted. */
async function acceptedIn({ run, prover, worktree }: Look, tree: string): Promise<ReadonlySet<string>> {
  const files = new Set<string>();
  for (const { from, to } of run.accepted) {
    const since = new Set((await prover.changed(worktree, to, tree)).map(({ path }) => path));
    for (const { path } of await prover.changed(worktree, from, to)) if (!since.has(path)) files.add(path);
  }
  return files;
}

type Judged = { readonly finding: Finding } | { readonly shown: readonly string[] };

async function judgeWritten(look: Look, changes: readonly Change[] | null, snapshot: string): Promise<Judged> {
  const { run, step } = look;
  const rules = run.workflow ? writeRulesOf(run.workflow, step.role) : null;
  if (rules === null) return { shown: [] };
  if (changes === null) return { shown: ['What the step wrote is not known: it was not begun by tmops.'] };
  const own = outside(
    rules,
    changes.map(({ path }) => path),
  );
  if (own.length > 0) return { finding: overstepped(step, rules, own) };
  const since = await changedInBetween(look, rules, snapshot);
  if (since) return { finding: since };
  const count = changes.length === 1 ? '1 file' : `${changes.length} files`;
  return { shown: [changes.length === 0 ? 'Nothing was changed.' : `${count} changed, as the role may.`] };
}

function overstepped({ id, role }: AgentStep, rules: WriteRules, files: readonly string[]): Finding {
  const what = files.length === 1 ? 'a file that is' : `${files.length} files that are`;
  return {
    verdict: 'refuted',
    rule: 'write-rules',
    sentence: `The step ${id} changed ${what} not the ${role}'s to change: it may write ${writeRulesWord(rules)}.`,
    files,
    tail: '',
  };
}

/** What the role may not touch stands as the last role that may left it, whoever has been at it since. */
async function changedInBetween(look: Look, { deny }: WriteRules, snapshot: string): Promise<Finding | null> {
  const since = heldSince(look.run, look.step);
  if (since === null) return null;
  const isDenied = matcher(deny);
  const changes = await changesSince(look, since.snapshot, snapshot);
  const files = changes.map(({ path }) => path).filter(isDenied);
  if (files.length === 0) return null;
  const sentence = `${files.length === 1 ? 'A file' : `${files.length} files`} that the ${look.step.role} may not change ${files.length === 1 ? 'was' : 'were'} changed since the step ${since.step}.`;
  return { verdict: 'refuted', rule: 'write-rules', sentence, files, tail: '' };
}

async function judgeTests(
  look: Look,
  order: CheckOrder,
  changes: readonly Change[] | null,
  snapshot: string | null,
): Promise<Judged> {
  const { prover, tests, signal } = look;
  if (order.tests === null) return { shown: [] };
  if (tests === null) return { shown: [testsWord(null)] };
  const ran = await prover.tested(tests, order.tests === 'pass' ? 'passed' : 'failed', signal);
  const finding = judged(order.tests, 'after', ran);
  if (finding) return { finding };
  if (!order.withoutAdded || changes === null || snapshot === null) return { shown: [testsWord(ran)] };
  const alone = await judgeAdded(look, tests, changes, snapshot);
  return 'finding' in alone ? alone : { shown: [testsWord(ran), ...alone.shown] };
}

/** Whether it is the added files that fail: without them the tests pass. */
async function judgeAdded(
  { prover, step, signal }: Look,
  tests: TestOrder,
  changes: readonly Change[],
  snapshot: string,
): Promise<Judged> {
  const files = changes.filter(({ how }) => how === 'added').map(({ path }) => path);
  if (files.length === 0)
    return { finding: inconclusive(`The ${step.role} added no files, so that it is not shown what fails.`, [], '') };
  const ran = await prover.testWithout({ ...tests, commit: snapshot, files }, signal);
  if (ran.kind === 'passed')
    return { shown: [`Without the ${files.length === 1 ? 'file' : `${files.length} files`} it added they pass.`] };
  const sentence =
    ran.kind === 'failed'
      ? `Without the files that the ${step.role} added the tests fail too, so that it is not shown that the new ones are what fails.`
      : `The tests could not be run without the files that the ${step.role} added: ${ran.why}.`;
  return { finding: inconclusive(sentence, files, ran.tail) };
}

const inconclusive = (sentence: string, files: readonly string[], tail: string): Finding => ({
  verdict: 'inconclusive',
  rule: 'red-for-their-own-sake',
  sentence,
  files,
  tail,
});

function testsWord(ran: TestRun | null): string {
  if (ran === null) return 'The tests were not run: no test command is known.';
  const what = ran.kind === 'passed' ? 'pass' : 'fail';
  return `The tests ${what}, as they should${ran.why === '' ? '' : ` (${ran.why})`}.`;
}

/** What the tests show against what they have to; null where nothing speaks against it. */
function judged(wanted: 'pass' | 'fail', stage: CheckStage, { kind, why, tail }: TestRun): Finding | null {
  const found = { files: [], tail };
  if (kind === 'not-run') {
    const sentence = `The tests could not be run: ${why}.`;
    return { verdict: 'inconclusive', rule: 'could-not-check', sentence, ...found };
  }
  if (kind === 'passed' ? wanted === 'pass' : wanted === 'fail') return null;
  if (stage === 'before') {
    const sentence = `The project's tests fail before the work begins (${why}).`;
    return { verdict: 'refuted', rule: 'baseline', sentence, ...found };
  }
  if (wanted === 'pass')
    return { verdict: 'refuted', rule: 'tests-green', sentence: `The tests fail (${why}).`, ...found };
  const sentence = 'The tests pass, and new tests have to fail until the work is done.';
  return { verdict: 'refuted', rule: 'tests-red', sentence, ...found };
}

function couldNot(error: unknown): Found {
  const why = error instanceof Error ? error.message : String(error);
  const finding: Finding = {
    verdict: 'inconclusive',
    rule: 'could-not-check',
    sentence: `It could not be checked: ${why}`,
    files: [],
    tail: '',
  };
  return { ok: false, finding, snapshot: null };
}
