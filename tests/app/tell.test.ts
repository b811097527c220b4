import { describe, expect, it } from 'vitest';
import { narrate, quoted } from '../../src/app/narrate.ts';
import { plainText } from '../../src/app/pane-text.ts';
import { tellError, tellInit, tellRefusal } from '../../src/app/tell.ts';
import type { InitProblem } from '../../src/core/init.ts';
import type { Refusal } from '../../src/core/request.ts';
import { RunUnavailable } from '../../src/engine/run-unavailable.ts';
import { JournalError } from '../../src/journal/error.ts';
import { briefed, checkpoint, deliver } from '../rig/run.ts';

const end = { kind: 'exited', exitCode: 3, tail: 'boom' } as const;

describe('every problem of init becomes a sentence and a hint', () => {
  const problems: InitProblem[] = [
    { kind: 'branch-blocked', branch: 'feature/x', by: 'feature' },
    { kind: 'branch-elsewhere', branch: 'feature/x', at: '/w' },
    { kind: 'worktree-other-branch', path: '/w', branch: null },
    { kind: 'path-taken', path: '/w', what: 'folder' },
    { kind: 'dirty', path: '/w', count: 2, files: ['a', 'b'] },
    { kind: 'worktree-locked', path: '/w', reason: 'usb' },
    { kind: 'git-refused', path: '/w', why: 'no' },
    { kind: 'bad-name', name: '../x', pattern: '^' },
    { kind: 'in-the-way', path: '/w', what: 'link', wanted: 'folder' },
    { kind: 'link-out', path: '/w', target: '/etc' },
    { kind: 'no-run-to-retry', feature: 'x' },
    { kind: 'too-many-runs', feature: 'x', count: 99 },
    { kind: 'no-template', file: '/t' },
    { kind: 'script-failed', argv: ['bash', 's'], end },
    { kind: 'script-failed', argv: ['bash', 's'], end: { kind: 'killed', signal: 'SIGKILL', tail: '' } },
    { kind: 'script-failed', argv: ['bash', 's'], end: { kind: 'timed-out', afterMs: 60_000, tail: '' } },
    { kind: 'script-failed', argv: ['bash', 's'], end: { kind: 'not-started', why: 'ENOENT' } },
    { kind: 'script-incomplete', argv: ['bash', 's'], missing: 'TASK_SPEC.md' },
    { kind: 'wrong-branch', path: '/w', wanted: 'feature/x', branch: 'main' },
    { kind: 'setup-failed', argv: ['npm', 'ci'], cwd: '/w', end },
  ];
  it.each(problems.map((problem) => [problem.kind, problem] as const))('%s', (kind, problem) => {
    const told = tellInit(problem);
    expect(told.code).toBe(kind);
    expect(told.sentence).toMatch(/\.$/);
    expect(told.hint.length).toBeGreaterThan(5);
    expect(told.sentence).not.toMatch(/undefined|\[object/);
  });
});

describe('refusals', () => {
  const reasons: Refusal['reason'][] = [
    'not-initialised',
    'already-initialised',
    'completed',
    'not-running',
    'unknown-role',
    'unknown-prompt',
    'prompt-not-in-doubt',
  ];
  it.each(reasons)('%s', (reason) => {
    const told = tellRefusal({ reason, received: 'r', allowed: ['a', 'b'] }, 'auth-api');
    expect(told).toMatchObject({ code: reason });
    expect(`${told.sentence} ${told.hint}`).toContain('auth-api');
  });
});

it('tells expected errors and leaves bugs alone', () => {
  expect(tellError(new RunUnavailable('locked', '/j', 'process 7 writes it'))).toMatchObject({
    code: 'journal-locked',
  });
  expect(tellError(new RunUnavailable('corrupt', '/j', 'line 3'))).toMatchObject({ code: 'journal-corrupt' });
  const unequipped = tellError(new RunUnavailable('unequipped', '/run/agents/setup.json', 'it is not there'));
  expect(unequipped).toMatchObject({ code: 'setup-unusable' });
  expect(unequipped?.sentence).toContain('/run/agents/setup.json: it is not there');
  expect(unequipped?.hint).toContain('move journal.jsonl and agents out of /run,');
  expect(tellError(new JournalError('append to', '/j', 'ENOSPC'))).toMatchObject({ code: 'disk' });
  expect(tellError(new TypeError('x is not a function'))).toBeNull();
});

it('narrates every event of a run without a gap in its words', () => {
  const story = briefed();
  deliver(story, 3);
  checkpoint(story, '001-plan.md');
  for (const event of story.events) {
    const { text, kind, at } = narrate(event);
    expect(text, kind).toMatch(/^[A-Z0-9].*\.$/);
    expect(text).not.toMatch(/undefined|\[object/);
    expect(Date.parse(at)).toBe(event.at);
  }
});

it('quotes untrusted text on one line', () => {
  expect(quoted('a\nb\u0007\u202Ec')).toBe('"a b c"');
  expect(quoted('x'.repeat(500))).toHaveLength(162);
});

it('shows a capture without escapes, control or invisible characters', () => {
  expect(plainText('\u001b[1mbold\u001b[0m\u200B x\u0007\n\u001b]0;title\u0007next  \n\n')).toBe('bold x\nnext');
});
