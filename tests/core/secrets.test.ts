import { describe, expect, it, test } from 'vitest';
import type { Finding } from '../../src/core/event.ts';
import { hidingIn, withoutSecrets } from '../../src/core/foreign.ts';
import { hiding, REDACTED, secretsOf } from '../../src/core/secrets.ts';

const SECRET = 'Zq9-deploy"quoted"-4711';
const hide = hiding([SECRET, 'hunter2hunter2', 'short', 'p@ss/word&more']);

describe('what is hidden in a text', () => {
  const rows: [what: string, text: string, shown: string][] = [
    ['a known value', `a ${SECRET} b`, `a ${REDACTED} b`],
    ['as JSON writes it', `{"a":${JSON.stringify(SECRET)}}`, `{"a":"${REDACTED}"}`],
    ['as an address writes it', `?q=${encodeURIComponent('p@ss/word&more')}`, `?q=${REDACTED}`],
    ['wrapped by a terminal', 'a hunter2hu\nnter2 b', `a ${REDACTED}\n b`],
    ['wrapped inside a box', '│ hunter2hu │\n│ nter2     │', `│ ${REDACTED}\n     │`],
    ['cut off', 'it says "hunter2hunt"', `it says "${REDACTED}"`],
    ['too short to be one', 'short', 'short'],
    ['the password of an address', 'postgres://app:pw77@db/x', `postgres://app:${REDACTED}@db/x`],
    ['a header', 'Authorization: Basic dXNlcjpwYXNz', `Authorization: Basic ${REDACTED}`],
    ['a variable', 'DEPLOY_TOKEN=abcdef123 X=1', `DEPLOY_TOKEN=${REDACTED} X=1`],
    ['a token of an agent', `tmops-agent-${'0f'.repeat(24)}`, REDACTED],
    ['a number is none', 'max_tokens=100000', 'max_tokens=100000'],
    ['a path is none', 'TOKEN_FILE=/run/secrets/x', 'TOKEN_FILE=/run/secrets/x'],
    ['plain words', 'Basic documentation of the bearer', 'Basic documentation of the bearer'],
  ];
  test.each(rows)('%s', (_, text, shown) => {
    expect(hide(text)).toBe(shown);
    expect(hide(shown)).toBe(shown);
  });
});

it('an environment tells its secrets by names and by addresses', () => {
  expect(
    secretsOf({ AWS_ACCESS_KEY: 'a', DB: 'x://u:pw@h/', GPG_PASSPHRASE: 'c', HOME: '/root', NONE: undefined }),
  ).toEqual(['a', 'pw', 'c']);
});

describe('what of a value is looked at', () => {
  it('words of others, wherever they stand, and nothing that names the run', () => {
    const value = { feature: 'hunter2hunter2', list: [{ why: 'hunter2hunter2', shown: ['x hunter2hunter2'] }], at: 3 };
    expect(hidingIn(value, hide)).toEqual({
      feature: 'hunter2hunter2',
      list: [{ why: REDACTED, shown: [`x ${REDACTED}`] }],
      at: 3,
    });
    const plain = { why: 'nothing' };
    expect(hidingIn(plain, hide)).toBe(plain);
  });

  it('of a request: what tests printed, what a checkpoint said, but not the prompt that was taken', () => {
    const finding: Finding = {
      ...{ verdict: 'refuted', rule: 'tests-green', sentence: 'hunter2hunter2', files: [] },
      tail: 'ok\nhunter2hu\nnter2',
    };
    const found = {
      kind: 'check-found',
      step: 's',
      stage: 'after',
      claim: null,
      tookMs: 1,
      found: { ok: false, finding },
    } as const;
    expect(JSON.stringify(withoutSecrets(found, hide))).not.toMatch(/hunter2hu/);
    const news = { kind: 'prompt-taken', text: 'hunter2hunter2 [tmops#1]' } as const;
    const taken = { kind: 'agent-news', role: 'r', evidence: { id: '1', atMs: 1, news } } as const;
    expect(withoutSecrets(taken, hide)).toBe(taken);
  });
});
