import { describe, expect, test } from 'vitest';
import { parseHookEvent } from '../../../src/adapters/agents/hook-event.ts';

const prompt = (text: string): unknown => {
  const parsed = parseHookEvent(JSON.stringify({ hook_event_name: 'UserPromptSubmit', session_id: 's', prompt: text }));
  return 'news' in parsed ? parsed.news : parsed;
};

// As recorded from Claude Code 2.1.329, shortened.
const TASK =
  '<task-notification>\n<task-id>b9rxs2uiz</task-id>\n<status>completed</status>\n<summary>Background command "x" completed (exit code 0)</summary>\n</task-notification>';
const REWAKE =
  '<task-notification>\n<summary>Stop hook feedback</summary>\n</task-notification>\n<system-reminder>\nStop hook blocking error from command "PostToolUse:Bash": woke\n\n</system-reminder>';

describe('a prompt that the program put in itself', () => {
  test.each([
    ['the end of a background task', TASK],
    ['two of them', `${TASK}\n${TASK}`],
    ['a hook that wakes it', REWAKE],
    ['the feedback of a hook', 'Stop hook feedback:\nyou forgot the file'],
    ['a notification', '[SYSTEM NOTIFICATION - NOT USER INPUT]\nThe file changed.'],
    ['a conversation that is carried on', 'Continue from where you left off.'],
    [
      'a conversation that was cut',
      'This session is being continued from a previous conversation that ran out of context.',
    ],
  ])('%s is told as such', (_what, text) => {
    expect(prompt(text)).toEqual({ kind: 'prompt-taken', text, injected: true });
  });
});

describe('a prompt that somebody typed', () => {
  test.each([
    '[BEGIN]: Start test writing [tmops#6]',
    'please look at this again',
    'Why did it say "Stop hook feedback:" just now?',
    `${TASK}\nand what does this mean?`,
    'What is a <task-notification>?',
    '<task-notification> never comes',
    'Continue from where you left of',
    '',
  ])('%j is not taken for one of its own', (text) => {
    expect(prompt(text)).toEqual({ kind: 'prompt-taken', text });
  });
});

describe('the id of a conversation, which becomes an argument and a part of a path', () => {
  test.each([
    '',
    '../../../etc/passwd',
    '--dangerously-skip-permissions',
    'a b',
    '3f0c8a52-9d53-4b0e-8f0e-6a4a1c2d7e10\n',
  ])('is not %j', (id) => {
    const event = { hook_event_name: 'SessionStart', session_id: id, source: 'startup' };
    expect(parseHookEvent(JSON.stringify(event))).toEqual({
      problem: `no id of a conversation: ${JSON.stringify(id)}`,
    });
  });
});
