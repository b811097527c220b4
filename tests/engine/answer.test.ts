import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { answerDialog, type AnswerOutcome } from '../../src/engine/answer.ts';
import type { Terminal } from '../../src/engine/ports.ts';
import { askingRig, type AskingRig } from '../rig/asking.ts';
import { until } from '../rig/wait.ts';

let rig: AskingRig;
beforeEach(async () => {
  rig = await askingRig();
});
afterEach(() => rig.end());

const UP = '\x1b[A';
const DOWN = '\x1b[B';
const ENTER = '\r';

function answer(choice: string, over: { terminal?: Terminal; isMeant?: () => boolean } = {}): Promise<AnswerOutcome> {
  const { loop, provider, terminal } = rig;
  return answerDialog(
    { loop, provider, terminal: over.terminal ?? terminal, clock: systemClock() },
    { role: 'lead', choice, by: 'cli', isMeant: over.isMeant ?? (() => true) },
  );
}

/** The terminal, with something that happens just before a key is pressed. */
const disturbed = (before: (key: string) => Promise<unknown>): Terminal => ({
  ...rig.terminal,
  press: async (pane, key, rows) => {
    await before(key);
    return rig.terminal.press(pane, key, rows);
  },
});

const state = () => rig.loop.run().agents['lead']?.state;
const kindsSince = () => rig.journal.map((event) => event.kind);

