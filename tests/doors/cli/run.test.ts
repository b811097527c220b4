import { describe, expect, test } from 'vitest';
import { operations } from '../../../src/app/table.ts';
import { cannedStatus } from '../../rig/canned.ts';
import { until } from '../../rig/wait.ts';
import { cli, ok, refused } from './rig.ts';
import type { Asked, CliSetting } from './rig.ts';
import * as views from './views.ts';

const OUTPUTS: Readonly<Record<string, unknown>> = {
  init: views.initView,
  start: views.startView,
  status: cannedStatus,
  list: views.listView,
  wait: views.waitView,
  'read-pane': {
    feature: 'auth-api',
    role: 'tester',
    pane: '%2',
    state: 'busy',
    untrusted_output: 'hi\u001b[2J',
    lines: 1,
  },
  settle: { feature: 'auth-api', prompt: 3, as: 'resend' },
  stop: { feature: 'auth-api', run: 'initial', stopped: true, next: 'tmops start auth-api goes on.' },
  cleanup: views.cleanupView,
  gc: views.gcView,
  take: views.holdersView,
  give: views.holdersView,
  pause: views.pauseView,
  resume: views.pauseView,
  approve: views.gateView,
  reject: views.gateView,
  skip: views.stepView,
  retry: views.stepView,
  redo: views.stepView,
  rollback: views.rollbackView,
  conflict: views.conflictView,
  why: views.whyView,
};
const plays: CliSetting = { reply: ({ op }) => ok(OUTPUTS[op]) };

describe('what is asked of the supervisor', () => {
  test.each<[string, Asked]>([
    ['init auth-api', { op: 'init', input: { feature: 'auth-api', runType: 'initial' } }],
    ['init auth-api --run-type retry', { op: 'init', input: { feature: 'auth-api', runType: 'retry' } }],
    ['start auth-api', { op: 'start', input: { feature: 'auth-api' } }],
    [
      'start auth-api --layout windows --provider rehearsal --trust',
      { op: 'start', input: { feature: 'auth-api', layout: 'windows', provider: 'rehearsal', trust: true } },
    ],
    ['status auth-api', { op: 'status', input: { feature: 'auth-api' } }],
    ['list', { op: 'list', input: {} }],
    ['read-pane auth-api tester', { op: 'read-pane', input: { feature: 'auth-api', role: 'tester', lines: 60 } }],
    [
      'read-pane auth-api tester --lines 5',
      { op: 'read-pane', input: { feature: 'auth-api', role: 'tester', lines: 5 } },
    ],
    ['settle auth-api 3 resend', { op: 'settle', input: { feature: 'auth-api', prompt: 3, as: 'resend' } }],
    ['stop auth-api', { op: 'stop', input: { feature: 'auth-api' } }],
    [
      'cleanup auth-api --discard --dry-run',
      { op: 'cleanup', input: { feature: 'auth-api', discard: true, deleteBranch: false, dryRun: true } },
    ],
    [
      'cleanup auth-api --delete-branch',
      { op: 'cleanup', input: { feature: 'auth-api', discard: false, deleteBranch: true, dryRun: false } },
    ],
    ['gc', { op: 'gc', input: { dryRun: false } }],
    ['gc --dry-run', { op: 'gc', input: { dryRun: true } }],
    ['start auth-api --baseline waived', { op: 'start', input: { feature: 'auth-api', baseline: 'waived' } }],
    ['take auth-api', { op: 'take', input: { feature: 'auth-api' } }],
    ['take auth-api tester', { op: 'take', input: { feature: 'auth-api', role: 'tester' } }],
    ['give auth-api tester', { op: 'give', input: { feature: 'auth-api', role: 'tester' } }],
    ['pause', { op: 'pause', input: {} }],
    ['pause auth-api', { op: 'pause', input: { feature: 'auth-api' } }],
    ['resume', { op: 'resume', input: {} }],
    ['approve auth-api', { op: 'approve', input: { feature: 'auth-api' } }],
    ['approve auth-api --comment fine', { op: 'approve', input: { feature: 'auth-api', comment: 'fine' } }],
    ['reject auth-api --comment vague', { op: 'reject', input: { feature: 'auth-api', comment: 'vague' } }],
    ['skip auth-api', { op: 'skip', input: { feature: 'auth-api' } }],
    [
      'skip auth-api --step testing --why needless',
      { op: 'skip', input: { feature: 'auth-api', step: 'testing', why: 'needless' } },
    ],
    ['retry auth-api', { op: 'retry', input: { feature: 'auth-api' } }],
    ['redo auth-api', { op: 'redo', input: { feature: 'auth-api' } }],
    ['redo auth-api --step testing', { op: 'redo', input: { feature: 'auth-api', step: 'testing' } }],
    ['goto auth-api testing', { op: 'redo', input: { feature: 'auth-api', step: 'testing' } }],
    [
      'goto auth-api testing --why wrong',
      { op: 'redo', input: { feature: 'auth-api', step: 'testing', why: 'wrong' } },
    ],
    [
      'rollback auth-api --to tester --dry-run',
      { op: 'rollback', input: { feature: 'auth-api', to: 'tester', dryRun: true, undo: false } },
    ],
    [
      'rollback auth-api --undo --why wrong',
      { op: 'rollback', input: { feature: 'auth-api', dryRun: false, undo: true, why: 'wrong' } },
    ],
    ['conflict auth-api stash', { op: 'conflict', input: { feature: 'auth-api', how: 'stash' } }],
    ['why auth-api', { op: 'why', input: { feature: 'auth-api' } }],
  ])('tmops %s', async (words, asked) => {
    const run = cli(words.split(' '), plays);
    expect(await run.code).toBe(0);
    expect(run.asked).toEqual([asked]);
    expect(run.err()).toBe('');
    expect(run.out()).not.toMatch(/[^\P{C}\n]/u);
    expect(run.out().length).toBeGreaterThan(10 * Number(!words.startsWith('read-pane')));
  });

  test.each(Object.keys(OUTPUTS))('%s --json prints the output as it is, before or after the words', async (op) => {
    const words: Record<string, string[]> = {
      'read-pane': ['auth-api', 'tester'],
      settle: ['auth-api', '3', 'resend'],
      conflict: ['auth-api', 'stash'],
      list: [],
      gc: [],
      pause: [],
      resume: [],
    };
    for (const argv of [
      [op, ...(words[op] ?? ['auth-api']), '--json'],
      ['--json', op, ...(words[op] ?? ['auth-api'])],
    ]) {
      const run = cli(argv, plays);
      await run.code;
      expect(JSON.parse(run.out())).toEqual(OUTPUTS[op]);
      expect(run.out()).not.toMatch(/[^\P{C}\n]/u);
    }
  });
});

