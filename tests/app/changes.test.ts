import { expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { openChangeBoard } from '../../src/app/changes.ts';
import { openGlances } from '../../src/app/glances.ts';

const never = new AbortController().signal;

it('tells what changed after a place, and nothing else', () => {
  const board = openChangeBoard('here', systemClock());
  board.post('status', 'auth-api');
  const place = board.cursor();
  expect(board.changedAfter(place, 'status', 'auth-api')).toBe(false);
  board.post('log', 'auth-api', 'tester');
  expect(board.changedAfter(place, 'log', 'auth-api', 'tester')).toBe(true);
  expect(board.changedAfter(place, 'log', 'auth-api', 'verifier')).toBe(false);
  expect(board.changedAfter(place, 'log', 'billing', 'tester')).toBe(false);
  expect(board.changedAfter(board.cursor(), 'log', 'auth-api', 'tester')).toBe(false);
});

it('takes for changed what was before its time, and what it has forgotten', () => {
  const board = openChangeBoard('here', systemClock());
  for (const cursor of ['there:0', '', 'here:', 'here:x', 'here'])
    expect(board.changedAfter(cursor, 'status', 'auth-api'), cursor).toBe(true);
  const place = board.cursor();
  for (let count = 0; count <= 5000; count += 1) board.post('status', `feature-${count}`);
  expect(board.changedAfter(place, 'status', 'auth-api')).toBe(true);
  expect(board.changedAfter(board.cursor(), 'status', 'auth-api')).toBe(false);
});

it('wakes whoever waits, at once where something has changed already', async () => {
  const board = openChangeBoard('here', systemClock());
  const place = board.cursor();
  const waits = board.moved(place, 60_000, never);
  board.asked();
  await waits;
  await board.moved(place, 60_000, never);
  await board.moved(board.cursor(), 1, never);
});

it('looks once a second, however many ask', async () => {
  let now = 0;
  let looks = 0;
  const glance = openGlances({ now: () => now, sleep: () => Promise.resolve() });
  const look = (): Promise<string> => Promise.resolve(String((looks += 1)));
  expect(await Promise.all([glance('a', look), glance('a', look), glance('b', look)])).toEqual(['1', '1', '2']);
  now = 999;
  expect(await glance('a', look)).toBe('1');
  now = 1000;
  expect(await glance('a', look)).toBe('3');
});
