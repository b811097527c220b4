import { describe, expect, it } from 'vitest';
import { newsLine, newsOf, openNewsBoard } from '../../src/app/news.ts';
import { newsView, type NewsView } from '../../src/app/views.ts';
import { handClock } from '../rig/clock.ts';
import { briefed, T0 } from '../rig/run.ts';

const { run } = briefed();
const news = (feature: string): NewsView => ({ kind: 'completed', feature, run: 'initial', at: '', needs: [] });
const never = new AbortController().signal;
const features = ({ news: all }: { readonly news: readonly NewsView[] }): string[] => all.map((each) => each.feature);

describe('the board', () => {
  it('gives nothing but a cursor at first, then what came after it', async () => {
    const board = openNewsBoard('a', handClock(T0));
    board.post(news('one'));
    const first = await board.after(undefined, 50_000, never);
    expect(first.news).toEqual([]);
    board.post(news('two'));
    board.post(news('three'));
    const second = await board.after(first.cursor, 50_000, never);
    expect(features(second)).toEqual(['two', 'three']);
  });

  it('wakes all who wait, and lets them go when time is up or they are', async () => {
    const clock = handClock(T0);
    const board = openNewsBoard('a', clock);
    const { cursor } = await board.after(undefined, 0, never);
    const both = Promise.all([board.after(cursor, 50_000, never), board.after(cursor, 50_000, never)]);
    board.post(news('one'));
    expect((await both).map(features)).toEqual([['one'], ['one']]);
    const { cursor: next } = await board.after(cursor, 0, never);
    const late = board.after(next, 50_000, never);
    const caller = new AbortController();
    const gone = board.after(next, 50_000, caller.signal);
    caller.abort();
    await clock.pass(50_000);
    expect([await late, await gone]).toEqual([
      { cursor: next, news: [] },
      { cursor: next, news: [] },
    ]);
  });

  it('gives all it has told to whoever knows another supervisor, and what it still has to whoever is far behind', async () => {
    const board = openNewsBoard('b', handClock(T0));
    for (let n = 0; n < 150; n += 1) board.post(news(`f${n}`));
    expect(features(await board.after('a:149', 0, never))).toHaveLength(100);
    expect(features(await board.after('b:10', 0, never)).at(0)).toBe('f50');
    expect(features(await board.after('b:149', 0, never))).toEqual(['f149']);
    expect(features(await board.after('nonsense', 0, never))).toHaveLength(100);
    expect(features(await board.after('b:nonsense', 0, never))).toEqual([]);
  });
});

describe('a piece of news', () => {
  const needs = [
    { code: 'needs-answer', sentence: 'The lead asks: "a\u001b[2J\nb"', hint: 'Look.' },
    { code: 'gate', sentence: 'It waits.', hint: 'tmops approve auth-api' },
  ];

  it('is of the shape that is promised', () => {
    const view = newsOf({ kind: 'needs-human', run, needs, at: T0 });
    expect(newsView.parse(view)).toEqual(view);
    expect(view).toMatchObject({ feature: 'auth-api', run: 'initial', at: '2023-11-14T22:13:20.000Z' });
  });

  it('is one line without control characters', () => {
    const line = (over: Partial<Parameters<typeof newsOf>[0]>): string =>
      newsLine(newsOf({ kind: 'needs-human', run, needs, at: T0, ...over }));
    expect(line({})).toBe('auth-api needs you: The lead asks: "a [2J b" (and 1 more: tmops why auth-api)');
    expect(line({ needs: needs.slice(1) })).toBe('auth-api needs you: It waits.');
    expect(line({ kind: 'completed', needs: [] })).toBe('auth-api is completed.');
  });
});