describe('a dialog is answered by the label of a choice', () => {
  it.each([
    ['permission', 'Yes', '1. Yes', ENTER, 'approved'],
    ['permission', "2. yes, and don't ask again", "2. Yes, and don't ask again", DOWN + ENTER, 'approved'],
    ['permission', 'No', '3. No', DOWN + DOWN + ENTER, 'refused'],
    ['question', 'the second', '2. The second', DOWN + ENTER, 'answer'],
    ['limit', 'Stop and wait for the limit to reset', '1. Stop and wait for the limit to reset', ENTER, 'refused'],
  ])('%s: %s', async (name, wanted, choice, keys, as) => {
    await rig.asks(name);
    expect(await answer(wanted)).toEqual({ ok: true, dialog: name, choice, isGone: true });
    expect(await rig.keys()).toBe(keys);
    expect(await rig.taken()).toEqual([{ as, text: choice }]);
    expect(kindsSince()).toContain('dialog.answered');
    expect(state()?.kind).not.toBe('asking');
  });

  it('from wherever the mark stands', async () => {
    await rig.asks('permission');
    await rig.agent.keys('Down', 'Down');
    await until('the mark stands on the last one', async () => (await rig.agent.capture()).includes('❯ 3. No'));
    expect(await answer('Yes')).toMatchObject({ ok: true, choice: '1. Yes' });
    expect(await rig.keys()).toBe(DOWN + DOWN + UP + UP + ENTER);
  });

  it('by an agent that draws late', async () => {
    await rig.agent.steer({ do: 'echo-delay', ms: 250 });
    await rig.asks('permission');
    expect(await answer('No')).toMatchObject({ ok: true, choice: '3. No', isGone: true });
    expect(await rig.keys()).toBe(DOWN + DOWN + ENTER);
  });

  it('in a pane that was left in copy mode', async () => {
    await rig.asks('permission');
    await rig.server.run('copy-mode', '-t', rig.agent.pane);
    expect(await answer('No')).toMatchObject({ ok: true, choice: '3. No' });
  });

  it('and the answer is in the journal before Enter is pressed', async () => {
    await rig.asks('permission');
    const seen: (readonly string[])[] = [];
    await answer('No', {
      terminal: disturbed((key) => {
        if (key === 'enter') seen.push(kindsSince());
        return Promise.resolve();
      }),
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toContain('dialog.answered');
  });

  it('and what is asked next is noted at once', async () => {
    await rig.asks('permission', ['make a']);
    const answering = answer('Yes', {
      terminal: {
        ...rig.terminal,
        press: async (pane, key, rows) => {
          const pressed = await rig.terminal.press(pane, key, rows);
          if (key === 'enter') await until('it is answered', async () => (await rig.taken()).length > 0);
          await rig.shows('question', ['Which name?']);
          return pressed;
        },
      },
    });
    expect(await answering).toMatchObject({ ok: true, isGone: true });
    expect(state()).toMatchObject({ kind: 'asking', dialog: { name: 'question' } });
  });
});

describe('nothing is pressed', () => {
  const untouched = async (): Promise<void> => {
    expect(await rig.keys()).toBe('');
    expect(await rig.taken()).toEqual([]);
    expect(kindsSince()).not.toContain('dialog.answered');
  };

  it('where nothing is asked', async () => {
    expect(await answer('Yes')).toMatchObject({ ok: false, refusal: { reason: 'no-dialog' } });
    await untouched();
  });

  it('for a label that no choice has, which tells those there are', async () => {
    await rig.asks('permission');
    expect(await answer('Yes, and')).toMatchObject({
      ok: false,
      refusal: { reason: 'no-such-choice', allowed: ['1. Yes', "2. Yes, and don't ask again", '3. No'] },
    });
    await untouched();
  });

  it('for a choice that takes a text', async () => {
    await rig.asks('question');
    expect(await answer('Type something.')).toMatchObject({ ok: false, problem: { kind: 'takes-text' } });
    await untouched();
  });

  it('while somebody types a text into the dialog', async () => {
    await rig.asks('question');
    await rig.agent.paste('my own words');
    await until('it is seen', async () => (await rig.agent.capture()).includes('my own words'));
    // It is another question by what it shows, until that is noted.
    expect(await answer('The first')).toMatchObject({ ok: false, refusal: { reason: 'dialog-changed' } });
    expect(await answer('The first')).toMatchObject({ ok: false, problem: { kind: 'in-the-pane' } });
    expect(await rig.keys()).not.toContain(ENTER);
  });

  it('where another question is asked than the one in the journal; then that one is in it', async () => {
    await rig.asks('permission', ['touch a']);
    await rig.agent.keys('Escape');
    await rig.agent.shows('composer');
    await rig.shows('permission', ['rm -rf everything']);
    expect(await answer('Yes')).toMatchObject({ ok: false, refusal: { reason: 'dialog-changed' } });
    expect(state()).toMatchObject({ dialog: { text: expect.stringContaining('rm -rf everything') as string } });
    expect(await rig.keys()).toBe('\x1b');
    expect(kindsSince()).not.toContain('dialog.answered');
  });

  it('where it is another question than the caller was shown', async () => {
    await rig.asks('permission');
    expect(await answer('Yes', { isMeant: () => false })).toMatchObject({ refusal: { reason: 'dialog-changed' } });
    await untouched();
  });

  it('where the question is gone, and that is noted', async () => {
    await rig.asks('permission');
    await rig.agent.keys('Escape');
    await rig.agent.shows('composer');
    expect(await answer('Yes')).toMatchObject({ ok: false, problem: { kind: 'dialog-gone' } });
    expect(state()?.kind).not.toBe('asking');
    expect(await rig.keys()).toBe('\x1b');
  });

  it('while a human holds the pane', async () => {
    await rig.asks('permission');
    await rig.loop.submit({ kind: 'take', roles: ['lead'], by: 'cli' });
    expect(await answer('Yes')).toMatchObject({ ok: false, refusal: { reason: 'held' } });
    await untouched();
  });

  it('in a pane that is too small to show all of it', async () => {
    await rig.asks(
      'permission',
      Array.from({ length: 30 }, (_, row) => `line ${row}`),
    );
    expect(await answer('Yes')).toMatchObject({ ok: false, problem: { kind: 'in-the-pane' } });
    await untouched();
  });
});

describe('what happens between a look and a key', () => {
  it.each(['down', 'enter'])('another question opens just before %s: nothing of it is answered', async (at) => {
    await rig.asks('permission', ['touch a']);
    let done = false;
    const outcome = await answer('No', {
      terminal: disturbed(async (key) => {
        if (key !== at || done) return;
        done = true;
        await rig.agent.keys('Escape');
        await until('it is closed', async () => (await rig.taken()).length > 0);
        await rig.shows('permission', ['rm -rf everything']);
        // The same choices, and where Enter was to come the same one is marked.
        if (at === 'enter') await rig.agent.keys('Down', 'Down');
        await until('it is marked', async () =>
          (await rig.agent.capture()).includes(at === 'enter' ? '❯ 3. No' : '❯ 1. Yes'),
        );
      }),
    });
    expect(outcome).toMatchObject({ ok: false, refusal: { reason: 'dialog-changed' } });
    expect(await rig.taken()).toEqual([{ as: 'refused', text: 'cancelled' }]);
    expect(await rig.keys()).not.toContain(ENTER);
    expect(state()).toMatchObject({ dialog: { text: expect.stringContaining('rm -rf everything') as string } });
  });

  it('the question is closed just before Enter: Enter reaches nobody', async () => {
    await rig.asks('permission');
    const outcome = await answer('Yes', {
      terminal: disturbed(async () => {
        await rig.agent.keys('Escape');
        await rig.agent.shows('composer');
      }),
    });
    expect(outcome).toMatchObject({ ok: false, problem: { kind: 'dialog-gone' } });
    expect(await rig.keys()).toBe('\x1b');
  });

  it('a human takes the pane after the first key: there is no second one', async () => {
    await rig.asks('permission');
    let keys = 0;
    const outcome = await answer('No', {
      terminal: {
        ...rig.terminal,
        press: async (pane, key, rows) => {
          const pressed = await rig.terminal.press(pane, key, rows);
          keys += 1;
          await rig.loop.submit({ kind: 'take', roles: ['lead'], by: 'cli' });
          return pressed;
        },
      },
    });
    expect(outcome).toMatchObject({ ok: false, refusal: { reason: 'held' } });
    expect([keys, await rig.keys()]).toEqual([1, DOWN]);
  });

  it('a human moves the mark: it is still the choice that is meant, or none', async () => {
    await rig.asks('permission');
    let moved = 0;
    const outcome = await answer("Yes, and don't ask again", {
      terminal: disturbed(async () => {
        moved += 1;
        if (moved > 2) return;
        const before = await rig.agent.capture();
        await rig.agent.keys('Down');
        await until('it moved', async () => (await rig.agent.capture()) !== before);
      }),
    });
    expect(outcome).toMatchObject({ ok: true, choice: "2. Yes, and don't ask again" });
    expect(await rig.taken()).toEqual([{ as: 'approved', text: "2. Yes, and don't ask again" }]);
  });

  it('keys that do nothing are noticed', async () => {
    await rig.asks('permission');
    await rig.agent.steer({ do: 'deaf', ms: 60_000 });
    expect(await answer('No')).toEqual({ ok: false, problem: { kind: 'mark-stays', marked: '1. Yes' } });
    expect(await rig.taken()).toEqual([]);
  });
});
