import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { startTimeOf } from '../../../src/adapters/agents/process-table.ts';
import { residentIn } from '../../../src/adapters/agents/resident.ts';

const MB = 2 ** 20;
const children = new Set<ReturnType<typeof spawn>>();
afterEach(async () => {
  for (const child of children) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  children.clear();
});

/** A process with a child of its own that holds so much; resolves when it does. */
async function family(mb: number): Promise<{ pid: number; startTime: string }> {
  const held = `const held = Buffer.alloc(${mb} * 2 ** 20, 1); process.stdout.write('held'); process.stdin.resume(); process.stdin.on('end', () => process.exit(held.length ? 0 : 1));`;
  const parent = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(held)}], { stdio: ['pipe', 'inherit', 'inherit'] }); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const started = await startTimeOf(pid);
  if (started.kind !== 'alive') throw new Error(`process ${pid} is ${started.kind}`);
  return { pid, startTime: started.startTime };
}

it('Scenario: Resource exhaustion: counts what descends from a process, and only that', async () => {
  const [large, small] = await Promise.all([family(200), family(1)]);
  const [most = 0, least = 0] = (await residentIn([large, small])).map((bytes) => bytes ?? 0);
  expect(most).toBeGreaterThan(200 * MB);
  expect(most).toBeLessThan(500 * MB);
  expect(most - least).toBeGreaterThan(150 * MB);
  expect(least).toBeGreaterThan(10 * MB);
});

it('knows nothing of a process that is not there, or whose number is another’s by now', async () => {
  const own = await startTimeOf(process.pid);
  expect(own.kind).toBe('alive');
  expect(
    await residentIn([
      { pid: process.pid, startTime: 'another' },
      { pid: 2 ** 22 + 1, startTime: '1' },
    ]),
  ).toEqual([null, null]);
  expect(await residentIn([])).toEqual([]);
});
