import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifyClaude } from '../../../src/adapters/agents/claude-screen.ts';
import { loadSignatures } from '../../../src/adapters/agents/claude-signatures.ts';
import { packagedFile } from '../../../src/adapters/agents/packaged-file.ts';
import { dialogKey, isSameDialog, type Dialog, type Screen } from '../../../src/core/screen.ts';

const GOLDEN = new URL('../../golden/claude/', import.meta.url).pathname;
const signatures = await loadSignatures(packagedFile('claude-code.yaml'));
const classify = (capture: string): Screen => classifyClaude(capture, signatures);

const captures = readdirSync(GOLDEN).map((file) => ({
  file,
  state: file.split('.')[0]!,
  capture: readFileSync(join(GOLDEN, file), 'utf8'),
}));

/** Where the box stands is looked at with every capture. */
const rows: unknown = expect.any(Array);
const empty = { kind: 'composer', draft: '', rows, busy: false };
const busy = { ...empty, busy: true };
const draft = (text: string): object => ({
  kind: 'composer',
  draft: text,
  rows,
  busy: false,
});
const menu = (text: string): object => ({ kind: 'composer-mode', mode: 'menu', draft: text });
const dialog = (name: string, choices: unknown = expect.anything()): object => {
  const text: unknown = expect.any(String);
  const hint: unknown = expect.stringMatching(/^.{20,}$/s);
  // How it can be answered is looked at further down.
  const answering: unknown = expect.objectContaining({ kind: expect.any(String) as unknown });
  return { kind: 'dialog', dialog: { name, choices, text, hint }, answering };
};
/** A draft, however it is wrapped. */
const wrapped = (text: string): object => ({ kind: 'composer', draft: text.replaceAll(' ', ''), busy: false });

const OURS = '[BEGIN]: Start test writing [tmops#12]';
const LONG =
  'a long half typed thought of a human that needs more than one row of a pane of eighty columns, and goes on and on until it is at last wrapped';
const MENTION = '@.tmops/auth-api/current/prompts/0007.md [tmops#7]';
const YES_NO_AUTO = [
  '1. Yes',
  '2. Yes, and don’t ask again for: node -e 1',
  '3. Yes, and switch to auto mode · auto mode handles these prompts for you',
  '4. No',
];

const FOUR = ['1. Files one JSON file a session', '2. SQLite one database', '3. Type something.', '4. Chat about this'];

