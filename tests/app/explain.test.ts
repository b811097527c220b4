import { afterEach, describe, expect, it } from 'vitest';
import { handlersFor } from '../../src/app/handlers.ts';
import { reasonsOf } from '../../src/app/reasons.ts';
import { explainOutput } from '../../src/app/views.ts';
import type { OutputOf } from '../../src/app/table.ts';
import type { Finding } from '../../src/core/event.ts';
import { workflowSchema, type Workflow } from '../../src/core/workflow.ts';
import {
  begin,
  briefed,
  checkpoint,
  deliver,
  identity,
  news,
  put,
  remindedOfSilence,
  settings,
  small,
  started,
  type Story,
} from '../rig/run.ts';
import { playedWorkspace, type PlayedWorkspace } from './live.ts';

let workspace: PlayedWorkspace | null = null;
afterEach(async () => {
  await workspace?.dispose();
  workspace = null;
});

async function explained(story: Story): Promise<OutputOf<'explain'>> {
  workspace = await playedWorkspace({ 'auth-api': story });
  const answer = await handlersFor(workspace.ports).explain(
    { feature: 'auth-api' },
    { door: 'cli', cwd: '/', principal: 'cli:1000' },
    new AbortController().signal,
  );
  if (!answer.ok) throw new Error(answer.problem.sentence);
  return explainOutput.parse(answer.output);
}

const after = (story: Story, act: (story: Story) => unknown): Story => {
  act(story);
  return story;
};
/** The first step asked for; its turn goes on, or has ended. */
function begun(turn: 'open' | 'ended', workflow: Workflow = small): Story {
  const story = briefed(workflow);
  deliver(story, 3, { turn });
  return story;
}
const working = (): Story => begun('open');
const asked = (): Story => begun('ended');
const exit = (s: Story, code: number) =>
  put(s, { kind: 'agent-exited', role: 'lead', generation: 1, exit: { kind: 'code', code }, spareId: 'x' });
const dialog = { name: 'permission', text: 'May I?', choices: ['1. Yes', '2. No'], hint: 'Answer it.' };
const gated = workflowSchema.parse({ ...small, steps: small.steps.map((each) => ({ ...each, gate: 'human' })) });
const finding: Finding = { verdict: 'refuted', rule: 'tests-red', sentence: 'The tests pass.', files: [], tail: 'ok' };

/** A first step whose claim was refuted as often as it may be. */
function refuted(): Story {
  const workflow = workflowSchema.parse({
    ...small,
    steps: small.steps.map((each) =>
      each.id === 'plan' ? { ...each, evidence: { tests: 'fail' }, retries: 0 } : each,
    ),
  });
  const story = started(workflow, { evidence: true });
  put(story, { kind: 'surveyed' });
  for (const { id } of story.run.prompts) deliver(story, id);
  deliver(story, 3);
  checkpoint(story, '001-plan.md');
  const claim = story.run.checks['plan']?.after?.claim ?? null;
  put(story, { kind: 'check-found', step: 'plan', stage: 'after', claim, tookMs: 1, found: { ok: false, finding } });
  return story;
}

