import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { callChain, type Call, type Next } from '../../src/app/chain.ts';
import type { CallRecord } from '../../src/app/call-facts.ts';
import { COMMANDS_WITHIN_MS, RUNS_COMMANDS } from '../../src/core/role-tool-names.ts';
import { calls, type CallKey } from '../../src/app/calls.ts';
import { limitOf } from '../../src/app/limits.ts';
import { stopper } from '../../src/link/stopper.ts';

/** What a call passes on its way to the handler and back. */

const SECRET = 'hunter22';
const told: string[] = [];
const records: CallRecord[] = [];
beforeAll(() => {
  vi.useFakeTimers();
});
afterAll(() => {
  vi.useRealTimers();
});
afterEach(() => {
  told.splice(0);
  records.splice(0);
});

function chainTo(handle: Next, refusal: string | null = null): Next {
  return callChain(
    {
      hide: (text) => text.replaceAll(SECRET, '***'),
      keep: (record, flushed) => {
        told.push(`kept ${record.outcome}${flushed ? ', flushed' : ''}`);
        records.push(record);
        return Promise.resolve();
      },
      modules: {
        none: () => false,
        before: ({ arguments: args }) => {
          told.push(`before ${JSON.stringify(args)}`);
          return Promise.resolve(refusal === null ? null : { code: 'refused-by-module', sentence: refusal, hint: '' });
        },
        after: ({ outcome }) => {
          told.push(`after ${outcome}`);
          return Promise.resolve();
        },
      },
    },
    handle,
  );
}

const call = (key: CallKey, input: unknown, more: Partial<Call> = {}): Call => ({
  ...{ key, input, principal: 'mcp:1000', signal: stopper().signal, refusal: null },
  ...{ caller: { door: 'mcp', cwd: '/' }, reach: { only: null, agent: null, drives: true } },
  ...more,
});

const done: Next = ({ input }) => {
  told.push(`done ${JSON.stringify(input)}`);
  return Promise.resolve({ output: { said: SECRET } });
};

it('a call is checked, then told to modules, then done; its answer is without secrets before it is on record', async () => {
  expect(await chainTo(done)(call('events', { feature: 'auth-api' }))).toEqual({ output: { said: '***' } });
  const input = '{"feature":"auth-api","after":0,"limit":200}';
  expect(told).toEqual([`before ${input}`, `done ${input}`, 'after ok', 'kept ok']);
  expect(records).toMatchObject([{ operation: 'events', target: 'auth-api', principal: 'mcp:1000' }]);
});

it.each<[string, Call, string]>([
  ['for its arguments', call('stop', { feature: '../x' }), 'bad-arguments'],
  [
    'for its reach',
    call('stop', { feature: 'auth-api' }, { reach: { only: 'other', agent: null, drives: true } }),
    'access-other-feature',
  ],
  [
    'for reading only',
    call('stop', { feature: 'auth-api' }, { caller: { door: 'mcp', cwd: '/', readOnly: true } }),
    'read-only',
  ],
  ['for a secret in it', call('message', { feature: 'auth-api', text: SECRET }), 'secret-in-words'],
])('one that is refused %s reaches neither modules nor the handler, and is on record', async (_, asked, code) => {
  expect(await chainTo(done)(asked)).toMatchObject({ failure: { code } });
  expect(told).toEqual([`kept ${code}, flushed`]);
  expect(JSON.stringify(records)).not.toContain(SECRET);
});

it('one that a module refuses is not done', async () => {
  expect(await chainTo(done, `no ${SECRET}`)(call('stop', { feature: 'auth-api' }))).toMatchObject({
    failure: { code: 'refused-by-module', sentence: 'no ***' },
  });
  expect(told.slice(1)).toEqual(['after refused-by-module', 'kept refused-by-module, flushed']);
});

it.each(Object.keys(calls) as CallKey[])('%s has a limit of time, below that of the link', (key) => {
  const { withinMs } = limitOf(key);
  expect(withinMs).toBeGreaterThanOrEqual(30_000);
  // One that runs the project's own commands has a link of its own limit.
  expect(withinMs).toBeLessThan(RUNS_COMMANDS.has(calls[key].name) ? COMMANDS_WITHIN_MS + 1 : 300_000);
});

it('one that takes too long is answered, and what it has begun goes on', async () => {
  let end = (): void => undefined;
  let stopped = false;
  const slow: Next = ({ signal }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => (stopped = true));
      end = () => {
        told.push('done');
        resolve({ output: {} });
      };
    });
  const answer = chainTo(slow)(call('status', { feature: 'auth-api' }));
  await vi.advanceTimersByTimeAsync(29_000);
  expect({ told: told.length, stopped }).toEqual({ told: 1, stopped: false });
  await vi.advanceTimersByTimeAsync(1_001);
  expect(await answer).toMatchObject({ failure: { code: 'call-late', sentence: 'status did not end within 30 s.' } });
  expect(told.slice(1)).toEqual(['kept call-late']);
  expect(stopped).toBe(true);
  end();
  await vi.advanceTimersByTimeAsync(0);
  expect(told.slice(2)).toEqual(['done', 'after ok']);
});

it('a caller who goes stops what only waits', async () => {
  const caller = stopper();
  const waiting: Next = ({ signal }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        resolve({ output: { done: false } });
      });
    });
  const answer = chainTo(waiting)(call('status', { feature: 'auth-api' }, { signal: caller.signal }));
  await vi.advanceTimersByTimeAsync(10);
  caller.abort();
  expect(await answer).toEqual({ output: { done: false } });
});