test('every operation is a command, and what else is a command is no operation of a feature', async () => {
  const run = cli(['--help']);
  expect(await run.code).toBe(0);
  const commands = [...run.out().matchAll(/^ {2}([a-z][a-z-]*)(?= )/gm)].map(([, name]) => name);
  const named = Object.values(operations).map(({ name }) => name);
  expect(commands).toEqual(expect.arrayContaining(named));
  // `goto` is `redo` with its step named; the others are of this terminal, of files, or of doors.
  expect(commands.filter((name) => !named.some((each) => each === name)).sort()).toEqual(
    ['attach', 'audit', 'client', 'demo', 'goto', 'help', 'http', 'mcp', 'prompts'].sort(),
  );
});

describe('exit codes and errors', () => {
  test('1: a refusal, with its sentence and its hint on stderr', async () => {
    const run = cli(['status', 'missing']);
    expect(await run.code).toBe(1);
    expect(run.err()).toBe('There is no feature "missing".\n  Run tmops list.\n');
    expect(run.out()).toBe('');
  });

  test('1: a refusal as JSON', async () => {
    const run = cli(['status', 'missing', '--json']);
    expect(await run.code).toBe(1);
    expect(JSON.parse(run.err())).toEqual({
      code: 'feature-unknown',
      sentence: 'There is no feature "missing".',
      hint: 'Run tmops list.',
    });
  });

  test.each([
    ['a bad name', 'status A_B', 'tmops status cannot run: feature is "A_B": a feature name is 3 to 20'],
    ['a bad choice', 'init auth-api --run-type again', '--run-type is "again", not one of initial, retry'],
    ['words for a number', 'settle auth-api three resend', 'prompt is "three", not of type number'],
    ['a number out of bounds', 'read-pane auth-api tester --lines 0', '--lines is 0: '],
    ['a missing word', 'status-all', 'unknown command'],
    ['an unknown command', 'statsu auth-api', 'Did you mean status?'],
    ['an unknown option', 'list --verbose', "unknown option '--verbose'"],
    ['an argument too many', 'list all', 'too many arguments'],
    ['an argument too few', 'start', "missing required argument 'feature'"],
    ['a bad timeout', 'wait auth-api --timeout soon', 'It is a number of seconds'],
    ['a role that is none', 'take auth-api A_B', 'tmops take cannot run: role is "A_B"'],
    ['a step that is none', 'redo auth-api --step A_B', 'tmops redo cannot run: --step is "A_B"'],
    ['a step of goto that is none', 'goto auth-api A_B', 'tmops goto cannot run: step is "A_B"'],
    ['a phase that is none', 'rollback auth-api --to A_B', 'tmops rollback cannot run: --to is "A_B"'],
    ['a way out that is none', 'conflict auth-api keep', 'how is "keep", not one of accept, stash, abort'],
    ['goto without a step', 'goto auth-api', "missing required argument 'step'"],
    ['a message without a text', 'message auth-api', "missing required argument 'words'"],
    ['a message for all without a text', 'message auth-api all', 'there is no text for all.'],
    ['a long wait for a message', 'message auth-api --wait 46 hello', 'It is a number of seconds, 0 to 45.'],
    ['a baseline of another kind', 'start auth-api --baseline no', '--baseline is "no", not one of required, waived'],
    ['nothing at all', '', 'Usage: tmops'],
  ])('2: %s', async (_, words, says) => {
    const run = cli(words === '' ? [] : words.split(' '), plays);
    expect(await run.code).toBe(2);
    expect(run.err()).toContain(says);
    expect(run.out()).toBe('');
    expect(run.asked).toEqual([]);
  });

  test.each([
    'supervisor-late',
    'supervisor-lost',
    'supervisor-incompatible',
    'supervisor-not-started',
    'supervisor-place',
  ])('3: %s', async (code) => {
    const run = cli(['list'], { reply: () => refused(code, 'No.', 'Look.') });
    expect(await run.code).toBe(3);
    expect(run.err()).toBe('No.\n  Look.\n');
  });

  test('3: an answer in an unknown form; --json passes it on', async () => {
    const reply = (): ReturnType<typeof ok> => ok({ novel: true });
    const run = cli(['list'], { reply });
    expect(await run.code).toBe(3);
    expect(run.err()).toContain('in a form that this tmops does not know');
    const json = cli(['list', '--json'], { reply });
    expect(await json.code).toBe(0);
    expect(JSON.parse(json.out())).toEqual({ novel: true });
  });

  test('130: interrupted', async () => {
    const run = cli(['wait', 'auth-api']);
    await until('it waits', () => run.asked.length === 1);
    run.stop();
    expect(await run.code).toBe(130);
  });

  test('a bug is not swallowed', async () => {
    const run = cli(['list'], { reply: () => Promise.reject(new Error('Internal error: x')) });
    await expect(run.code).rejects.toThrow('Internal error: x');
  });

  test('a reader that has seen enough ends it with 0', async () => {
    const run = cli(['events', 'auth-api', '--follow'], {
      reply: ({ op }, signal) =>
        op === 'events'
          ? ok({ feature: 'auth-api', run: 'initial', events: [], cursor: 0 })
          : new Promise((resolve) => {
              signal?.addEventListener('abort', () => {
                resolve(refused('cancelled', 'Cancelled.', ''));
              });
            }),
    });
    await until('it follows', () => run.asked.some(({ op }) => op === 'wait'));
    run.stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    expect(await run.code).toBe(0);
  });
});

