import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkAudit, readAudit } from '../../src/audit/check.ts';
import type { CallFacts } from '../../src/audit/record.ts';
import { summaryOf } from '../../src/audit/summary.ts';
import { auditLog, type AuditLog } from '../../src/audit/writer.ts';
import { until } from '../rig/wait.ts';

let base: string;
let folder: string;
let faults: unknown[];
const logs: AuditLog[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'tmops-audit-'));
  folder = join(base, '.tmops', '.audit');
  faults = [];
});
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  await rm(base, { recursive: true });
});

const at = '2026-11-22T05:00:00.000Z';
const call = (operation: string, more: Partial<CallFacts> = {}): CallFacts => ({
  ...{ kind: 'call', at, workspace: 'w', principal: 'cli:0', door: 'cli', operation, target: 'auth-api' },
  ...{ arguments: { feature: 'auth-api' }, outcome: 'ok', durationMs: 1.5 },
  ...more,
});

function open(fullBytes?: number): AuditLog {
  const onFault = (error: unknown): void => void faults.push(error);
  const log = auditLog({ folder, now: () => at, onFault, ...(fullBytes !== undefined && { fullBytes }) });
  logs.push(log);
  return log;
}

const current = (): string => join(folder, 'audit.jsonl');
const lines = async (): Promise<string[]> => (await readFile(current(), 'utf8')).split('\n').slice(0, -1);
const put = (all: readonly string[]): Promise<void> => writeFile(current(), all.map((line) => `${line}\n`).join(''));

/** Five records in the file. */
async function five(): Promise<string[]> {
  const log = open();
  for (const name of ['init', 'start', 'status', 'approve', 'stop']) await log.record(call(name), true);
  await log.close();
  return lines();
}

describe('what is written', () => {
  it('is there, whole and in order, when a flushed record resolves, also of many at once', async () => {
    const log = open();
    await Promise.all(Array.from({ length: 200 }, (_, n) => log.record(call(`op-${n}`), true)));
    const records = await readAudit(folder);
    expect(records.map((record) => record.kind === 'call' && record.operation)).toEqual(
      Array.from({ length: 200 }, (_, n) => `op-${n}`),
    );
    expect(await checkAudit(folder)).toMatchObject({ ok: true, records: 200, first: 1, head: { seq: 200 } });
  });

  it('of what only reads comes by itself', async () => {
    await open().record(call('status'), false);
    await until('it is written', async () => (await readAudit(folder).catch(() => [])).length === 1, {
      withinMs: 2_000,
    });
  });

  it('goes on where the one before ended', async () => {
    await five();
    await open().record(call('resume'), true);
    expect(await checkAudit(folder)).toMatchObject({ ok: true, records: 6, head: { seq: 6 } });
  });

  it('goes on in a new file when one is full', async () => {
    const log = open(1_000);
    for (let n = 0; n < 12; n += 1) await log.record(call('status'), true);
    await log.close();
    await open(1_000).record(call('stop'), true);
    const names = (await readdir(folder)).sort();
    expect(names.length).toBeGreaterThan(3);
    expect(names).toContain('audit-000000000001.jsonl');
    expect(await checkAudit(folder)).toMatchObject({ ok: true, records: 13, first: 1, files: names.length });
    await rm(join(folder, 'audit-000000000001.jsonl'));
    const later = await checkAudit(folder);
    expect(later).toMatchObject({ ok: true, head: { seq: 13 } });
    expect(later.ok && later.first).toBeGreaterThan(1);
  });
});

describe('a crash', () => {
  it('that cut a line off is told of, and the chain goes on', async () => {
    const before = await five();
    await appendFile(current(), '{"v":1,"seq":6,"kind":"ca');
    expect(await checkAudit(folder)).toMatchObject({ ok: true, records: 5, unfinished: 25 });
    await open().record(call('resume'), true);
    expect((await lines()).slice(0, 5)).toEqual(before);
    expect((await readAudit(folder)).slice(5)).toMatchObject([
      { seq: 6, kind: 'gap', torn: 25 },
      { seq: 7, kind: 'call', operation: 'resume' },
    ]);
    expect(await checkAudit(folder)).toMatchObject({ ok: true, records: 7, unfinished: 0 });
  });
});

describe('a folder that cannot be written', () => {
  it('keeps no call from being answered; what waits is written once it can be', async () => {
    await mkdir(join(base, '.tmops'));
    await writeFile(folder, 'in the way');
    const log = open();
    await log.record(call('start'), true);
    await log.record(call('stop'), true);
    expect(faults).toHaveLength(2);
    await rm(folder);
    await log.record(call('status'), true);
    expect((await readAudit(folder)).map((record) => record.kind === 'call' && record.operation)).toEqual([
      ...['start', 'stop', 'status'],
    ]);
    expect(await checkAudit(folder)).toMatchObject({ ok: true, records: 3 });
  });

  it('is not gone to through a link', async () => {
    await mkdir(join(base, '.tmops'));
    await mkdir(join(base, 'elsewhere'));
    await symlink(join(base, 'elsewhere'), folder);
    await open().record(call('start'), true);
    expect(faults).toMatchObject([{ code: 'ELEDAWAY' }]);
    expect(await readdir(join(base, 'elsewhere'))).toEqual([]);
  });
});

describe('who changes the log', () => {
  const changes: Readonly<Record<string, (all: string[]) => string[]>> = {
    'changes a word': ([a, b, ...rest]) => [a ?? '', (b ?? '').replace('"start"', '"stop"'), ...rest],
    'changes a word and its hash': ([a, b, ...rest]) => [
      ...[a ?? '', (b ?? '').replace('"start"', '"stop"').replace(/"hash":"../, '"hash":"00')],
      ...rest,
    ],
    'takes a record out': ([a, , ...rest]) => [a ?? '', ...rest],
    'changes the order': ([a, b, c, ...rest]) => [a ?? '', c ?? '', b ?? '', ...rest],
    'puts one in twice': ([a, b, ...rest]) => [a ?? '', b ?? '', b ?? '', ...rest],
    'puts in what is none': ([a, b, ...rest]) => [a ?? '', '{"seq":2}', b ?? '', ...rest],
  };
  it.each(Object.entries(changes))('%s: is found, with file and line', async (_what, change) => {
    await put(change(await five()));
    expect(await checkAudit(folder)).toMatchObject({ ok: false, file: current(), line: expect.any(Number) as number });
  });

  it('cuts the end off: is found by whoever kept a later head', async () => {
    const all = await five();
    const whole = await checkAudit(folder);
    const head = whole.ok ? whole.head.hash : '';
    await put(all.slice(0, 3));
    expect(await checkAudit(folder)).toMatchObject({ ok: true, records: 3 });
    expect(await checkAudit(folder, head)).toMatchObject({ ok: false });
    await put(all);
    expect(await checkAudit(folder, head)).toMatchObject({ ok: true });
  });
});

it('the figures of each operation are those of its calls', () => {
  const records = [10, 20, 30, 40].map((durationMs, index) => ({
    ...call('status', { durationMs, ...(index === 3 && { outcome: 'no-run' }) }),
    ...{ v: 1, seq: index + 1, prev: '' },
  }));
  const start = { ...call('start', { durationMs: 7 }), v: 1, seq: 5, prev: '' };
  expect(summaryOf([...records, start])).toEqual([
    { operation: 'status', calls: 4, failures: { 'no-run': 1 }, p50Ms: 20, p95Ms: 40, maxMs: 40 },
    { operation: 'start', calls: 1, failures: {}, p50Ms: 7, p95Ms: 7, maxMs: 7 },
  ]);
});
