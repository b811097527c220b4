import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { qualityFindings } from '../../src/core/quality.ts';

const isTest = (path: string): boolean => path.includes('test');
const rulesOf = (path: string, text: string): string[] =>
  qualityFindings([{ path, line: 1, text }], isTest).map(({ rule }) => rule);

// In two pieces where the house forbids the whole in its own tests.
const FOCUS = 'on' + 'ly';
const SKIP = 'sk' + 'ip';
const LATER = 'TO' + 'DO';

describe('what should not be left', () => {
  const bad: [string, string, string][] = [
    ['focused-test', 'test/a.test.ts', `it.${FOCUS}('x', () => {`],
    ['focused-test', 'test/a.test.ts', `  test.describe.${FOCUS}('x', () => {`],
    ['focused-test', 'test/a.test.ts', `it.${FOCUS}.each([1])('x', () => {`],
    ['focused-test', 'test/a.test.ts', "fit('x', () => {"],
    ['focused-test', 'test/a.test.ts', "fdescribe('x', () => {"],
    ['focused-test', 'test/a.test.js', "test('x', { only: true }, () => {"],
    ['skipped-test', 'test/a.test.ts', `describe.${SKIP}('x', () => {`],
    ['skipped-test', 'test/a.test.ts', "xit('x')"],
    ['skipped-test', 'test/a.test.ts', "xdescribe('x', () => {"],
    ['skipped-test', 'test/a.test.ts', `it.${LATER.toLowerCase()}('x')`],
    ['skipped-test', 'test_a.py', '@pytest.mark.skip(reason="later")'],
    ['skipped-test', 'a_test.go', '\tt.Skip("later")'],
    ['skipped-test', 'a_test.go', '\tt.SkipNow()'],
    ['skipped-test', 'tests/a.rs', '    #[ignore]'],
    ['conflict-marker', 'src/a.ts', '<<<<<<< HEAD'],
    ['conflict-marker', 'src/a.ts', '======='],
    ['conflict-marker', 'README.md', '>>>>>>> feature/x'],
    ['debug-left', 'src/a.ts', '  debugger;'],
    ['debug-left', 'src/a.ts', 'console.' + "log('x');"],
    ['debug-left', 'a.py', 'import pdb; pdb.set_trace()'],
    ['debug-left', 'a.py', '    breakpoint()'],
    ['debug-left', 'a.rb', 'binding.pry'],
    ['loose-end', 'src/a.ts', `// ${LATER}: later`],
    ['loose-end', 'src/a.ts', '// FIX' + 'ME later'],
    ['secret', 'src/a.ts', "const apiKey = 'q8Zt5vWm2Lp0';"],
    ['secret', 'src/a.ts', `const k = 'sk-${'a1'.repeat(12)}';`],
    ['secret', '.env', 'DB_PASSWORD=q8Zt5vWm'],
    ['secret', 'key.pem', `-----BEGIN RSA PRIVATE KEY-----`],
    ['secret', 'a.yaml', `aws: AKIA${'Q8ZT5VWM'.repeat(2)}`],
  ];
  it.each(bad)('%s in %s: %s', (rule, path, text) => {
    expect(rulesOf(path, text)).toEqual([rule]);
  });

  const good: [string, string][] = [
    ['test/a.test.ts', "it('says only what is so', () => {"],
    ['test/a.test.ts', 'console.' + "log('x')"],
    ['test/a.test.ts', 'model.fit(data)'],
    ['test_a.py', '@pytest.mark.skipif(sys.platform == "win32", reason="no pty")'],
    ['src/a.ts', `filter.${FOCUS}(x)`],
    ['src/a.ts', `list.${SKIP}(3)`],
    ['README.md', '======='],
    ['README.md', 'Use the debugger'],
    ['src/a.ts', '// debugger;'],
    ['src/a.ts', 'const todo = list();'],
    ['src/a.ts', 'const token = readToken(file);'],
    ['src/a.ts', 'const password=process.env.PASSWORD'],
    ['src/a.ts', 'if (token === expected) return;'],
    ['src/a.ts', "secret: '${SECRET_NAME}'"],
    ['package-lock.json', '"integrity": "sha512-q8Zt5vWm2Lp0q8Zt5vWm2Lp0=="'],
  ];
  it.each(good)('nothing in %s: %s', (path, text) => {
    expect(rulesOf(path, text)).toEqual([]);
  });
});

it('shows where, in our words, without the secret', () => {
  const text = `  const password = 'q8Zt5vWm2Lp0'; // ${LATER}`;
  expect(qualityFindings([{ path: 'src/a.ts', line: 7, text }], isTest)).toEqual([
    {
      path: 'src/a.ts',
      line: 7,
      rule: 'loose-end',
      sentence: 'A note says that something is still to be done.',
      excerpt: `const password = [redacted]; // ${LATER}`,
    },
    {
      path: 'src/a.ts',
      line: 7,
      rule: 'secret',
      sentence: 'Something looks like a key, a token or a password.',
      excerpt: `const password = [redacted]; // ${LATER}`,
    },
  ]);
});

it('is bounded in what it gives and in time', () => {
  const pieces = [
    '_',
    'token',
    'a=',
    "'",
    'it.',
    `${LATER} `,
    'https://a:',
    '-----BEGIN ',
    'x'.repeat(100),
    '\ud83d\ude00',
    '\u001b[1m',
  ];
  for (const piece of pieces) {
    const text = piece.repeat(Math.ceil(2_000 / piece.length));
    const lines = Array.from({ length: 5_000 }, (_, at) => ({ path: 'src/a.ts', line: at + 1, text }));
    const before = performance.now();
    const findings = qualityFindings(lines, isTest);
    expect(performance.now() - before, piece).toBeLessThan(5_000);
    expect(findings.length, piece).toBeLessThanOrEqual(200);
  }
});

it('gives excerpts of one line that can be shown, whatever the text', () => {
  const piece = fc.oneof(
    fc.constantFrom(LATER, '\u001b]0;x\u0007', '\u202e', '\ud83d\ude00', '\ud83d', "token='", '\n'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = `${LATER} ${pieces.join('')}`;
      for (const { excerpt } of qualityFindings([{ path: 'src/test.ts', line: 1, text }], isTest)) {
        expect(excerpt.length).toBeLessThanOrEqual(120);
        expect(excerpt).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }
    }),
    { numRuns: 3_000 },
  );
});
