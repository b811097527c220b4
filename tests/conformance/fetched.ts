import { execa } from 'execa';

/** A program of an npm package; nothing of it is installed here. */
export interface Fetched {
  readonly name: string;
  /** Runs it to its end and gives its exit code and what it said. */
  run(words: readonly string[], where?: Where): Promise<Ran>;
}

export interface Where {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Fetching may be slow; running is not. */
const FETCH_WITHIN_MS = 300_000;
const RUN_WITHIN_MS = 90_000;

/**
 * Has npm fetch a package into its own cache, once, to be run by that node. The program is called where it lies then: to have
 * npx look for it again each time would take longer than most checks.
 */
export async function fetched(pack: string, bin: string, node: string): Promise<Fetched> {
  const file = await placeOf(pack, bin);
  return {
    name: pack,
    async run(args, where = {}) {
      const { exitCode, stdout, stderr } = await execa(node, [file, ...args], {
        ...{ reject: false, timeout: RUN_WITHIN_MS, stdin: 'ignore' },
        ...where,
      });
      return { exitCode, stdout, stderr };
    },
  };
}

/** Where npm puts a program of a package. */
export async function placeOf(pack: string, bin: string): Promise<string> {
  const words = ['-y', '-p', pack, '-c', `command -v ${bin}`];
  const found = await execa('npx', words, { reject: false, timeout: FETCH_WITHIN_MS, stdin: 'ignore' });
  const place = found.stdout.split('\n').at(-1) ?? '';
  if (found.exitCode === 0 && place.startsWith('/')) return place;
  throw new Error(`npm cannot fetch ${pack}; without it nothing is checked\n${found.stderr}`);
}
