import { createHash } from 'node:crypto';
import type { LiveRun } from '../engine/live-run.ts';
import { outOfReachOf, type Reach } from './access.ts';
import type { Topic } from './changes.ts';
import { openOrTell } from './open-run.ts';
import { plainText } from './pane-text.ts';
import type { AppPorts } from './ports.ts';
import { specPath } from './read-run-file.ts';
import { namesPrint } from './resource-names.ts';
import type { ResourceInput, ResourceOutput, Watched } from './resource-requests.ts';
import type { ProblemView } from './views.ts';

/** How often what no event tells of is looked at (a pane, the specification), in ms. */
const LOOK_EVERY_MS = 1000;
/** Changes seldom come alone: after the first one it is waited so long for those that come with it, in ms. */
const TOGETHER_MS = 100;

type Changes = ResourceOutput<'changes'>;
type Told = { readonly ok: true; readonly output: Changes } | { readonly ok: false; readonly problem: ProblemView };

export interface WatchParts {
  readonly ports: AppPorts;
  /** The list of features within reach, as text. */
  readonly listed: () => Promise<string>;
  readonly reach: Reach;
}

/** Waits for a change of what is wanted; see `resourceRequests.changes`. */
export async function watchChanges(
  parts: WatchParts,
  { after, timeoutMs, wanted }: ResourceInput<'changes'>,
  signal: AbortSignal,
): Promise<Told> {
  const { changes, clock } = parts.ports;
  const beyond = wanted.map(({ feature }) => feature).find((each) => each && outOfReachOf(each, parts.reach));
  const refused = beyond === undefined ? null : outOfReachOf(beyond, parts.reach);
  if (refused) return { ok: false, problem: refused };
  const ends = clock.now() + timeoutMs;
  const hasLooks = wanted.some(({ what }) => what === 'pane' || what === 'spec');
  const before = after ?? changes.cursor();
  let look = await lookAt(parts, wanted, before);
  while (look.changed.length === 0 && !look.isFirst && clock.now() < ends && !signal.aborted) {
    const left = ends - clock.now();
    await changes.moved(look.cursor, hasLooks ? Math.min(left, LOOK_EVERY_MS) : left, signal);
    if (signal.aborted) break;
    look = await lookAt(parts, wanted, before);
    if (look.changed.length === 0) continue;
    await clock.sleep(TOGETHER_MS, signal);
    look = await lookAt(parts, wanted, before);
  }
  const { cursor, changed, seen } = look;
  return { ok: true, output: { cursor, changed, seen } };
}

interface Look extends Changes {
  /** Something was looked at for the first time: whoever asks has to know how it was. */
  readonly isFirst: boolean;
}

async function lookAt(parts: WatchParts, wanted: readonly Watched[], after: string): Promise<Look> {
  const { changes } = parts.ports;
  // What comes while it is looked counts as not seen yet.
  const cursor = changes.cursor();
  const seen = await Promise.all(wanted.map((each) => printOf(parts, each)));
  const isChanged = (each: Watched, index: number): boolean => {
    const print = seen[index];
    if (print !== undefined) return each.seen !== undefined && each.seen !== print;
    return changes.changedAfter(after, each.what as Topic, each.feature ?? '', each.name);
  };
  return {
    cursor,
    changed: wanted.flatMap((each, index) => (isChanged(each, index) ? [index] : [])),
    seen: seen.map((print) => print ?? null),
    isFirst: wanted.some((each, index) => seen[index] !== undefined && each.seen === undefined),
  };
}

/** By which two states of what is looked at can be told apart; undefined where the journal tells of changes. */
async function printOf({ ports, listed, reach }: WatchParts, watched: Watched): Promise<string | undefined> {
  const { what, feature = '', name = '' } = watched;
  if (what === 'features') return hashOf(await listed());
  if (what === 'names') return hashOf(await namesPrint(ports, reach));
  if (what !== 'pane' && what !== 'spec') return undefined;
  const opened = await openOrTell(ports, feature);
  const live = 'problem' in opened ? null : opened.live;
  if (!live) return 'none';
  return what === 'pane' ? panePrint(live, name) : specPrint(ports, live);
}

async function panePrint(live: LiveRun, role: string): Promise<string> {
  const pane = live.loop.run().agents[role]?.pane ?? null;
  const terminal = live.terminal();
  if (pane === null || !terminal) return 'none';
  const look = await terminal.look(pane);
  return look.kind === 'seen' ? hashOf(plainText(look.capture)) : look.kind;
}

async function specPrint(ports: AppPorts, live: LiveRun): Promise<string> {
  const found = await ports.lookAtCheckpoint(specPath(live));
  if (found === null) return 'none';
  return found.kind === 'file' ? found.sha256.slice(0, 32) : 'refused';
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
