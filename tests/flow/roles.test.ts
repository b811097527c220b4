import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { greenCode, playText, redTest, wordsTo, type Cue } from '../rig/flow.ts';
import { openProduct, type Product } from '../rig/product.ts';

const examples = new URL('../../config/examples/', import.meta.url);
const example = (name: string): Promise<string> => readFile(new URL(name, examples), 'utf8');
const BASE = 'features:\n  concurrent_limit: 20\n';
const OWN_WORDS = '# Our tester\n\nWrite tests the way this house writes them.\n';

let product: Product;

beforeAll(async () => {
  product = await openProduct({
    play: 'wait',
    config: BASE,
    files: {
      'tools/security-review.yaml': await example('security-review.yaml'),
      'tools/05_security_reviewer.md': await example('05_security_reviewer.md'),
      'tools/review-play.yaml': playText(REVIEW),
      'tools/short-play.yaml': playText(SHORT),
      'tmops_v6_portable/instance_instructions/02_tester.md': OWN_WORDS,
    },
  });
});
afterAll(() => product.dispose());

const REVIEW: readonly Cue[] = [
  { role: 'orchestrator', when: '[BEGIN]: Start orchestration', file: '001-discovery-trigger.md' },
  { role: 'orchestrator', when: 'Tester has completed', file: '004-impl-trigger.md' },
  { role: 'orchestrator', when: 'Implementer has completed. Write 005', file: '005-security-trigger.md' },
  { role: 'orchestrator', when: 'Security reviewer has completed. Write 006', file: '006-verify-trigger.md' },
  { role: 'orchestrator', when: 'Verifier has completed', file: 'SUMMARY.md' },
  { role: 'tester', when: '[BEGIN]: Start test writing', acts: [redTest], file: '003-tests-complete.md' },
  { role: 'implementer', when: '[BEGIN]: Start implementation', acts: [greenCode], file: '005-impl-complete.md' },
  { role: 'security-reviewer', when: '[BEGIN]: Start security review', file: '005-security-review.md' },
  { role: 'verifier', when: '[BEGIN]: Start verification', file: '007-verify-complete.md' },
];

const SHORT: readonly Cue[] = [
  { role: 'orchestrator', when: '[BEGIN]: Start orchestration', file: '001-discovery-trigger.md' },
  { role: 'orchestrator', when: 'Tester has completed', file: '004-impl-trigger.md' },
  { role: 'orchestrator', when: 'Implementer has completed', file: 'SUMMARY.md' },
  { role: 'tester', when: '[BEGIN]: Start test writing', acts: [redTest], file: '003-tests-complete.md' },
  { role: 'implementer', when: '[BEGIN]: Start implementation', acts: [greenCode], file: '005-impl-complete.md' },
];

async function completed(feature: string): Promise<OutputOf<'status'>> {
  await product.json('init', feature);
  await product.json('start', feature);
  const end = await product.reached(feature, `${feature} is completed`, ({ phase }) => phase === 'completed');
  await product.json('stop', feature);
  return end;
}

