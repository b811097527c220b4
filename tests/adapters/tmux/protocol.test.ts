import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { controlParser, unescapeOutput } from '../../../src/adapters/tmux/protocol.ts';
import type { ControlMessage } from '../../../src/adapters/tmux/protocol.ts';

function parse(text: string | Buffer): ControlMessage[] {
  return controlParser().push(Buffer.from(text));
}

const block = (lines: string[], end = 'end', flags = 1) =>
  [`%begin 1795197236 268 ${flags}`, ...lines, `%${end} 1795197236 268 ${flags}`, ''].join('\n');

const cases: { name: string; text: string; gives: ControlMessage[] }[] = [
  {
    name: 'a reply of ours',
    text: block(['A', 'B']),
    gives: [{ kind: 'reply', ours: true, ok: true, lines: ['A', 'B'] }],
  },
  { name: 'an empty reply', text: block([]), gives: [{ kind: 'reply', ours: true, ok: true, lines: [] }] },
  {
    name: 'an empty line in a reply',
    text: block(['']),
    gives: [{ kind: 'reply', ours: true, ok: true, lines: [''] }],
  },
  {
    name: 'a reply that nobody asked for',
    text: block([], 'end', 0),
    gives: [{ kind: 'reply', ours: false, ok: true, lines: [] }],
  },
  {
    name: 'an error',
    text: block(["can't find pane: %99"], 'error'),
    gives: [{ kind: 'reply', ours: true, ok: false, lines: ["can't find pane: %99"] }],
  },
  {
    name: 'text that looks like the protocol inside of a reply',
    text: block(['%end 1 2 1', '%exit', '%begin 1795197236 268 1', '%end 1795197236 269 1', '%output %1 x']),
    gives: [
      {
        kind: 'reply',
        ours: true,
        ok: true,
        lines: ['%end 1 2 1', '%exit', '%begin 1795197236 268 1', '%end 1795197236 269 1', '%output %1 x'],
      },
    ],
  },
  {
    name: 'text that guesses the end of its own reply',
    text: block(['%end 1795197236 268 1', 'rest']),
    gives: [
      { kind: 'reply', ours: true, ok: true, lines: [] },
      { kind: 'stray', text: 'rest' },
      { kind: 'broken', why: 'an unexpected line: "%end 1795197236 268 1"' },
    ],
  },
  {
    name: 'notifications',
    text: '%session-changed $0 a b\n%sessions-changed\n%client-detached /dev/pts/3\n',
    gives: [
      { kind: 'notice', name: 'session-changed', words: ['$0', 'a', 'b'] },
      { kind: 'notice', name: 'sessions-changed', words: [] },
      { kind: 'notice', name: 'client-detached', words: ['/dev/pts/3'] },
    ],
  },
  {
    name: 'output with escapes',
    text: '%output %12 a\\033[1m\\134 \\015\\012é\n',
    gives: [{ kind: 'output', pane: '%12', bytes: Buffer.from('a\x1b[1m\\ \r\né') }],
  },
  { name: 'an exit', text: '%exit\n', gives: [{ kind: 'exit', why: '' }] },
  { name: 'an exit with a reason', text: '%exit server exited\n', gives: [{ kind: 'exit', why: 'server exited' }] },
  {
    name: 'an end out of place',
    text: '%end 1 2 1\n%exit\n',
    gives: [{ kind: 'broken', why: 'an unexpected line: "%end 1 2 1"' }],
  },
  { name: 'what a hook printed', text: 'Welcome\n', gives: [{ kind: 'stray', text: 'Welcome' }] },
  { name: 'an unfinished line', text: '%exi', gives: [] },
];

describe('the parser of control mode', () => {
  it.each(cases)('reads $name', ({ text, gives }) => {
    expect(parse(text)).toEqual(gives);
  });

  it('gives the same for bytes cut anywhere', () => {
    const whole = Buffer.from(
      cases
        .filter((each) => !each.gives.some((m) => m.kind === 'broken'))
        .map((each) => each.text)
        .join(''),
    );
    fc.assert(
      fc.property(fc.array(fc.nat({ max: whole.length }), { maxLength: 30 }), (points) => {
        const cuts = [0, ...points.sort((a, b) => a - b), whole.length];
        const parser = controlParser();
        const pieces = cuts.slice(1).flatMap((cut, index) => parser.push(whole.subarray(cuts[index], cut)));
        expect(pieces).toEqual(controlParser().push(whole));
      }),
    );
  });

  it('takes any bytes without throwing and stays broken once it is', () => {
    const word = fc.constantFrom(
      '%begin 1 2 1\n',
      '%end 1 2 1\n',
      '%error 1 2 1\n',
      '%output %1 \\03',
      '%exit\n',
      '\n',
      '\\',
    );
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      word.map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const parser = controlParser();
        const messages = pieces.flatMap((bytes) => parser.push(bytes));
        const broken = messages.findIndex((message) => message.kind === 'broken');
        expect(broken === -1 || broken === messages.length - 1).toBe(true);
      }),
    );
  });

  it('gives back any text that does not guess its own end', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''))), (lines) => {
        expect(parse(block(lines))).toEqual([{ kind: 'reply', ours: true, ok: true, lines }]);
      }),
    );
  });

  it.each([
    { name: 'a line', text: `%${'x'.repeat(70)}` },
    { name: 'a line that comes whole', text: `%output %1 ${'x'.repeat(70)}\n` },
    { name: 'a reply', text: block(Array.from({ length: 40 }, () => 'x')) },
  ])('gives up on $name over the limit', ({ text }) => {
    expect(controlParser(64).push(Buffer.from(text)).at(-1)?.kind).toBe('broken');
  });
});

describe('unescapeOutput', () => {
  it('undoes the escapes of tmux for any bytes', () => {
    const escape = (bytes: Uint8Array) =>
      Buffer.concat(
        [...bytes].map((byte) =>
          byte < 0x20 || byte === 0x5c ? Buffer.from(`\\${byte.toString(8).padStart(3, '0')}`) : Buffer.of(byte),
        ),
      );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect([...unescapeOutput(escape(bytes))]).toEqual([...bytes]);
      }),
    );
  });
});
