import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decide } from '../../src/core/decide.ts';
import { evolve } from '../../src/core/evolve.ts';
import type { Event, Fact } from '../../src/core/event.ts';
import { callOf, REPORT_KINDS } from '../../src/core/reported.ts';
import type { Request } from '../../src/core/request.ts';
import { holderOf, newRun, type Run } from '../../src/core/run.ts';
import { identity, settings, small, spareIds, T0 } from '../rig/run.ts';

/** A seeded walk through everything that can be asked of a run, in any order: what must hold, holds after each step. */

const role = fc.constantFrom('lead', 'worker', 'nobody');
const prompt = fc.integer({ min: 0, max: 8 });
const file = fc.constantFrom('001-plan.md', '002-work.md', '003-close.md', '999-other.md');
const at = fc.integer({ min: -5000, max: 5000 });
const reason = fc.constantFrom('a', 'b');
let evidence = 0;

const TREES = { head: 'h', index: 'i', files: 'f' };

const request: fc.Arbitrary<Request> = fc.oneof(
  fc.constant<Request>({ kind: 'initialise', identity }),
  fc.constantFrom('rehearsal', 'claude_code').map<Request>((provider) => ({
    kind: 'start',
    by: 'cli',
    workflow: small,
    settings: { ...settings, provider },
    spareIds: spareIds(small),
  })),
  fc.constant<Request>({ kind: 'stop', by: 'cli', why: 'asked to' }),
  fc.constant<Request>({ kind: 'watch-again', pid: 1, gapMs: 5 }),
  fc.constant<Request>({ kind: 'surveyed' }),
  fc.constant<Request>({ kind: 'session-lost', why: 'gone', spareIds: spareIds(small) }),
  fc
    .record({ role, generation: fc.integer({ min: 1, max: 4 }) })
    .map<Request>((each) => ({ kind: 'agent-placed', pane: '%1', ...each })),
  fc
    .record({ role, generation: fc.integer({ min: 1, max: 4 }) })
    .map<Request>((each) => ({ kind: 'agent-process', pid: 7, startTime: 's', ...each })),
  fc
    .record({ role, generation: fc.integer({ min: 1, max: 4 }), code: fc.constantFrom(0, 1) })
    .map<Request>(({ code, ...each }) => ({
      kind: 'agent-exited',
      exit: { kind: 'code', code },
      spareId: 'spare',
      ...each,
    })),
  fc
    .record({ role, prompt, kind: fc.constantFrom('prompt-taken', 'turn-ended', 'session-started') })
    .map<Request>(({ role: name, prompt: id, kind }) => {
      evidence += 1;
      const news =
        kind === 'prompt-taken'
          ? ({ kind, text: `anything [tmops#${id}]` } as const)
          : kind === 'turn-ended'
            ? ({ kind, last: '', background: 0 } as const)
            : ({ kind: 'session-started', sessionId: `s${id}`, source: 'startup' } as const);
      return { kind: 'agent-news', role: name, evidence: { id: String(evidence).padStart(19, '0'), atMs: T0, news } };
    }),
  fc
    .record({ prompt, step: fc.constantFrom('intended', 'typed', 'entered', 'held', 'stuck', 'reopened'), reason })
    .map<Request>(({ prompt: id, step, reason: why }) => {
      const news = {
        intended: { kind: 'intended', pane: '%1', generation: 1, sha256: 'x' },
        typed: { kind: 'typed' },
        entered: { kind: 'entered', times: 1, busy: null },
        held: { kind: 'held', outcome: 'held_for_human', reason: why },
        stuck: { kind: 'stuck', outcome: 'indeterminate', reason: why },
        reopened: { kind: 'reopened', why },
      } as const;
      return { kind: 'delivery', prompt: id, news: news[step] };
    }),
  fc
    .record({ prompt, as: fc.constantFrom('delivered', 'resend') })
    .map<Request>((each) => ({ kind: 'settle-prompt', by: 'cli', ...each })),
  fc
    .record({ role, what: fc.constantFrom(...REPORT_KINDS), text: fc.constantFrom('a', 'b\u001b') })
    .map<Request>((each) => ({ kind: 'role-report', ...each })),
  role.map<Request>((name) => ({ kind: 'message', role: name, line: 'hello there', file: null })),
  fc.record({ file, at, gate: fc.constantFrom('auto', 'human', null) }).map<Request>((each) => ({
    kind: 'checkpoint-seen',
    file: each.file,
    sha256: String(each.at),
    mtimeMs: T0 + each.at,
    gate: each.gate,
  })),
  fc.constantFrom<Request>(
    { kind: 'take', roles: [], by: 'cli' },
    { kind: 'give', roles: [], by: 'mcp', spareIds: spareIds(small) },
    { kind: 'pause', by: 'cli', why: 'asked to' },
    { kind: 'resume', by: 'cli', spareIds: spareIds(small) },
    { kind: 'approve', by: 'cli', comment: null },
    { kind: 'reject', by: 'cli', comment: 'no' },
    { kind: 'skip', step: null, by: 'cli', why: '' },
    { kind: 'retry', by: 'cli', spareIds: spareIds(small) },
    { kind: 'redo', step: null, by: 'cli', why: '' },
    { kind: 'redo', step: 'plan', by: 'cli', why: '' },
    { kind: 'roll-back', step: 'work', by: 'cli', why: '', from: TREES, to: TREES, checkpoints: [] },
    { kind: 'roll-back', step: 'lead', by: 'cli', why: '', from: TREES, to: TREES, checkpoints: [] },
    { kind: 'undo-rollback', by: 'cli', from: TREES, checkpoints: [] },
    { kind: 'rolled-back', number: 1, direction: 'back', commit: null, late: null },
    { kind: 'rolled-back', number: 1, direction: 'undo', commit: null, late: null },
    { kind: 'rolled-back', number: 2, direction: 'back', commit: null, late: null },
    { kind: 'rollback-failed', number: 1, why: 'no space' },
    { kind: 'retry-rollback', by: 'cli' },
    { kind: 'session-ended', by: 'human', why: 'ended' },
    { kind: 'time-passed' },
  ),
  fc.record({ role, stays: fc.boolean() }).map<Request>(({ role: name, stays }) => ({
    kind: 'human-seen',
    role: name,
    sign: 'draft',
    stays,
    why: 'a draft',
  })),
  role.map<Request>((name) => ({ kind: 'human-left', role: name })),
  file.map<Request>((name) => ({ kind: 'checkpoint-gone', file: name })),
  file.map<Request>((name) => ({
    kind: 'checkpoint-refused',
    fault: { file: name, line: 1, found: 'x', expected: 'y' },
    sha256: null,
  })),
);

