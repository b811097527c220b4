import { componentOf, concerns, levelOf, passes } from '../core/log-entry.ts';
import type { Event } from '../core/event.ts';
import { rolesOf } from '../core/where.ts';
import type { LiveRun } from '../engine/live-run.ts';
import { narrate } from './narrate.ts';
import type { ResourceInput, ResourceOutput } from './resource-requests.ts';
import { tellRefusal } from './tell.ts';
import type { ProblemView } from './views.ts';

type LogView = ResourceOutput<'log'>;

/** What of the run's journal concerns a role, as entries of a log. */
export async function readLog(
  live: LiveRun,
  { feature, role, level, component, text = '', after, limit }: ResourceInput<'log'>,
): Promise<{ readonly ok: true; readonly output: LogView } | { readonly ok: false; readonly problem: ProblemView }> {
  const events = await live.events(after ?? 0);
  const run = live.loop.run();
  const roles = rolesOf(run);
  if (!roles.includes(role)) return { ok: false, problem: unknownRole(feature, role, roles) };
  const wanted = text.toLowerCase();
  const entries = events
    .filter((event) => passes(event, { level, component: component ?? null }) && concerns(run, event, role))
    .map(entryOf)
    .filter((entry) => entry.text.toLowerCase().includes(wanted));
  const shown = after === undefined ? entries.slice(-limit) : entries.slice(0, limit);
  const more = after !== undefined && entries.length > limit;
  // A number of an earlier run leads to the beginning of what comes in this one.
  const newest = events.at(-1)?.seq ?? Math.min(after ?? 0, run.seq);
  return {
    ok: true,
    output: {
      ...{ feature, run: run.identity?.run ?? '', role },
      entries: shown,
      cursor: more ? (shown.at(-1)?.seq ?? newest) : newest,
      more,
    },
  };
}

function entryOf(event: Event): LogView['entries'][number] {
  const { seq, at, kind, text } = narrate(event);
  return { seq, at, level: levelOf(event), component: componentOf(event.kind), kind, text };
}

const unknownRole = (feature: string, received: string, allowed: readonly string[]): ProblemView =>
  allowed.length === 0
    ? {
        code: 'not-started',
        sentence: `${feature} was not started, so that it has no roles yet.`,
        hint: `tmops start ${feature}`,
      }
    : tellRefusal({ reason: 'unknown-role', received, allowed }, feature);
