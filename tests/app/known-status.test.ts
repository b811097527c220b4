import { expect, it } from 'vitest';
import { knownStatuses } from '../../src/app/known-status.ts';
import { statusOf } from '../../src/app/status.ts';
import type { Run } from '../../src/core/run.ts';
import { briefed, deliver, news, settings, type Story } from '../rig/run.ts';

const ATTACH = "tmux attach -t '=tmops-auth-api'";
const attach = (): string => ATTACH;

function working(): Story {
  const story = briefed();
  deliver(story, 3);
  return story;
}

it('is the status, with its JSON', () => {
  const { run, at } = working();
  const known = knownStatuses(attach)(run, at);
  expect(known.output).toEqual(statusOf(run, { attach: ATTACH, now: at, failing: null, queue: null }));
  expect(known.json).toBe(JSON.stringify(known.output));
});

it('is worked out once for each state of a run', () => {
  const story = working();
  const asked: Run[] = [];
  const status = knownStatuses((run) => {
    asked.push(run);
    return ATTACH;
  });
  const [before, first] = [story.run, status(story.run, story.at)];
  expect(status(story.run, story.at + 1000)).toBe(first);
  news(story, 'lead', { kind: 'turn-ended', last: 'done', background: 0 });
  const second = status(story.run, story.at);
  expect(second.output.cursor).toBeGreaterThan(first.output.cursor);
  expect(second.json).toBe(
    JSON.stringify(statusOf(story.run, { attach: ATTACH, now: story.at, failing: null, queue: null })),
  );
  expect(asked).toEqual([before, story.run]);
});

it('tells a silence that began and grew since it was worked out, and forgets it', () => {
  const { run, at } = working();
  const status = knownStatuses(attach);
  const attentionAt = (now: number): string[] => status(run, now).output.attention.map(({ sentence }) => sentence);
  const begun = at + settings.silentAfterMs;
  expect(attentionAt(at)).toEqual([]);
  expect(attentionAt(begun).join()).toMatch(/no sign of life/);
  const grown = attentionAt(begun + 600_000);
  expect(grown).not.toEqual(attentionAt(begun));
  expect(status(run, begun + 600_000).json).toContain(grown[0]);
  expect(attentionAt(at)).toEqual([]);
});
