import { describe, expect, it } from 'vitest';
import { layOver } from '../../src/core/lay-over.ts';
import { workflowFile, writeRulesOf, type WriteRules } from '../../src/core/workflow.ts';
import { outside, writableBy, writeRulesWord } from '../../src/core/write-rules.ts';

const PATHS = [
  'src/a.js',
  'package.json',
  '.github/workflows/ci.yml',
  'test/a.js',
  'tests/.hidden/b.js',
  'src/a.test.js',
  'src/.b.spec.ts',
  'pkg/__tests__/c.js',
  'pkg/c_test.go',
  'pkg/test_d.py',
  'src/tests.js',
  'testing/e.js',
  'app/[id]/page.test.tsx',
  'tests/a\nb.js',
];
const TESTS = [3, 4, 5, 6, 7, 8, 9, 12, 13].map((index) => PATHS[index]);

/** The rules of the roles that a workflow file says nothing else about. */
const rulesOf = (role: object): WriteRules | null => {
  const file = workflowFile.parse({
    name: 'mine',
    roles: { dev: { title: 'Dev', instructions: 'dev.md', ...role } },
    steps: [{ id: 'work', role: 'dev', prompt: 'Work', checkpoint: '001.md' }],
  });
  const result = layOver(null, file);
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return writeRulesOf(result.workflow, 'dev');
};
const rules = (role: object): WriteRules => rulesOf(role) ?? { allow: null, deny: [] };

describe('what a role may write', () => {
  it('is everything where nothing is said', () => {
    expect(rulesOf({})).toBeNull();
  });

  it('is only tests, or everything but tests, wherever they stand and whatever their names', () => {
    expect(outside(rules({ deny_writes: ['{tests}'] }), PATHS)).toEqual(TESTS);
    expect(outside(rules({ allow_writes: ['{tests}'] }), PATHS)).toEqual(PATHS.filter((path) => !TESTS.includes(path)));
  });

  it('is nothing where the list is empty', () => {
    expect(outside(rules({ allow_writes: [] }), PATHS)).toEqual(PATHS);
  });

  it('is what is allowed and not denied', () => {
    const isWritable = writableBy(rules({ allow_writes: ['src/**'], deny_writes: ['**/*.test.*'] }));
    expect(PATHS.filter(isWritable)).toEqual(['src/a.js', 'src/.b.spec.ts', 'src/tests.js']);
  });

  it.each([
    ['src', ['src', 'src/a', 'src/a/b']],
    ['src/', ['src', 'src/a', 'src/a/b']],
    ['./src/**', ['src', 'src/a', 'src/a/b']],
    ['packages/*/src/', ['packages/x/src/a']],
    ['*.md', ['a.md']],
    ['{a,b}/**', ['a', 'a/x', 'b/y']],
    ['docs/[ab].md', ['docs/a.md']],
  ])('%s', (glob, matched) => {
    const others = ['srcs', 'x/src/a', 'packages/src/a', 'docs/x.md', 'c/x'];
    expect(outside({ allow: null, deny: [glob] }, [...matched, ...others])).toEqual(matched);
  });

  it('is said in words', () => {
    expect(writeRulesWord({ allow: [], deny: [] })).toBe('nothing in the project');
    expect(writeRulesWord({ allow: ['test/**'], deny: [] })).toBe('test/**');
    expect(writeRulesWord({ allow: null, deny: ['a', 'b', 'c'] })).toBe('everything but a, b and c');
  });
});

it.each(['', '/etc/**', '../x', 'a/../b', '!src/**', 'a\nb'])('the glob %j is refused', (glob) => {
  expect(() => rulesOf({ deny_writes: [glob] })).toThrow(/glob of paths/);
});
