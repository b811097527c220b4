import { describe, expect, it } from 'vitest';
import { judgeCheckpoint } from '../../src/core/checkpoint.ts';
import { checkpointText } from '../rig/product.ts';

const EXPECTED = { file: '003-tests-complete.md', from: 'tester', feature: 'auth-api', kind: 'checkpoint' } as const;
const PAGE = checkpointText('auth-api', 'Tester', 'Orchestrator');
const judge = (text: string): ReturnType<typeof judgeCheckpoint> => judgeCheckpoint(text, EXPECTED);

describe('front matter of a checkpoint', () => {
  it('may hold plain lines', () => {
    expect(judge(`---\nauthor: The Tester\n# a remark\nempty:\n\n---\n${PAGE}`).verdict).toBe('whole');
  });

  it.each([
    'a: &a [x, x]',
    'b: *a',
    'b: {c: d}',
    '- *a',
    'c: !!js/function x',
    'd: |',
    '  nested: yes',
    '__proto__',
    '<<: *a',
  ])('may not hold %s', (line) => {
    expect(judge(`---\nauthor: The Tester\n${line}\n---\n${PAGE}`)).toEqual({
      verdict: 'malformed',
      line: 3,
      found: line,
      expected: 'front matter of plain `key: value` lines, or none',
    });
  });

  it('is not judged by a line that is still being written', () => {
    expect(judge('---\nauth').verdict).toBe('unfinished');
  });
});

describe('nesting in a checkpoint', () => {
  const deep = (depth: number): string => PAGE.replace('- Done: yes', '[{'.repeat(depth / 2));

  it('is bounded, over lines as well', () => {
    expect(judge(deep(100)).verdict).toBe('whole');
    expect(judge(deep(102))).toMatchObject({ line: 9, expected: 'at most 100 brackets or braces open at once' });
    expect(judge(deep(102).replaceAll('{', '{\n'))).toMatchObject({ verdict: 'malformed' });
  });

  it('begins anew with each paragraph, so that prose may leave one open', () => {
    expect(judge(PAGE.replace('- Done: yes', 'one [ open\n\n'.repeat(200))).verdict).toBe('whole');
  });

  it('is looked at in linear time', () => {
    const began = performance.now();
    judge(`---\n${`${'a'.repeat(60)}: ${' '.repeat(3000)}\n`.repeat(80)}`);
    judge(PAGE + '[]'.repeat(100_000));
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