describe('why', () => {
  const rows: [string, () => Story, string, RegExp, readonly string[]][] = [
    [
      'a human holds the pane',
      () => after(working(), take),
      'held',
      /holds the lead's pane \(taken by mcp\)/,
      ['give auth-api lead'],
    ],
    [
      'the run is paused',
      () => after(working(), (s) => put(s, { kind: 'pause', by: 'cli', why: 'asked to' })),
      'paused',
      /paused \(asked to, cli\)/,
      ['resume auth-api'],
    ],
    [
      'a permission is asked for',
      () => after(working(), (s) => put(s, { kind: 'agent-asking', role: 'lead', dialog })),
      'asking',
      /asks \(permission\): "May I\?"/,
      ['answer auth-api lead <choice>'],
    ],
    [
      'a role has a question',
      () => after(asked(), (s) => put(s, { kind: 'role-report', role: 'lead', what: 'question', text: 'Which port?' })),
      'role-question',
      /^The lead has a question: "Which port\?"\.$/,
      ["message auth-api lead '…'", 'take auth-api lead'],
    ],
    [
      'a role is blocked, and a human holds its pane',
      () =>
        after(working(), (s) => {
          put(s, { kind: 'role-report', role: 'lead', what: 'blocked', text: 'No network' });
          take(s);
        }),
      'role-blocked',
      /^The lead says that it is blocked: "No network"\.$/,
      ['give auth-api lead', "message auth-api lead '…'"],
    ],
    [
      'the turn ended without its checkpoint and will be reminded',
      () => asked(),
      'no-checkpoint',
      /ended its turn without 001-plan\.md; it will be reminded \(2 left\)/,
      ["message auth-api lead 'Go on.'", 'retry auth-api', 'skip auth-api'],
    ],
    [
      'a usage limit',
      () => after(working(), (s) => news(s, 'lead', { kind: 'turn-failed', error: 'rate_limit', last: 'resets 5pm' })),
      'usage-limit',
      /at a limit until 20\d\d-.*: "resets 5pm"/,
      [],
    ],
    [
      'an error of the API',
      () => after(working(), (s) => news(s, 'lead', { kind: 'turn-failed', error: 'server_error', last: '' })),
      'turn-failed',
      /broke off: "server_error"/,
      ["message auth-api lead 'Go on.'", 'retry auth-api'],
    ],
    ['an agent at work', () => working(), 'working', /The lead is at work/, ['read-pane auth-api lead']],
    [
      'an agent that was ended',
      () => after(working(), (s) => exit(s, 0)),
      'held',
      /its agent was ended on purpose/,
      ['give auth-api lead', 'start auth-api'],
    ],
    [
      'a gate of the workflow',
      () => after(begun('ended', gated), (s) => checkpoint(s, '001-plan.md')),
      'gate',
      /001-plan\.md has to be approved, as the workflow says/,
      ['approve auth-api', "reject auth-api --comment '…'"],
    ],
    [
      'a gate of the checkpoint',
      () => after(asked(), (s) => checkpoint(s, '001-plan.md', { gate: 'human' })),
      'gate',
      /asks for a human review/,
      ['approve auth-api', "reject auth-api --comment '…'"],
    ],
    [
      'a claim that does not hold',
      () => refuted(),
      'check-failed',
      /The tests pass\./,
      ['approve auth-api', "reject auth-api --comment '…'"],
    ],
    [
      'a checkpoint that was sent back',
      () =>
        after(begun('ended', gated), (s) => [
          checkpoint(s, '001-plan.md'),
          put(s, { kind: 'reject', by: 'cli', comment: null }),
        ]),
      'sent-back',
      /sent back and is not written anew/,
      [],
    ],
    [
      'a checkpoint that is not in order',
      () =>
        after(working(), (s) =>
          put(s, {
            kind: 'checkpoint-refused',
            fault: { file: '001-plan.md', line: 3, found: 'a', expected: 'b' },
            sha256: null,
          }),
        ),
      'checkpoint-refused',
      /001-plan\.md, line 3: found "a", expected b/,
      [],
    ],
    [
      'a checkpoint of another run',
      () => after(working(), (s) => checkpoint(s, '001-plan.md', { mtimeMs: 5 })),
      'checkpoint-old',
      /older than this run/,
      [],
    ],
    ['a prompt on its way', () => briefed(), 'on-its-way', /Prompt 3 for the lead is on its way/, []],
    [
      'a prompt in doubt',
      () =>
        after(briefed(), (s) => [
          put(s, { kind: 'delivery', prompt: 3, news: { kind: 'intended', pane: '%0', generation: 1, sha256: 'x' } }),
          put(s, {
            kind: 'delivery',
            prompt: 3,
            news: { kind: 'stuck', outcome: 'indeterminate', reason: 'not seen' },
          }),
        ]),
      'indeterminate',
      /Prompt 3 for the lead waits: not seen/,
      ['settle auth-api 3 resend|delivered'],
    ],
  ];
  it.each(rows)('%s', async (_what, story, code, sentence, commands) => {
    const told = await explained(story());
    expect(told.reasons.find((reason) => reason.code === code)?.sentence).toMatch(sentence);
    expect(told.since).not.toBeNull();
    const offered = told.help.map(({ command }) => command.replace('tmops ', ''));
    expect(offered).toEqual(expect.arrayContaining([...commands, 'attach auth-api']));
    expect(told.lastSeen.length).toBeGreaterThan(0);
    expect(told.lastSeen.length).toBeLessThanOrEqual(8);
  });

  it('offers nothing that would disturb an agent at work', async () => {
    expect((await explained(working())).help.map(({ command }) => command)).toEqual([
      'tmops read-pane auth-api lead',
      'tmops attach auth-api',
    ]);
  });

  it('names the silent agent only after the time that is set', () => {
    const story = working();
    remindedOfSilence(story);
    const { run, at } = story;
    const codes = (now: number): string[] => reasonsOf(run, now, null).map(({ code }) => code);
    expect(codes(at + settings.silentAfterMs - 60_000)).toEqual(['working']);
    expect(codes(at + settings.silentAfterMs + 60_000)).toEqual(['agent-silent', 'working']);
  });

  it('of a run that is not going says how it goes on', async () => {
    const initialised = begin();
    put(initialised, { kind: 'initialise', identity });
    expect(await explained(initialised)).toMatchObject({
      reasons: [],
      help: [{ command: 'tmops start auth-api' }],
      since: expect.any(String) as string,
    });
    await workspace?.dispose();
    const stopped = after(working(), (s) => put(s, { kind: 'stop', by: 'cli', why: 'asked to' }));
    expect(await explained(stopped)).toMatchObject({ reasons: [], help: [{ command: 'tmops start auth-api' }] });
    await workspace?.dispose();
    const completed = after(working(), (s) =>
      ['001-plan.md', '002-work.md', '003-close.md'].map((f) => checkpoint(s, f)),
    );
    expect((await explained(completed)).help).toMatchObject([{ command: 'tmops init auth-api --run-type retry' }]);
  });
});

