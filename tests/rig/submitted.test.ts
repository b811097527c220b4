import { expect, it } from 'vitest';
import { judgeSubmitted, type Submitted } from './submitted.ts';

const AT = 1_000_000;
const word = (shownMsBefore: number | null, typedMsBefore = 400) => ({
  text: 'kumquat7',
  typedAt: AT - typedMsBefore,
  shownAt: shownMsBefore === null ? null : AT - shownMsBefore,
});
const sent: Submitted = {
  at: AT,
  text: 'Write part 3 [tmops#5]kumquat7',
  journaledAt: AT - 60,
  deletions: [],
  words: [word(300)],
};

const faults: readonly [string, Submitted, RegExp][] = [
  ['a word that had been shown before our Enter was journaled', sent, /kumquat7, shown 300 ms before/],
  ['one shown longer ago than an Enter is on its way', { ...sent, journaledAt: 0, words: [word(151)] }, /151 ms/],
  ['one that nobody saw, typed so long ago that it had arrived', { ...sent, words: [word(null, 1100)] }, /shown 0 ms/],
  ['a line that is not ours and holds nothing of the human', { ...sent, words: [] }, /nobody typed that/],
  [
    'half a line, of which the human took nothing away lately',
    { ...sent, words: [], deletions: [AT - 1001] },
    /nobody/,
  ],
];
it.each(faults)('a fault is %s', (_what, submitted, told) => {
  expect(judgeSubmitted(submitted)).toMatch(told);
});

const chances: readonly [string, Submitted][] = [
  ['a word that was shown after our Enter was journaled', { ...sent, words: [word(59)] }],
  ['one typed just before and not shown yet', { ...sent, words: [word(null, 50)] }],
  ['a line the human was taking away', { ...sent, words: [], deletions: [AT - 100] }],
];
it.each(chances)('no fault is %s', (_what, submitted) => {
  expect(judgeSubmitted(submitted)).toBeNull();
});
