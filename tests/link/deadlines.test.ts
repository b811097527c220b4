import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openDeadlines } from '../../src/link/deadlines.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('calls each when its own time is over, whatever the order they were set in', () => {
  const late: string[] = [];
  const deadlines = openDeadlines();
  deadlines.set(300, () => late.push('300'));
  deadlines.set(100, () => late.push('100'));
  deadlines.set(200, () => late.push('200'));
  vi.advanceTimersByTime(99);
  expect(late).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(late).toEqual(['100']);
  vi.advanceTimersByTime(150);
  expect(late).toEqual(['100', '200']);
  vi.advanceTimersByTime(50);
  expect(late).toEqual(['100', '200', '300']);
});

it('does not call who is done in time, and still calls who was set while the old timer ran', () => {
  const late: string[] = [];
  const deadlines = openDeadlines();
  const done = deadlines.set(100, () => late.push('done'));
  vi.advanceTimersByTime(50);
  done();
  deadlines.set(100, () => late.push('next'));
  vi.advanceTimersByTime(50);
  expect(late).toEqual([]);
  vi.advanceTimersByTime(50);
  expect(late).toEqual(['next']);
});

it('takes a call that sets the next one', () => {
  const late: string[] = [];
  const deadlines = openDeadlines();
  deadlines.set(10, () => {
    late.push('first');
    deadlines.set(10, () => late.push('second'));
  });
  vi.advanceTimersByTime(20);
  expect(late).toEqual(['first', 'second']);
});

it('uses one timer for all of a length', () => {
  const deadlines = openDeadlines();
  for (let n = 0; n < 50; n += 1) deadlines.set(1000, () => undefined)();
  expect(vi.getTimerCount()).toBe(1);
});
