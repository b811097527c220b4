import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { openRegular } from '../files/regular.ts';
import { removeIfThere } from '../files/write-whole.ts';
import { codeOf, during, JournalError } from './error.ts';
import { bootId, startTimeOf, type Started } from './holder.ts';

/** A process, told from a later one with the same pid by when it started. */
export interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

export type Lock =
  /** `release` gives the lock back; safe to call twice. */
  { readonly ok: true; readonly release: () => Promise<void> } | { readonly ok: false; readonly heldBy: Holder };

/** How start times are told. All users of one lock must tell them alike. */
export type Look = (pid: number) => Promise<Started>;

/**
 * Takes the lock file at `path` for `me`. A lock whose process is gone (ended, or from before a reboot) is taken over;
 * one whose process cannot be looked at counts as held. Processes see each other only within one machine and one PID
 * namespace. Rejects with a JournalError.
 */
export async function takeLock(path: string, me: Holder, look: Look = startTimeOf): Promise<Lock> {
  return during('lock', path, async () => {
    const boot = await bootId();
    const text = `${JSON.stringify({ ...me, boot })}\n`;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await create(path, text)) return { ok: true, release: releaseOnce(path, text) };
      const mark = await readMark(path);
      if (mark === null) continue;
      const holder = holderIn(mark.text);
      if (holder !== null && (await isHeld(holder, boot, look))) return { ok: false, heldBy: bare(holder) };
      if (holder !== null || (await stands(path, mark))) await breakLock(path, mark);
    }
    throw new JournalError('lock', path, 'EBUSY');
  });
}

/**
 * Whether whoever took the lock is still there; changes nothing. What cannot be read is `stale` once it has stood for a while:
 * writing it takes less. Rejects with a JournalError.
 */
export async function lockState(path: string, look: Look = startTimeOf): Promise<'absent' | 'held' | 'stale'> {
  return during('look at the lock', path, async () => {
    const mark = await readMark(path);
    if (mark === null) return 'absent';
    const holder = holderIn(mark.text);
    if (holder !== null) return (await isHeld(holder, await bootId(), look)) ? 'held' : 'stale';
    return (await stands(path, mark)) ? 'stale' : 'held';
  });
}

/** This process. */
export async function self(look: Look = startTimeOf): Promise<Holder> {
  const started = await look(process.pid);
  return { pid: process.pid, startTime: started.kind === 'alive' ? started.startTime : '' };
}

const ATTEMPTS = 100;
/** Longer than a process needs from creating a lock to writing its name into it, or to let go of a guard. */
const STALE_MS = 500;
const PAUSE_MS = 10;

interface Written extends Holder {
  readonly boot: string;
}

interface Mark {
  readonly text: string;
  /** Inode and time, which tell a file from a later one of the same text. */
  readonly stamp: string;
}

function bare({ pid, startTime }: Written): Holder {
  return { pid, startTime };
}

async function create(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o600);
    await handle.writeFile(text).finally(() => handle.close());
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readMark(path: string): Promise<Mark | null> {
  try {
    const handle = await openRegular(path, constants.O_RDONLY);
    try {
      const { ino, mtimeNs } = await handle.stat({ bigint: true });
      return { text: await handle.readFile('utf8'), stamp: `${ino}-${mtimeNs}` };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Null for a lock that is being written, or whose writer died in the act. */
function holderIn(text: string): Written | null {
  const found = /^\{"pid":(\d{1,10}),"startTime":"([^"\\]*)","boot":"([^"\\]*)"\}\n$/.exec(text);
  const [, pid, startTime, boot] = found ?? [];
  return pid === undefined || startTime === undefined || boot === undefined
    ? null
    : { pid: Number(pid), startTime, boot };
}

async function isHeld(holder: Written, boot: string, look: Look): Promise<boolean> {
  if (holder.boot !== boot) return false;
  const started = await look(holder.pid);
  // Without a start time on either side only the pid speaks, and it says held.
  return started.kind === 'alive'
    ? holder.startTime === '' || started.startTime === holder.startTime
    : started.kind === 'unknown';
}

/** Whether the file stays the same for a while. */
async function stands(path: string, mark: Mark): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < STALE_MS; waitedMs += PAUSE_MS) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const now = await readMark(path);
    if (now?.stamp !== mark.stamp || now.text !== mark.text) return false;
  }
  return true;
}

/** Removes that very lock and no later one: who removes holds a guard, and looks again under it. */
async function breakLock(path: string, stale: Mark): Promise<void> {
  const guard = `${path}.breaking`;
  if (!(await create(guard, ''))) {
    const mark = await readMark(guard);
    // A guard that stands belongs to a process that died in the act.
    if (mark !== null && (await stands(guard, mark))) await removeIfThere(guard);
    return;
  }
  try {
    const now = await readMark(path);
    if (now?.stamp === stale.stamp && now.text === stale.text) await unlink(path);
  } finally {
    await removeIfThere(guard);
  }
}

function releaseOnce(path: string, text: string): () => Promise<void> {
  let held = true;
  return async () => {
    if (!held) return;
    held = false;
    const now = await readMark(path);
    if (now?.text === text) await removeIfThere(path);
  };
}
