import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeCheckpoint, type Checkpoint, type Judgement } from '../../src/core/checkpoint.ts';
import { damaged, each, fuzz, FUZZ_TIMEOUT_MS, strung } from '../rig/fuzz.ts';
import { hostile, HOSTILE } from '../rig/hostile.ts';

const GOLDEN = new URL('../golden/checkpoints/', import.meta.url).pathname;
const golden = readdirSync(GOLDEN).map((file) => readFileSync(join(GOLDEN, file), 'utf8'));

const EXPECTED = { feature: 'auth-api', from: 'tester', kind: 'checkpoint', maxChars: 20_000 } as const;
const DONE =
  '# Checkpoint: 003-tests-complete.md\n**From:** Tester\n**Feature:** auth-api\n\n## Work Completed\n- Tests written: 3\n\n## Next Action\ngo on\n';

const piece = fc.oneof(
  fc.constantFrom('# ', '## ', '\n## Next Action\n', '```\n', '~~~~\n', '**From:** ', '\nFeature: ', '- ', ': ', '\n'),
  fc.constantFrom('\r\n', '=', 'STATUS=', '\nMESSAGE=', 'Gate: ', 'AWAITING_APPROVAL', '- [x] **', '\t', '1'),
  hostile,
);
const text = fc.oneof(damaged([...golden, DONE], piece), strung(piece, 10));

/** What is read out of a text is data of the text and nothing else. */
function soundCheckpoint(checkpoint: Checkpoint): boolean {
  const { title, gate, sections, fields, metrics } = checkpoint;
  const plain = [fields, metrics].every((map) => Object.getPrototypeOf(map) === Object.prototype);
  const texts = [title, ...Object.values(fields), ...sections.flatMap(({ heading, lines }) => [heading, ...lines])];
  return (
    plain &&
    texts.every((each) => typeof each === 'string') &&
    [null, 'auto', 'human'].includes(gate) &&
    Object.entries(metrics).every(([label, number]) => Object.hasOwn(fields, label) && Number.isFinite(number))
  );
}

/** Null, or what is wrong with the judgement. */
function wrongWith(given: string, judgement: Judgement): string | null {
  if (judgement.verdict === 'whole') {
    if (given.includes('\0') || given.includes('\uFFFD') || given.length > EXPECTED.maxChars) return 'not refused';
    return soundCheckpoint(judgement.checkpoint) ? null : 'a checkpoint of other things than its text';
  }
  const { line, found, expected } = judgement;
  if (line < 1 || line > given.split('\n').length) return `line ${line} is not there`;
  if (found.length > 81 || expected === '' || expected.length > 200) return `found ${found}, expected ${expected}`;
  return null;
}

const judge = (given: string, file: string): Judgement => judgeCheckpoint(given, { ...EXPECTED, file });

function check(given: string): void {
  for (const file of ['003-tests-complete.md', 'tests.checkpoint']) {
    const wrong = wrongWith(given, judge(given, file));
    if (wrong !== null) throw new Error(`${file}: ${wrong}`);
  }
}

test('any text gets a verdict that names a line of it and what is expected', { timeout: FUZZ_TIMEOUT_MS }, () => {
  fuzz('texts of checkpoints', text, check);
});

test('the known hostile texts, alone and at each place of a checkpoint', () => {
  const places = DONE.split('\n').map((_, index, lines) => [lines.slice(0, index), lines.slice(index)] as const);
  const all = HOSTILE.flatMap((value) => [
    value,
    ...places.map(([before, after]) => [...before, value, ...after].join('\n')),
    `STATUS=${value}\nMESSAGE=${value}\n`,
  ]);
  each('hostile checkpoints', all, check);
});

test('a checkpoint of another role or feature is never taken, whatever it calls itself', () => {
  const name = fc.oneof(hostile, fc.constantFrom('verifier', 'testers', 'auth-api2', 'auth', 'auth-api/../billing'));
  const claimed = fc.tuple(fc.constantFrom('From', 'Feature'), name).filter(([, value]) => isAName(value));
  fuzz('names in checkpoints', claimed, ([label, value]) => {
    const own = label === 'From' ? '**From:** Tester' : '**Feature:** auth-api';
    expect(judge(DONE.replace(own, `**${label}:** ${value}`), 'a.md').verdict).not.toBe('whole');
  });
});

/** A line with at least one letter that the expected names do not begin with: the others are read as those names. */
const isAName = (value: string): boolean =>
  /^[a-z]/i.test(value) && !/[\r\n]/.test(value) && !/^(tester|auth-api)\b(?!\/)/i.test(value.trim());

const K = 1024;
test.each([
  ['headings', '# T\n' + '## A\n'.repeat(50 * K)],
  ['fences', '# T\n' + '```\n'.repeat(60 * K)],
  ['one line', `# T\n${'x '.repeat(120 * K)}\n`],
  ['labels', `# T\n## A\n${'a: b\n'.repeat(50 * K)}`],
  ['marks', `# T\n## A\n${'**- [x] '.repeat(30 * K)}\n`],
  ['pairs', 'KEY=\n'.repeat(50 * K)],
  ['more than is allowed', 'x'.repeat(300 * K)],
  ['YAML that grows', `a: &a [x,x]\n${Array.from({ length: 99 }, (_, at) => `b${at}: [*a,*a]`).join('\n')}`],
  ['JSON that is deep', '['.repeat(200 * K)],
])('a text that aims at time or memory: %s', (_, bomb) => {
  each('large checkpoints', [bomb], (given) => {
    const judgement = judgeCheckpoint(given, { feature: 'auth-api', from: 'tester', kind: 'checkpoint', file: 'a.md' });
    expect(['whole', 'unfinished', 'malformed']).toContain(judgement.verdict);
    if (given.length > 256 * K) expect(judgement.verdict).toBe('malformed');
  });
});