it('a journal that takes nothing is told by status, list, wait and why, and is forgotten once it takes something', async () => {
  workspace = await playedWorkspace({ 'auth-api': working() });
  const handlers = handlersFor(workspace.ports);
  const [caller, signal] = [{ door: 'cli', cwd: '/', principal: 'cli:1000' } as const, new AbortController().signal];
  const output = <T>(answer: { ok: true; output: T } | { ok: false }): T => {
    if (!answer.ok) throw new Error('It was refused');
    return answer.output;
  };
  workspace.breakDisk('ENOSPC: no space left on device');
  await expect(handlers.pause({ feature: 'auth-api' }, caller, signal)).rejects.toThrow('ENOSPC');
  const told = { code: 'disk', sentence: expect.stringContaining('ENOSPC: no space left on device') as string };
  const feature = { feature: 'auth-api' };
  expect(output(await handlers.explain(feature, caller, signal))).toMatchObject({
    reasons: [told, {}],
    attention: [told],
  });
  expect(output(await handlers.list({}, caller, signal)).features[0]?.attention).toBe(1);
  const wait = { ...feature, until: 'completed', timeoutMs: 0 } as const;
  expect(output(await handlers.wait(wait, caller, signal))).toMatchObject({ reason: 'attention', attention: [told] });
  workspace.breakDisk(null);
  await handlers.pause(feature, caller, signal);
  expect(output(await handlers.explain(feature, caller, signal)).attention).toEqual([]);
});

function take(story: Story): void {
  put(story, { kind: 'take', roles: ['lead'], by: 'mcp' });
}
