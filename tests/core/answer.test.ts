import { describe, expect, it } from 'vitest';
import { decide } from '../../src/core/decide.ts';
import { choiceMeant, isSameDialog, type Dialog } from '../../src/core/screen.ts';
import type { Request } from '../../src/core/request.ts';
import { briefed, kinds, news, put, started, type Story } from '../rig/run.ts';

const DIALOG: Dialog = {
  name: 'permission',
  text: 'Command\nrm notes.txt\nDo you want to proceed?\n1. Yes\n2. No\nEsc to cancel',
  choices: ['1. Yes', '2. No'],
  hint: 'h',
};
const asks = (story: Story, dialog = DIALOG) => put(story, { kind: 'agent-asking', role: 'lead', dialog });
const answered = (over: object = {}): Request => ({
  kind: 'dialog-answered',
  role: 'lead',
  dialog: DIALOG,
  choice: '1. Yes',
  by: 'cli',
  ...over,
});
const refusal = (story: Story, request: Request) => {
  const decision = decide(story.run, request, story.at + 1);
  return decision.ok ? null : decision.refusal;
};

describe('an answer to a dialog', () => {
  it('is journaled; to move the mark is no fact', () => {
    const story = briefed();
    asks(story);
    expect(put(story, { kind: 'dialog-answering', role: 'lead', dialog: DIALOG, choice: '1. Yes' })).toEqual([]);
    expect(put(story, answered())).toEqual([{ kind: 'dialog.answered', role: 'lead', choice: '1. Yes', by: 'cli' }]);
  });

  it('is refused where the journal knows of no dialog, another one, or no such choice', () => {
    const story = briefed();
    expect(refusal(story, answered())?.reason).toBe('no-dialog');
    expect(refusal(story, answered({ role: 'nobody' }))?.reason).toBe('unknown-role');
    asks(story);
    const other = { ...DIALOG, text: DIALOG.text.replace('notes.txt', '-rf /') };
    expect(refusal(story, answered({ dialog: other }))).toMatchObject({ reason: 'dialog-changed' });
    expect(refusal(story, answered({ choice: 'Yes' }))).toMatchObject({
      reason: 'no-such-choice',
      allowed: ['1. Yes', '2. No'],
    });
    put(story, { kind: 'agent-answered', role: 'lead' });
    expect(refusal(story, answered())?.reason).toBe('no-dialog');
  });

  it('is refused while a human holds the pane, however they came to, and given back it is taken', () => {
    const story = briefed();
    asks(story);
    put(story, { kind: 'take', roles: ['lead'], by: 'cli' });
    expect(refusal(story, answered())?.reason).toBe('held');
    expect(refusal(story, { kind: 'dialog-answering', role: 'lead', dialog: DIALOG, choice: '1. Yes' })?.reason).toBe(
      'held',
    );
    put(story, { kind: 'give', roles: ['lead'], by: 'cli', spareIds: {} });
    put(story, { kind: 'human-seen', role: 'lead', sign: 'typing', stays: false, why: 'w' });
    expect(refusal(story, answered())?.reason).toBe('held');
  });

  it('is taken while the run is paused: the turn that asks is the present one', () => {
    const story = briefed();
    asks(story);
    put(story, { kind: 'pause', by: 'cli', why: 'w' });
    expect(kinds(put(story, answered()))).toEqual(['dialog.answered']);
  });
});

describe('the same dialog', () => {
  it('is known again when it is wrapped anew or another choice is explained below', () => {
    const wrapped = {
      ...DIALOG,
      text: DIALOG.text.replace('Do you want', 'Do you\nwant').replace('Esc to', 'Tab, Esc to'),
    };
    expect(isSameDialog(DIALOG, wrapped)).toBe(true);
    expect(isSameDialog(DIALOG, { ...DIALOG, choices: ['1. Yes', '2. Never'] })).toBe(false);
    expect(isSameDialog(DIALOG, { ...DIALOG, name: 'question' })).toBe(false);
    expect(isSameDialog({ ...DIALOG, choices: [] }, { ...DIALOG, choices: [], text: 'x' })).toBe(false);
  });
});

describe('the choice that is meant', () => {
  const dialog: Dialog = {
    ...DIALOG,
    choices: ['1. Files one JSON file', '2. Yes, and don’t ask again', '3. Yes', '4. Both', '5. both'],
  };
  const short = ['1. Files', ...dialog.choices.slice(1)];
  it.each([
    ['1. Files one JSON file', 0],
    ['Files one JSON file', 0],
    ['files', 0],
    ['1. Files', 0],
    ['YES', 2],
    ["yes, and don't  ask again", 1],
    ['4. both', 3],
    ['both', 'several'],
    ['Yes, and', 'none'],
    ['3', 'none'],
    ['', 'none'],
  ])('%j is %s', (wanted, expected) => {
    expect(choiceMeant(dialog, short, wanted)).toBe(expected);
  });
});

describe('a dialog that tells of a limit', () => {
  const limit = (limitUntilMs: number): Dialog => ({ ...DIALOG, name: 'limit', limitUntilMs });

  it('parks its agent until then, once', () => {
    const story = started();
    const until = story.at + 3_600_000;
    expect(kinds(asks(story, limit(until)))).toEqual(['agent.asking', 'agent.parked']);
    expect(story.run.agents['lead']?.parked?.untilMs).toBe(until);
    // At that time the same words mean the next day.
    expect(asks(story, limit(until + 86_400_000))).toEqual([]);
    story.at = until;
    expect(kinds(put(story, { kind: 'time-passed' }))).toEqual(['agent.unparked']);
    expect(asks(story, limit(until + 86_400_000))).toEqual([]);
  });

  it('does not where it tells no time', () => {
    expect(kinds(asks(started(), { ...DIALOG, name: 'limit' }))).toEqual(['agent.asking']);
  });
});

describe('a turn that broke off at a limit', () => {
  it('parks its agent whatever the error is called, if the time of the end is told', () => {
    const story = briefed();
    const limitUntilMs = story.at + 3_600_000;
    const failed = { kind: 'turn-failed', error: 'billing_error', last: 'resets 5pm', limitUntilMs } as const;
    expect(kinds(news(story, 'lead', failed))).toContain('agent.parked');
    expect(kinds(news(briefed(), 'lead', { kind: 'turn-failed', error: 'server_error', last: '' }))).toEqual([
      'agent.turn-ended',
    ]);
  });
});
