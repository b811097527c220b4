import type { Config } from '../config/schema.ts';
import { planWindows, type Layout } from '../core/layout.ts';
import type { Run } from '../core/run.ts';
import type { Workflow } from '../core/workflow.ts';
import type { AppPorts } from './ports.ts';
import type { ProblemView } from './views.ts';

/** What runs in the workspace now, against what may. */
export interface Room {
  /** The features that run, other than the one it is asked for. */
  readonly running: readonly string[];
  readonly limit: number;
  readonly panes: number;
  readonly paneLimit: number;
}

/** `feature` is the one that is to have a place: whatever it has already does not count. */
export function roomFor(ports: AppPorts, config: Config, feature: string): Room {
  const others = ports.workspace
    .running()
    .map(({ loop }) => loop.run())
    .filter(({ identity }) => identity?.feature !== feature);
  return {
    running: others.map(({ identity }) => identity?.feature ?? ''),
    limit: config.isolation === 'branch' ? 1 : config.features.concurrent_limit,
    panes: others.reduce((sum, run) => sum + panesOfRun(run), 0),
    paneLimit: config.features.pane_limit,
  };
}

/** How many panes a session has: one for each role, and those that show the status. */
export function panesOf(workflow: Workflow, layout: Layout): number {
  const roles = Object.keys(workflow.roles);
  const planned = planWindows(layout, roles);
  return roles.length + (planned.ok ? planned.windows.filter(({ status }) => status).length : 0);
}

const panesOfRun = ({ settings, workflow }: Run): number =>
  settings?.panes ?? Object.keys(workflow?.roles ?? {}).length;

/** Why there is no room for one more with so many panes, as a sentence without its full stop; null when there is. */
export function whyFull(room: Room, panes: number): string | null {
  const { running, limit, panes: taken, paneLimit } = room;
  if (running.length >= limit)
    return `${running.join(', ')} ${running.length === 1 ? 'is' : 'are'} running and the limit is ${limit}`;
  if (taken + panes <= paneLimit) return null;
  return `${running.join(', ')} ${running.length === 1 ? 'has' : 'have'} ${taken} panes, it needs ${panes}, and features.pane_limit is ${paneLimit}`;
}

/** One that needs more panes than there may be would wait for ever. */
export function tooManyPanes(config: Config, feature: string, panes: number): ProblemView | null {
  const { pane_limit: limit } = config.features;
  if (panes <= limit) return null;
  return {
    code: 'too-many-panes',
    sentence: `${feature} needs ${panes} panes and features.pane_limit is ${limit}.`,
    hint: 'Raise features.pane_limit in tmops.config.yaml, or choose a layout or roles that need fewer.',
  };
}
