import { expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { foreignNames, judge, managedSessions, type FeatureRecord, type Observed } from './figures.ts';
import { readOptions } from './options.ts';

const SAMPLE = {
  ...{ rssMb: 80, files: 30, buffers: 0, processes: 3, sockets: 4, worktrees: 1, locks: 1, sessions: 0 },
};
const feature = (n: number, changes: Partial<FeatureRecord> = {}): FeatureRecord => ({
  ...{ feature: `soak-a-${n}`, completed: true, sessions: { count: 10, faults: [] }, foreign: [], left: [] },
  ...changes,
});
const GOOD: Observed = {
  features: Array.from({ length: 20 }, (_each, n) => feature(n)),
  corruptions: [{ feature: 'soak-a-1', file: '001.md', what: 'empty', caught: true }],
  byHand: [{ feature: 'soak-h-1', fault: null }],
  ...{ before: SAMPLE, after: SAMPLE, rssMb: [80, 90, 100, 95, 90, 92], processesLeft: 0 },
};
const missed = (changes: Partial<Observed>): string[] =>
  judge({ ...GOOD, ...changes }).flatMap(({ name, met }) => (met ? [] : [name]));

it('all figures are met by a run in which all went well', () => {
  expect(missed({})).toEqual([]);
});

it.each<[string, Partial<Observed>]>([
  ['workflow success', { features: [feature(1, { completed: false }), ...GOOD.features.slice(1)].slice(0, 19) }],
  ['workflow success', { features: [] }],
  ['session management', { features: [feature(1, { sessions: { count: 100, faults: ['lost'] } })] }],
  ['corruption caught', { corruptions: [{ feature: 'soak-a-1', file: '001.md', what: 'empty', caught: false }] }],
  ['corruption caught', { corruptions: [] }],
  ['contamination', { features: [...GOOD.features, feature(30, { foreign: ['a prompt'] })] }],
  ['manual fallback', { byHand: [...GOOD.byHand, { feature: 'soak-h-2', fault: 'no folder' }] }],
  ['left of features put away', { features: [...GOOD.features, feature(30, { left: ['a worktree'] })] }],
  ['growth: files', { after: { ...SAMPLE, files: 34 } }],
  ['growth: buffers', { after: { ...SAMPLE, buffers: 1 } }],
  ['growth: processes', { after: { ...SAMPLE, processes: 4 } }],
  ['growth: sockets', { after: { ...SAMPLE, sockets: 5 } }],
  ['growth: worktrees', { after: { ...SAMPLE, worktrees: 2 } }],
  ['growth: locks', { after: { ...SAMPLE, locks: 2 } }],
  ['growth: sessions', { after: { ...SAMPLE, sessions: 1 } }],
  ["growth: supervisor's RSS", { rssMb: [80, 80, 90, 100, 110, 110] }],
  ["growth: supervisor's RSS", { rssMb: [210, 210, 210] }],
  ['processes left at the end', { processesLeft: 1 }],
])('%s can be missed', (name, changes) => {
  expect(missed(changes)).toContain(name);
});

it('counts 19 of 20 features as 95 %', () => {
  const features = [feature(1, { completed: false }), ...GOOD.features.slice(1)];
  expect(missed({ features })).toEqual([]);
});

const EXITED = { kind: 'agent.exited', role: 'tester', exit: { kind: 'unknown' }, deliberate: false };
const journal = (...facts: object[]): Event[] =>
  facts.map((fact, index) => ({ seq: index + 1, at: index * 1000, ...fact }) as Event);

it('a launch, an end and a loss each have to be followed by what repairs them', () => {
  const launched = { kind: 'agent.launched', role: 'tester' };
  const session = { kind: 'agent.session', role: 'tester' };
  const lost = { kind: 'session.lost', why: 'server' };
  const good = journal(launched, session, EXITED, launched, session, lost, { kind: 'session.opened' });
  expect(managedSessions(good)).toEqual({ count: 4, faults: [] });
  const bad = journal(launched, { ...session, role: 'verifier' }, EXITED, lost);
  expect(managedSessions(bad).faults).toEqual(['the session was lost and not opened again (event 4)']);
  expect(managedSessions(journal(launched)).faults).toHaveLength(1);
  expect(managedSessions(journal(EXITED)).faults).toHaveLength(1);
  expect(managedSessions(journal(EXITED, { kind: 'run.completed' })).faults).toEqual([]);
});

it('a killed agent has to be noticed in time', () => {
  expect(managedSessions(journal({}, { ...EXITED }), [{ role: 'tester', at: 500 }]).faults).not.toContain('noticed');
  const late = managedSessions(journal({ ...EXITED, at: 40_000 }, { kind: 'agent.launched', role: 'tester' }), [
    { role: 'tester', at: 0 },
  ]);
  expect(late.faults.join()).toContain('was not noticed');
});

it('a name is foreign only as a whole', () => {
  expect(foreignNames('soak-a-1 and soak-a-10, soak-b-1.md', 'soak-a-1')).toEqual(['soak-a-10', 'soak-b-1']);
  expect(foreignNames('feature/soak-a-10', 'soak-a-10')).toEqual([]);
});

it('reads its arguments', () => {
  expect(readOptions(['--minutes', '0.5', '--seed', '7'], () => 1)).toEqual({
    kind: 'run',
    options: { minutes: 0.5, seed: 7, lanes: 3 },
  });
  expect(readOptions([], () => 42)).toMatchObject({ options: { minutes: 2, seed: 42 } });
  expect(readOptions(['--minutes', 'long'], () => 1)).toMatchObject({
    kind: 'refused',
    why: '--minutes is "long"; allowed: more than 0, at most 1440',
  });
  expect(readOptions(['--fast'], () => 1).kind).toBe('refused');
});