describe('a role and its steps added in YAML alone', () => {
  let end: OutputOf<'status'>;
  beforeAll(async () => {
    const config = `${BASE}  default_phases: [orchestrator, tester, implementer, security-reviewer, verifier]
workflow: tools/security-review.yaml`;
    await product.configure({ play: 'tools/review-play.yaml', config });
    end = await completed('reviewed');
  });

  it('runs to the end, step after step', () => {
    expect(end.checkpoints.map(({ step, role, state }) => `${step} ${role} ${state}`)).toEqual([
      'discovery orchestrator done',
      'testing tester done',
      'implementation-trigger orchestrator done',
      'implementation implementer done',
      'security-trigger orchestrator done',
      'security-review security-reviewer done',
      'verification-trigger orchestrator done',
      'verification verifier done',
      'summary orchestrator done',
    ]);
    expect(end.panes.map(({ role }) => role)).toContain('security-reviewer');
  });

  it('types its words into its pane, and tells the orchestrator of its work', async () => {
    expect(await wordsTo(product, 'reviewed', 'security-reviewer')).toEqual([
      'Read .tmops/reviewed/current/roles/security-reviewer.md and follow it.',
      '[BEGIN]: Start security review',
    ]);
    expect((await wordsTo(product, 'reviewed', 'orchestrator')).slice(1)).toEqual([
      '[BEGIN]: Start orchestration for reviewed',
      '[CONFIRMED]: Tester has completed',
      '[CONFIRMED]: Implementer has completed. Write 005-security-trigger.md',
      '[CONFIRMED]: Security reviewer has completed. Write 006-verify-trigger.md',
      '[CONFIRMED]: Verifier has completed',
    ]);
  });

  it('finds each role’s instructions: the framework’s, those beside the workflow, or the shipped ones', async () => {
    const told = (role: string): Promise<string> =>
      readFile(product.path('reviewed', 'current', 'roles', `${role}.md`), 'utf8');
    const tester = await told('tester');
    expect(tester).toMatch(/^# Tester of the feature reviewed \(run initial\)\n/);
    expect(tester).toContain(
      '`[BEGIN]: Start test writing` ends with `.tmops/reviewed/current/checkpoints/003-tests-complete.md`',
    );
    expect(tester.endsWith(OWN_WORDS)).toBe(true);
    expect(await told('security-reviewer')).toContain(await example('05_security_reviewer.md'));
    const shipped = await readFile(new URL('../instructions/04_verifier.md', examples), 'utf8');
    expect(await told('verifier')).toContain(shipped);
  });
});

describe('a shortened features.default_phases', () => {
  const choose = (phases: string): Promise<void> =>
    product.configure({ play: 'tools/short-play.yaml', config: `${BASE}  default_phases: ${phases}` });

  it('leaves out the roles and the steps that were for them, and runs to the end', async () => {
    await choose('[orchestrator, tester, implementer]');
    const end = await completed('short');
    expect(end.panes.map(({ role }) => role).sort()).toEqual(['implementer', 'orchestrator', 'tester']);
    expect(end.checkpoints.map(({ file }) => file)).toEqual([
      '001-discovery-trigger.md',
      '003-tests-complete.md',
      '004-impl-trigger.md',
      '005-impl-complete.md',
      'SUMMARY.md',
    ]);
    expect((await wordsTo(product, 'short', 'orchestrator')).slice(1)).toEqual([
      '[BEGIN]: Start orchestration for short',
      '[CONFIRMED]: Tester has completed',
      '[CONFIRMED]: Implementer has completed',
    ]);
    const told = await readFile(product.path('short', 'current', 'roles', 'orchestrator.md'), 'utf8');
    expect(told).toContain('`[CONFIRMED]: Implementer has completed` ends with `.tmops/short/current/SUMMARY.md`');
  });

  it.each([
    ['[tester, implementer]', 'orchestrator, which teamops cannot do without'],
    ['[orchestrator]', 'at least one of tester, implementer, verifier'],
    ['[orchestrator, tester, tester]', 'each role once'],
    ['[orchestrator, testers]', 'did you mean tester?'],
  ])('is refused where it makes no workflow: %s', async (phases, told) => {
    await choose(phases);
    await product.json('init', 'wrong');
    const { exitCode, stderr } = await product.cli('start', 'wrong');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/tmops\.config\.yaml:\d+:\d+: /);
    expect(stderr).toContain(told);
  });
});

it('types no instructions where they go into the system prompt', async () => {
  await product.configure({
    play: 'tools/short-play.yaml',
    config: `${BASE}  default_phases: [orchestrator, tester, implementer]\ninstructions: system_prompt`,
  });
  await completed('quiet');
  expect(await wordsTo(product, 'quiet', 'tester')).toEqual(['[BEGIN]: Start test writing']);
  expect(await wordsTo(product, 'quiet', 'orchestrator')).toHaveLength(3);
});
