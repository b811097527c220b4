import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeCheckpoint, type Checkpoint } from '../../src/core/checkpoint.ts';
import { metricsOf, type Measured, type Metrics } from '../../src/core/metrics.ts';

const FOLDER = join(import.meta.dirname, '../golden/checkpoints');
const AT = Date.UTC(2026, 2, 4, 9, 45);

function checkpointOf(text: string, kind: 'checkpoint' | 'summary' = 'checkpoint'): Checkpoint {
  const judgement = judgeCheckpoint(text, { file: 'a.md', feature: 'auth-api', kind });
  if (judgement.verdict !== 'whole') throw new Error(`Not whole: ${JSON.stringify(judgement)}`);
  return judgement.checkpoint;
}

const said = (file: string, lines: string): { file: string; checkpoint: Checkpoint; mtimeMs: number } => ({
  file,
  checkpoint: checkpointOf(`# T\n## Section\n${lines}\n`),
  mtimeMs: AT,
});

/** The golden files as one run left them, one a minute. */
const RUN = [
  ['001-discovery-trigger.md', '001-spaced-header.md'],
  ['003-tests-complete.md', '003-tight-header.md'],
  ['004-impl-trigger.md', '004-crlf-bom.md'],
  ['005-impl-complete.md', '005-fenced-headings.md'],
  ['006-verify-trigger.md', '006-checklist-after.md'],
  ['007-verify-complete.md', '007-final-assessment.md'],
  ['SUMMARY.md', 'SUMMARY-plain.md'],
].map(([file = '', golden = ''], index) => ({
  file,
  checkpoint: checkpointOf(
    readFileSync(join(FOLDER, golden), 'utf8'),
    file === 'SUMMARY.md' ? 'summary' : 'checkpoint',
  ),
  mtimeMs: AT + index * 60_000,
}));

const NOTHING: Measured = { steps: [], promptsDelivered: 0, handOffsMs: [] };

function metrics(
  checkpoints: Parameters<typeof metricsOf>[0]['checkpoints'],
  measured: Partial<Measured> = {},
): Metrics {
  return metricsOf({
    feature: 'auth-api',
    run: 'initial',
    runDirectory: 'initial',
    at: AT,
    checkpoints,
    measured: { ...NOTHING, ...measured },
  });
}

