import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openDialog, press, shownChoices, type Answer } from '../../src/rehearsal/dialogs.ts';
import type { Key } from '../../src/rehearsal/keys.ts';
import { fill, findRule, loadPlay, parsePlay } from '../../src/rehearsal/play.ts';

const shipped = fileURLToPath(new URL('../../config/rehearsal', import.meta.url));

const play = parsePlay(
  `
name: test
roles:
  tester:
    - { when: '/^Read \\S+ and follow/', do: [{ say: instructions }] }
    - { when: '[BEGIN]: Start', do: [{ say: begin }] }
  '*':
    - { when: hello, do: [{ say: hello }] }
`,
  'test.yaml',
);

describe('findRule', () => {
  it.each<[string, string, string[], string | undefined]>([
    ['a regular expression on the line', 'Read a.md and follow it', ['[BEGIN]: Start'], 'instructions'],
    ['a substring', '[BEGIN]: Start test writing [tmops#3]', [], 'begin'],
    ['the text of a named file', '@prompts/0007.md [tmops#7]', ['[BEGIN]: Start test writing'], 'begin'],
    ['a rule for everybody', 'hello there', [], 'hello'],
    ['nothing', 'other', [], undefined],
  ])('finds by %s', (_, line, fileTexts, said) => {
    const rule = findRule(play, 'tester', { line, fileTexts });
    const action = rule?.do[0];
    expect(action !== undefined && 'say' in action ? action.say : undefined).toBe(said);
  });

  it('knows no rule of another role', () => {
    expect(findRule(play, 'verifier', { line: '[BEGIN]: Start', fileTexts: [] })).toBeNull();
  });
});

describe('plays', () => {
  it('fills in known names and leaves others', () => {
    expect(fill('{feature} {unknown} {ROLE}', { feature: 'a', ROLE: 'TESTER' })).toBe('a {unknown} TESTER');
  });

  it.each([
    ['roles: [', /bad\.yaml:1: /],
    ['name: x\nroles:\n  tester:\n    - { when: a, do: [{ dance: now }] }', /bad\.yaml is not a play/],
    ['name: x\nroles:\n  tester:\n    - { when: a, do: [{ say: a, think: { ms: 1 } }] }', /bad\.yaml is not a play/],
    ["name: x\nroles:\n  tester:\n    - { when: '/a(/' }", /bad\.yaml is not a play:\n.*is no regular expression/],
  ])('refuses %j', (text, message) => {
    expect(() => parsePlay(text, 'bad.yaml')).toThrow(message);
  });

  it.each(readdirSync(shipped))('ships %s', (file) => {
    expect(`${loadPlay(`${shipped}/${file}`).name}.yaml`).toBe(file);
  });

  it.each(['demo.yaml', 'instant.yaml'])('ships %s with every step of the four roles', (file) => {
    const { roles } = loadPlay(`${shipped}/${file}`);
    const lines = {
      orchestrator: [
        'Start orchestration for x',
        'Tester has completed',
        'Implementer has completed',
        'Verifier has completed',
      ],
      tester: ['Start test writing'],
      implementer: ['Start implementation'],
      verifier: ['Start verification'],
    };
    const written = Object.entries(lines).flatMap(([role, words]) =>
      words.map((line) => {
        const tag = line.startsWith('Start') ? 'BEGIN' : 'CONFIRMED';
        const rule = findRule({ name: file, roles }, role, { line: `[${tag}]: ${line} [tmops#4]`, fileTexts: [] });
        return rule?.do.flatMap((action) => ('checkpoint' in action ? [action.checkpoint.file] : [])).join();
      }),
    );
    expect(written).toEqual([
      ...['001-discovery-trigger.md', '004-impl-trigger.md', '006-verify-trigger.md', 'SUMMARY.md'],
      ...['003-tests-complete.md', '005-impl-complete.md', '007-verify-complete.md'],
    ]);
  });
});

describe('dialogs', () => {
  const enter: Key = { kind: 'enter' };
  const down: Key = { kind: 'down' };
  const pasted: Key = { kind: 'paste', text: 'our prompt' };
  const typed = (text: string): Key => ({ kind: 'text', text });

  it.each<[Parameters<typeof openDialog>[0], string, Key[], Answer | undefined]>([
    ['trust', 'Enter', [enter], { kind: 'chosen', choice: 'No, exit', index: 0 }],
    ['trust', 'down, Enter', [down, enter], { kind: 'chosen', choice: 'Yes, I trust this folder', index: 1 }],
    ['permission', 'paste, Enter', [pasted, enter], { kind: 'chosen', choice: '1. Yes', index: 0 }],
    ['permission', 'a burst that begins with a digit', [typed('3 prompts')], undefined],
    ['permission', 'a digit', [typed('3')], { kind: 'chosen', choice: '3. No', index: 2 }],
    ['permission', 'Escape', [{ kind: 'escape' }], { kind: 'cancelled' }],
    ['question', 'paste, Enter', [pasted, enter], { kind: 'typed', text: 'our prompt' }],
    ['question', 'Enter', [enter], { kind: 'chosen', choice: '1. The first', index: 0 }],
    ['question', 'a digit', [typed('2')], { kind: 'chosen', choice: '2. The second', index: 1 }],
    [
      'question',
      'the free text with digits',
      [typed('3'), typed('4'), typed('2'), enter],
      { kind: 'typed', text: '42' },
    ],
    ['limit', 'Enter', [enter], { kind: 'chosen', choice: '1. Stop and wait for the limit to reset', index: 0 }],
  ])('%s: %s', (name, _, keys, expected) => {
    let dialog = openDialog(name);
    let answer: Answer | undefined;
    for (const key of keys) ({ dialog, answer } = { answer: undefined, ...press(dialog, key) });
    expect(answer).toEqual(expected);
  });

  it('shows what was pasted as the free choice', () => {
    const { dialog } = press(openDialog('question'), pasted);
    expect(shownChoices(dialog)[2]).toBe('3. our prompt');
  });
});
