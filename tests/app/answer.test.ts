import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { answerHandler } from '../../src/app/answer.ts';
import { dialogId } from '../../src/app/dialog-id.ts';
import type { Handler } from '../../src/app/handler.ts';
import type { AppPorts } from '../../src/app/ports.ts';
import { statusOf } from '../../src/app/status.ts';
import { askingRig, type AskingRig } from '../rig/asking.ts';

let rig: AskingRig;
let handle: Handler<'answer'>;
beforeEach(async () => {
  rig = await askingRig();
  const live = { loop: rig.loop, terminal: () => rig.terminal, provider: () => rig.provider };
  const workspace = { live: (feature: string) => Promise.resolve(feature === 'auth-api' ? live : null) };
  handle = answerHandler({ clock: systemClock(), workspace } as unknown as AppPorts);
});
afterEach(() => rig.end());

const answer = (choice: string, over: object = {}) =>
  handle(
    { feature: 'auth-api', role: 'lead', choice, ...over },
    { door: 'mcp', cwd: '/', principal: 'mcp:1000' },
    new AbortController().signal,
  );

it('says which question was answered, and how', async () => {
  await rig.asks('permission');
  expect(await answer('yes')).toEqual({
    ok: true,
    output: { feature: 'auth-api', role: 'lead', dialog: 'permission', choice: '1. Yes', answered: true },
  });
  expect(rig.journal.find((event) => event.kind === 'dialog.answered')).toMatchObject({ by: 'mcp', choice: '1. Yes' });
});

it('takes one of two answers that come at once', async () => {
  await rig.asks('permission');
  const both = await Promise.all([answer('Yes'), answer('No')]);
  expect(both.map((each) => (each.ok ? 'answered' : each.problem.code))).toEqual(['answered', 'answer-under-way']);
  expect(await rig.taken()).toEqual([{ as: 'approved', text: '1. Yes' }]);
  // The first one leaves the way free.
  await rig.asks('question');
  expect(await answer('The second')).toMatchObject({ ok: true });
});

it('is for the very question that the status showed, where that is said', async () => {
  const dialog = await rig.asks('permission', ['touch a']);
  const shown = statusOf(rig.loop.run(), { attach: null, now: 0, failing: null, queue: null }).panes[0]?.dialog;
  expect(shown).toMatchObject({ id: dialogId(dialog), choices: ['1. Yes', "2. Yes, and don't ask again", '3. No'] });
  await rig.agent.keys('Escape');
  await rig.agent.shows('composer');
  await rig.asks('permission', ['rm -rf everything']);
  const late = await answer('Yes', { dialog: shown?.id });
  expect(late).toMatchObject({ ok: false, problem: { code: 'dialog-changed' } });
  const now = statusOf(rig.loop.run(), { attach: null, now: 0, failing: null, queue: null }).panes[0]?.dialog;
  expect(await answer('No', { dialog: now?.id })).toMatchObject({ ok: true });
  expect((await rig.taken()).at(-1)).toEqual({ as: 'refused', text: '3. No' });
});

it('tells what stands in the way, and what to do', async () => {
  expect(await answer('Yes')).toMatchObject({ problem: { code: 'no-dialog' } });
  expect(await answer('Yes', { role: 'nobody' })).toMatchObject({ problem: { code: 'unknown-role' } });
  expect(await answer('Yes', { feature: 'other' })).toMatchObject({ problem: { code: 'unknown-feature' } });
  await rig.asks('question');
  expect(await answer('Maybe')).toEqual({
    ok: false,
    problem: {
      code: 'no-such-choice',
      sentence: '"Maybe" is none of its choices.',
      hint: 'Its choices: "1. The first", "2. The second", "3. Type something.".',
    },
  });
  expect(await answer('Type something.')).toMatchObject({
    problem: { code: 'answer-takes-text', hint: 'Answer it in the pane: tmops attach auth-api' },
  });
});
