import { describe, expect, test } from 'vitest';
import { cannedStatus } from '../../rig/canned.ts';
import { cli, ok, refused } from './rig.ts';
import type { CliRun, CliSetting } from './rig.ts';
import { messageView } from './views.ts';

const [accepted, queued, held] = messageView.deliveries;
const plays = (deliveries: readonly unknown[]): CliSetting => ({
  reply: ({ op }) => ok(op === 'status' ? cannedStatus : { feature: 'auth-api', deliveries }),
});
const run = (argv: readonly string[], stdin?: Uint8Array): CliRun => {
  const started = cli(['message', 'auth-api', ...argv], plays([accepted]));
  if (stdin) started.stdin.end(stdin);
  return started;
};
const sent = ({ asked }: CliRun): unknown => asked.find(({ op }) => op === 'message')?.input;

describe('whom it is for, and what it says', () => {
  test.each<[string, readonly string[], object]>([
    ['a text alone is for all', ['Go on.'], { text: 'Go on.' }],
    ['so is one behind the word all', ['all', 'Go', 'on.'], { text: 'Go on.' }],
    ['the first of several words is the role', ['tester', 'Go', 'on.'], { role: 'tester', text: 'Go on.' }],
    ['a word that is no role is a text', ['continue'], { text: 'continue' }],
    ['a text may have lines, tabs and quotes', ['tester', 'a\n\t"b"\n'], { role: 'tester', text: 'a\n\t"b"\n' }],
    ['words behind -- are words', ['tester', '--', '--help', '-'], { role: 'tester', text: '--help -' }],
    ['--wait is in seconds', ['--wait', '1.5', 'tester', 'Go'], { role: 'tester', text: 'Go', waitMs: 1500 }],
  ])('%s', async (_what, argv, input) => {
    const started = run(argv);
    expect(await started.code).toBe(0);
    expect(sent(started)).toEqual({ feature: 'auth-api', waitMs: 5000, ...input });
  });

  test('a role alone is a text that was forgotten, and nothing is sent', async () => {
    const started = run(['tester']);
    expect(await started.code).toBe(2);
    expect(started.err()).toContain('there is no text for tester.');
    expect(sent(started)).toBeUndefined();
  });
});

describe('the text on standard input', () => {
  const texts: [string, Buffer][] = [
    ['line breaks of every kind', Buffer.from('a\r\nb\n\n')],
    ['a byte order mark', Buffer.from('\uFEFFa\n')],
    ['blanks at both ends', Buffer.from('  a \t')],
    ['signs beyond the basic plane, and invisible ones', Buffer.from('\u{1F600}\u202e\u0000\u001b[31m')],
    ['ninety thousand characters', Buffer.from('é'.repeat(90_000))],
  ];
  test.each(texts)('survives byte by byte: %s', async (_what, bytes) => {
    for (const argv of [['tester', '-'], ['-']]) {
      const started = run(argv, bytes);
      expect(await started.code).toBe(0);
      expect(Buffer.from((sent(started) as { text: string }).text).equals(bytes)).toBe(true);
    }
  });

  test.each<[string, Uint8Array, string]>([
    ['bytes that are no UTF-8', Buffer.from([0x61, 0xff]), 'no text in UTF-8'],
    ['more than a message may have', Buffer.alloc(600_000, 'a'), 'too long'],
    ['nothing at all', Buffer.alloc(0), 'text is ""'],
  ])('is refused: %s', async (_what, bytes, says) => {
    const started = run(['tester', '-'], bytes);
    expect(await started.code).toBe(2);
    expect(started.err()).toContain(says);
    expect(sent(started)).toBeUndefined();
  });
});

describe('what became of it', () => {
  test.each<[string, readonly unknown[], number]>([
    ['0 when each is accepted or queued', [accepted, queued], 0],
    ['1 while one is not', [accepted, held], 1],
  ])('%s', async (_what, deliveries, code) => {
    for (const flags of [[], ['--json']]) {
      const started = cli(['message', 'auth-api', 'all', 'Go on.', ...flags], plays(deliveries));
      expect(await started.code).toBe(code);
      if (flags.length > 0) expect(JSON.parse(started.out())).toEqual({ feature: 'auth-api', deliveries });
      else expect(started.out()).toContain('orchestrator  accepted');
    }
  });

  test('1 when it was refused', async () => {
    const started = cli(['message', 'auth-api', 'tster', 'Go on.'], {
      reply: () => refused('unknown-role', 'auth-api has no role "tster".', 'Its roles: tester.'),
    });
    expect(await started.code).toBe(1);
    expect(started.err()).toBe('auth-api has no role "tster".\n  Its roles: tester.\n');
  });
});
