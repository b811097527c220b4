import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { watchEvidence, type EvidenceWatch } from '../../../src/adapters/agents/evidence.ts';
import { parseHookEvent } from '../../../src/adapters/agents/hook-event.ts';
import type { Evidence } from '../../../src/core/agent.ts';
import { until } from '../../rig/wait.ts';
import { agentFolder, type AgentFolder } from './agent-folder.ts';

let folder: AgentFolder;
let stop: () => Promise<void>;
let taken: Evidence[];
let problems: { file: string; why: string }[];
beforeEach(async () => {
  folder = await agentFolder();
  stop = () => Promise.resolve();
  taken = [];
  problems = [];
});
afterEach(async () => {
  await stop();
  await folder.remove();
});

async function watch(options: Partial<EvidenceWatch> = {}): Promise<void> {
  stop = await watchEvidence({
    agentDir: folder.agentDir,
    after: '',
    take: (evidence) => taken.push(evidence),
    parse: parseHookEvent,
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
}

const id = (n: number): string => `1795197516${String(n).padStart(9, '0')}-12`;
const prompt = (text: string): string => JSON.stringify({ hook_event_name: 'UserPromptSubmit', prompt: text });

async function event(n: number, text: string): Promise<void> {
  const events = join(folder.agentDir, 'events');
  await mkdir(events, { recursive: true });
  await writeFile(join(events, '.half'), text);
  await rename(join(events, '.half'), join(events, `${id(n)}.json`));
}

const texts = (): string[] =>
  taken.map((evidence) => (evidence.news.kind === 'prompt-taken' ? evidence.news.text : '?'));

test('what was written while nobody watched comes first, oldest first, then what follows, each once', async () => {
  await event(2, prompt('b'));
  await event(1, prompt('a'));
  await watch();
  expect(texts()).toEqual(['a', 'b']);
  await event(3, prompt('c'));
  await until('c is seen', () => taken.length === 3);
  expect(taken[2]).toEqual({ id: id(3), atMs: 1_795_197_516_000, news: { kind: 'prompt-taken', text: 'c' } });
});

test('only what is newer than the last one taken', async () => {
  for (const n of [1, 2, 3]) await event(n, prompt(String(n)));
  await watch({ after: id(2) });
  expect(texts()).toEqual(['3']);
});

test('an event that appears behind a newer one is not lost', async () => {
  await watch();
  await event(5, prompt('newer'));
  await until('the newer is seen', () => taken.length === 1);
  await event(4, prompt('older'));
  await until('the older is seen', () => taken.length === 2);
  expect(texts()).toEqual(['newer', 'older']);
});

test('the slow look finds what no notification told of', async () => {
  await watch({ rescanMs: 30 });
  // A folder that was replaced is not watched any more.
  await rm(join(folder.agentDir, 'events'), { recursive: true });
  await event(1, prompt('a'));
  await until('it is seen', () => taken.length === 1);
});

test('the slow look finds what follows another so closely that the folder may keep its time', async () => {
  await watch({ rescanMs: 8 });
  await rm(join(folder.agentDir, 'events'), { recursive: true });
  const all = Array.from({ length: 60 }, (_, n) => n);
  for (const n of all) await event(n, prompt(String(n)));
  await until('all are seen', () => taken.length === all.length);
  expect(taken.map((evidence) => evidence.id)).toEqual(all.map(id));
});

test('a burst is seen whole and in order', async () => {
  await watch();
  const all = Array.from({ length: 100 }, (_, n) => n);
  for (const n of all) await event(n, prompt(String(n)));
  await until('all are seen', () => taken.length === all.length);
  expect(taken.map((evidence) => evidence.id)).toEqual(all.map(id));
});

test('nothing is handed over after the end, which may be asked for twice', async () => {
  await watch({ rescanMs: 10 });
  await stop();
  await stop();
  await event(1, prompt('late'));
  const other: Evidence[] = [];
  const end = await watchEvidence({
    agentDir: folder.agentDir,
    after: '',
    take: (evidence) => other.push(evidence),
    parse: parseHookEvent,
  });
  await end();
  expect([other.length, taken.length]).toEqual([1, 0]);
});

test('files that are no events are skipped and reported once', async () => {
  const events = join(folder.agentDir, 'events');
  await event(1, 'not json');
  await event(2, '{"prompt":"no name"}');
  await event(3, 'x'.repeat(1024 * 1024 + 1));
  await event(4, prompt('good'));
  await event(5, '{"hook_event_name":"SomethingNew"}');
  await mkdir(join(events, `${id(6)}.json`));
  await writeFile(join(events, 'notes.txt'), 'x');
  await writeFile(join(events, `.${id(7)}.json`), prompt('half'));
  await watch({ rescanMs: 10 });
  await event(8, prompt('better'));
  await until('the last is seen', () => taken.length === 2);
  expect(texts()).toEqual(['good', 'better']);
  expect(problems.map((problem) => problem.file)).toEqual([1, 2, 3, 6].map((n) => `${id(n)}.json`));
});

const SESSION = '3f0c8a52-9d53-4b0e-8f0e-6a4a1c2d7e10';

describe('what an event says', () => {
  const session = { session_id: SESSION, cwd: '/x', transcript_path: '/t', permission_mode: 'acceptEdits' };
  test.each([
    ['SessionStart', { source: 'startup' }, { kind: 'session-started', sessionId: SESSION, source: 'startup' }],
    ['SessionStart', { source: 'clear' }, { kind: 'session-started', sessionId: SESSION, source: 'clear' }],
    ['SessionStart', { source: 'new word' }, { kind: 'session-started', sessionId: SESSION, source: 'startup' }],
    ['UserPromptSubmit', { prompt: 'do it [tmops#3]' }, { kind: 'prompt-taken', text: 'do it [tmops#3]' }],
    ['PreToolUse', { tool_name: 'Bash', tool_input: { command: 'ls' } }, { kind: 'tool-started', tool: 'Bash' }],
    ['PostToolUse', { tool_name: 'Bash', tool_response: {} }, { kind: 'tool-ended', tool: 'Bash' }],
    ['PostToolUseFailure', { tool_name: 'Write', error: 'no' }, { kind: 'tool-ended', tool: 'Write' }],
    ['PermissionRequest', { tool_name: 'Bash' }, { kind: 'asking', what: 'Bash' }],
    [
      'Notification',
      { notification_type: 'permission_prompt', message: 'Claude needs your permission' },
      { kind: 'asking', what: 'Claude needs your permission' },
    ],
    [
      'Stop',
      { last_assistant_message: 'done', background_tasks: [] },
      { kind: 'turn-ended', last: 'done', background: 0 },
    ],
    [
      'Stop',
      { last_assistant_message: 'x', background_tasks: [{ id: 'b' }] },
      { kind: 'turn-ended', last: 'x', background: 1 },
    ],
    ['Stop', {}, { kind: 'turn-ended', last: '', background: 0 }],
    [
      'StopFailure',
      { error: 'rate_limit', last_assistant_message: 'l' },
      { kind: 'turn-failed', error: 'rate_limit', last: 'l' },
    ],
    [
      'SessionEnd',
      { reason: 'prompt_input_exit' },
      { kind: 'session-ended', deliberate: true, reason: 'prompt_input_exit' },
    ],
    ['SessionEnd', { reason: 'other' }, { kind: 'session-ended', deliberate: false, reason: 'other' }],
    ['SessionEnd', { reason: 'clear' }, { kind: 'session-ended', deliberate: false, reason: 'clear' }],
  ])('%s %j', (name, fields, news) => {
    expect(parseHookEvent(JSON.stringify({ ...session, hook_event_name: name, ...fields }))).toEqual({ news });
  });

  test.each([
    ['Notification', { notification_type: 'idle_prompt' }],
    ['SubagentStop', {}],
    ['toString', {}],
  ])('%s %j is no news', (name, fields) => {
    expect(parseHookEvent(JSON.stringify({ hook_event_name: name, ...fields }))).toEqual({ ignored: name });
  });

  test('a tool call that was cut off keeps its name, and what stands inside it is not believed', () => {
    const whole = JSON.stringify({
      session_id: 's',
      hook_event_name: 'PostToolUse',
      tool_name: 'Write',
      tool_input: {
        content: ',"hook_event_name":"Stop","tool_name":"x"',
        hook_event_name: 'PreToolUse',
        more: 'y'.repeat(99),
      },
    });
    expect(parseHookEvent(whole.slice(0, -50))).toEqual({ news: { kind: 'tool-ended', tool: 'Write' } });
    expect(parseHookEvent('{"hook_event_name":"Stop","last_assistant_message":"abc')).toEqual({
      problem: 'neither whole JSON nor a cut off tool call',
    });
  });

  test('any text is read without an exception', () => {
    const one = (text: string): boolean => Object.keys(parseHookEvent(text)).length === 1;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.object().map((value) => JSON.stringify(value)),
        ),
        one,
      ),
    );
  });
});
