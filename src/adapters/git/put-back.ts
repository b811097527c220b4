import { setTimeout as pause } from 'node:timers/promises';
import type { PutOrder } from '../../engine/ports.ts';
import { withIndex } from './layers.ts';
import { failed, mustGit, type GitCall, type RunGit } from './run.ts';
import { refuseLoss, removeFile } from './remove.ts';
import { AUTHOR } from './snapshot.ts';

/**
 * Puts the files `paths` of a working tree to what they are in `to`: the branch by one commit on top, then the index, then
 * the files. Each is only brought to where it should be, so that it can be done again after a crash anywhere.
 */
export async function putBack(run: RunGit, path: string, order: PutOrder): Promise<void> {
  const { to, paths } = order;
  const wanted = new Set(paths);
  const [head, index, files] = [
    await entriesOf(run, path, to.head, wanted),
    await entriesOf(run, path, to.index, wanted),
    await entriesOf(run, path, to.files, wanted),
  ];
  // A repository within the project is its own: git only notes which commit of it is meant.
  const inner = new Set([...head, ...index, ...files].filter(([, { mode }]) => mode === GITLINK).map(([file]) => file));
  const own = paths.filter((file) => !inner.has(file));
  await refuseLoss(run, path, { going: own.filter((file) => !files.has(file)), coming: files });
  await commitOnTop(run, path, { ...order, paths: own }, head);
  await stage(run, path, indexInfo(own, index, noneOf(to.head)));
  await writeFiles(run, path, own, files);
}

export interface Entry {
  readonly mode: string;
  readonly object: string;
}
export type Entries = ReadonlyMap<string, Entry>;

export const GITLINK = '160000';

/** What the commit or tree holds of these paths. */
export async function entriesOf(
  run: RunGit,
  path: string,
  tree: string,
  wanted: ReadonlySet<string>,
): Promise<Entries> {
  const text = await mustGit(run, path, ['ls-tree', '-r', '-z', '--full-tree', tree], { long: true });
  const entries = new Map<string, Entry>();
  for (const record of text.split('\0')) {
    const tab = record.indexOf('\t');
    const file = record.slice(tab + 1);
    const [mode = '', , object = ''] = record.slice(0, tab).split(' ');
    if (tab > 0 && wanted.has(file)) entries.set(file, { mode, object });
  }
  return entries;
}

/** An object that is none, in the length of the repository's ids. */
export const noneOf = (commit: string): string => '0'.repeat(commit.length);

/** For `update-index --index-info`: removals first, so that a file can take the place of a folder. */
export function indexInfo(paths: readonly string[], entries: Entries, none: string): string {
  const lines = (which: 'gone' | 'there'): string[] =>
    paths.flatMap((file) => {
      const entry = entries.get(file);
      if ((entry === undefined) !== (which === 'gone')) return [];
      return [entry ? `${entry.mode} ${entry.object}\t${file}\0` : `0 ${none}\t${file}\0`];
    });
  return [...lines('gone'), ...lines('there')].join('');
}

export const INDEX_INFO = ['update-index', '-z', '--index-info'];

async function commitOnTop(run: RunGit, path: string, order: PutOrder, head: Entries): Promise<void> {
  const ref = `refs/heads/${order.branch}`;
  const on = await mustGit(run, path, ['symbolic-ref', 'HEAD']);
  if (on !== ref) throw new NotOnBranch(path, on, ref);
  const [now = '', tree = ''] = (await mustGit(run, path, ['rev-parse', 'HEAD^{commit}', 'HEAD^{tree}'])).split('\n');
  const wanted = await withIndex(async (_copy, call) => {
    await mustGit(run, path, ['read-tree', now], call);
    await mustGit(run, path, INDEX_INFO, { ...call, input: indexInfo(order.paths, head, noneOf(now)) });
    return mustGit(run, path, ['write-tree'], call);
  });
  if (wanted === tree) return;
  const commit = await mustGit(run, path, ['commit-tree', wanted, '-p', now, '-F', '-'], {
    env: AUTHOR,
    input: order.message,
  });
  // Refused should somebody have committed in this very moment; it is then done again.
  await mustGit(run, path, ['update-ref', '-m', 'tmops rollback', ref, commit, now]);
}

/** Another git may have the index for a moment. */
const STAGE_TRIES = 20;
const STAGE_AGAIN_MS = 250;

/** Gives the index of the working tree what `input` says, in the form of `INDEX_INFO`. */
export async function stage(run: RunGit, path: string, input: string): Promise<void> {
  if (input === '') return;
  for (let tries = 1; ; tries += 1) {
    const ran = await run(path, INDEX_INFO, { input, long: true });
    if (ran.exitCode === 0) return;
    if (tries >= STAGE_TRIES || !ran.stderr.includes('index.lock')) throw failed(path, INDEX_INFO, ran);
    await pause(STAGE_AGAIN_MS);
  }
}

/** Makes the files `paths` what `entries` says, in the working tree alone. */
export async function writeFiles(run: RunGit, path: string, paths: readonly string[], entries: Entries): Promise<void> {
  for (const file of paths) if (!entries.has(file)) await removeFile(path, file);
  if (entries.size === 0) return;
  await withIndex(async (_copy, call: GitCall) => {
    const there = paths.filter((file) => entries.has(file));
    await mustGit(run, path, INDEX_INFO, { ...call, input: indexInfo(there, entries, '') });
    await mustGit(run, path, ['checkout-index', '--force', '--quiet', '--all'], call);
  });
}

class NotOnBranch extends Error {
  constructor(path: string, on: string, wanted: string) {
    super(`${path} is on ${on}, not on ${wanted}`);
  }
}
