import { expect, test } from 'vitest';
import { eventStore } from '../../../src/doors/mcp/http-events.ts';

const json = (length: number): string => `"${'x'.repeat(length - 2)}"`;

test('what came on a stream after an event, in order, and nothing of other streams', () => {
  const store = eventStore(() => 0);
  const ids = [
    store.keep(1, ''),
    store.keep(2, '"a"'),
    store.keep(1, '"b"'),
    store.keep(0, '"c"'),
    store.keep(1, '"d"'),
  ];
  expect(new Set(ids).size).toBe(5);
  expect(store.after(ids[0] ?? '')).toEqual({
    stream: 1,
    events: [
      { id: ids[2], json: '"b"' },
      { id: ids[4], json: '"d"' },
    ],
    isWhole: true,
  });
  expect(store.after(ids[4] ?? '')).toEqual({ stream: 1, events: [], isWhole: true });
});

test.each(['', '1', 'a-1', '1-', '-1', '1-2-3', '1-9', '1-1e3', '1-0x1', ' 1-1', '1-1\n', `1-${'9'.repeat(16)}`])(
  '%j is the id of no event',
  (id) => {
    const store = eventStore(() => 0);
    store.keep(1, '"a"');
    expect(store.after(id)).toBeNull();
  },
);

test('of many events the newest 64 are kept', () => {
  const store = eventStore(() => 0);
  const ids = Array.from({ length: 100 }, (_, number) => store.keep(1, `"${number}"`));
  expect(store.after(ids[0] ?? '')).toMatchObject({ isWhole: false });
  expect(store.after(ids[0] ?? '')?.events).toHaveLength(64);
  expect(store.after(ids[35] ?? '')).toMatchObject({ isWhole: true });
  expect(store.after(ids[34] ?? '')).toMatchObject({ isWhole: false });
});

test('of long events as many are kept as fit, and one that is longer than all of it is not', () => {
  const store = eventStore(() => 0);
  const ids = Array.from({ length: 10 }, () => store.keep(1, json(100 * 1024)));
  expect(store.after(ids[0] ?? '')?.events).toHaveLength(5);
  const last = store.keep(1, json(600 * 1024));
  expect(store.after(ids[9] ?? '')).toMatchObject({ events: [], isWhole: false });
  expect(store.after(last)).toMatchObject({ events: [], isWhole: true });
});

test('after five minutes an event is let go of', () => {
  let now = 0;
  const store = eventStore(() => now);
  const first = store.keep(1, '"a"');
  now = 4 * 60_000;
  store.keep(1, '"b"');
  now = 5 * 60_000 + 1;
  store.sweep();
  expect(store.after(first)).toMatchObject({ events: [{ json: '"b"' }], isWhole: true });
  now = 10 * 60_000;
  store.sweep();
  expect(store.after(first)).toMatchObject({ events: [], isWhole: false });
});
