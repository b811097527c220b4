import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { destroyTree } from '../adapters/agents/destroy-tree.ts';
import { livingAgents, processOf, type RecordedAgent } from '../adapters/agents/strays.ts';
import type { Git } from '../adapters/git/open.ts';
import type { LeftOnServer } from '../adapters/tmux/left-behind.ts';
import type { TmuxTerminal } from '../adapters/tmux/terminal.ts';
import type { LeftoverOrder } from '../app/ports.ts';
import {
  judgeAgent,
  judgeBuffer,
  judgeSession,
  judgeTree,
  type Finding,
  type Judgement,
  type LeftoverKind,
  type MarkedSession,
  type WorkspaceState,
} from '../core/gc.ts';
import { foldersIn } from '../files/folders.ts';
import { codeOf } from '../files/refused.ts';
import { removeIfThere } from '../files/write-whole.ts';
import { lockState, self, takeLock } from '../journal/lock.ts';
import { clearPlace, nameOfPlace, placeFiles, placesIn, placeState, rootOf } from './kept-place.ts';
import { socketFor } from './places.ts';

export interface LeftoverParts {
  readonly root: string;
  readonly workspaceId: string;
  /** The socket of this workspace's supervisor, which is this process. */
  readonly socketPath: string;
  readonly terminalOn: (socket: string | null) => TmuxTerminal;
  readonly git: Pick<Git, 'worktrees' | 'forgetWorktree' | 'realPlace'>;
  readonly scratch: {
    readonly left: () => Promise<readonly string[]>;
    readonly removeLeft: (from: string, path: string) => Promise<boolean>;
  };
}

/** Everything that somebody who died left behind, as far as it can be proven; nothing is changed. */
export function leftovers(parts: LeftoverParts): (order: LeftoverOrder) => Promise<readonly Finding[]> {
  return async (order) => [
    ...(await places(parts)),
    ...(await onServers(parts, order)),
    ...(await agents(parts, order)),
    ...(await locks(parts)),
    ...(await scratch(parts)),
    ...(await trees(parts, order)),
  ];
}

/** A judgement as a finding, or nothing where nothing is to be said. */
function found(
  kind: LeftoverKind,
  what: string,
  judged: Judgement,
  remove: () => Promise<string | null>,
): readonly Finding[] {
  if (judged === null) return [];
  return [{ kind, what, why: judged.why, remove: judged.goes ? remove : null }];
}

const gone = (work: Promise<unknown>): Promise<null> => work.then(() => null);

// ---------------------------------------------------------------- sockets, pipes

async function places({ socketPath }: LeftoverParts): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  for (const path of await placesIn(dirname(socketPath))) {
    if (path === socketPath) continue;
    const files = placeFiles(path);
    const state = await placeState(files);
    if (state === 'in use') continue;
    const root = await rootOf(files);
    const whose = root === null ? '' : ` of ${root}${(await isThere(root)) ? '' : ', which is gone,'}`;
    const judged =
      state === 'dead'
        ? { goes: true, why: `the supervisor${whose} died` }
        : { goes: false, why: 'nobody listens there, and nothing says whose it was' };
    all.push(...found('place', nameOfPlace(files), judged, () => clearPlace(files)));
  }
  return all;
}

// ---------------------------------------------------------------- tmux

async function onServers(parts: LeftoverParts, order: LeftoverOrder): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  for (const socket of order.sockets) {
    const terminal = parts.terminalOn(socket);
    const seen = await terminal.leftBehind();
    const states = new Map<string, WorkspaceState>();
    for (const session of seen.sessions) {
      const workspace = await workspaceOf(parts, session);
      states.set(session.id, workspace);
      const judged = await judgedSession(parts, session, workspace);
      const what = `session ${session.name}`;
      all.push(...found('session', what, judged, () => endSession(parts, terminal, session)));
    }
    all.push(...buffersOf(terminal, seen, states));
  }
  return all;
}

async function judgedSession(
  { root }: LeftoverParts,
  session: MarkedSession,
  workspace: WorkspaceState,
): Promise<Judgement> {
  return judgeSession(session, { workspace, featureIsThere: await hasFeature(root, session.feature) });
}

/** Its agents first, with what they started; they would outlive their panes. */
async function endSession(
  parts: LeftoverParts,
  terminal: TmuxTerminal,
  session: MarkedSession,
): Promise<string | null> {
  const now = (await terminal.leftBehind()).sessions.find(({ id }) => id === session.id);
  if (now?.workspaceId !== session.workspaceId) return null;
  const judged = await judgedSession(parts, now, await workspaceOf(parts, now));
  if (judged?.goes !== true) return judged?.why ?? 'it is in use again';
  for (const pid of now.pids) {
    const process = await processOf(pid);
    if (process) await destroyTree({ agentDir: NO_FOLDER, process }, END_WITHIN_MS);
  }
  await terminal.endLeftSession(now);
  return null;
}

/** No agent has it: only the tree below the pane is ended. */
const NO_FOLDER = '/dev/null/no-agent';
const END_WITHIN_MS = 2_000;

function buffersOf(
  terminal: TmuxTerminal,
  { sessions, others, buffers }: LeftOnServer,
  states: ReadonlyMap<string, WorkspaceState>,
): readonly Finding[] {
  const owners = new Map<string, WorkspaceState | null>([
    ...others.map((name) => [name, null] as const),
    ...sessions.map(({ id, name }) => [name, states.get(id) ?? null] as const),
  ]);
  return buffers.flatMap((buffer) =>
    found('buffer', `buffer ${buffer.name}`, judgeBuffer(buffer, owners), () =>
      gone(terminal.deleteLeftBuffer(buffer.name)),
    ),
  );
}

