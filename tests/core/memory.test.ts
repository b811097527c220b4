import { describe, expect, it } from 'vitest';
import { memoryLevels, type MemoryLook } from '../../src/core/memory.ts';
import { bytesIn, sizeWord } from '../../src/core/size.ts';
import type { MemoryLevel } from '../../src/core/resources.ts';
import { briefed, kinds, put, type Story } from '../rig/run.ts';

const MB = 2 ** 20;
const limits = { warnAbove: 100 * MB, pauseAbove: 200 * MB };
const look = (role: string, mb: number, before: MemoryLevel = 'ok'): MemoryLook => ({
  feature: 'auth-api',
  role,
  bytes: mb * MB,
  before,
});
const levels = (...looks: MemoryLook[]): MemoryLevel[] => memoryLevels(looks, limits).map(({ level }) => level);

describe('Scenario: Resource exhaustion: memory', () => {
  it.each<[string, number, MemoryLevel, MemoryLevel]>([
    ['below all', 99, 'ok', 'ok'],
    ['above the warning level', 101, 'ok', 'warning'],
    ['above the limit', 201, 'warning', 'limit'],
    ['a little below the limit it is still over it', 190, 'limit', 'limit'],
    ['well below the limit it is warned of', 179, 'limit', 'warning'],
    ['a little below the warning level it is still told of', 95, 'warning', 'warning'],
    ['well below it is in order', 89, 'warning', 'ok'],
    ['from over the limit to little', 20, 'limit', 'ok'],
  ])('%s', (_what, mb, before, level) => {
    expect(levels(look('lead', mb, before))).toEqual([level]);
  });

  it('of several that come over the limit at once the hungriest is the first', () => {
    expect(levels(look('lead', 210), look('worker', 300), look('other', 250))).toEqual(['warning', 'limit', 'warning']);
    expect(levels(look('lead', 210, 'warning'), look('worker', 300, 'limit'))).toEqual(['limit', 'limit']);
  });

  it('no limit is none', () => {
    const found = memoryLevels([look('lead', 9000, 'limit')], { warnAbove: null, pauseAbove: null });
    expect(found).toMatchObject([{ level: 'ok', above: null }]);
  });

  const seen = (story: Story, level: MemoryLevel, mb: number) =>
    put(story, { kind: 'memory-seen', role: 'lead', level, bytes: mb * MB, above: level === 'ok' ? null : 100 * MB });

  it('is noted once for each level, and no sign of life of the agent', () => {
    const story = briefed();
    const { signAt } = story.run.agents['lead'] ?? {};
    expect(kinds(seen(story, 'warning', 120))).toEqual(['memory.noted']);
    expect(seen(story, 'warning', 150)).toEqual([]);
    expect(story.run.memory['lead']).toMatchObject({ level: 'warning', bytes: 120 * MB });
    expect(story.run.agents['lead']?.signAt).toBe(signAt);
    seen(story, 'ok', 20);
    expect(story.run.memory).toEqual({});
  });

  it('over the limit pauses the run once, and leaves one alone that was resumed all the same', () => {
    const story = briefed();
    expect(kinds(seen(story, 'limit', 300))).toEqual(['memory.noted', 'run.paused']);
    expect(story.run.paused).toMatchObject({
      by: 'tmops',
      why: "the lead's agent takes 300 MB, more than the limit of 100 MB",
    });
    put(story, { kind: 'resume', by: 'cli', spareIds: {} });
    expect(seen(story, 'limit', 310)).toEqual([]);
    expect(story.run.paused).toBeNull();
  });

  it('is forgotten with the process that took it', () => {
    const story = briefed();
    seen(story, 'warning', 120);
    put(story, {
      kind: 'agent-exited',
      role: 'lead',
      generation: 1,
      exit: { kind: 'signal', signal: 'SIGKILL' },
      spareId: 'x',
    });
    expect(story.run.memory).toEqual({});
  });

  it.each([
    ['512MB', 512 * MB, '512 MB'],
    ['1.5GB', 1536 * MB, '1.5 GB'],
    ['2 gb', 2048 * MB, '2 GB'],
  ])('%s is %d bytes and told as %s', (text, bytes, told) => {
    expect(bytesIn(text)).toBe(bytes);
    expect(sizeWord(bytes)).toBe(told);
  });

  it.each(['', '2', '2TB', '-1GB', 'GB', '1,5GB'])('%j is no size', (text) => {
    expect(bytesIn(text)).toBeNaN();
  });
});
