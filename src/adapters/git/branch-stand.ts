import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BranchStand, ForeignCommit, LogEntry, Move } from '../../core/conflicted.ts';
import { head } from './branches.ts';
import { changedFiles } from './changes.ts';
import { codeOf } from '../../files/refused.ts';
import { tipOf } from './departure.ts';
import { mustGit, type RunGit } from './run.ts';
import { isAncestor, unfinishedIn } from './standing.ts';

export interface StandOrder {
  readonly branch: string;
  readonly known: string | null;
  /** The folder in which git keeps the worktree's own state. */
  readonly gitDir: string;
}

/** How the branch and the worktree `path` stand. Where nothing changed that takes one short command, and no more. */
export async function branchStand(run: RunGit, path: string, order: StandOrder): Promise<BranchStand> {
  const { branch, known, gitDir } = order;
  const now = await head(run, path);
  const tip = now.branch === branch ? now.commit : await tipOf(run, path, branch);
  const isOn = now.branch === branch;
  return {
    tip,
    head: { branch: now.branch, commit: now.commit },
    underWay: await unfinishedIn(gitDir),
    lockedSince: await timeOf(join(gitDir, 'index.lock')),
    move:
      tip === null || known === null || tip === known
        ? null
        : await moveOf(run, path, { branch, from: known, to: tip }),
    headLog: isOn ? null : await lastOf(run, path, 'HEAD'),
  };
}

const SHOWN_COMMITS = 10;
const SHOWN_FILES = 20;
const MOST_COMMITS = 1000;

interface Between {
  readonly branch: string;
  readonly from: string;
  readonly to: string;
}

async function moveOf(run: RunGit, path: string, { branch, from, to }: Between): Promise<Move> {
  const kind = (await isAncestor(run, path, from, to)) ? 'ahead' : 'rewritten';
  const commits = await commitsBetween(run, path, from, to);
  const files = (await changedFiles(run, path, { from, to })).map((change) => change.path);
  return {
    ...{ from, to, kind },
    elsewhere: await movedElsewhere(run, path, branch, from),
    log: await lastOf(run, path, `refs/heads/${branch}`),
    commits: commits.slice(0, SHOWN_COMMITS),
    commitCount: commits.length,
    files: files.slice(0, SHOWN_FILES),
    fileCount: files.length,
  };
}

async function commitsBetween(run: RunGit, path: string, from: string, to: string): Promise<ForeignCommit[]> {
  const args = [
    'log',
    '-z',
    `--max-count=${MOST_COMMITS}`,
    '--format=tformat:%H%x01%cn <%ce>%x01%s',
    `${from}..${to}`,
    '--',
  ];
  return records(await mustGit(run, path, args, { long: true })).map(([commit = '', by = '', subject = '']) => ({
    ...{ commit, subject: bounded(subject), by: bounded(by) },
  }));
}

/**
 * git notes each movement of a branch in the log of the branch, and in the log of HEAD of the worktree in which it was
 * made. What is in the one since `from`, and not in the other, was made elsewhere. False where no logs are kept.
 */
async function movedElsewhere(run: RunGit, path: string, branch: string, from: string): Promise<boolean> {
  const values = await logOf(run, path, `refs/heads/${branch}`);
  const here = new Set((await logOf(run, path, 'HEAD')).map(({ commit }) => commit));
  if (here.size === 0) return false;
  const last = values.findIndex(({ commit }) => commit === from);
  return values.slice(0, last < 0 ? values.length : last).some(({ commit }) => !here.has(commit));
}

async function lastOf(run: RunGit, path: string, ref: string): Promise<LogEntry | null> {
  const [last] = await logOf(run, path, ref, 1);
  return last ? { what: last.what, by: last.by } : null;
}

interface Logged extends LogEntry {
  readonly commit: string;
}

const MOST_ENTRIES = 500;

/** Newest first; none where git keeps no log. */
async function logOf(run: RunGit, path: string, ref: string, most = MOST_ENTRIES): Promise<Logged[]> {
  const args = ['log', '-z', '-g', `--max-count=${most}`, '--format=tformat:%H%x01%gn <%ge>%x01%gs', ref, '--'];
  const ran = await run(path, args);
  // A branch without a log, and one that is not there, are told in the same way.
  if (ran.exitCode !== 0) return [];
  return records(ran.stdout).map(([commit = '', by = '', what = '']) => ({
    commit,
    by: bounded(by),
    what: bounded(what),
  }));
}

const records = (text: string): string[][] =>
  text
    .split('\0')
    .filter((record) => record !== '')
    .map((record) => record.split('\u0001'));

const SHOWN_CHARS = 120;
const bounded = (text: string): string => text.slice(0, SHOWN_CHARS);

/** When the file was last written, in ms since the epoch; null where there is none. */
async function timeOf(path: string): Promise<number | null> {
  try {
    return Math.round((await stat(path)).mtimeMs);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return null;
  }
}
