import { afterEach, describe, expect, it } from 'vitest';
import { attentionOf } from '../../src/app/attention.ts';
import { newsLine, newsOf } from '../../src/app/news.ts';
import { statusOf } from '../../src/app/status.ts';
import { tellRefusal } from '../../src/app/tell.ts';
import { statusOutput } from '../../src/app/views.ts';
import { waitFor } from '../../src/app/wait.ts';
import { waitsFor } from '../../src/app/waits-for.ts';
import { decide } from '../../src/core/decide.ts';
import { REPORT_CHARS, type ReportKind } from '../../src/core/reported.ts';
import { stateOf } from '../../src/engine/record.ts';
import { briefed, deliver, put, settings, type Story } from '../rig/run.ts';
import { playedWorkspace, type PlayedWorkspace } from './live.ts';

/** What a role may say to be shown otherwise than it is, or to be taken for somebody else's words. */
const HOSTILE = '\u001b]0;owned\u0007\u001b[2J\u202E"; rm -rf /\r\n\u009b31m$(reboot) `id` {{ 7 | times: 7 }}\u0000';

let workspace: PlayedWorkspace | null = null;
afterEach(async () => {
  await workspace?.dispose();
  workspace = null;
});

const report = (story: Story, what: ReportKind, text: string, role = 'lead') =>
  put(story, { kind: 'role-report', role, what, text });
function said(what: ReportKind, text: string, role = 'lead'): Story {
  const story = briefed();
  deliver(story, 3, { turn: 'open' });
  report(story, what, text, role);
  return story;
}
const status = ({ run, at }: Story) => statusOf(run, { attach: null, now: at, failing: null, queue: null });

describe('attention', () => {
  it('has what a role asks, with its words and what to do', () => {
    const { run, at } = said('question', 'Which port?');
    expect(attentionOf(run, at)).toEqual([
      {
        code: 'role-question',
        sentence: 'The lead has a question: "Which port?".',
        hint: "Answer it: tmops message auth-api lead '…' (tmops_send_message), or in its pane: tmops take auth-api lead",
      },
    ]);
  });

  it('has what blocks a role, whose pane a human holds', () => {
    const story = said('blocked', 'No network');
    put(story, { kind: 'take', roles: ['lead'], by: 'cli' });
    expect(attentionOf(story.run, story.at)).toEqual([
      {
        code: 'role-blocked',
        sentence: 'The lead says that it is blocked: "No network".',
        hint: 'Answer it in its pane; tmops give auth-api lead hands the pane back',
      },
    ]);
  });

  it('has nothing of progress, of what was answered, or of a silence that the question explains', () => {
    const story = said('progress', 'Half of it');
    expect(attentionOf(story.run, story.at)).toEqual([]);
    report(story, 'question', 'Which port?');
    put(story, { kind: 'agent-interrupted', role: 'lead' });
    const later = story.at + settings.silentAfterMs * 3;
    expect(attentionOf(story.run, later).map(({ code }) => code)).toEqual(['role-question']);
    put(story, { kind: 'message', role: 'lead', line: 'Port 80.', file: null });
    deliver(story, 4, { turn: 'open' });
    expect(attentionOf(story.run, story.at)).toEqual([]);
  });
});

describe('the status', () => {
  it('has all that each role says, with its pane', () => {
    const story = said('progress', 'Half of it\nand more', 'worker');
    const view = statusOutput.parse(status(story));
    expect(view.panes.map(({ role, report: each }) => [role, each])).toEqual([
      ['lead', null],
      ['worker', { what: 'progress', text: 'Half of it\nand more', at: new Date(story.at).toISOString() }],
    ]);
    expect(view.waitsFor).toBe('The lead works on 001-plan.md.');
  });

  it('waits for an answer where the role of the present step asks, not where another one does', () => {
    expect(waitsFor(said('blocked', 'No network').run)).toBe(
      'The lead says that it is blocked: "No network". It waits for an answer; see attention.',
    );
    expect(waitsFor(said('blocked', 'No network', 'worker').run)).toBe('The lead works on 001-plan.md.');
  });

  it.each(['blocked', 'question', 'progress'] as const)('keeps hostile words (%s) in quotes and in bounds', (what) => {
    const story = said(what, HOSTILE.repeat(200));
    const view = status(story);
    const text = view.panes[0]?.report?.text ?? '';
    expect(text.length).toBeLessThanOrEqual(REPORT_CHARS);
    expect(text.length).toBeGreaterThan(REPORT_CHARS - 100);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
    for (const words of [view.waitsFor, ...view.attention.flatMap(({ sentence, hint }) => [sentence, hint])]) {
      expect(words).not.toMatch(/\p{C}/u);
      expect(words.length).toBeLessThan(300);
    }
    for (const { hint } of view.attention) expect(hint).not.toContain('reboot');
  });
});

it('news of it is one line', () => {
  const { run, at } = said('question', HOSTILE.repeat(200));
  const line = newsLine(newsOf({ kind: 'needs-human', run, needs: attentionOf(run, at), at }));
  expect(line).toMatch(/^auth-api needs you: The lead has a question: "/);
  expect(line).not.toMatch(/\p{C}/u);
  expect(line.length).toBeLessThan(300);
});

it('who waits for the feature is told as soon as a role asks, and not of progress', async () => {
  const story = said('progress', 'Half of it');
  workspace = await playedWorkspace({ 'auth-api': story });
  const { loop } = workspace.live('auth-api');
  const input = { feature: 'auth-api', until: 'completed', timeoutMs: 10_000 } as const;
  const waiting = waitFor(loop, input, workspace.ports.clock, new AbortController().signal);
  await loop.submit({ kind: 'role-report', role: 'lead', what: 'progress', text: 'Most of it' });
  const principal = 'agent:1000/auth-api/lead';
  const answer = await loop.submit({ kind: 'role-report', role: 'lead', what: 'blocked', text: 'No port' }, principal);
  expect(answer.ok).toBe(true);
  expect(await waiting).toMatchObject({
    reason: 'attention',
    attention: [{ code: 'role-blocked' }],
    events: [
      { kind: 'role.reported', text: 'The lead says how far it is: "Most of it".' },
      { kind: 'role.reported', text: 'The lead says that it is blocked: "No port".' },
    ],
  });
});

it('a report of no role of the run is refused with those there are', () => {
  const story = briefed();
  const decision = decide(story.run, { kind: 'role-report', role: 'tester', what: 'blocked', text: 'x' }, story.at);
  expect(decision.ok ? null : tellRefusal(decision.refusal, 'auth-api')).toEqual({
    code: 'unknown-role',
    sentence: 'auth-api has no role "tester".',
    hint: 'Its roles: lead, worker.',
  });
});

it('state.json has it for other tools', () => {
  const story = said('question', 'Which port?');
  expect(stateOf(story.run, '0.1.0')).toMatchObject({
    agents: {
      lead: { report: { what: 'question', text: 'Which port?', at: new Date(story.at).toISOString() } },
      worker: { report: null },
    },
  });
});
