import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { answerDialog, type AnswerOutcome } from '../../src/engine/answer.ts';
import { until } from '../rig/wait.ts';
import { fetchClaude } from './claude.ts';
import { claudeLead, type Lead } from './lead.ts';
import type { Call } from './reply.ts';

let command: string;
beforeAll(async () => {
  command = await fetchClaude();
});

let lead: Lead;
afterEach(() => lead.end());

/** Has the agent make these calls, and waits until it asks. */
async function asked(mode: string, calls: readonly Call[]): Promise<void> {
  lead = await claudeLead({ command, mode, calls });
  await lead.goOn();
  await noted();
}

/** The question on the screen is in the journal, as the watch over the agents notes it. */
async function noted(): Promise<void> {
  const seen = await until(
    'it asks',
    async () => {
      const shown = await lead.screen();
      return shown.kind === 'dialog' ? shown : null;
    },
    { withinMs: 30_000 },
  );
  await lead.loop.submit({ kind: 'agent-asking', role: 'lead', dialog: seen.dialog });
}

const answer = (choice: string): Promise<AnswerOutcome> =>
  answerDialog({ ...lead, clock: systemClock() }, { role: 'lead', choice, by: 'cli', isMeant: () => true });

const turnEnded = () =>
  until('the turn ended', () => lead.news.some(({ kind }) => kind === 'turn-ended'), { withinMs: 30_000 });

const bash = (script: string): Call => ({ name: 'Bash', input: { command: script, description: 'Run it' } });
const made = (name: string): boolean => existsSync(join(lead.cwd, name));
const touch = (name: string): Call => bash(`node -e 'require("fs").writeFileSync("${name}", "")'`);

describe('a permission that is asked for', () => {
  test('is given by “Yes”, and the tool runs, once', async () => {
    await asked('manual', [touch('made.txt')]);
    expect(made('made.txt')).toBe(false);
    expect(await answer('Yes')).toEqual({ ok: true, dialog: 'permission', choice: '1. Yes', isGone: true });
    await turnEnded();
    expect(made('made.txt')).toBe(true);
    expect(lead.results()).toMatchObject([{ failed: false }]);
  });

  test('is refused by “No”, the last choice, and the tool does not run', async () => {
    await asked('manual', [touch('made.txt')]);
    expect(await answer('No')).toMatchObject({ ok: true, choice: '4. No', isGone: true });
    await until('it is idle', async () => (await lead.screen()).kind === 'composer');
    expect(made('made.txt')).toBe(false);
  });

  test('is not given to another command than the one that was noted', async () => {
    await asked('manual', [touch('first.txt'), touch('second.txt')]);
    await until('it asks for the second', async () => {
      // It lets an Enter that comes too early go by.
      const seen = await lead.screen();
      if (seen.kind === 'dialog' && seen.dialog.text.includes('first.txt')) await lead.keys('Enter');
      return seen.kind === 'dialog' && seen.dialog.text.includes('second.txt');
    });
    expect(await answer('Yes')).toMatchObject({ ok: false, refusal: { reason: 'dialog-changed' } });
    expect(made('second.txt')).toBe(false);
    expect(await answer('Yes')).toMatchObject({ ok: true });
    await turnEnded();
    expect([made('first.txt'), made('second.txt')]).toEqual([true, true]);
  });
});

describe('questions of the agent', () => {
  const question = (text: string, labels: readonly [string, string], multiSelect = false) => ({
    question: text,
    header: 'Pick',
    multiSelect,
    options: labels.map((label) => ({ label, description: `what ${label} is` })),
  });

  test('are answered by label, one after the other, and then submitted', async () => {
    const questions = [question('Which storage?', ['Files', 'SQLite']), question('Which name?', ['one', 'two'])];
    await asked('acceptEdits', [{ name: 'AskUserQuestion', input: { questions } }]);
    expect(await answer('SQLite')).toMatchObject({ ok: true, choice: '2. SQLite what SQLite is', isGone: true });
    await noted();
    expect(await answer('1. one')).toMatchObject({ ok: true, isGone: true });
    await noted();
    expect(await answer('Submit answers')).toMatchObject({ ok: true, dialog: 'question', isGone: true });
    await turnEnded();
    expect(lead.results()[0]?.text).toContain('"Which storage?"="SQLite"');
    expect(lead.results()[0]?.text).toContain('"Which name?"="one"');
  });

  test('have a last choice behind the field for a text, which is passed and not filled in', async () => {
    await asked('acceptEdits', [{ name: 'AskUserQuestion', input: { questions: [question('Which?', ['A', 'B'])] } }]);
    expect(await answer('Type something.')).toMatchObject({ ok: false, problem: { kind: 'takes-text' } });
    expect(await answer('Chat about this')).toMatchObject({ ok: true, choice: '4. Chat about this', isGone: true });
  });

  test('that take several choices are left to the pane', async () => {
    const several = question('Which?', ['A', 'B'], true);
    await asked('acceptEdits', [{ name: 'AskUserQuestion', input: { questions: [several] } }]);
    expect(await answer('A')).toMatchObject({
      ok: false,
      problem: { kind: 'in-the-pane', why: 'it takes several choices' },
    });
  });
});

test('a plan is approved by the label of its choice', async () => {
  await asked('plan', [{ name: 'ExitPlanMode', input: { plan: '# Plan\n\n1. do it\n2. test it' } }]);
  const seen = await lead.screen();
  const choices = seen.kind === 'dialog' ? seen.dialog.choices : [];
  const yes = choices.find((choice) => choice.startsWith('1. Yes')) ?? '';
  expect(await answer(yes)).toMatchObject({ ok: true, dialog: 'plan', choice: yes, isGone: true });
  await turnEnded();
  expect(lead.results()).toMatchObject([{ failed: false }]);
});
