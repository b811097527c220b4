import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { classifyClaude } from '../../src/adapters/agents/claude-screen.ts';
import { loadSignatures } from '../../src/adapters/agents/claude-signatures.ts';
import { packagedFile } from '../../src/adapters/agents/packaged-file.ts';
import { classifyRehearsal } from '../../src/adapters/agents/rehearsal-screen.ts';
import type { Screen } from '../../src/core/screen.ts';
import { CONTROL, damaged, each, fuzz, FUZZ_TIMEOUT_MS, strung } from '../rig/fuzz.ts';
import { hostile, HOSTILE } from '../rig/hostile.ts';

const GOLDEN = new URL('../golden/claude/', import.meta.url).pathname;
const signatures = await loadSignatures(packagedFile('claude-code.yaml'));
/** The small panes: every form of screen is among them. */
const golden = readdirSync(GOLDEN)
  .filter((file) => /\.(39|40)x/.test(file))
  .map((file) => readFileSync(join(GOLDEN, file), 'utf8'));

const RULE = '─'.repeat(40);
const rehearsed = [
  `text\n${RULE}\n❯ draft\n${RULE}\n  ? for shortcuts\n`,
  `text\n${RULE}\n Allow?\n ❯ 1. Yes\n   2. No\n\n Esc to cancel · Tab to amend\n`,
  `text\n${RULE}\n Which?\n   1. A\n ❯ 2. B\n   3. Type something.\n\nEnter to select · ↑/↓ to navigate · Esc to cancel\n`,
];

const piece = fc.oneof(
  fc.constantFrom('\x1b[2m', '\x1b[7m', '\x1b[0m', '\x1b[38;2;1;2;3m', '\x1b[', '\x1b]8;;x\x1b\\', '\x07', ';', 'm'),
  fc.constantFrom(
    `\n${RULE}\n`,
    '\n❯ ',
    '\n❯\u00a0',
    '\n!',
    '\n ❯ 1. ',
    '\n   2. ',
    '\n ❯  ',
    '\n ❯ ✔ ',
    '↑ 3. ',
    '  ',
  ),
  fc.constantFrom(
    '\n Esc to cancel · Tab to amend',
    '\n\n Enter to confirm · Esc to cancel',
    '…',
    '\n',
    '3. Type something.',
  ),
  hostile,
);
const capture = fc.oneof(damaged([...golden, ...rehearsed], piece), strung(piece, 14));

type Answering = NonNullable<Extract<Screen, { kind: 'dialog' }>['answering']>;

/** Null, or what is wrong with the way to answer it. What would be answered by keys has to be on the screen. */
function wrongAnswering(answering: Answering, choices: readonly string[]): string | null {
  if (answering.kind === 'in-the-pane') return answering.why === '' ? 'no reason' : null;
  const { marked, short, fields, rows } = answering;
  const isChoice = (index: number): boolean => choices[index] !== undefined;
  if (!isChoice(marked)) return `choice ${marked} is marked, which is not there`;
  if (short.length !== choices.length || !fields.every(isChoice)) return 'other choices than it shows';
  return rows[0].includes('❯') ? null : 'the marked row has no mark';
}

/** Null, or what is wrong: a screen is only said to be what somebody could see that it is. */
function wrongWith(screen: Screen, given: string): string | null {
  switch (screen.kind) {
    case 'composer':
    case 'composer-mode':
      // Nothing is typed where no box is drawn.
      return /❯|!/.test(given) && ruledRows(given) >= 2 ? null : 'an input box out of nothing';
    case 'dialog': {
      if (screen.dialog.hint === '' || screen.dialog.name === '') return 'a question without a name or a hint';
      return screen.answering ? wrongAnswering(screen.answering, screen.dialog.choices) : null;
    }
    case 'view':
      return screen.name === '' ? 'a view without a name' : null;
    case 'unknown':
      return null;
  }
}

const ruledRows = (given: string): number => given.split('\n').filter((row) => row.includes('─')).length;

/** What a screen says of itself, to be shown to a human elsewhere. */
const shown = (screen: Screen): string => {
  if (screen.kind === 'dialog') return screen.dialog.text + screen.dialog.choices.join('');
  return screen.kind === 'composer' || screen.kind === 'composer-mode' ? screen.draft : '';
};

function checkClaude(given: string): void {
  const screen = classifyClaude(given, signatures);
  const wrong = wrongWith(screen, given);
  if (wrong !== null) throw new Error(wrong);
  if (screen.kind === 'dialog' && screen.dialog.text.length > 2000) throw new Error('a question without a bound');
  if (CONTROL.test(shown(screen))) throw new Error('control characters of a terminal');
}

function checkRehearsal(given: string): void {
  const wrong = wrongWith(classifyRehearsal(given), given);
  if (wrong !== null) throw new Error(wrong);
}

test('any screen of a Claude Code is of a known kind, and no more than it shows', { timeout: FUZZ_TIMEOUT_MS }, () => {
  fuzz('screens of a Claude Code', capture, checkClaude);
});

test('any screen of a rehearsal agent', { timeout: FUZZ_TIMEOUT_MS }, () => {
  fuzz('screens of a rehearsal agent', capture, checkRehearsal);
});

test('the known hostile texts, alone, in the box, in a question and as a choice', () => {
  const all = HOSTILE.flatMap((value) => [
    value,
    ...rehearsed.map((text) => text.replace('draft', () => value)),
    ...rehearsed.map((text) => text.replace(/Allow\?|Which\?/, () => value)),
    ...rehearsed.map((text) => text.replace(/Yes|A\n/, () => `${value}\n`)),
  ]);
  each('hostile screens', all, (given) => {
    checkClaude(given);
    checkRehearsal(given);
  });
});

test('what an agent prints is no input box and no question, whatever it says', { timeout: FUZZ_TIMEOUT_MS }, () => {
  const printed = fc.array(hostile, { maxLength: 8 }).map((lines) => lines.join('\n'));
  fuzz(
    'text above the box',
    printed,
    (text) => {
      const above = text.replaceAll(/[\x1b\x9b]/g, '');
      const screen = classifyClaude(`● ${above}\n\n${RULE}\n❯\u00a0\n${RULE}\n  ? for shortcuts\n`, signatures);
      expect(screen).toMatchObject({ kind: 'composer', draft: '' });
      expect(classifyClaude(text, signatures).kind).toBe('unknown');
    },
    20_000,
  );
});

test.each([
  ['rules', `${RULE}\n`.repeat(2000)],
  ['rules with choices', `${RULE}\n ❯ 1. Yes\n`.repeat(500)],
  [
    'choices',
    `${RULE}\n ❯ 1. Yes\n${Array.from({ length: 5000 }, (_, at) => `   ${at + 2}. No\n`).join('')} Esc to cancel`,
  ],
  ['spaces', `${' '.repeat(20_000)}x\n ❯ 1. Yes\n\n Esc to cancel`],
  ['attributes', '\x1b[2m'.repeat(50_000)],
  ['attributes without an end', `\x1b[${'2;'.repeat(50_000)}`],
  ['links without an end', '\x1b]8;;'.repeat(50_000)],
  ['one row', 'x'.repeat(200_000)],
])('a screen that aims at time or memory: %s', (_, bomb) => {
  each('large screens', [bomb], (given) => {
    checkClaude(given);
    checkRehearsal(given);
  });
});
