import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootId, startTimeOf } from '../../src/journal/holder.ts';
import { self, takeLock, type Holder, type Lock } from '../../src/journal/lock.ts';
import { until } from '../rig/wait.ts';

let folder: string;
let path: string;
let me: Holder;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmops-lock-'));
  path = join(folder, 'lock');
  me = await self();
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A process that has ended, as it was named while it lived. */
async function endedProcess(): Promise<Holder> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const pid = child.pid!;
  const started = await startTimeOf(pid);
  child.stdin.end();
  await once(child, 'exit');
  if (started.kind !== 'alive') throw new Error('The child did not start');
  return { pid, startTime: started.startTime };
}

async function release(lock: Lock): Promise<void> {
  if (!lock.ok) throw new Error(`The lock is held by ${lock.heldBy.pid}`);
  await lock.release();
}

describe('a lock', () => {
  it('is held until it is released, and names its holder', async () => {
    const lock = await takeLock(path, me);
    expect(lock.ok).toBe(true);
    expect(await takeLock(path, me)).toEqual({ ok: false, heldBy: me });
    await release(lock);
    expect(await readdir(folder)).toEqual([]);
    const again = await takeLock(path, me);
    expect(again.ok).toBe(true);
    await release(lock);
    expect(await takeLock(path, me)).toMatchObject({ ok: false });
  });

  it('is taken over from a process that has ended', async () => {
    await takeLock(path, await endedProcess());
    await release(await takeLock(path, me));
  });

  it('is taken over from a process that had the pid of one that runs now', async () => {
    await takeLock(path, { ...me, startTime: '1' });
    await release(await takeLock(path, me));
  });

  it('is taken over from a process of before a reboot', async () => {
    await takeLock(path, me);
    const boot = await bootId();
    await writeFile(path, (await readFile(path, 'utf8')).replace(boot, 'another-boot'));
    await release(await takeLock(path, me));
  });

  it('is left to a process that cannot be looked at', async () => {
    const stranger = { pid: 1, startTime: 'x' };
    await takeLock(path, stranger);
    const lock = await takeLock(path, me, () => Promise.resolve({ kind: 'unknown' }));
    expect(lock).toEqual({ ok: false, heldBy: stranger });
  });

  it.each(['', '{"pid":', 'not a lock\n'])('is taken over when its writer died in the act: %j', async (text) => {
    await writeFile(path, text);
    await release(await takeLock(path, me));
  });

  it('is not taken from one who is just writing it', async () => {
    const handle = await open(path, 'wx');
    const other = takeLock(path, me);
    const text = `${JSON.stringify({ ...me, boot: await bootId() })}\n`;
    await handle.writeFile(text);
    await handle.close();
    expect(await other).toEqual({ ok: false, heldBy: me });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('is not released when it has become another one', async () => {
    const lock = await takeLock(path, me);
    await unlink(path);
    await takeLock(path, { ...me, startTime: '7' });
    await release(lock);
    expect(await readFile(path, 'utf8')).toContain('"startTime":"7"');
  });

  it('goes to one of many who find it stale at once', async () => {
    const stale = await endedProcess();
    for (let round = 0; round < 20; round += 1) {
      await takeLock(path, stale);
      const locks = await Promise.all(Array.from({ length: 12 }, () => takeLock(path, me)));
      expect(locks.filter((lock) => lock.ok)).toHaveLength(1);
      for (const lock of locks) if (lock.ok) await lock.release();
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not taken from one who took it over while another still looked at the old holder', async () => {
    await takeLock(path, await endedProcess());
    let goOn = (): void => undefined;
    const pause = new Promise<void>((resolve) => (goOn = resolve));
    let looks = 0;
    const late = takeLock(path, me, async (pid) => {
      looks += 1;
      if (looks === 1) await pause;
      return startTimeOf(pid);
    });
    await until('the late one looks', () => looks === 1);
    const first = await takeLock(path, me);
    goOn();
    expect(await late).toEqual({ ok: false, heldBy: me });
    await release(first);
  });

  it('is taken over also when somebody died while taking it over', async () => {
    await takeLock(path, await endedProcess());
    await writeFile(`${path}.breaking`, '');
    await release(await takeLock(path, me));
    expect(await readdir(folder)).toEqual([]);
  });

  it('says why it cannot be taken', async () => {
    const nowhere = join(folder, 'missing', 'lock');
    await expect(takeLock(nowhere, me)).rejects.toMatchObject({ name: 'JournalError', code: 'ENOENT', path: nowhere });
  });
});

describe('a process', () => {
  it('is told by when it started', async () => {
    expect(await startTimeOf(process.pid)).toMatchObject({ kind: 'alive' });
    expect(await startTimeOf((await endedProcess()).pid)).toEqual({ kind: 'gone' });
  });

  it.runIf(process.platform === 'linux')('that has ended and is not collected is gone', async () => {
    const child = spawn('sh', ['-c', 'sleep 0 & exec sleep 30'], { stdio: 'ignore' });
    try {
      const zombie = async (): Promise<boolean> => {
        const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
        const pid = Number(children.trim().split(' ')[0]);
        return pid > 0 && (await startTimeOf(pid)).kind === 'gone';
      };
      await expect.poll(zombie, { interval: 10, timeout: 5000 }).toBe(true);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  });
});