/** By the name of the file before its size. What the small sizes do not show is in the table below. */
const EXPECTED: Readonly<Record<string, object>> = {
  'after-error': empty,
  'after-tricky-text': empty,
  'after-turn': empty,
  'api-key': dialog('api-key', ['Yes', 'No (recommended)']),
  'auto-mode': dialog('auto-mode', []),
  'background-task': empty,
  busy,
  'busy-draft': { ...draft('typed while busy'), busy: true },
  'busy-queued': busy,
  'busy-tool': busy,
  bypass: dialog('bypass', ['No, exit', 'Yes, I accept']),
  'claude-md': dialog('claude-md', ['No, disable external imports', 'Yes, allow external imports']),
  config: dialog('unrecognised'),
  'ctrl-c-once': empty,
  draft: wrapped(OURS),
  'draft-lines': draft('[Pasted text #1 +3 lines]'),
  'draft-long-name': wrapped(OURS),
  'draft-mention': wrapped(MENTION),
  'draft-pasted': draft('[Pasted text #2 +29 lines]'),
  'draft-wrapped': wrapped(LONG),
  exited: { kind: 'unknown' },
  'exit-with-task': dialog('exit', ['1. Exit and stop tasks', '2. Move to background and exit', '3. Stay']),
  'fullscreen-draft': draft('draft in fullscreen'),
  help: dialog('unrecognised', []),
  'history-search': menu(''),
  interrupted: empty,
  'mcp-server': dialog('mcp-server', [
    'Use this MCP server',
    'Use this and all future MCP servers in this project',
    'Continue without using this MCP server',
  ]),
  'mcp-servers': dialog('mcp-server', ['[✔] other', '[✔] more']),
  'menu-file': menu('see @pack'),
  'menu-slash': menu('/'),
  'menu-slash-filtered': menu('/mod'),
  'menu-slash-none': menu('/nothing-like-this'),
  'model-picker': dialog('model'),
  'model-picker-busy': dialog('model'),
  'permission-bash': dialog('permission', YES_NO_AUTO),
  'permission-bash-third': dialog('permission', YES_NO_AUTO),
  'permission-edit': dialog('permission', [
    '1. Yes',
    '2. Yes, and switch to accept edits (auto-approve file edits and common file commands) for this session (shift+tab)',
    '3. No',
  ]),
  'permission-fetch': dialog('permission', [
    '1. Yes',
    "2. Yes, and don't ask again for 127.0.0.1",
    '3. No, and tell Claude what to do differently (esc)',
  ]),
  'permission-mcp': dialog('permission', expect.arrayContaining(['1. Yes'])),
  'permission-write': dialog('permission', [
    '1. Yes',
    '2. Yes, and always allow access to /tmp for this session (shift+tab)',
    '3. No',
  ]),
  'permissions-view': dialog('unrecognised'),
  'plan-approval': dialog('plan', ['1. Yes, and switch to default (ask each time) for this session', '2. No']),
  'prompt-put-back': draft('SLOW'),
  question: dialog('question', expect.arrayContaining(['1. Files one JSON file a session', '4. Chat about this'])),
  'question-field': dialog('question', FOUR),
  'question-last': dialog('question', FOUR),
  'question-review': dialog('question', ['1. Submit answers', '2. Cancel']),
  'question-multi': dialog('question', expect.arrayContaining(['1. [ ] A a', '4. Chat about this'])),
  'question-typed': dialog('question', expect.arrayContaining(['3. [BEGIN]: Start'])),
  ready: empty,
  'ready-auto-notice': empty,
  'ready-dont-ask': empty,
  'ready-long-name': empty,
  'ready-manual': empty,
  'ready-plan': empty,
  'resume-picker': dialog('resume', []),
  rewind: dialog('rewind', ['(current)']),
  'security-notes': dialog('security-notes', []),
  'settings-error': dialog('settings-error', [
    '1. Fix with Claude',
    '2. Exit and fix manually',
    '3. Continue without these settings',
  ]),
  'settings-invalid-json': dialog('settings-error'),
  shell: { kind: 'composer-mode', mode: 'shell', draft: 'ls -la' },
  'shell-empty': { kind: 'composer-mode', mode: 'shell', draft: '' },
  shortcuts: empty,
  stashed: empty,
  suggestion: empty,
  suspended: { kind: 'view', name: 'suspended' },
  theme: dialog('theme', expect.arrayContaining(['Auto (match terminal)'])),
  transcript: { kind: 'view', name: 'transcript' },
  trust: dialog('trust', ['No, exit', 'Yes, I trust this folder']),
};

/** Where a small pane hides what would tell. Each of them still holds a prompt back. */
const HIDDEN: Readonly<Record<string, object>> = {
  'resume-picker.40x12.txt': { kind: 'unknown' },
  'rewind.40x12.txt': dialog('unrecognised', ['(current)']),
  'shortcuts.40x12.txt': { kind: 'unknown' },
};

