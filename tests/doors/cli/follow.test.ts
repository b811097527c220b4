import { describe, expect, test } from 'vitest';
import type { OutputOf } from '../../../src/app/table.ts';
import type { EventView } from '../../../src/app/views.ts';
import { clean } from '../../../src/doors/cli/text.ts';
import type { LinkReply } from '../../../src/link/protocol.ts';
import type { StopSignal } from '../../../src/link/stopper.ts';
import { cannedStatus } from '../../rig/canned.ts';
import { until } from '../../rig/wait.ts';
import { cli, ok, refused } from './rig.ts';
import * as views from './views.ts';

const waited = (more: Partial<OutputOf<'wait'>>): LinkReply =>
  ok({ ...views.waitView, attention: [], events: [], ...more });

/** A wait that lasts until its signal aborts. */
const never = (signal: StopSignal | undefined): Promise<LinkReply> =>
  new Promise((resolve) => {
    signal?.addEventListener('abort', () => {
      resolve(refused('cancelled', 'Cancelled.', ''));
    });
  });

describe('wait', () => {
  test('asks again with the cursor until it is done', async () => {
    const run = cli(['wait', 'auth-api'], {
      reply: (_, __, count) =>
        count < 3
          ? waited({ done: false, reason: 'timeout', cursor: 10 * count })
          : waited({ reason: 'completed', phase: 'completed' }),
    });
    expect(await run.code).toBe(0);
    expect(run.asked.map(({ input }) => input)).toEqual([
      { feature: 'auth-api', until: 'completed', timeoutMs: 50_000 },
      { feature: 'auth-api', until: 'completed', timeoutMs: 50_000, cursor: 10 },
      { feature: 'auth-api', until: 'completed', timeoutMs: 50_000, cursor: 20 },
    ]);
    expect(run.out()).toContain('auth-api is completed.');
  });

  test.each<[string, string, Partial<OutputOf<'wait'>>, number]>([
    ['a step, when asked for', 'step', { reason: 'step' }, 0],
    ['a change, when asked for', 'change', { reason: 'change' }, 0],
    ['the end, whatever was asked for', 'step', { reason: 'completed' }, 0],
    ['attention', 'completed', { reason: 'attention', attention: views.troubled.attention }, 1],
    ['a feature that was stopped', 'completed', { reason: 'stopped', phase: 'stopped' }, 1],
  ])('%s', async (_, what, reply, code) => {
    const run = cli(['wait', 'auth-api', '--until', what], { reply: () => waited(reply) });
    expect(await run.code).toBe(code);
  });

  test('gives up after its timeout with 1', async () => {
    const run = cli(['wait', 'auth-api', '--timeout', '0.05'], {
      reply: async ({ input }) => {
        await new Promise((resolve) => setTimeout(resolve, Number(input['timeoutMs'])));
        return waited({ done: false, reason: 'timeout' });
      },
    });
    expect(await run.code).toBe(1);
    expect(run.out()).toContain('time is up');
    expect(Number(run.asked[0]?.input['timeoutMs'])).toBeLessThanOrEqual(50);
  });

  test('start --wait starts, then waits; on a terminal it shows what happens', async () => {
    const run = cli(['start', 'auth-api', '--wait'], {
      terminal: { columns: 80, rows: 24 },
      reply: ({ op }, _, count) => {
        if (op === 'start') return ok(views.startView);
        return count < 3 ? waited({ done: false, events: views.waitView.events }) : waited({ reason: 'completed' });
      },
    });
    expect(await run.code).toBe(0);
    expect(run.asked.map(({ op }) => op)).toEqual(['start', 'wait', 'wait']);
    expect(run.asked[1]?.input).toEqual({ feature: 'auth-api', until: 'completed', timeoutMs: 1000 });
    expect(run.out()).toContain('The tester took prompt 1.');
  });

  test('start --wait does not wait for what was refused', async () => {
    const run = cli(['start', 'auth-api', '--wait'], { reply: () => refused('completed', 'No.', '') });
    expect(await run.code).toBe(1);
    expect(run.asked).toHaveLength(1);
  });
});

