import { afterEach, beforeEach, expect, test } from 'vitest';
import { dial } from '../../src/link/dial.ts';
import type { DialOptions } from '../../src/link/dial.ts';
import { linkPort } from '../../src/link/port.ts';
import type { LinkServer } from '../../src/link/server.ts';
import { until } from '../rig/wait.ts';
import { linkRig } from './rig.ts';
import type { LinkRig } from './rig.ts';

let rig: LinkRig;
beforeEach(() => {
  rig = linkRig();
});
afterEach(() => rig.close());

const options = (start: () => Promise<void>, more: Partial<DialOptions> = {}): DialOptions => ({
  socketPath: rig.socketPath,
  version: '0.1.0',
  start,
  withinMs: 2_000,
  logFile: '/w/.tmops/supervisor.log',
  ...more,
});

test('a running supervisor is not started again', async () => {
  await rig.serve();
  let starts = 0;
  const dialled = await dial(options(() => Promise.resolve(void (starts += 1))));
  expect(dialled.ok).toBe(true);
  expect(starts).toBe(0);
  if (dialled.ok) dialled.link.close();
});

test('an absent one is started once and waited for', async () => {
  let starts = 0;
  const dialled = await dial(
    options(() => {
      starts += 1;
      setTimeout(() => void rig.serve(), 80);
      return Promise.resolve();
    }),
  );
  expect(dialled.ok).toBe(true);
  expect(starts).toBe(1);
  if (dialled.ok) dialled.link.close();
});

test('one that never answers is a failure that names the log', async () => {
  const dialled = await dial(options(() => Promise.resolve(), { withinMs: 60 }));
  expect(dialled).toMatchObject({ ok: false, failure: { code: 'supervisor-late' } });
  expect(JSON.stringify(dialled)).toContain('/w/.tmops/supervisor.log');
});

test('one that cannot be started is a failure with the reason', async () => {
  const dialled = await dial(options(() => Promise.reject(new Error('spawn EACCES'))));
  expect(dialled).toMatchObject({ ok: false, failure: { code: 'supervisor-not-started' } });
  expect(JSON.stringify(dialled)).toContain('spawn EACCES');
});

test('one of another release is neither used nor started over', async () => {
  await rig.serve({ version: '9.0.0' });
  const dialled = await dial(options(() => Promise.reject(new Error('never called'))));
  expect(dialled).toMatchObject({ ok: false, failure: { code: 'supervisor-incompatible' } });
  expect(!dialled.ok && dialled.failure.hint).toContain(`kill ${process.pid}`);
});

test('a port dials at the first call, shares one dial, and dials again after the link was lost', async () => {
  let dials = 0;
  let server: LinkServer | undefined;
  const start = async (): Promise<void> => {
    server = await rig.serve();
  };
  const port = linkPort({
    dial: () => {
      dials += 1;
      return dial(options(start));
    },
    caller: (op, extras) => ({ ...extras, cwd: `/${op}` }),
    repeatable: (op) => op === 'slow',
  });
  expect(dials).toBe(0);
  const both = await Promise.all([port.call('echo', 1, { door: 'mcp' }), port.call('echo', 2, { door: 'mcp' })]);
  expect(both).toMatchObject([
    { ok: true, output: 1 },
    { ok: true, output: 2 },
  ]);
  expect(dials).toBe(1);

  const repeated = port.call('slow', 300, { door: 'mcp' });
  const notRepeated = port.call('throw-not-repeatable', 1, { door: 'mcp' });
  expect(await notRepeated).toMatchObject({ ok: true });
  await until('slow has begun', () => rig.seen.begun.includes('slow'));
  await server?.close();
  expect(await repeated).toMatchObject({ ok: true, output: 300 });
  expect(rig.seen.begun.filter((op) => op === 'slow')).toHaveLength(2);
  expect(dials).toBe(2);
  port.close();
});

test('what may not be repeated is reported as lost', async () => {
  const server = await rig.serve();
  const port = linkPort({
    dial: () => dial(options(() => Promise.reject(new Error('gone')))),
    caller: (_op, extras) => ({ ...extras, cwd: '/' }),
    repeatable: () => false,
  });
  const answer = port.call('slow', 30_000, { door: 'cli' });
  await until('slow has begun', () => rig.seen.begun.includes('slow'));
  await server.close();
  expect(await answer).toMatchObject({ ok: false, failure: { code: 'supervisor-lost' } });
  expect(await port.call('echo', 1, { door: 'cli' })).toMatchObject({
    ok: false,
    failure: { code: 'supervisor-not-started' },
  });
  port.close();
});

test('a port that only listens starts nothing: it asks whoever runs, and fails while nobody does', async () => {
  const asked: boolean[] = [];
  const port = linkPort({
    dial: (mayStart) => {
      asked.push(mayStart);
      return dial(options(() => Promise.reject(new Error('none is wanted'))));
    },
    caller: (_op, extras) => ({ ...extras, cwd: '/' }),
    repeatable: () => false,
  });
  const [heard, called] = await Promise.all([
    port.listen('echo', 1, { door: 'mcp' }),
    port.call('echo', 1, { door: 'mcp' }),
  ]);
  expect([heard, called]).toMatchObject([{ ok: false }, { failure: { code: 'supervisor-not-started' } }]);
  // What may start one does not make do with the dial of what may not.
  expect(asked).toEqual([false, true]);
  const server = await rig.serve();
  expect(await port.listen('echo', [2], { door: 'mcp' })).toMatchObject({ ok: true, json: '[2]' });
  await port.call('echo', 1, { door: 'mcp' });
  expect(asked).toEqual([false, true, false]);
  await server.close();
  expect(await port.listen('echo', 3, { door: 'mcp' })).toMatchObject({ ok: false });
  port.close();
});
