import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { livenessLook } from '../../../src/adapters/agents/liveness.ts';
import { alive } from '../../../src/adapters/agents/process.ts';
import { startTimeOf, type Process } from '../../../src/adapters/agents/process-table.ts';

let child: ChildProcess;
let one: Process;
let close: number;
const look = livenessLook((process) => {
  close += 1;
  return alive(process);
});

beforeEach(async () => {
  child = spawn('sleep', ['1000']);
  await once(child, 'spawn');
  const started = await startTimeOf(child.pid ?? 0);
  if (started.kind !== 'alive') throw new Error(`The child is ${started.kind}`);
  one = { pid: child.pid ?? 0, startTime: started.startTime };
  close = 0;
});
afterEach(() => {
  vi.useRealTimers();
  child.kill('SIGKILL');
});

it('looks closely once in a while, and sees the end at once', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  for (let n = 0; n < 20; n += 1) expect(await look(one)).toBe('alive');
  expect(close).toBe(1);
  vi.advanceTimersByTime(4501);
  expect(await look(one)).toBe('alive');
  expect(close).toBe(2);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  expect(await look(one)).toBe('gone');
});

it('does not take another process with the same number for the one that was seen', async () => {
  expect(await look(one)).toBe('alive');
  expect(await look({ ...one, startTime: '1' })).toBe('gone');
  expect(await look(one)).toBe('alive');
});

it('looks closely each time while it cannot tell', async () => {
  const states = ['unknown', 'unknown', 'alive', 'gone'] as const;
  let asked = 0;
  const doubtful = livenessLook(() => Promise.resolve(states[asked++] ?? 'gone'));
  expect([await doubtful(one), await doubtful(one), await doubtful(one), await doubtful(one)]).toEqual([
    'unknown',
    'unknown',
    'alive',
    'alive',
  ]);
});