async function workspaceOf(parts: LeftoverParts, { root, workspaceId }: MarkedSession): Promise<WorkspaceState> {
  if (root === null || root === parts.root) return workspaceId === parts.workspaceId ? 'here' : 'another';
  if (await isThere(join(root, '.tmops'))) return 'another';
  const place = placeFiles(socketFor(root, dirname(parts.socketPath)));
  return (await placeState(place)) === 'in use' ? 'another' : 'gone';
}

// ---------------------------------------------------------------- agents

async function agents({ root }: LeftoverParts, { present }: LeftoverOrder): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  for (const dir of [...(await featureDirs(root)), ...(await archives(root))]) {
    const feature = basename(dir);
    const run = dirname(dir) === join(root, '.tmops') ? (present.get(feature) ?? null) : null;
    for (const agent of await livingAgents(dir)) {
      const what = `process ${agent.process.pid}, the ${agent.role} of ${feature} (run ${agent.run})`;
      all.push(...found('agent', what, judgeAgent(agent, run), () => gone(endAgent(agent))));
    }
  }
  return all;
}

const endAgent = ({ agentDir, process }: RecordedAgent): Promise<void> =>
  destroyTree({ agentDir, process }, END_WITHIN_MS);

// ---------------------------------------------------------------- locks

async function locks({ root }: LeftoverParts): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  for (const dir of [...(await featureDirs(root)), ...(await archives(root))])
    for (const run of await foldersIn(join(dir, 'runs'))) {
      const lock = join(dir, 'runs', run, 'journal.jsonl.lock');
      for (const path of [lock, `${lock}.breaking`]) {
        const state = await lockState(path);
        if (state !== 'stale') continue;
        const judged = { goes: true, why: 'whoever held it died' };
        all.push(...found('lock', path, judged, () => (path === lock ? breakLock(path) : gone(removeIfThere(path)))));
      }
    }
  return all;
}

/** By taking it: who takes a lock of a dead one is alone with it. */
async function breakLock(path: string): Promise<string | null> {
  const lock = await takeLock(path, await self());
  if (!lock.ok) return `process ${lock.heldBy.pid} holds it now`;
  await lock.release();
  return null;
}

// ---------------------------------------------------------------- git

async function scratch({ root, scratch: trees }: LeftoverParts): Promise<readonly Finding[]> {
  const judged = { goes: true, why: 'tests were tried in it, and nobody uses it any more' };
  return (await trees.left()).flatMap((path) =>
    found('scratch', path, judged, async () => ((await trees.removeLeft(root, path)) ? null : 'it is in use now')),
  );
}

async function trees(parts: LeftoverParts, { worktreePath }: LeftoverOrder): Promise<readonly Finding[]> {
  const { root, git, socketPath } = parts;
  const ownScratch = `${placeFiles(socketPath).scratch}/`;
  const all: Finding[] = [];
  for (const entry of (await git.worktrees(root)).slice(1)) {
    if (await isThere(entry.path)) continue;
    const feature = /^feature\/([a-z0-9-]{3,20})$/.exec(entry.branch ?? '')?.[1] ?? null;
    const judge = async (): Promise<Judgement> =>
      judgeTree(entry, {
        place: feature === null ? null : await git.realPlace(resolve(root, worktreePath(feature))),
        featureIsThere: feature !== null && (await hasFeature(root, feature)),
        isScratch: entry.path.startsWith(ownScratch) && !(await isThere(dirname(entry.path))),
      });
    const forget = async (): Promise<string | null> => {
      if ((await isThere(entry.path)) || (await judge())?.goes !== true) return 'it is there again';
      await git.forgetWorktree(root, entry.path);
      return null;
    };
    all.push(...found('worktree', `git's record of ${entry.path}`, await judge(), forget));
  }
  return all;
}

// ---------------------------------------------------------------- folders

const FEATURE = /^[a-z0-9-]{3,20}$/;

const featureDirs = async (root: string): Promise<readonly string[]> =>
  (await foldersIn(join(root, '.tmops')))
    .filter((name) => FEATURE.test(name))
    .map((name) => join(root, '.tmops', name));

const archives = async (root: string): Promise<readonly string[]> =>
  (await foldersIn(join(root, '.tmops', '.archive'))).map((name) => join(root, '.tmops', '.archive', name));

/**
 * Anything of it, also a cleanup that was cut short: it is still being moved. Folders of agents alone are none: an agent of
 * a feature that was deleted makes them anew as it ends.
 */
async function hasFeature(root: string, feature: string): Promise<boolean> {
  if (!FEATURE.test(feature) || (await isThere(join(root, '.tmops', '.cleanup', `${feature}.json`)))) return true;
  const dir = join(root, '.tmops', feature);
  if (!(await isThere(dir))) return false;
  if ((await readdir(dir)).some((name) => name !== 'runs')) return true;
  for (const run of await namesIn(join(dir, 'runs')))
    if ((await namesIn(join(dir, 'runs', run))).some((name) => name !== 'agents')) return true;
  return false;
}

/** A file in the place of a folder is something of somebody. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return (await isThere(folder)) ? [folder] : [];
  }
}

/** What cannot be looked at counts as there: only the system's word that it is not says so. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    return !isAbsent(error);
  }
}

const isAbsent = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
