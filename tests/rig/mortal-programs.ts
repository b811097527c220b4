import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { until } from './wait.ts';

/** Programs that whoever is to die can start until then. */
export interface MortalPrograms {
  /** The absolute path to start the program by. */
  path(name: string): string;
  /** From now on none can be started; resolves when those that were started have ended, and are done for good. */
  die(): Promise<void>;
}

/**
 * Gives `names` under paths of their own. A killed process starts no further child, while this one, in which the killed
 * one was played, would go on to the next command of a sequence; and what it had started is done before another process
 * has come up and asks.
 */
export async function mortalPrograms(below: string, names: readonly string[]): Promise<MortalPrograms> {
  const folder = await mkdtemp(join(below, 'programs-'));
  for (const name of names) await symlink((await execa('which', [name])).stdout, join(folder, name));
  return {
    path: (name) => join(folder, name),
    async die() {
      await rm(folder, { recursive: true });
      await until(`children from ${folder} have ended`, async () => (await childrenFrom(folder)).length === 0);
    },
  };
}

/** Children of this process that were started from that folder. What they left behind in the background is not among them. */
async function childrenFrom(folder: string): Promise<number[]> {
  const { pid } = process;
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1')).split(' ').filter((id) => id !== '');
  const argvs = await Promise.all(children.map((id) => readFile(`/proc/${id}/cmdline`, 'latin1').catch(() => '')));
  return children.filter((_id, index) => argvs[index]?.startsWith(folder)).map(Number);
}
