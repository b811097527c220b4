import { describe, expect, it } from 'vitest';
import type { Event, Fact } from '../../src/core/event.ts';
import { componentOf, concerns, levelOf, passes } from '../../src/core/log-entry.ts';
import { newRun, type Run } from '../../src/core/run.ts';
import { rolesOf, whereIn } from '../../src/core/where.ts';
import { workflowSchema } from '../../src/core/workflow.ts';

const workflow = workflowSchema.parse({
  name: 'test',
  roles: { tester: { title: 'Tester', instructions: 'a.md' }, verifier: { title: 'Verifier', instructions: 'b.md' } },
  ...{ reminder: 'Go on', reminders: 1, correction: 'Again', tests: [] },
  steps: [
    { id: 'testing', role: 'tester', prompt: 'Begin', checkpoint: '003-tests-complete.md' },
    { id: 'publish', module: 'publish' },
  ],
});
const run: Run = {
  ...newRun,
  workflow,
  prompts: [
    {
      ...{
        id: 7,
        role: 'verifier',
        purpose: { kind: 'step', step: 'testing' },
        line: 'x',
        file: null,
        text: null,
        at: 0,
      },
      ...{ stage: { kind: 'wanted' }, attempts: 0, trouble: null },
    },
  ],
};
const event = (fact: Fact): Event => ({ ...fact, seq: 1, at: 0 });
const exited = (deliberate: boolean): Event =>
  event({ kind: 'agent.exited', role: 'tester', generation: 1, exit: { kind: 'unknown' }, deliberate });

describe('what an event is about', () => {
  it.each<[string, Fact, object]>([
    ['a role', { kind: 'agent.worked', role: 'tester', evidence: '' }, { role: 'tester' }],
    ['a prompt', { kind: 'prompt.typed', prompt: 7 }, { role: 'verifier', step: 'testing' }],
    ['a prompt that is not known', { kind: 'prompt.typed', prompt: 8 }, {}],
    [
      'a step',
      { kind: 'step.began', step: 'testing' },
      { role: 'tester', step: 'testing', file: '003-tests-complete.md' },
    ],
    ['a step of a module', { kind: 'step.began', step: 'publish' }, { step: 'publish' }],
    [
      'a file',
      { kind: 'checkpoint.gone', file: '003-tests-complete.md' },
      { role: 'tester', step: 'testing', file: '003-tests-complete.md' },
    ],
    ['the run', { kind: 'run.completed' }, {}],
  ])('%s', (_what, fact, about) => {
    expect(whereIn(run, event(fact))).toEqual(about);
  });

  it('concerns its role, or everybody', () => {
    expect(rolesOf(run)).toEqual(['tester', 'verifier']);
    const wanted = (fact: Fact): string[] => rolesOf(run).filter((role) => concerns(run, event(fact), role));
    expect(wanted({ kind: 'step.began', step: 'testing' })).toEqual(['tester']);
    expect(wanted({ kind: 'run.completed' })).toEqual(['tester', 'verifier']);
  });
});

describe('a filter', () => {
  it('takes a level for the least, and one component', () => {
    expect([levelOf(exited(true)), levelOf(exited(false)), componentOf('agent.exited')]).toEqual([
      ...['info', 'warning', 'agent'],
    ]);
    expect(passes(exited(false), { level: 'info', component: null })).toBe(true);
    expect(passes(exited(true), { level: 'warning', component: null })).toBe(false);
    expect(passes(exited(false), { level: 'debug', component: 'pane' })).toBe(false);
  });
});
