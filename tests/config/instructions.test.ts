import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readWorkflow } from '../../src/config/read-workflow.ts';
import { judgeCheckpoint, type Checkpoint, type Judgement } from '../../src/core/checkpoint.ts';
import { claimedFigures } from '../../src/core/figures.ts';
import { isAgentStep, promptOf, reminderOf, type AgentStep, type Workflow } from '../../src/core/workflow.ts';

const packageDir = new URL('../..', import.meta.url).pathname;
const FEATURE = 'auth-api';

const teamops = workflowIn('config/workflows/teamops.yaml');
const reviewed = workflowIn('config/examples/security-review.yaml');

const DOCUMENTS = [
  documentOf('orchestrator', teamops, 'config/instructions'),
  documentOf('tester', teamops, 'config/instructions'),
  documentOf('implementer', teamops, 'config/instructions'),
  documentOf('verifier', teamops, 'config/instructions'),
  documentOf('security-reviewer', reviewed, 'config/examples'),
];

test('every role of the shipped workflow has a document here', () => {
  expect(Object.keys(teamops.roles)).toEqual(['orchestrator', 'tester', 'implementer', 'verifier']);
});

describe.each(DOCUMENTS)('the document of the $role', ({ role, workflow, text, steps }) => {
  test('says what to answer after reading it', () => {
    expect(text.split('\n')).toContain(`\`[${role.toUpperCase()}] WAITING: Ready for instructions\``);
    for (const word of ['WORKING', 'COMPLETE', 'ERROR']) expect(text).toContain(`[${role.toUpperCase()}] ${word}: `);
  });

  test('knows each prompt that is typed to the role', () => {
    for (const step of steps) {
      const line = promptOf(workflow, workflow.steps.indexOf(step), { feature: '<feature>', run: 'initial' });
      expect(text).toContain(`\`${line}\``);
      const checkpoint = steps.length > 1 ? '<file>' : step.checkpoint;
      expect(text).toContain(`\`${reminderOf(workflow, { ...step, checkpoint })}\``);
    }
  });

  test('gives the path of each file the role writes, and of no other', () => {
    const paths = Array.from(text.matchAll(/`\.tmops\/<feature>\/current\/([^`]+\.md)`/g), ([, path]) => path);
    const own = steps.map(({ kind, checkpoint }) => (kind === 'summary' ? checkpoint : `checkpoints/${checkpoint}`));
    expect([...new Set(paths)].sort()).toEqual(own.sort());
  });

  test('knows no role and no checkpoint that the workflow has not', () => {
    const files = Array.from(text.matchAll(/\b\d{3}-[a-z-]+\.md\b/g), ([file]) => file);
    const known = workflow.steps.filter(isAgentStep).map(({ checkpoint }) => checkpoint);
    expect(files.filter((file) => !known.includes(file))).toEqual([]);
  });

  test('shows only checkpoints that are whole at once', () => {
    const shown = examplesIn(text);
    expect(shown.length).toBeGreaterThan(0);
    for (const example of shown) expect(judged(example, steps)).toMatchObject({ verdict: 'whole', settle: 'short' });
  });

  test('shows no checkpoint that would pass for one of another step', () => {
    for (const example of examplesIn(text)) {
      expect(judged(example.replaceAll('<feature>', 'other'), steps)).toMatchObject({ verdict: 'malformed' });
      expect(judged(example.trimEnd(), steps)).toMatchObject({ verdict: 'whole', settle: 'long' });
    }
  });

  test('is short', () => {
    const lines = text.split('\n').length;
    expect(lines).toBeGreaterThanOrEqual(50);
    expect(lines).toBeLessThanOrEqual(111);
  });
});

describe('what the examples hold reaches metrics.json', () => {
  const rows = [
    { role: 'orchestrator', figures: ['discovery.files_discovered'] },
    { role: 'tester', figures: ['testing.tests_written', 'testing.test_file_count', 'testing.initial_state'] },
    {
      role: 'implementer',
      figures: ['implementation.total_files_changed', 'implementation.tests_passing', 'implementation.tests_total'],
    },
    {
      role: 'verifier',
      figures: [
        'verification.edge_cases_identified',
        'verification.issues_found',
        'verification.security_concerns',
        'verification.quality_assessment',
        'verification.recommendations_count',
      ],
    },
  ];
  test.each(rows)('of the $role', ({ role, figures }) => {
    const { text, steps } = named(role);
    const filled = examplesIn(text).map((example) => example.replaceAll('<n>', '7'));
    const pages = filled.map((example) => ({ file: fileOf(example), checkpoint: wholeOf(judged(example, steps)) }));
    expect(claimedFigures(pages).map(({ phase, key }) => `${phase}.${key}`)).toEqual(figures);
  });
});

describe('the gate', () => {
  test.each(['verifier', 'security-reviewer'])('of the %s is open as shown, and a human can be asked', (role) => {
    const { text, steps } = named(role);
    const [shown = ''] = examplesIn(text);
    expect(wholeOf(judged(shown, steps)).gate).toBe('auto');
    const held = shown.replace('AUTO_APPROVED', 'AWAITING_HUMAN_REVIEW\n- Reason: two findings');
    expect(text).toContain('`- Status: AWAITING_HUMAN_REVIEW`');
    expect(judged(held, steps)).toMatchObject({ settle: 'short', checkpoint: { gate: 'human' } });
  });

  test.each(['orchestrator', 'tester', 'implementer'])('of the %s is left out, or a section above the end', (role) => {
    const { text, steps } = named(role);
    const [shown = ''] = examplesIn(text);
    expect(wholeOf(judged(shown, steps)).gate).toBe(null);
    const line = /`(- Status: AWAITING_HUMAN_REVIEW)` above `## Next Action`/.exec(text)?.[1] ?? '';
    const held = shown.replace('## Next Action', `## Gate Status\n\n${line}\n\n## Next Action`);
    expect(judged(held, steps)).toMatchObject({ settle: 'short', checkpoint: { gate: 'human' } });
  });
});

