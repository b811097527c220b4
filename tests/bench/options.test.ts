import { expect, it } from 'vitest';
import { PARTS, readOptions } from './options.ts';

it('measures every part but Claude Code when nothing is asked for', () => {
  const read = readOptions([]);
  expect(read).toEqual({
    kind: 'run',
    options: {
      quick: false,
      parts: ['hand-offs', 'hold', 'mcp-start', 'mcp-call', 'mcp-http', 'targets', 'recovery', 'idle', 'demo'],
    },
  });
});

it.each([
  [['--only', 'idle'], ['idle']],
  [
    ['--only', 'idle', '--only=mcp-call'],
    ['mcp-call', 'idle'],
  ],
  [['--claude'], ['claude']],
  [
    ['--claude', '--only', 'targets'],
    ['targets', 'claude'],
  ],
])('%j measures %j', (argv, parts) => {
  expect(readOptions(argv)).toMatchObject({ kind: 'run', options: { parts } });
});

it('takes the place of the figures and the small extent', () => {
  expect(readOptions(['--quick', '--json', 'a.json'])).toMatchObject({
    options: { quick: true, json: 'a.json' },
  });
});

it('names each part in its help', () => {
  const read = readOptions(['--help']);
  expect(read.kind).toBe('help');
  for (const name of Object.keys(PARTS)) expect(read.kind === 'help' ? read.text : '').toContain(`  ${name} `);
});

it.each([
  [['--onyl', 'idle'], "Unknown option '--onyl'"],
  [['idle'], "Unexpected argument 'idle'"],
  [['--only'], "Option '--only <value>' argument missing"],
  [
    ['--only', 'idel'],
    'There is no part "idel". Parts: hand-offs, hold, mcp-start, mcp-call, mcp-http, targets, recovery, idle, demo, claude',
  ],
  [['--only', 'toString'], 'There is no part "toString"'],
])('%j is refused in one line', (argv, why) => {
  const read = readOptions(argv);
  expect(read).toMatchObject({ kind: 'refused' });
  if (read.kind !== 'refused') return;
  expect(read.why).toContain(why);
  expect(read.why).not.toContain('\n');
});
