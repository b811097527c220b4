import { expect, it } from 'vitest';
import { isTypable, pointerLine } from '../../src/core/message.ts';

it.each(['npm run lint', 'Grüße an alle: 3 < 4', 'a/b;c\\d', 'x'.repeat(60)])(
  '%j may be typed as it stands',
  (text) => {
    expect(isTypable(text)).toBe(true);
  },
);

// Each of these reaches an agent as something else, or not at all, when it is typed.
it.each([
  '',
  'x'.repeat(61),
  '/help',
  '!ls',
  '#note',
  '?',
  '@file',
  ' led by a blank',
  'followed by a blank ',
  'a line that goes on\\',
  'a command;',
  'two\nlines',
  'two\u2028lines',
  'a\ttab',
  'two  blanks',
  'a wide\u00a0blank',
  'an invisible\u200bblank',
  'an escape \u001b[31m',
  'a private \ue000 character',
  'a composed e\u0301',
])('%j may not', (text) => {
  expect(isTypable(text)).toBe(false);
});

it('the line that points at a file says what to do with it', () => {
  expect(pointerLine('.tmops/x/a.md')).toBe('Read .tmops/x/a.md and do what it says.');
});