describe('events', () => {
  const event = (seq: number): EventView => ({ seq, at: '2026-01-02T10:00:00.000Z', kind: 'k', text: `Event ${seq}.` });
  const journal = [1, 2, 3, 4, 5].map(event);
  const page = (after: unknown, upTo = journal.length): LinkReply => {
    const events = journal.filter(({ seq }) => seq > Number(after) && seq <= upTo).slice(0, 2);
    return ok({ feature: 'auth-api', run: 'initial', events, cursor: events.at(-1)?.seq ?? Number(after) });
  };

  test('are printed page by page to the end', async () => {
    const run = cli(['events', 'auth-api'], { reply: ({ input }) => page(input['after']) });
    expect(await run.code).toBe(0);
    expect(run.out().match(/Event \d/g)).toEqual(['Event 1', 'Event 2', 'Event 3', 'Event 4', 'Event 5']);
    const json = cli(['events', 'auth-api', '--json'], { reply: ({ input }) => page(input['after']) });
    expect(await json.code).toBe(0);
    expect(JSON.parse(json.out())).toEqual({ feature: 'auth-api', run: 'initial', events: journal, cursor: 5 });
  });

  test('--follow prints what is added, each once, and ends with 0 when the process is ended', async () => {
    let known = 3;
    const run = cli(['events', 'auth-api', '--follow', '--json'], {
      reply: ({ op, input }, signal) => {
        if (op === 'events') return page(input['after'], known);
        if (known === 5) return never(signal);
        known += 1;
        return waited({ reason: 'change', cursor: known });
      },
    });
    await until('all are printed', () => run.out().trim().split('\n').length === 5);
    run.stop();
    expect(await run.code).toBe(0);
    expect(
      run
        .out()
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual(journal);
  });

  test('--follow does not spin when the feature has ended', async () => {
    const run = cli(['events', 'auth-api', '--follow'], {
      reply: ({ op, input }) => (op === 'events' ? page(input['after']) : waited({ reason: 'completed', cursor: 5 })),
    });
    await until('it has printed all', () => run.out().includes('Event 5'));
    const [before, began] = [run.asked.length, performance.now()];
    await until('it has looked twice more', () => run.asked.length >= before + 4);
    expect(performance.now() - began).toBeGreaterThan(900);
    run.stop();
    expect(await run.code).toBe(0);
  });
});

describe('status --watch', () => {
  const ENTER = '\u001b[?1049h\u001b[?25l';
  const LEAVE = '\u001b[?25h\u001b[?1049l';
  /** A feature whose step moves on whenever `move` is called. */
  const moving = () => {
    let cursor = 41;
    let wake = (): void => undefined;
    return {
      move: () => {
        cursor += 1;
        wake();
      },
      reply: ({ op }: { op: string }, signal: StopSignal | undefined): LinkReply | Promise<LinkReply> => {
        if (op === 'status') return ok({ ...cannedStatus, cursor, step: `step-${cursor}` });
        return Promise.race([
          never(signal),
          new Promise<LinkReply>((resolve) => {
            wake = () => {
              resolve(waited({ reason: 'change', cursor }));
            };
          }),
        ]);
      },
    };
  };

  test('draws in place at each change and leaves the terminal as it was', async () => {
    const feature = moving();
    const run = cli(['status', 'auth-api', '--watch'], { terminal: { columns: 60, rows: 20 }, reply: feature.reply });
    await until('the first picture', () => run.out().includes('step-41'));
    await until('it waits', () => run.asked.at(-1)?.op === 'wait');
    feature.move();
    await until('the second picture', () => run.out().includes('step-42'));
    run.stop();
    expect(await run.code).toBe(0);
    expect(run.out().startsWith(ENTER)).toBe(true);
    expect(run.out().endsWith(LEAVE)).toBe(true);
    const pictures = run.out().split('\u001b[H').slice(1);
    expect(pictures).toHaveLength(2);
    for (const picture of pictures) {
      expect(picture.split('\r\n').length).toBeLessThanOrEqual(20);
      for (const line of picture.split('\r\n')) expect(clean(line).length).toBeLessThanOrEqual(60);
    }
  });

  test('a new size is drawn at once, compact when it is small', async () => {
    const feature = moving();
    const run = cli(['status', 'auth-api', '--watch'], { terminal: { columns: 80, rows: 30 }, reply: feature.reply });
    await until('the first picture', () => run.out().includes('Checkpoints'));
    Object.assign(run.stdout, { columns: 40, rows: 5 });
    run.stdout.emit('resize');
    const small = (await until('the small picture', () => run.out().split('\u001b[H')[2])).split('\r\n');
    expect(small.length).toBeLessThanOrEqual(5);
    expect(small.join()).not.toContain('Checkpoints');
    run.stop();
    expect(await run.code).toBe(0);
  });

  test.each(['q', '\u0003'])('the key %j ends it', async (key) => {
    const feature = moving();
    const run = cli(['status', 'auth-api', '--watch'], { terminal: { columns: 80, rows: 30 }, reply: feature.reply });
    await until('the first picture', () => run.out().includes('step-41'));
    run.stdin.write('x');
    run.stdin.write(key);
    expect(await run.code).toBe(0);
    expect(run.out().endsWith(LEAVE)).toBe(true);
  });

  test('a supervisor that goes away is shown and waited for', async () => {
    let gone = false;
    const run = cli(['status', 'auth-api', '--watch'], {
      terminal: { columns: 80, rows: 30 },
      reply: ({ op }) => {
        if (gone) return refused('supervisor-lost', 'The supervisor went away.', 'Call again.');
        if (op === 'wait') gone = true;
        return op === 'wait' ? refused('supervisor-lost', 'Lost.', '') : ok(cannedStatus);
      },
    });
    await until('the complaint', () => run.out().includes('The supervisor went away.'));
    gone = false;
    await until('the status again', () => run.out().lastIndexOf('Checkpoints') > run.out().indexOf('went away'));
    run.stop();
    expect(await run.code).toBe(0);
  });

  test('a feature that is not there is a refusal, without a picture', async () => {
    const run = cli(['status', 'missing', '--watch'], { terminal: { columns: 80, rows: 30 } });
    expect(await run.code).toBe(1);
    expect(run.out()).toBe('');
    expect(run.err()).toContain('There is no feature "missing".');
  });

  test('on something that is no terminal each picture follows the last, without escapes', async () => {
    const feature = moving();
    const run = cli(['status', 'auth-api', '--watch'], { reply: feature.reply });
    await until('it waits', () => run.asked.at(-1)?.op === 'wait');
    feature.move();
    await until('the second picture', () => run.out().includes('step-42'));
    run.stop();
    expect(await run.code).toBe(0);
    expect(run.out()).not.toContain('\u001b');
  });
});
