import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeCheckpoint, type Expected, type Judgement } from '../../src/core/checkpoint.ts';

const judge = (text: string, expected: Partial<Expected> = {}): Judgement =>
  judgeCheckpoint(text, { file: '003-tests-complete.md', feature: 'auth-api', kind: 'checkpoint', ...expected });

const HEAD = '# Checkpoint: 003-tests-complete.md\n**From:** Tester\n**Feature:** auth-api\n\n';
const DONE = `${HEAD}## Work Completed\n- Tests written: 3\n\n## Next Action\nImplementer: go on\n`;

describe('a text that is not whole', () => {
  it.each<[string, string, Partial<Expected>, object]>([
    ['empty', '', {}, { verdict: 'unfinished', line: 1, found: '' }],
    ['blank', ' \n\n', {}, { verdict: 'unfinished', line: 1 }],
    ['half a title', '# Check', {}, { verdict: 'unfinished', expected: 'a section that starts with `## `' }],
    ['a number sign', '#', {}, { verdict: 'unfinished', found: '#', expected: 'a title that starts with `# `' }],
    ['half a role', '# T\n**From:** Test', { from: 'tester' }, { verdict: 'unfinished' }],
    ['half a feature', '# T\n**Feature:** auth', {}, { verdict: 'unfinished' }],
    ['a header alone', HEAD, {}, { verdict: 'unfinished', line: 4 }],
    [
      'a heading alone',
      `${HEAD}## Work Completed\n\n`,
      {},
      { verdict: 'unfinished', line: 5, found: '## Work Completed' },
    ],
    ['an open fence', `${DONE}\`\`\`sh\nnpm test\n`, {}, { verdict: 'unfinished', line: 10, found: '```sh' }],
    [
      'a missing section',
      DONE,
      { sections: ['Test Results'] },
      { verdict: 'unfinished', expected: 'the section `## Test Results`' },
    ],
    ['half a character', `${DONE}\u{1F389}`.slice(0, -2) + '\uFFFD', {}, { verdict: 'unfinished', line: 10 }],
    [
      'another role',
      DONE,
      { from: 'verifier' },
      { verdict: 'malformed', line: 2, found: 'From: Tester', expected: 'From: verifier' },
    ],
    ['another feature', DONE, { feature: 'auth' }, { verdict: 'malformed', line: 3, expected: 'Feature: auth' }],
    ['a NUL', `${HEAD}a\0b`, {}, { verdict: 'malformed', line: 5, found: 'a NUL character' }],
    ['broken UTF-8', `${HEAD}a\uFFFDb`, {}, { verdict: 'malformed', line: 5, expected: 'text in UTF-8' }],
    ['too long', DONE, { maxChars: 20 }, { verdict: 'malformed', expected: 'at most 20 characters' }],
    ['no title', '## Work Completed\nall done\n', {}, { verdict: 'malformed', line: 1, found: '## Work Completed' }],
    ['prose', 'all done\n'.repeat(30), {}, { verdict: 'malformed', line: 1, found: 'all done' }],
    ['one word', 'done\n', {}, { verdict: 'unfinished', line: 1, found: 'done' }],
  ])('%s', (_, text, expected, judgement) => {
    expect(judge(text, expected)).toMatchObject(judgement);
  });

  it('is quoted no longer than a line of a screen', () => {
    const judgement = judge(`# T\n**Feature:** ${'x'.repeat(5000)}\n`);
    expect(judgement.verdict === 'malformed' && judgement.found.length).toBeLessThan(90);
  });
});

describe('a whole text', () => {
  it.each<[string, string, object]>([
    ['ends with its closing section', DONE, { settle: 'short' }],
    ['lacks the last line end', DONE.slice(0, -1), { settle: 'long' }],
    ['ends within another section', `${HEAD}## Work Completed\n- Tests written: 3\n`, { settle: 'long' }],
    ['has sections of level 1', `${HEAD}# Work Completed\n- a: 1\n# Next Action\nnext\n`, { settle: 'short' }],
    ['has a gate section that does not say yet', `${HEAD}## Gate Status\nGate: tests\n`, { settle: 'long' }],
    [
      'has a gate word that stands alone',
      `${HEAD}## Gate Status\nAWAITING_APPROVAL\n`,
      { settle: 'short', checkpoint: { gate: 'human' } },
    ],
    [
      'has a gate in its header',
      DONE.replace('\n\n', '\n**Status:** AWAITING_APPROVAL\n\n'),
      { checkpoint: { gate: 'human' } },
    ],
    [
      'names both gate words',
      `${HEAD}## Gate Status\nStatus: AUTO_APPROVED | AWAITING_HUMAN_REVIEW\n`,
      { checkpoint: { gate: 'human' } },
    ],
    ['has another status', `${HEAD}## Final Status\n- Status: COMPLETE\n`, { checkpoint: { gate: null } }],
    [
      'has a gate word in a fence only',
      `${DONE}\`\`\`\nStatus: AUTO_APPROVED\n\`\`\`\n`,
      { checkpoint: { gate: null } },
    ],
    ['says nothing of role and feature', '# Done\n## Next Action\ngo\n', { settle: 'short' }],
    [
      'has a label of the language itself',
      `${DONE}- __proto__: 1\n- constructor: 2\n`,
      { checkpoint: { fields: { constructor: '2' } } },
    ],
  ])('that %s', (_, text, judgement) => {
    expect(judge(text, { from: 'tester' })).toMatchObject({ verdict: 'whole', ...judgement });
  });

  it.each([
    'Tester',
    'TESTER',
    'tester',
    'Tester (Claude)',
    'Tester Instance',
    'Tester Agent 2',
    '`tester`',
    '[TESTER]',
    'Tester → Orchestrator',
  ])('may write the role tester as %s', (from) => {
    expect(judge(DONE.replace('Tester', from), { from: 'tester' }).verdict).toBe('whole');
  });

  it.each(['Testers', 'Tester-unit', 'Implementer', 'Orchestrator (for the Tester)', '<role>'])(
    'is not from the tester as %s',
    (from) => {
      expect(judge(DONE.replace('Tester', from), { from: 'tester' }).verdict).toBe('malformed');
    },
  );

  it('keeps every field and only numbers as metrics', () => {
    const judgement = judge(
      `${HEAD}## Test Results\n- Total: 28\n- Total: 9\n- Rate: ~87.5%\n- Load: Low (avg 2.1)\n- at 10:30 it ended\n`,
    );
    expect(judgement).toMatchObject({
      checkpoint: {
        fields: { Total: '28', Rate: '~87.5%', Load: 'Low (avg 2.1)' },
        metrics: { Total: 28, Rate: 87.5 },
      },
    });
    expect(judgement.verdict === 'whole' && Object.keys(judgement.checkpoint.metrics)).toEqual(['Total', 'Rate']);
  });
});

