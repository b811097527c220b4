import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeCheckpoint, type Checkpoint, type Expected, type Judgement } from '../../src/core/checkpoint.ts';

interface Golden {
  /** Name of the golden file. */
  name: string;
  /** What the step waits for; the feature is `auth-api` and the kind `checkpoint` unless said. */
  expected: Partial<Expected> & { file: string };
  /** The line from whose end on the text may settle shortly; null when it never may. */
  closedBy: string | null;
  settle: 'short' | 'long';
  says: Partial<Checkpoint>;
}

const GOLDEN: Golden[] = [
  {
    name: '001-spaced-header.md',
    expected: { file: '001-discovery-trigger.md', from: 'orchestrator', sections: ['Task Summary', 'Action Required'] },
    closedBy: '003-tests-complete.md when all tests are written and fail\n',
    settle: 'long',
    says: { from: 'Orchestrator', to: 'Tester', run: '001-initial', timestamp: '2026-03-04 09:12:07', gate: null },
  },
  {
    name: '003-tight-header.md',
    expected: { file: '003-tests-complete.md', from: 'tester', sections: ['Work Completed'] },
    closedBy: 'Implementer: make all tests pass by writing code in src/\n',
    settle: 'short',
    says: { title: 'Checkpoint: 003-tests-complete.md', feature: 'auth-api', timestamp: '2026-03-04 09:20:41' },
  },
  {
    name: '003-notes-after.md',
    expected: { file: '003-tests-complete.md', from: 'tester', sections: ['work completed', 'Test Results'] },
    closedBy: 'Implementer: make all tests pass\n',
    settle: 'long',
    says: { from: 'TESTER', gate: null },
  },
  {
    name: '004-crlf-bom.md',
    expected: { file: '004-impl-trigger.md', from: 'orchestrator' },
    closedBy: '005-impl-complete.md when all tests pass\r\n',
    settle: 'short',
    says: { title: 'Checkpoint: 004-impl-trigger.md', from: 'Orchestrator', to: 'Implementer', run: 'initial' },
  },
  {
    name: '005-fenced-headings.md',
    expected: { file: '005-impl-complete.md', from: 'implementer', sections: ['Test Results', 'Next Action'] },
    closedBy: 'Verifier: review the implementation\n',
    settle: 'short',
    says: {
      metrics: {
        'Total tests': 14,
        Passing: 14,
        Failing: 0,
        Coverage: 91.5,
        'Test runtime': 0.4,
        'Files created/modified': 3,
      },
    },
  },
  {
    name: '005-unicode.md',
    expected: { file: '005-impl-complete.md', from: 'implementer' },
    closedBy: 'Verifier: prüfen\n',
    settle: 'short',
    says: { feature: '`auth-api` (retry)', metrics: { 'Tests Passing': 14, Performance: 50 } },
  },
  {
    name: '006-checklist-after.md',
    expected: { file: '006-verify-trigger.md', from: 'orchestrator' },
    closedBy: '007-verify-complete.md when verification is complete\n',
    settle: 'long',
    says: { to: 'Verifier', gate: null },
  },
  {
    name: '007-final-assessment.md',
    expected: { file: '007-verify-complete.md', from: 'verifier', sections: ['Review Results'] },
    closedBy: '**Feature ready for merge: YES**\n',
    settle: 'short',
    says: { from: 'Verifier', gate: null },
  },
  {
    name: '003-gate-auto.md',
    expected: { file: '003-tests-complete.md', from: 'tester' },
    closedBy: '- Status: AUTO_APPROVED\n',
    settle: 'short',
    says: { gate: 'auto' },
  },
  {
    name: '007-gate-human.md',
    expected: { file: '007-verify-complete.md', from: 'verifier' },
    closedBy: 'Status: AWAITING_HUMAN_REVIEW\n',
    settle: 'short',
    says: { gate: 'human' },
  },
  {
    name: '000-late-title.md',
    expected: { file: '000-types-draft.md', from: 'types-curator', sections: ['Work Completed'] },
    closedBy: 'Orchestrator: review the draft\n',
    settle: 'short',
    says: {
      title: 'Checkpoint: 000-types-draft.md',
      from: 'Types Curator',
      feature: 'Auth API',
      fields: { 'Types drafted': '7', Files: 'docs/internal/types.md', Orchestrator: 'review the draft' },
    },
  },
  {
    name: 'SUMMARY-table.md',
    expected: { file: 'SUMMARY.md', from: 'orchestrator', kind: 'summary' },
    closedBy: 'The feature is ready for merge to the main branch.\n',
    settle: 'long',
    says: { title: 'TeamOps Orchestration Summary: auth-api', gate: null },
  },
  {
    name: 'SUMMARY-plain.md',
    expected: { file: 'SUMMARY.md', from: 'orchestrator', kind: 'summary' },
    closedBy: '1. Merge feature/auth-api\n',
    settle: 'short',
    says: { feature: 'auth-api', run: '001-initial' },
  },
  {
    name: 'preflight_research_complete.checkpoint',
    expected: { file: 'preflight_research_complete.checkpoint', from: 'researcher' },
    closedBy: 'MESSAGE=Research finished\n',
    settle: 'short',
    says: {
      title: 'Research finished',
      timestamp: '2026-03-04T09:01:12Z',
      fields: {
        TIMESTAMP: '2026-03-04T09:01:12Z',
        STATUS: 'complete',
        MESSAGE: 'Research finished',
        DETAILS: '4 documents in docs/internal',
      },
      sections: [],
    },
  },
];

const FOLDER = join(import.meta.dirname, '../golden/checkpoints');
const bytesOf = (name: string): Buffer => readFileSync(join(FOLDER, name));
const judge = (text: string, expected: Partial<Expected> = {}): Judgement =>
  judgeCheckpoint(text, { file: '003-tests-complete.md', feature: 'auth-api', kind: 'checkpoint', ...expected });

describe.each(GOLDEN)('the golden checkpoint $name', ({ name, expected, closedBy, settle, says }) => {
  const bytes = bytesOf(name);

  it('is whole and says what stands in it', () => {
    expect(judge(bytes.toString(), expected)).toMatchObject({ verdict: 'whole', settle, checkpoint: says });
  });

  it('is, cut at any byte, never malformed and never settled before its closing line', () => {
    const closed = closedBy === null ? Infinity : bytes.indexOf(closedBy) + Buffer.byteLength(closedBy);
    expect(closed).toBeGreaterThan(0);
    for (let length = 0; length < bytes.length; length += 1) {
      const judgement = judge(bytes.subarray(0, length).toString(), expected);
      const context = `${name} cut at ${length}`;
      expect(judgement.verdict, context).not.toBe('malformed');
      if (judgement.verdict === 'whole' && judgement.settle === 'short')
        expect(length, context).toBeGreaterThanOrEqual(closed);
    }
  });

  it('is refused when it names another role or another feature', () => {
    const text = bytes.toString();
    expect(judge(text, { ...expected, feature: 'billing' }).verdict).toBe(
      /Feature:/.test(headerOf(text)) ? 'malformed' : 'whole',
    );
    expect(judge(text, { ...expected, from: 'auditor' }).verdict).toBe(
      /From:/.test(headerOf(text)) ? 'malformed' : 'whole',
    );
  });
});

const headerOf = (text: string): string => text.split(/^## /m, 1)[0] ?? '';