describe('captured screens', () => {
  test('each has an expectation and each expectation a screen', () => {
    const states = new Set(captures.map((one) => one.state));
    expect([...states].sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  test.each(captures)('$file', ({ file, state, capture }) => {
    const screen = classify(capture);
    const expected = HIDDEN[file] ?? EXPECTED[state]!;
    if (screen.kind === 'composer' && !('rows' in expected))
      expect({ kind: screen.kind, draft: screen.draft.replace(/\s/g, ''), busy: screen.busy }).toEqual(expected);
    else expect(screen).toEqual(expected);
    if (screen.kind === 'composer') expectBox(capture, screen);
  });

  /** What tmux looks for before Enter: the box as a whole, down to the row below the rule that closes it. */
  function expectBox(capture: string, screen: Extract<Screen, { kind: 'composer' }>): void {
    const shown = plain(capture)
      .split('\n')
      .map((row) => row.trimEnd());
    const box = screen.rows.map(({ text }) => text);
    const rule = box.findLastIndex((row) => /^─+$/.test(row));
    const begins = shown.findLastIndex((row) => row === box[0]);
    expect(
      shown
        .slice(begins)
        .filter((row) => row !== '')
        .slice(0, box.length),
    ).toEqual(box);
    expect(screen.rows.map(({ at }) => shown[at - 1])).toEqual(box);
    expect(box[0]).toMatch(/^❯/);
    expect(rule).toBeGreaterThan(0);
    expect(rule).toBeGreaterThanOrEqual(box.length - 2);
    const inside = box.slice(0, rule).join('').slice(1).replace(/\s/g, '');
    if (screen.draft !== '') expect(inside).toBe(screen.draft.replace(/\s/g, ''));
  }
});

describe('how a question can be answered from elsewhere', () => {
  const answeringOf = (file: string): unknown => {
    const screen = classify(captures.find((one) => one.file === `${file}.txt`)!.capture);
    return screen.kind === 'dialog' ? screen.answering : screen;
  };
  const CUT = { kind: 'in-the-pane', why: 'not all of it is on the screen; make the pane larger' };
  const READ = { kind: 'in-the-pane', why: 'it has to be read and answered in the pane' };

  test.each([
    ['permission-bash.109x49', 0, []],
    ['permission-bash.80x24', 0, []],
    ['permission-bash-third.109x49', 2, []],
    ['permission-edit.109x49', 0, []],
    ['permission-fetch.80x24', 0, []],
    ['permission-mcp.109x49', 0, []],
    ['plan-approval.109x49', 0, []],
    ['question.109x49', 0, [2]],
    ['question.80x24', 0, [2]],
    ['question-field.109x49', 2, [2]],
    ['question-last.109x49', 3, [2]],
    ['question-review.109x49', 0, []],
    ['api-key.109x49', 1, []],
    ['claude-md.80x24', 0, []],
    ['mcp-server.109x49', 2, []],
    ['trust.80x24', 0, []],
  ])('%s: by label, choice %i is marked', (file, marked, fields) => {
    expect(answeringOf(file)).toMatchObject({ kind: 'by-label', marked, fields });
  });

  test.each([
    ['permission-bash.40x12', CUT],
    ['permission-edit.40x12', CUT],
    ['question.40x12', CUT],
    ['question-typed.40x12', CUT],
    ['trust.40x12', CUT],
    ['question-typed.109x49', { kind: 'in-the-pane', why: 'somebody is typing a text into it' }],
    ['question-multi.109x49', { kind: 'in-the-pane', why: 'it takes several choices' }],
    ['mcp-servers.109x49', { kind: 'in-the-pane', why: 'it takes several choices' }],
    ['help.109x49', { kind: 'in-the-pane', why: 'tmops does not know this question' }],
    ['settings-error.109x49', READ],
    ['model-picker.80x24', READ],
    ['exit-with-task.109x49', READ],
    ['resume-picker.80x24', READ],
    ['auto-mode.109x49', READ],
  ])('%s: only in the pane', (file, expected) => {
    expect(answeringOf(file)).toEqual(expected);
  });

  test('explanations are no part of a label, wrapped labels are', () => {
    expect(answeringOf('question.109x49')).toMatchObject({
      short: ['1. Files', '2. SQLite', '3. Type something.', '4. Chat about this'],
    });
    expect(answeringOf('permission-edit.80x24')).toMatchObject({
      short: [
        '1. Yes',
        '2. Yes, and switch to accept edits (auto-approve file edits and common file commands) for this session (shift+tab)',
        '3. No',
      ],
    });
  });

  test('its rows are those of the screen, the marked one first', () => {
    const { rows } = answeringOf('permission-bash.109x49') as { rows: readonly string[] };
    const screen = plain(captures.find((one) => one.file === 'permission-bash.109x49.txt')!.capture).split('\n');
    expect(rows[0]).toBe(' ❯ 1. Yes');
    expect(rows).toContain(' node -e 1 && echo ran');
    expect(rows.filter((row) => !screen.includes(row))).toEqual([]);
  });

  test('a question is the same wherever its mark stands, and another one is not', () => {
    const dialogOf = (file: string): Dialog => {
      const screen = classify(captures.find((one) => one.file === `${file}.txt`)!.capture);
      if (screen.kind !== 'dialog') throw new Error(`${file} is no dialog`);
      return screen.dialog;
    };
    const bash = dialogOf('permission-bash.109x49');
    const question = dialogOf('question.109x49');
    expect(isSameDialog(bash, dialogOf('permission-bash-third.109x49'))).toBe(true);
    expect(isSameDialog(bash, dialogOf('permission-bash.80x24'))).toBe(true);
    expect(isSameDialog(question, dialogOf('question-field.109x49'))).toBe(true);
    expect(isSameDialog(question, dialogOf('question-last.109x49'))).toBe(true);
    for (const other of ['permission-write.109x49', 'permission-fetch.109x49', 'question-typed.109x49'])
      expect(isSameDialog(dialogOf(other), other.startsWith('question') ? question : bash)).toBe(false);
    const another = { ...bash, text: bash.text.replace('node -e 1 && echo ran', 'rm -rf /') };
    expect(isSameDialog(bash, another)).toBe(false);
    expect(dialogKey(bash)).not.toBe(dialogKey(another));
  });

  test('a list in the question is not taken for its choices', () => {
    const screen = classify(
      [RULE, ' Ready to code?', '', '   1. do it', '   2. test it', '', ' Would you like to proceed?', ''].join('\n') +
        '\n   1. Yes, and use auto mode\n   2. Yes, and ask\n ❯ 3. No, keep planning\n\n Esc to cancel',
    );
    expect(screen).toMatchObject({
      dialog: { name: 'plan', choices: ['1. Yes, and use auto mode', '2. Yes, and ask', '3. No, keep planning'] },
      answering: { kind: 'by-label', marked: 2 },
    });
  });

  test('a row of many spaces holds nobody up', () => {
    const capture = `${RULE}\n Which?\n${' '.repeat(200_000)}x\n ❯ 1. A\n   2. B\n\n Esc to cancel`;
    expect(classify(capture)).toMatchObject({ dialog: { choices: ['1. A', '2. B'] } });
  });

  test('a scrolled list is not all there', () => {
    const capture = [RULE, ' Which one?', '', ' ↑ 3. C', ' ❯ 4. D', ' ↓ 5. E', '', 'Enter to select'].join('\n');
    expect(classify(capture)).toMatchObject({ dialog: { choices: ['3. C', '4. D', '5. E'] }, answering: CUT });
  });
});

function plain(capture: string): string {
  return capture.replace(/\x1b\[[0-9;]*m/g, '').replace(/[ \u00a0]+\n/g, '\n');
}

const RULE = '─'.repeat(40);
const FOOTER = '  ⏵⏵ accept edits on (shift+tab to cycle)';
const box = (inside: string, above = '● Understood.\n\n✻ Baked for 0s\n'): string =>
  [above, RULE, inside, RULE, FOOTER].join('\n');

describe('drawn by hand', () => {
  test.each([
    ['a ghost with the cursor on its first letter', '❯\u00a0\x1b[7mT\x1b[0;2mry "fix the tests"\x1b[0m', ''],
    ['a ghost without a cursor', '❯\u00a0\x1b[2mTry "fix the tests"\x1b[22m', ''],
    ['a hint behind what somebody typed', '❯\u00a0fix\x1b[2m the tests\x1b[0m', 'fix'],
    ['the cursor at the beginning of what somebody typed', '❯\u00a0\x1b[7mf\x1b[0mix', 'fix'],
    ['one letter with the cursor on it', '❯\u00a0\x1b[7mf\x1b[0m', 'f'],
    ['colours that hold a 2 or a 7', '❯\u00a0\x1b[38;2;2;7;2mred\x1b[48;5;2m green\x1b[0m', 'red green'],
    ['colours in the form with colons', '❯\u00a0\x1b[38:2::2:2:2mred\x1b[0m', 'red'],
    ['a link', '❯\u00a0\x1b]8;;http://x\x1b\\see\x1b]8;;\x1b\\ this', 'see this'],
    ['characters of several units', '❯\u00a0日本 🙂 [tmops#3]', '日本 🙂 [tmops#3]'],
    ['characters that a terminal acts upon', '❯\u00a0a\x07b\x7fc\x9b31md\u0085', 'abc31md'],
    ['rows with an empty one between', '❯\u00a0one\n\n  three', 'one\n\nthree'],
  ])('%s', (_name, inside, text) => {
    expect(classify(box(inside))).toEqual(draft(text));
  });

  test('an attribute set in one row goes on in the next', () => {
    expect(classify(box('❯\u00a0\x1b[2mghost of\n  two rows\x1b[0m'))).toEqual(empty);
  });

  test.each([
    [
      'a question that leaves the box below it',
      box('❯\u00a0', '  1. A\n\n  Enter to save · Esc to cancel\n'),
      'dialog',
    ],
    ['a question below the box', `${box('❯\u00a0')}\n\n  Enter to confirm · Esc to cancel`, 'dialog'],
    ['a list below the box', box('❯\u00a0see @a').replace(FOOTER, '  + a.txt'), 'composer-mode'],
    ['a footer with the cursor in it', box('❯\u00a0').replace(FOOTER, '  \x1b[7m1 shell\x1b[0m'), 'composer-mode'],
    ['another sign', box('>\u00a0x'), 'unknown'],
    ['no rule below', `${RULE}\n❯\u00a0x\n${FOOTER}`, 'unknown'],
    ['no rule above', `❯\u00a0x\n${RULE}\n${FOOTER}`, 'unknown'],
    ['text that is not indented in the box', box('❯\u00a0x\ny'), 'unknown'],
    ['nothing', '', 'unknown'],
    ['a shell', '$ ls\na b\n$ ', 'unknown'],
    ['a shell with such a sign', '~ main\n❯ git status', 'unknown'],
  ])('%s is not an input box', (_name, capture, kind) => {
    expect(classify(capture).kind).toBe(kind);
  });

  test('a box in the conversation does not count when something stands below it', () => {
    const fake = `${box('❯\u00a0')}\n`;
    const question = captures.find((one) => one.file === 'permission-bash.109x49.txt')!.capture;
    expect(classify(fake + question)).toEqual(EXPECTED['permission-bash']);
  });

  test('the text of a question is bounded and told apart from our hint', () => {
    const rows = Array.from({ length: 300 }, (_, n) => ` a row of a long question, number ${n}`).join('\n');
    const screen = classify(`${RULE}\n${rows}\n Do you want to proceed?\n ❯ 1. Yes\n   2. No\n\n Esc to cancel`);
    if (screen.kind !== 'dialog') throw new Error(`expected a dialog, not ${screen.kind}`);
    expect(screen.dialog.text).toHaveLength(2_000);
    expect(screen.dialog.choices).toEqual(['1. Yes', '2. No']);
    expect(screen.dialog.hint).toMatch(/asks for a permission/);
  });
});

describe('whatever the screen', () => {
  const kinds = ['unknown', 'composer', 'composer-mode', 'dialog', 'view'];

  test('text is classified without an exception', () => {
    const pieces = fc.constantFrom(
      '\x1b[',
      '2',
      '7m',
      ';',
      '\x1b]8;;',
      '\x07',
      '❯',
      '─'.repeat(20),
      '\n',
      '  ',
      '1. ',
      'x',
    );
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((list) => list.join('')),
    );
    fc.assert(fc.property(anything, (capture) => kinds.includes(classify(capture).kind)));
  });

  test('a question that lost any of its rows is not taken for an input box', () => {
    const questions = captures.filter((one) => classify(one.capture).kind === 'dialog');
    expect(questions.length).toBeGreaterThan(50);
    for (const { file, capture } of questions) {
      const rows = capture.split('\n');
      // This one draws the box; only the row that says how to answer tells it apart.
      if (file.startsWith('model-picker-busy')) continue;
      rows.forEach((_row, index) => {
        const screen = classify(rows.filter((_, at) => at !== index).join('\n'));
        expect(screen.kind, `${file} without row ${index}`).not.toBe('composer');
      });
    }
  });

  test('a screen cut off at any row is not taken for an empty input box', () => {
    for (const { file, capture } of captures.filter((one) => one.state === 'draft')) {
      const rows = capture.split('\n');
      rows.forEach((_row, index) => {
        const screen = classify(rows.slice(0, index).join('\n'));
        if (screen.kind === 'composer') expect(screen.draft, `${file} up to row ${index}`).not.toBe('');
      });
    }
  });
});

describe('the file of signatures', () => {
  test('is refused with its name and the field that is wrong', async () => {
    await expect(loadSignatures(packagedFile('workflows/teamops.yaml'))).rejects.toThrow(
      /teamops\.yaml cannot be used/,
    );
  });
});