describe('KEY=VALUE lines', () => {
  const file = 'preflight_analysis_complete.checkpoint';
  it.each<[string, string, object]>([
    [
      'with a message of two lines',
      'STATUS=complete\nMESSAGE=one\ntwo\n',
      { verdict: 'whole', settle: 'short', checkpoint: { title: 'one\ntwo' } },
    ],
    ['without a message', 'STATUS=complete\n', { verdict: 'whole', settle: 'long', checkpoint: { title: file } }],
    [
      'waiting for a human',
      'STATUS=AWAITING_APPROVAL\nMESSAGE=m\n',
      { verdict: 'whole', checkpoint: { gate: 'human' } },
    ],
    ['without a status', 'TIMESTAMP=now\n', { verdict: 'unfinished', line: 1, expected: 'a line STATUS=…' }],
    [
      'of another feature',
      'STATUS=complete\nFEATURE=billing\n',
      { verdict: 'malformed', line: 2, expected: 'Feature: auth-api' },
    ],
    ['cut in a key', 'STAT', { verdict: 'unfinished', line: 1 }],
    [
      'that are prose',
      'all done\n',
      { verdict: 'malformed', line: 1, found: 'all done', expected: 'a line KEY=VALUE' },
    ],
    ['that are Markdown after all', DONE, { verdict: 'whole', settle: 'short' }],
  ])('%s', (_, text, judgement) => {
    expect(judge(text, { file, from: 'tester' })).toMatchObject(judgement);
  });
});

describe('any text', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '# ',
      '## ',
      '## Next Action\n',
      '```',
      '~~~~\n',
      '**',
      '**From:** ',
      'Feature: ',
      '- ',
      ': ',
      '\n',
      '\r\n',
      '=',
      'STATUS=',
      '\uFEFF',
    ),
  );

  it('is judged without an error, and alike each time', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.boolean(), (pieces, pairs) => {
        const text = pieces.join('');
        const expected = { from: 'tester', file: pairs ? 'a.checkpoint' : 'a.md' };
        const judgement = judge(text, expected);
        if (judgement.verdict !== 'whole') expect(judgement.line).toBeGreaterThan(0);
        expect(judge(text, expected)).toEqual(judgement);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps its verdict when lines end with CRLF', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('').replaceAll('\r', '');
        expect(judge(text.replaceAll('\n', '\r\n')).verdict).toBe(judge(text).verdict);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [
      'a long report',
      `${HEAD}## Work Completed\n${'- Label of a line: 17 of them, with some words after it\n'.repeat(600)}`,
    ],
    ['signs without a letter', `${HEAD}## A\n${'*-: '.repeat(8200)}\n`],
    ['one role of many parts', `# T\n**From:** ${'-1'.repeat(16_000)}\n`],
    ['one long label', `# T\n${' '.repeat(16_000)}${'a '.repeat(8000)}:\n`],
    ['many headings', `# T\n${'## A\n'.repeat(6500)}`],
    ['many fences', `# T\n${'```\n'.repeat(8000)}`],
    ['backticks', `# T\n${'`'.repeat(32_000)}\n`],
    ['pairs', 'KEY=VALUE\n'.repeat(3200)],
    ['a long value', `STATUS=a\n${'x\n'.repeat(16_000)}`],
  ])('of 32 KB holds nobody up: %s', (_, text) => {
    const times = Array.from({ length: 9 }, () => {
      const start = performance.now();
      judge(text, {
        from: 'tester',
        file: text.includes('=') ? 'a.checkpoint' : 'a.md',
        sections: ['No such section'],
      });
      return performance.now() - start;
    });
    // What takes its time goes by the square of the length and needs seconds; how fast it is otherwise, the bench says.
    expect(Math.min(...times)).toBeLessThan(250);
  });
});
