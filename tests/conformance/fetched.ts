import { execa } from 'execa';

/** A program of an npm package, with the node that it needs; nothing of it is installed here. */
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

/** Newer than the one that the product asks for. */
const NODE = 'node@22';

/** Fetching may be slow; running is not. */
const FETCH_WITHIN_MS = 300_000;
const RUN_WITHIN_MS = 90_000;

/**
 * Has npm fetch a package into its own cache, once. Its program is called there: to have npx look for it again each time
 * would take longer than most checks.
 */
export async function fetched(pack: string, bin: string): Promise<Fetched> {
  const words = ['-y', '-p', NODE, '-p', pack, '-c', `command -v node && command -v ${bin}`];
  const found = await execa('npx', words, { reject: false, timeout: FETCH_WITHIN_MS, stdin: 'ignore' });
  const [node, file] = found.stdout.split('\n').slice(-2);
  if (found.exitCode !== 0 || node === undefined || file === undefined)
    throw new Error(`npm cannot fetch ${pack}; without it nothing is checked\n${found.stderr}`);
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
