import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { firstLine } from './versions.ts';

/** What came of asking a program for its version. */
export type Answer =
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'absent' }
  /** It is there and ended badly. */
  | { readonly kind: 'broken'; readonly why: string }
  | { readonly kind: 'silent'; readonly withinMs: number };

export interface Asking {
  readonly env: Readonly<Record<string, string>>;
  readonly withinMs: number;
}

/** Runs a program that only tells something. Ends it, with whatever it started, when it takes longer than it may. */
export async function ask(program: string, args: readonly string[], { env, withinMs }: Asking): Promise<Answer> {
  const child = execa(program, [...args], {
    cwd: '/',
    env,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    maxBuffer: MAX_CHARACTERS,
    // A group of its own, so that it can be ended whole: a child of it may hold the pipes.
    detached: true,
  });
  if (!(await endsInTime(child, withinMs))) {
    if (child.pid !== undefined) endGroup(child.pid);
    return { kind: 'silent', withinMs };
  }
  const result = await child;
  if (result.code === 'ENOENT') return { kind: 'absent' };
  if (!result.failed) return { kind: 'said', text: result.stdout.trim() };
  return {
    kind: 'broken',
    why: firstLine(result.stderr) || firstLine(result.originalMessage ?? result.shortMessage ?? ''),
  };
}

/** The names among `names` that are programs on the PATH. */
export async function presentOn(path: string, names: readonly string[]): Promise<ReadonlySet<string>> {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  const there = async (name: string): Promise<boolean> =>
    (await Promise.all(folders.map((folder) => isProgram(join(folder, name))))).includes(true);
  const found = await Promise.all(names.map(async (name) => ((await there(name)) ? [name] : [])));
  return new Set(found.flat());
}

const MAX_CHARACTERS = 64 * 1024;

async function endsInTime(ended: PromiseLike<unknown>, withinMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, withinMs, false);
  });
  const inTime = await Promise.race([ended.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It ended by itself meanwhile; macOS says EPERM of a group that only holds zombies.
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK)
    .then(() => stat(file))
    .then(
      (found) => found.isFile(),
      () => false,
    );
}
