import { qualityFindings } from '../core/quality.ts';
import { checksOf, type Run } from '../core/run.ts';
import { matcher } from '../core/write-rules.ts';
import { isAgentStep, type AgentStep } from '../core/workflow.ts';
import type { AppPorts } from './ports.ts';
import { notYourStep, type Acting } from './role-acting.ts';
import { composeCheckpoint } from './role-handover.ts';
import { runConfigured } from './role-proof.ts';
import type { RoleAnswer, RoleOutput } from './role-table.ts';
import type { ProblemView } from './views.ts';

const MOST_LINES = 20_000;
const MOST_FILES = 200;
const MOST_FINDINGS = 100;

/** What the feature changed, and what stands out in it. */
export async function analyzeQuality(
  ports: AppPorts,
  acting: Acting,
  signal: AbortSignal,
): Promise<RoleAnswer<'roleQuality'>> {
  const { live, worktree, workflow, feature } = acting;
  const run = live.loop.run();
  const since = run.identity?.base ?? null;
  if (since === null) return { ok: false, problem: noBase(feature) };
  const files = await ports.project.difference(worktree, since);
  const lines = await ports.project.addedLines(worktree, since, MOST_LINES);
  const findings = qualityFindings(lines, matcher(workflow.tests));
  const lint = await runConfigured(ports, acting, 'lint_command', signal);
  if ('problem' in lint) return { ok: false, problem: lint.problem };
  const { ran } = lint;
  return {
    ok: true,
    output: {
      feature,
      since,
      files: files.slice(0, MOST_FILES),
      more_files: Math.max(0, files.length - MOST_FILES),
      findings: findings.slice(0, MOST_FINDINGS),
      more_findings: Math.max(0, findings.length - MOST_FINDINGS),
      checks: checksDone(run),
      lint: ran && { outcome: ran.kind, why: ran.why, took_ms: ran.tookMs, untrusted_output: ran.tail },
    },
  };
}

/** What the evidence of each step showed, in the order of the workflow. */
function checksDone(run: Run): RoleOutput<'roleQuality'>['checks'] {
  const steps = (run.workflow?.steps ?? []).filter(isAgentStep);
  return steps.flatMap(({ id }) => {
    const { after } = checksOf(run, id);
    if (after === null) return [];
    return [{ step: id, state: after.kind, shown: after.kind === 'passed' ? [...after.shown] : [] }];
  });
}

/** A draft of the checkpoint that ends the role's step. */
export async function draftReport(ports: AppPorts, acting: Acting): Promise<RoleAnswer<'roleReview'>> {
  const { live, step, worktree, feature } = acting;
  if (!step) return { ok: false, problem: notYourStep(acting) };
  const run = live.loop.run();
  const since = run.identity?.base ?? null;
  const files = since === null ? [] : await ports.project.difference(worktree, since);
  const body = reportOf(run, step, files);
  const text = composeCheckpoint(acting, step, { body, nowMs: ports.clock.now() });
  return { ok: true, output: { feature, step: step.id, file: step.checkpoint, text } };
}

type Changed = Awaited<ReturnType<AppPorts['project']['difference']>>;

function reportOf(run: Run, step: AgentStep, files: Changed): string {
  const done = checksDone(run).map(
    ({ step: id, state, shown }) => `- ${id}: ${state}${shown.map((each) => ` ${each}`).join('')}`,
  );
  const changed = files
    .slice(0, MOST_FILES)
    .map(({ path, added, removed }) => `- ${printed(path)} (+${added ?? '?'} −${removed ?? '?'})`);
  const sections = ['Review Results', ...step.sections.filter((each) => !WRITTEN.has(each))];
  return [
    ...['## Test Results', '', ...(done.length > 0 ? done : ['- No step was checked.']), ''],
    ...['## Changes', '', ...(changed.length > 0 ? changed : ['- None.']), ''],
    ...sections.flatMap((each) => [`## ${each}`, '', '- <what you found>', '']),
    ...['## Gate Status', '', '- Status: <AUTO_APPROVED or AWAITING_HUMAN_REVIEW>'],
  ].join('\n');
}

/** Sections that the draft has by itself. */
const WRITTEN: ReadonlySet<string> = new Set([
  'Test Results',
  'Changes',
  'Review Results',
  'Gate Status',
  'Next Action',
]);

/** A file may be called anything. */
const printed = (path: string): string => path.replaceAll(/\p{C}/gu, '?').slice(0, 200);

const noBase = (feature: string): ProblemView => ({
  code: 'no-base',
  sentence: `It is not known which commit ${feature} began from, so that its changes cannot be told from others.`,
  hint: 'Look at the history of the branch instead: git log in the worktree.',
});
