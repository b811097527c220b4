import { describe, expect, test } from 'vitest';
import { scrubber } from '../../../src/adapters/log/scrub.ts';
import { hiding, REDACTED, secretsOf } from '../../../src/core/secrets.ts';

const scrub = scrubber(hiding(['hunter2hunter2', 'short', 'hunter2hunter2-and-more']));

describe('secrets', () => {
  test('text under a name that means a secret', () => {
    const facts = {
      apiKey: 'a',
      api_key: 'b',
      'x-api-key': 'c',
      token: 'd',
      authorization: 'e',
      Cookie: 'f',
      passwd: 'g',
      password: 'h',
      clientSecret: 'i',
      tokens: 12,
      token_count: 3,
      passed: 'yes',
      author: 'me',
      key: 'k',
      empty: '',
      tokenNone: '',
    };
    const { tokens, token_count, passed, author, key, empty, tokenNone, ...hidden } = scrub.facts(facts);
    expect({ tokens, token_count, passed, author, key, empty, tokenNone }).toEqual({
      tokens: 12,
      token_count: 3,
      passed: 'yes',
      author: 'me',
      key: 'k',
      empty: '',
      tokenNone: '',
    });
    expect(new Set(Object.values(hidden))).toEqual(new Set([REDACTED]));
  });

  test('deep inside, in lists and in errors', () => {
    const error = Object.assign(new Error('with hunter2hunter2'), { token: 'x', cause: new Error('hunter2hunter2') });
    const shown = JSON.stringify(scrub.facts({ a: [{ env: { ANTHROPIC_API_KEY: 'zzz' } }], error }));
    expect(shown).not.toMatch(/hunter2|zzz|"x"/);
    expect(shown).toContain(`"ANTHROPIC_API_KEY":"${REDACTED}"`);
  });

  const texts: [string, string][] = [
    ['a hunter2hunter2 b hunter2hunter2', `a ${REDACTED} b ${REDACTED}`],
    ['hunter2hunter2-and-more', REDACTED],
    ['short stays', 'short stays'],
    ['Authorization: Bearer abcdefgh.ijkl', `Authorization: ${REDACTED}`],
    [`sk-${'a1b2'.repeat(5)} and sk-short`, `${REDACTED} and sk-short`],
    ['the bearer of news', 'the bearer of news'],
  ];
  test.each(texts)('%s', (text, shown) => {
    expect(scrub.text(text)).toBe(shown);
  });

  test('are found in an environment by their names', () => {
    const env = {
      ANTHROPIC_API_KEY: 'k1',
      GH_TOKEN: 'k2',
      PATH: '/bin',
      DB_PASSWORD: 'k3',
      MONKEY: 'no',
      GONE_TOKEN: undefined,
    };
    expect(secretsOf(env)).toEqual(['k1', 'k2', 'k3']);
  });
});

describe('any fact fits into a line', () => {
  const loop: Record<string, unknown> = { name: 'loop' };
  loop['self'] = loop;
  const rows: [string, unknown, unknown][] = [
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['no date', new Date(NaN), null],
    ['bytes', Buffer.alloc(3), '[3 bytes]'],
    ['a big integer', 10n, '10'],
    ['a function', () => 1, '[function]'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['nothing', null, null],
    ['long text', 'x'.repeat(5000), `${'x'.repeat(4096)}… (5000 characters)`],
    ['a long list', Array.from({ length: 100 }, (_, at) => at), Array.from({ length: 64 }, (_, at) => at)],
  ];
  test.each(rows)('%s', (_, value, shown) => {
    expect(scrub.facts({ value })).toEqual({ value: shown });
  });

  test('a loop ends', () => {
    expect(JSON.stringify(scrub.facts(loop))).toMatch(/"self":"\[deeper\]"/);
  });

  test('an error keeps its own facts and its cause', () => {
    const error = Object.assign(new TypeError('outer', { cause: new Error('inner') }), { code: 'EX', argv: ['a'] });
    expect(scrub.facts({ error })).toMatchObject({
      error: {
        name: 'TypeError',
        message: 'outer',
        code: 'EX',
        argv: ['a'],
        cause: { name: 'Error', message: 'inner' },
      },
    });
  });
});