describe('the metrics of a run', () => {
  it('are the framework’s figures, from what the checkpoints claim', () => {
    const found = metrics([...RUN].reverse());
    expect(Object.keys(found)).toEqual([
      'feature',
      'timestamp',
      'run_directory',
      'phases',
      'timeline',
      'summary',
      'measured',
      'sources',
    ]);
    expect(found).toMatchObject({
      feature: 'auth-api',
      timestamp: '2026-03-04T09:45:00.000Z',
      run_directory: 'initial',
    });
    expect(found.phases).toEqual({
      discovery: {},
      testing: { tests_written: 14, test_file_count: 2, coverage_percent: 91.5, initial_state: 'all_failing' },
      implementation: { tests_passing: 14, tests_total: 14, pass_rate: 100, total_files_changed: 3 },
      verification: {
        edge_cases_identified: 8,
        issues_found: 1,
        security_concerns: false,
        quality_assessment: 'high',
        recommendations_count: 2,
      },
    });
    expect(found.timeline.map(({ checkpoint }) => checkpoint)).toEqual(RUN.map(({ file }) => file));
    expect(found.summary).toEqual({
      total_tests: 14,
      test_coverage: 91.5,
      test_pass_rate: 100,
      files_changed: 3,
      issues_found: 1,
      quality: 'high',
      checkpoints_completed: 7,
      first_checkpoint: '2026-03-04T09:45:00.000Z',
      last_checkpoint: '2026-03-04T09:51:00.000Z',
      success: false,
    });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  it('say of each figure where it comes from', () => {
    const found = metrics(RUN);
    const paths = Object.entries(found.phases).flatMap(([phase, figures]) =>
      Object.keys(figures).map((key) => `phases.${phase}.${key}`),
    );
    const summary = Object.keys(found.summary).map((key) => `summary.${key}`);
    expect(Object.keys(found.sources).sort()).toEqual([...paths, ...summary, 'timeline'].sort());
    expect(new Set(paths.map((path) => found.sources[path]))).toEqual(new Set(['claimed']));
    expect(found.sources).toMatchObject({
      timeline: 'measured',
      'summary.total_tests': 'claimed',
      'summary.checkpoints_completed': 'measured',
      'summary.success': 'claimed',
    });
  });

  it('take what was measured in place of what was claimed', () => {
    const found = metrics(RUN, {
      changes: [
        { path: 'test/token.test.js', kind: 'added' },
        { path: 'src/token.spec.ts', kind: 'added' },
        { path: 'src/token.js', kind: 'added' },
        { path: 'src/server.js', kind: 'modified' },
        { path: 'src/old.js', kind: 'deleted' },
        { path: 'src/contest.js', kind: 'modified' },
      ],
      tests: { passing: 13, total: 14 },
    });
    expect(found.phases.testing).toMatchObject({
      test_files: ['test/token.test.js', 'src/token.spec.ts'],
      test_file_count: 2,
    });
    expect(found.phases.implementation).toEqual({
      tests_passing: 13,
      tests_total: 14,
      pass_rate: (13 / 14) * 100,
      files_created: ['src/token.js'],
      files_modified: ['src/server.js', 'src/contest.js'],
      total_files_changed: 4,
    });
    expect(found.summary).toMatchObject({ files_changed: 4, success: false });
    expect(found.sources).toMatchObject({
      'phases.implementation.tests_passing': 'measured',
      'phases.implementation.pass_rate': 'measured',
      'phases.testing.tests_written': 'claimed',
      'summary.files_changed': 'measured',
      'summary.success': 'claimed',
    });
  });

  it('carry what tmops alone knows', () => {
    const found = metrics([], {
      steps: [{ step: 'tests', role: 'tester', durationMs: 1500 }],
      promptsDelivered: 8,
      handOffsMs: [90, 120],
    });
    expect(found.measured).toEqual({
      run: 'initial',
      steps: [{ step: 'tests', role: 'tester', duration_ms: 1500 }],
      prompts_delivered: 8,
      hand_offs_ms: [90, 120],
    });
  });

  it('of a run without checkpoints claim nothing', () => {
    const found = metrics([]);
    expect(found.phases).toEqual({ discovery: {}, testing: {}, implementation: {}, verification: {} });
    expect(found.summary).toEqual({ checkpoints_completed: 0, success: false });
    expect(found.sources).toEqual({ 'summary.checkpoints_completed': 'measured', 'summary.success': 'claimed' });
  });
});

describe('a run is a success', () => {
  const impl = said('005-impl-complete.md', '- Tests Passing: 3/3');
  it.each<[string, Parameters<typeof metrics>, boolean, 'measured' | 'claimed']>([
    ['when all tests pass and no issue is known', [[impl]], true, 'claimed'],
    ['when that was measured', [[], { tests: { passing: 3, total: 3 } }], true, 'measured'],
    ['not with a failing test', [[said('005-impl-complete.md', '- Passing: 2\n- Total tests: 3')]], false, 'claimed'],
    ['not without a test', [[], { tests: { passing: 0, total: 0 } }], false, 'measured'],
    ['not with an issue', [[impl, said('007-verify-complete.md', '- Issues found: 2')]], false, 'claimed'],
    ['not when the tests are not known', [[said('005-impl-complete.md', '- Passing: all')]], false, 'claimed'],
  ])('%s', (_, [checkpoints, measured], success, source) => {
    const found = metrics(checkpoints, measured);
    expect(found.summary['success']).toBe(success);
    expect(found.sources['summary.success']).toBe(source);
  });
});

describe('a claim is read', () => {
  it.each<[string, string, object]>([
    ['discovery', '- Files discovered: 42\n- Directories: 7', { files_discovered: 42, directories_found: 7 }],
    ['testing', '- **Tests written:** 9\n- Coverage: n/a', { tests_written: 9 }],
    ['testing', '- All tests failing: NO', {}],
    ['implementation', '- Lines of code: 120', { lines_of_code: 120 }],
    ['verification', '- Quality score: 4/10', { quality_assessment: 'low', recommendations_count: 0 }],
    ['verification', '- Quality score: 6/10', { quality_assessment: 'medium', recommendations_count: 0 }],
    ['verification', '- Code Quality: PASS', { quality_assessment: 'high', recommendations_count: 0 }],
    ['verification', '- Quality: Needs improvement', { quality_assessment: 'low', recommendations_count: 0 }],
    ['verification', '- Quality: adequate', { quality_assessment: 'medium', recommendations_count: 0 }],
    [
      'verification',
      '- Security Issues: 2 found',
      { issues_found: 2, security_concerns: true, recommendations_count: 0 },
    ],
  ])('of the phase %s: %s', (phase, lines, figures) => {
    const file = {
      discovery: '001-discovery-trigger',
      testing: '003-tests-complete',
      implementation: '005-impl-complete',
      verification: '007-verify-complete',
    }[phase];
    const { phases } = metrics([said(`${file}.md`, lines)]);
    expect(Object.entries(phases).find(([name]) => name === phase)?.[1]).toEqual(figures);
  });
});