describe('help', () => {
  test.each([['--help'], ['help']])('%s lists every command on stdout', async (word) => {
    const run = cli([word]);
    expect(await run.code).toBe(0);
    for (const { name, title } of Object.values(operations)) {
      expect(run.out()).toContain(`  ${name} `);
      expect(run.out()).toContain(title);
    }
    for (const name of ['attach', 'goto', 'mcp', 'client', 'demo']) expect(run.out()).toContain(`  ${name} `);
    expect(run.out()).not.toContain('supervise');
  });

  test("a command's help has the description of its operation", async () => {
    const run = cli(['wait', '--help']);
    expect(await run.code).toBe(0);
    expect(run.out().replaceAll(/\s+/g, ' ')).toContain(operations.wait.description);
    expect(run.out()).toContain('--json');
  });

  test('--version', async () => {
    const run = cli(['--version']);
    expect(await run.code).toBe(0);
    expect(run.out()).toBe('0.1.0\n');
  });
});

describe('commands of this machine', () => {
  test('mcp and supervise go straight to their ports', async () => {
    const given: unknown[] = [];
    const ports = {
      mcp: (choice: unknown) => Promise.resolve(given.push(choice) + 6),
      supervise: (args: readonly string[]) => Promise.resolve(given.push(args) + 6),
    };
    expect(await cli(['mcp'], { ports }).code).toBe(7);
    expect(await cli(['supervise', '--root', '/w', '--json'], { ports }).code).toBe(8);
    expect(given).toEqual([{}, ['--root', '/w', '--json']]);
    expect(await cli(['mcp', '--help'], { ports }).code).toBe(0);
  });

  test('mcp is told which tools to offer', async () => {
    const given: unknown[] = [];
    const mcp = (choice: unknown): Promise<number> => Promise.resolve(given.push(choice) - 1);
    await cli(['mcp', '--toolsets', 'default, upkeep', '--tools', 'tmops_stop'], { ports: { mcp } }).code;
    await cli(['mcp', '--toolsets', '', '--tools=tmops_stop,tmops_wait'], { ports: { mcp } }).code;
    expect(given).toEqual([
      { toolsets: ['default', 'upkeep'], tools: ['tmops_stop'] },
      { toolsets: [], tools: ['tmops_stop', 'tmops_wait'] },
    ]);
    const wrong = cli(['mcp', '--toolsets', 'everything'], { ports: { mcp } });
    expect(await wrong.code).toBe(2);
    expect(wrong.err()).toContain("'everything' is invalid. There are default, upkeep, all.");
  });

  test('demo gets its words', async () => {
    const given: unknown[] = [];
    const demo = (args: readonly string[]): Promise<number> => Promise.resolve(given.push(args) - 1);
    expect(await cli(['demo', '--fast', 'x'], { ports: { demo } }).code).toBe(0);
    expect(given).toEqual([['--fast', 'x']]);
  });

  test.each([
    [true, 0],
    [false, 1],
  ])('doctor (all well: %s) ends with %d and asks no supervisor', async (well, code) => {
    const run = cli(['doctor'], { ports: { doctor: () => Promise.resolve({ ...views.doctorView, ok: well }) } });
    expect(await run.code).toBe(code);
    expect(run.out()).toContain('sudo apt-get install tmux');
    expect(run.asked).toEqual([]);
  });

  test('attach hands over the session; without one it says what to do', async () => {
    const seen: unknown[] = [];
    const attach = (view: { session: string | null }): Promise<number> => Promise.resolve(seen.push(view.session) - 1);
    expect(await cli(['attach', 'auth-api'], { ...plays, ports: { attach } }).code).toBe(0);
    expect(seen).toEqual(['tmops-auth-api']);
    const none = cli(['attach', 'auth-api'], { reply: () => ok(views.completed), ports: { attach } });
    expect(await none.code).toBe(1);
    expect(none.err()).toBe('auth-api has no session now.\n  tmops start auth-api\n');
  });

  test('status without a feature: the only one, or the list; as JSON always the list', async () => {
    const [only] = views.listView.features;
    const one: CliSetting = { reply: ({ op }) => ok(op === 'list' ? { features: [only] } : cannedStatus) };
    const single = cli(['status'], one);
    expect(await single.code).toBe(0);
    expect(single.out()).toContain('Checkpoints');
    const several = cli(['status'], plays);
    expect(await several.code).toBe(0);
    expect(several.out()).toContain('billing');
    const json = cli(['status', '--json'], one);
    await json.code;
    expect(JSON.parse(json.out())).toEqual({ features: [only] });
  });
});
