import { describe, expect, test } from 'vitest';
import type { PromptCommands, PromptFault } from '../../../src/doors/cli/prompts.ts';
import { renderList } from '../../../src/doors/cli/prompts.ts';
import { noInk } from '../../../src/doors/cli/look.ts';
import type { VersionListing } from '../../../src/prompts/listing.ts';
import { cli, ok, refused } from './rig.ts';

const NOW = Date.parse('2026-01-02T12:00:00.000Z');

const version = (more: Partial<VersionListing>): VersionListing => ({
  name: 'unblock',
  version: '1.0.0',
  title: 'Unblock a feature',
  description: 'Finds out why a feature does not go on.',
  tags: ['steering'],
  origin: 'shipped',
  file: '/usr/lib/tmops/config/prompts/unblock.md',
  arguments: [
    { name: 'feature', description: 'Name of the feature', required: true },
    { name: 'step', description: 'A step', required: false },
  ],
  served: 'compared',
  share: 70,
  uses: 14,
  watched: 10,
  movedOn: 8,
  lastAt: '2026-01-02T11:55:00.000Z',
  ...more,
});

const VERSIONS: readonly VersionListing[] = [
  version({
    name: 'own',
    served: 'pinned',
    origin: 'workspace',
    share: 100,
    uses: 1,
    watched: 0,
    movedOn: 0,
    tags: [],
  }),
  version({}),
  version({ version: '1.1.0', share: 30, uses: 6, watched: 4, movedOn: 1 }),
  version({ version: '0.9.0', served: null, share: 0, uses: 0, watched: 0, movedOn: 0, lastAt: null }),
  version({ name: 'z', served: 'highest', share: 100, uses: 0, watched: 0, movedOn: 0, lastAt: null, arguments: [] }),
];
const FAULT: PromptFault = {
  file: '/w/a.md',
  line: 3,
  column: 1,
  text: '/w/a.md:3:1: unknown key x\u001b[31m\n  expected y',
};

const never = (): Promise<never> => Promise.reject(new Error('This is not for this test'));
const having = (commands: Partial<PromptCommands>) => ({
  ports: { prompts: { list: never, validate: never, test: never, ...commands } },
});

test.each<[string, readonly string[]]>([
  ['prompts-list', renderList(VERSIONS, [], { columns: Infinity, ink: noInk, now: NOW })],
  ['prompts-list-faults', renderList(VERSIONS.slice(0, 1), [FAULT], { columns: 60, ink: noInk, now: NOW })],
])('%s is as in tests/golden/cli', async (name, lines) => {
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`../../golden/cli/${name}.txt`);
});

test.each([[], ['list'], ['render'], ['validate'], ['test']])(
  'the help of prompts %s is as in tests/golden/cli',
  async (...words) => {
    const run = cli(['prompts', ...words, '--help']);
    expect(await run.code).toBe(0);
    await expect(run.out()).toMatchFileSnapshot(`../../golden/cli/${['help-prompts', ...words].join('-')}.txt`);
  },
);

describe('render', () => {
  const text = {
    prompt: 'unblock',
    version: '1.0.0',
    title: 'T',
    description: 'D',
    served: 'asked',
    text: 'Do\u001b[31m it\n',
  };

  test('asks for the prompt, its version and its arguments, and for no count', async () => {
    const run = cli(['prompts', 'render', 'unblock@1.0.0', 'feature=auth-api', 'note=a=b'], { reply: () => ok(text) });
    expect(await run.code).toBe(0);
    expect(run.asked).toEqual([
      {
        op: 'prompt-render',
        input: { prompt: 'unblock', version: '1.0.0', arguments: { feature: 'auth-api', note: 'a=b' }, count: false },
      },
    ]);
    expect(run.out()).toBe('Do it\n');
  });

  test('gives all of it as JSON', async () => {
    const run = cli(['--json', 'prompts', 'render', 'unblock'], { reply: () => ok(text) });
    expect(await run.code).toBe(0);
    expect(JSON.parse(run.out())).toEqual(text);
  });

  test('words that are no arguments are not understood', async () => {
    const run = cli(['prompts', 'render', 'unblock', 'auth-api']);
    expect(await run.code).toBe(2);
    expect(run.err()).toContain('"auth-api" is not of the form argument=value.');
  });

  test.each<[string, number]>([
    ['prompt-arguments', 2],
    ['prompt-unusable', 1],
    ['supervisor-lost', 3],
  ])('%s ends with %i', async (code, exit) => {
    const run = cli(['prompts', 'render', 'unblock'], { reply: () => refused(code, 'It is not so.', 'Do this.') });
    expect(await run.code).toBe(exit);
    expect(run.err()).toContain('It is not so.');
  });
});

describe('validate', () => {
  test('ends with 1 where something is wrong, and says where', async () => {
    const validate: PromptCommands['validate'] = (files) =>
      Promise.resolve({ ok: true, checked: files, faults: [FAULT] });
    const run = cli(['prompts', 'validate', 'a.md', 'b.md'], having({ validate }));
    expect(await run.code).toBe(1);
    expect(run.out()).toBe('/w/a.md:3:1: unknown key x\n  expected y\n\nFaults: 1, in 2 files.\n');
  });

  test('ends with 0 where nothing is', async () => {
    const validate: PromptCommands['validate'] = () => Promise.resolve({ ok: true, checked: ['a', 'b'], faults: [] });
    const run = cli(['prompts', 'validate'], having({ validate }));
    expect(await run.code).toBe(0);
    expect(run.out()).toBe('Files checked: 2. Nothing is wrong with them.\n');
  });
});

describe('test', () => {
  const result = { prompt: 'unblock', version: '1.0.0', file: '/w/unblock.md', line: 12, failures: [] };

  test('counts what passed and what failed', async () => {
    const results = [result, { ...result, line: 15, failures: ['"x" is not in it'] }];
    const run = cli(['prompts', 'test'], having({ test: () => Promise.resolve({ ok: true, results, faults: [] }) }));
    expect(await run.code).toBe(1);
    expect(run.out()).toBe('/w/unblock.md:15: unblock 1.0.0: "x" is not in it\n1 passed, 1 failed.\n');
  });

  test('gives each as JSON', async () => {
    const tests = (): ReturnType<PromptCommands['test']> =>
      Promise.resolve({ ok: true, results: [result], faults: [] });
    const run = cli(['prompts', 'test', '--json'], having({ test: tests }));
    expect(await run.code).toBe(0);
    expect(JSON.parse(run.out())).toEqual({ ok: true, passed: 1, failed: 0, results: [result], faults: [] });
  });
});
