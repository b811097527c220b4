import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askByChild } from '../../../src/adapters/tmux/child.ts';
import type { Server } from '../../../src/adapters/tmux/child.ts';
import type { Ask } from '../../../src/adapters/tmux/commands.ts';
import { ControlConnection } from '../../../src/adapters/tmux/connection.ts';
import { wholeRowPattern } from '../../../src/adapters/tmux/text.ts';
import { privateServer } from '../../rig/tmux.ts';
import type { PrivateServer } from '../../rig/tmux.ts';
import { until } from '../../rig/wait.ts';

let rig: PrivateServer;
let server: Server;
let connection: ControlConnection;
let byConnection: Ask;
let byChild: Ask;

beforeAll(async () => {
  rig = await privateServer();
  await rig.run('new-session', '-d', '-s', 'quoting', 'sleep 1000');
  server = { tmux: 'tmux', arguments: ['-L', rig.socketName], env: rig.env, answerWithinMs: 5000 };
  connection = new ControlConnection(server, 'quoting', () => undefined);
  await until('the connection is attached', () => connection.usable);
  byConnection = (chain) => connection.ask(chain);
  byChild = (chain) => askByChild(server, chain);
});

afterAll(async () => {
  await connection.close();
  await rig.end();
});

/** Read by a process: through a connection show-buffer escapes what it shows. */
async function roundTrip(ask: Ask, text: string): Promise<unknown> {
  const reply = await ask([['set-buffer', '-b', 'trial', '--', text]], { repeatable: true });
  return reply.kind === 'done' ? rig.run('show-buffer', '-b', 'trial') : reply;
}

const awkward = [
  ';',
  'a;',
  'a\\;',
  '\\',
  'a\\',
  '\\\\',
  "'",
  "''",
  `"'"`,
  '$HOME',
  '~',
  '~root',
  '#{pane_id}',
  '#',
  '# x',
  '%1',
  '%if 1',
  '-x',
  '--',
  '{',
  '}',
  'a=b',
  ' lead',
  'trail ',
  '\ttab',
  '`id`',
  '$(id)',
  '\\n',
  '\\033',
  'é🙂漢字',
  'e\u0301',
  '\u00a0',
  'a\rb',
  '\r',
];

describe('text on its way to tmux', () => {
  it.each(awkward)('keeps %j by both ways', async (text) => {
    expect(await roundTrip(byConnection, text)).toEqual(text);
    expect(await roundTrip(byChild, text)).toEqual(text);
  });

  it('keeps any printable line through the connection', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...Array.from(`;'"\\$~#{}% a`)) }),
    );
    const printable = line.map((text) => text.replace(/[\p{Cc}\p{Cs}]/gu, '')).filter((text) => text !== '');
    await fc.assert(
      fc.asyncProperty(printable, async (text) => {
        expect(await roundTrip(byConnection, text)).toEqual(text);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps any printable line through a process', async () => {
    const line = fc.string({ unit: fc.constantFrom(...Array.from(`;'"\\$~#{}% aé🙂`)), minLength: 1 });
    await fc.assert(
      fc.asyncProperty(line, async (text) => {
        expect(await roundTrip(byChild, text)).toEqual(text);
      }),
      { numRuns: 50 },
    );
  });

  it('matches pipelined replies to their requests', async () => {
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        connection.ask(
          index % 5 === 0 ? [['show-buffer', '-b', `none${index}`]] : [['display-message', '-p', `n${index}`]],
        ),
      ),
    );
    replies.forEach((reply, index) => {
      if (index % 5 === 0) expect(reply).toEqual({ kind: 'error', message: `no buffer none${index}` });
      else expect(reply).toEqual({ kind: 'done', outputs: [[`n${index}`]] });
    });
  });
});

describe('the search for a row', () => {
  const rows = [
    '@.tmops/a/current/prompts/0007.md [tmops#7]',
    'Read {this}, then "that" — it\'s (all) $5 + 100% *now*? ^|~`',
    '#{pane_id} #[fg=red] #(id) ##,#}',
    'a\\b [[:alpha:]] [.x.] [^y] x{2,3}',
    '❯ Grüße, 漢字 🙂 é [tmops#12]',
    'e\u0301clair',
  ];

  it.each(rows)('finds %s and only that', async (row) => {
    const program = ['sh', '-c', 'printf "first\\n%s\\nlast\\n" "$1"; exec sleep 1000', 'sh', row];
    const pane = await rig.run('new-window', '-d', '-P', '-F', '#{pane_id}', '--', ...program);
    await until('the row is shown', async () => (await rig.run('capture-pane', '-p', '-t', pane)).includes('last'));
    const finds = async (end: string) => {
      const guard = `#{&&:1,#{C/r:${wholeRowPattern(end)}}}`;
      const branches = ['display-message -p yes', 'display-message -p no'];
      const reply = await byConnection([['if-shell', '-F', '-t', pane, guard, ...branches]], { repeatable: true });
      return reply.kind === 'done' ? reply.outputs[0] : reply;
    };
    expect(await finds(row)).toEqual(['yes']);
    expect(await finds(`${row}x`)).toEqual(['no']);
    expect(await finds(row.replace(/[a-z](?=[^a-z]*$)/, 'Q'))).toEqual(['no']);
    expect(await finds(row.slice(0, -1).trimEnd())).toEqual(['no']);
    expect(await finds(row.slice(1).trimStart())).toEqual(['no']);
  });
});
