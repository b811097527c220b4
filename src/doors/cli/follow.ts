import { setTimeout as sleep } from 'node:timers/promises';
import type { OutputOf } from '../../app/table.ts';
import { EXIT, ask, fail, lookOf, print, printJson } from './cli.ts';
import type { Asked, Cli } from './cli.ts';
import { renderEvents, renderWait } from './render.ts';
import { printableJson } from './text.ts';

/** The longest that one call may wait (see the table). */
const CALL_MS = 50_000;
/** On a terminal, how often what happened meanwhile is shown. */
const PROGRESS_MS = 1_000;
/** Between two looks when a wait returned at once without news: the run has ended and waiting is over before it begins. */
const QUIET_MS = 1_000;

export interface WaitOptions {
  readonly feature: string;
  readonly until: string;
  /** In milliseconds; Infinity without a limit. */
  readonly withinMs: number;
}

/** Waits until what was asked for is so, showing on a terminal what happens meanwhile. 0 unless a human is needed. */
export async function waitUntil(cli: Cli, options: WaitOptions): Promise<number> {
  const deadline = performance.now() + options.withinMs;
  const stepMs = cli.isTty && !cli.json ? PROGRESS_MS : CALL_MS;
  let cursor: number | undefined;
  for (;;) {
    const leftMs = Math.max(0, Math.ceil(deadline - performance.now()));
    const asked: Asked<OutputOf<'wait'>> = await ask(cli, 'wait', {
      feature: options.feature,
      until: options.until,
      timeoutMs: Math.min(stepMs, leftMs),
      ...(cursor !== undefined && { cursor }),
    });
    if (!asked.ok) return fail(cli, asked.failure);
    const view = asked.output;
    if (stepMs === PROGRESS_MS) print(cli, renderEvents(view.events, lookOf(cli)));
    if (view.done || performance.now() >= deadline) {
      if (cli.json) printJson(cli, view);
      else print(cli, renderWait(view, lookOf(cli)));
      return view.done && (GOOD_ENDS.has(view.reason) || view.reason === options.until) ? EXIT.ok : EXIT.refused;
    }
    cursor = view.cursor;
  }
}

const GOOD_ENDS: ReadonlySet<string> = new Set(['completed']);

/** Prints the journal of the present run, and with `follow` what is added to it until the process is ended. */
export async function showEvents(cli: Cli, feature: string, follow: boolean): Promise<number> {
  const all: OutputOf<'events'>['events'] = [];
  let after = 0;
  for (;;) {
    const asked: Asked<OutputOf<'events'>> = await ask(cli, 'events', { feature, after });
    if (cli.stop.aborted) return follow ? EXIT.ok : EXIT.interrupted;
    if (!asked.ok) return fail(cli, asked.failure);
    const { events, cursor } = asked.output;
    if (!cli.json) print(cli, renderEvents(events, { ...lookOf(cli), columns: Infinity }));
    else if (follow)
      print(
        cli,
        events.map((event) => printableJson(event, 0)),
      );
    else all.push(...events);
    if (events.length > 0) {
      after = cursor;
    } else if (follow) {
      if (!(await changed(cli, feature, after))) await pause(cli, QUIET_MS);
    } else {
      return cli.json ? printJson(cli, { ...asked.output, events: all }) : EXIT.ok;
    }
  }
}

/** Waits for the next event; false when there was none. A failure shows at the next call, which says what it is. */
export async function changed(cli: Cli, feature: string, cursor: number, timeoutMs = CALL_MS): Promise<boolean> {
  const asked = await ask(cli, 'wait', { feature, until: 'change', cursor, timeoutMs });
  return asked.ok && asked.output.cursor > cursor;
}

/** Resolves after `ms`, or at once when the process is to end. */
export async function pause({ stop }: Cli, ms: number): Promise<void> {
  try {
    await sleep(ms, undefined, { signal: stop });
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}
