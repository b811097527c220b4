import { describe, expect, test } from 'vitest';
import { argumentsOf, stdioCommand } from '../../../src/doors/cli/client-words.ts';
import type { ReachOptions, Remote, RemoteAnswer, Target } from '../../../src/doors/mcp/remote.ts';
import { cli } from './rig.ts';
import type { CliRun } from './rig.ts';

type Request = readonly [method: string, params: Readonly<Record<string, unknown>>];

interface Played extends CliRun {
  readonly requests: readonly Request[];
  readonly reached: readonly (Target & ReachOptions)[];
  closed(): number;
}

/** Runs `tmops client …` against a played server. */
function played(
  words: readonly string[],
  answers: (...request: Request) => RemoteAnswer,
  part: Partial<Remote> = {},
): Played {
  const requests: Request[] = [];
  const reached: (Target & ReachOptions)[] = [];
  let closed = 0;
  const remote: Remote = {
    server: 'played 1',
    offers: ['tools', 'resources', 'prompts'],
    request: (...request) => {
      requests.push(request);
      return Promise.resolve(answers(...request));
    },
    close: () => Promise.resolve((closed += 1) > 0 ? null : null),
    ...part,
  };
  const client = (target: Target, options: ReachOptions) => {
    reached.push({ ...target, ...options });
    return Promise.resolve({ ok: true as const, remote });
  };
  return { ...cli(words, { ports: { client } }), requests, reached, closed: () => closed };
}

const ok = (result: Readonly<Record<string, unknown>>): RemoteAnswer => ({ ok: true, result });

describe('what it is to speak to', () => {
  test.each<[string, Partial<Target & ReachOptions>]>([
    ['client ping', { kind: 'own', timeoutMs: 60_000 }],
    ['client ping --socket', { kind: 'socket' }],
    ['client --timeout 1.5 ping --http http://x/mcp', { kind: 'http', url: 'http://x/mcp', timeoutMs: 1500 }],
    ['client ping --http http://x --token-file t', { kind: 'http', url: 'http://x', tokenFile: 't' }],
    ['--json client ping --stdio node s.js --json -x', { kind: 'stdio', command: ['node', 's.js', '--json', '-x'] }],
  ])('tmops %s', async (words, target) => {
    const run = played(words.split(' '), () => ok({}));
    expect(await run.code).toBe(0);
    expect(run.reached).toMatchObject([target]);
    expect(run.closed()).toBe(1);
  });

  test('only a client has a command behind --stdio', () => {
    expect(stdioCommand(['demo', '--stdio', 'x'])).toEqual({ words: ['demo', '--stdio', 'x'], command: null });
    expect(stdioCommand(['client', 'ping', '--stdio'])).toEqual({ words: ['client', 'ping'], command: [] });
  });
});

describe('arguments', () => {
  const schema = {
    type: 'object',
    properties: {
      text: { type: 'string' },
      n: { type: 'integer' },
      any: { anyOf: [{ type: 'number' }, { type: 'null' }] },
      both: { type: ['string', 'null'] },
      some: {},
    },
  };
  test.each<[string[], unknown]>([
    [[], {}],
    [['text=1', 'n=1'], { text: '1', n: 1 }],
    [['n=one'], { n: 'one' }],
    [['both=null', 'some=1', 'other=true'], { both: 'null', some: '1', other: 'true' }],
    [['any=null'], { any: null }],
    [['any=1.5'], { any: 1.5 }],
    [['text=a=b', 'text2='], { text: 'a=b', text2: '' }],
    [['{"n":', '2}'], { n: 2 }],
    [['toString=x'], { toString: 'x' }],
  ])('%j', (words, values) => {
    expect(argumentsOf(words, schema)).toEqual({ ok: true, values });
  });

  test('a name of the language is a name like others', () => {
    const read = argumentsOf(['__proto__=x']);
    expect(read.ok && Object.keys(read.values)).toEqual(['__proto__']);
  });

  test.each([[['text']], [['=x']], [['n=1', 'n=2']], [['{"n":']], [['[1]']]])('%j cannot be read', (words) => {
    expect(argumentsOf(words, schema)).toMatchObject({ ok: false, failure: { code: 'bad-arguments' } });
  });
});

describe('what it prints', () => {
  const TOOL = { name: 'cut', title: 'Cut', inputSchema: { properties: { at: {}, why: {} }, required: ['at'] } };

  test('lists are read to their last page', async () => {
    const pages: Record<string, RemoteAnswer> = {
      '': ok({ tools: [TOOL], nextCursor: 'a' }),
      a: ok({ tools: [{ name: 'paste\u001b[2J', description: 'Paste.' }] }),
    };
    const run = played(['client', 'tools'], (_method, { cursor = '' }) => pages[String(cursor)] ?? ok({}));
    expect(await run.code).toBe(0);
    expect(run.requests).toEqual([
      ['tools/list', {}],
      ['tools/list', { cursor: 'a' }],
    ]);
    expect(run.out()).toBe('  TOOL   ARGUMENTS  DOES\n  cut    at [why]   Cut\n  paste             Paste.\n');
  });

  test('a server whose list has no end is left after a hundred pages', async () => {
    const run = played(['--json', 'client', 'prompts'], () => ok({ prompts: [{}], nextCursor: 'again' }));
    expect(await run.code).toBe(0);
    expect(run.requests).toHaveLength(100);
  });

  test.each<[string[], Record<string, unknown>, string]>([
    [
      ['call', 'x'],
      {
        content: [
          { type: 'text', text: 'a\u202eb' },
          { type: 'image', data: '' },
        ],
      },
      'ab\n(image: --json shows it)\n',
    ],
    [['call', 'x'], { content: [], structuredContent: { a: '\u001b' } }, '{\n  "a": "\\u001b"\n}\n'],
    [['read', 'x'], { contents: [{ uri: 'x', blob: 'AAAA' }] }, '(x: 3 bytes; --json shows them in base64)\n'],
    [['prompt', 'x'], { messages: [{ role: 'user', content: { type: 'text', text: 'Hi' } }] }, '[user]\nHi\n'],
    [['tools'], { tools: 'none' }, 'It offers no tool.\n'],
    [['prompts'], {}, 'It offers no prompt.\n'],
    [['resources'], {}, 'It has no resource now.\n'],
  ])('%j of %j', async (words, result, out) => {
    const run = played(['client', ...words], () => ok(result));
    expect(await run.code).toBe(0);
    expect(run.out()).toBe(out);
  });

  test('a server without templates has resources all the same', async () => {
    const refused = { code: 'not-offered', sentence: 'No.', hint: '' };
    const run = played(['client', 'resources'], (method) =>
      method === 'resources/list' ? ok({ resources: [{ uri: 'a:b', name: 'it' }] }) : { ok: false, failure: refused },
    );
    expect(await run.code).toBe(0);
    expect(run.out()).toContain('a:b');
  });

  test('what is not offered is not asked for', async () => {
    const run = played(['client', 'read', 'a:b'], () => ok({}), { offers: ['tools'] });
    expect(await run.code).toBe(1);
    expect(run.requests).toEqual([]);
    expect(run.err()).toBe('played 1 offers no resources.\n  It offers: tools.\n');
    expect(run.closed()).toBe(1);
  });
});

test.each([['client'], ['client call']])('help of %s', async (words) => {
  const run = cli([...words.split(' '), '--help']);
  expect(await run.code).toBe(0);
  await expect(run.out()).toMatchFileSnapshot(`../../golden/cli/help-${words.replace(' ', '-')}.txt`);
});