it('keeps what must hold, whatever is asked in whatever order', () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 120 }), (requests) => {
      let run: Run = newRun;
      const journal: Event[] = [];
      let now = T0;
      for (const each of requests) {
        now += 10;
        const before = run;
        const decision = decide(run, each, now);
        if (!decision.ok) continue;
        for (const fact of decision.facts) {
          const event: Event = { ...fact, seq: run.seq + 1, at: now };
          journal.push(event);
          run = evolve(run, event);
        }
        holds(before, run, journal, decision.facts);
      }
      expect(journal.reduce<Run>(evolve, newRun)).toEqual(run);
    }),
    { numRuns: 1500, seed: 20_261_120 },
  );
});

const isIdle = ({ agents }: Run, role: string): boolean => agents[role]?.state.kind === 'idle';

function holds(before: Run, run: Run, journal: readonly Event[], facts: readonly Fact[]): void {
  // A step once done stays done unless it is opened again, and steps are done in order.
  const isOpened = (fact: Fact): boolean =>
    fact.kind === 'step.reopened' || (fact.kind === 'rollback.done' && fact.direction === 'undo');
  if (!facts.some(isOpened)) for (const step of Object.keys(before.done)) expect(run.done[step]).toBeDefined();
  // No write begins while a human holds the pane or the run is paused.
  for (const fact of facts) {
    if (fact.kind !== 'prompt.intended' && fact.kind !== 'prompt.entered') continue;
    expect(holderOf(before, before.prompts[fact.prompt - 1]?.role ?? '').kind).toBe('auto');
    expect([before.paused, before.rollback]).toEqual([null, null]);
  }
  // Nothing is wanted of anybody while it is paused, but what a human asks for.
  if (before.paused && run.paused)
    for (const fact of facts)
      if (fact.kind === 'prompt.wanted') expect(['message', 'correction']).toContain(fact.purpose.kind);
  const states = small.steps.map((step) => run.done[step.id] !== undefined);
  expect(states).toEqual([...states].sort((a, b) => Number(b) - Number(a)));
  // Ids of prompts are their places; a prompt that was taken stays taken, and is taken once.
  expect(run.prompts.map((each) => each.id)).toEqual(run.prompts.map((_each, index) => index + 1));
  for (const { id, stage } of before.prompts)
    if (stage.kind === 'taken') expect(run.prompts[id - 1]?.stage.kind).toBe('taken');
  const taken = journal.flatMap((event) => (event.kind === 'prompt.taken' ? [event.prompt] : []));
  expect(new Set(taken).size).toBe(taken.length);
  // Nothing begins before the look at the disk, and nothing at all unless the run was started.
  if (run.life.kind === 'running' && !run.life.surveyed) expect(run.life.stepBeganAt).toBeNull();
  if (!journal.some((event) => event.kind === 'run.started')) expect(run.prompts).toEqual([]);
  // What roles say stands only while the run goes, and nobody who waits for a human is reminded.
  if (run.life.kind !== 'running') expect(run.reports).toEqual({});
  for (const role of Object.keys(run.reports)) expect(run.agents[role]).toBeDefined();
  for (const fact of facts)
    if (fact.kind === 'prompt.wanted' && fact.purpose.kind === 'reminder' && isIdle(run, fact.role))
      expect(callOf(run, fact.role)).toBeNull();
  // Completed means that every step is done.
  if (run.life.kind === 'completed') expect(states).not.toContain(false);
}
