import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { codeOf } from '../../files/refused.ts';

/** Every process that tests start has it in its environment, however far it went away from its parent. */
export const MARK = 'TMOPS_TEST_RUN';

const WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 20;

/**
 * Ends the processes whose mark begins like this, also those that left their group, until none is seen any more; gives
 * up after two seconds. Where the system does not show environments (macOS) there is nothing to go by.
 */
export async function endMarked(beginning: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const pids = await carriers(`${MARK}=${beginning}`);
    if (pids.length === 0 || performance.now() >= deadline) return;
    for (const pid of pids) kill(pid);
    await pause(LOOK_EVERY_MS);
  }
}

async function carriers(entry: string): Promise<readonly number[]> {
  const names = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const pids = names.map(Number).filter((pid) => pid !== process.pid);
  const found = await Promise.all(pids.map((pid) => carries(pid, entry)));
  return pids.filter((_, index) => found[index]);
}

async function carries(pid: number, entry: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    return environment.startsWith(entry) || environment.includes(`\0${entry}`);
  } catch (error) {
    // Gone meanwhile, or somebody else's, hence not started by the tests.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(codeOf(error))) return false;
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended since it was looked at.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}
