import { createHash } from 'node:crypto';
import type { LiveRun } from '../engine/live-run.ts';
import { outOfReachOf, type Reach } from './access.ts';
import type { Topic } from './changes.ts';
import { GOOD_FOR_MS, type Glances } from './glances.ts';
import { openOrTell } from './open-run.ts';
import { plainText } from './pane-text.ts';
import type { AppPorts } from './ports.ts';
import { specPath } from './read-run-file.ts';
import type { NamesPrint } from './resource-names.ts';
import { NO_NAMES, type ResourceInput, type ResourceOutput, type Watched } from './resource-requests.ts';
import type { ProblemView } from './views.ts';

/** Changes seldom come alone: it is waited so long for those that come with one, in ms. */
const TOGETHER_MS = 100;

type Changes = ResourceOutput<'changes'>;
type Told = { readonly ok: true; readonly output: Changes } | { readonly ok: false; readonly problem: ProblemView };

export interface WatchParts {
  readonly ports: AppPorts;
  readonly glances: Glances;
  readonly namesPrint: NamesPrint;
  /** The list of features within reach, as text. */
  readonly listed: () => Promise<string>;
  readonly reach: Reach;
}

/** Waits for a change of what is wanted; see `resourceRequests.changes`. */
export async function watchChanges(
  parts: WatchParts,
  { timeoutMs, wanted }: ResourceInput<'changes'>,
  signal: AbortSignal,
): Promise<Told> {
  const { changes, clock } = parts.ports;
  const beyond = wanted.map(({ feature }) => feature).find((each) => each && outOfReachOf(each, parts.reach));
  const refused = beyond === undefined ? null : outOfReachOf(beyond, parts.reach);
  if (refused) return { ok: false, problem: refused };
  const ends = clock.now() + timeoutMs;
  const hasLooks = wanted.some(({ what }) => what === 'pane' || what === 'spec');
  const isOver = (): boolean => signal.aborted || clock.now() >= ends;
  const lookSoon = async (): Promise<Look> => {
    await clock.sleep(TOGETHER_MS, signal);
    return lookAt(parts, wanted);
  };
  let look = await lookAt(parts, wanted);
  // What changed since it was asked last is waited with, too: else a burst would be told piece by piece.
  if (look.changed.length > 0 && !look.isFirst) look = await lookSoon();
  while (look.changed.length === 0 && !look.isFirst && !isOver()) {
    const left = ends - clock.now();
    await changes.moved(look.cursor, hasLooks ? Math.min(left, GOOD_FOR_MS) : left, signal);
    look = await lookSoon();
  }
  const { changed, seen } = look;
  return { ok: true, output: { changed, seen } };
}

interface Look extends Changes {
  /** Where the board stood. */
  readonly cursor: string;
  /** Something was looked at for the first time: whoever asks has to know how it was. */
  readonly isFirst: boolean;
}

async function lookAt(parts: WatchParts, wanted: readonly Watched[]): Promise<Look> {
  const { changes } = parts.ports;
  // What comes while it is looked counts as not seen yet.
  const cursor = changes.cursor();
  const prints = await Promise.all(wanted.map((each) => printOf(parts, each)));
  const isChanged = ({ what, feature = '', name, seen }: Watched, index: number): boolean => {
    if (seen === undefined) return false;
    const print = prints[index];
    return print === undefined ? changes.changedAfter(seen, what as Topic, feature, name) : print !== seen;
  };
  return {
    cursor,
    changed: wanted.flatMap((each, index) => (isChanged(each, index) ? [index] : [])),
    seen: prints.map((print) => print ?? cursor),
    isFirst: wanted.some(({ seen }) => seen === undefined),
  };
}

/** By which two states of what is looked at can be told apart; undefined where the journal tells of changes. */
async function printOf(parts: WatchParts, { what, feature = '', name = '' }: Watched): Promise<string | undefined> {
  const { ports, listed, reach, glances, namesPrint } = parts;
  if (what === 'features') return hashOf(await listed());
  if (what === 'names') {
    const names = await namesPrint(reach);
    return names === '' ? NO_NAMES : hashOf(names);
  }
  if (what !== 'pane' && what !== 'spec') return undefined;
  return glances(`${what}/${feature}/${name}`, async () => {
    const opened = await openOrTell(ports, feature);
    const live = 'problem' in opened ? null : opened.live;
    if (!live) return 'none';
    return what === 'pane' ? panePrint(live, name) : specPrint(ports, live);
  });
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