function workflowIn(file: string): Workflow {
  const read = readWorkflow(`${packageDir}${file}`, { workspaceRoot: packageDir, packageDir });
  if (!read.ok) throw new Error(`${file}: ${JSON.stringify(read.faults, null, 1)}`);
  return read.workflow;
}

function documentOf(role: string, workflow: Workflow, folder: string) {
  const text = readFileSync(`${packageDir}${folder}/${workflow.roles[role]?.instructions ?? ''}`, 'utf8');
  const steps = workflow.steps.filter(isAgentStep).filter((step) => step.role === role);
  return { role, workflow, text, steps };
}

function named(role: string): ReturnType<typeof documentOf> {
  const found = DOCUMENTS.find((each) => each.role === role);
  if (!found) throw new Error(`There is no document of the ${role}`);
  return found;
}

/** The fenced pages, each with the line break it ends in. */
function examplesIn(text: string): string[] {
  return Array.from(text.matchAll(/^```markdown\n([\s\S]*?)^```$/gm), ([, page = '']) => page);
}

/** The title names the file, that of a summary its feature. */
function fileOf(example: string): string {
  const title = /^# (?:Checkpoint: (\S+)|Summary: .*)$/m.exec(example);
  if (title === null) throw new Error(`This example names no file:\n${example}`);
  return title[1] ?? 'SUMMARY.md';
}

function judged(example: string, steps: readonly AgentStep[]): Judgement {
  const step = steps.find((each) => each.checkpoint === fileOf(example));
  if (!step) throw new Error(`No step of the role ends with ${fileOf(example)}`);
  const { checkpoint: file, role: from, sections, kind } = step;
  return judgeCheckpoint(example.replaceAll('<feature>', FEATURE), { file, from, feature: FEATURE, sections, kind });
}

function wholeOf(judgement: Judgement): Checkpoint {
  if (judgement.verdict !== 'whole') throw new Error(`expected a whole checkpoint, got ${JSON.stringify(judgement)}`);
  return judgement.checkpoint;
}
