import { warning, type Check, type Verdict } from './check.ts';
import { installWords, type Installer } from './installers.ts';
import { judgeLogin, lookForLogin } from './login.ts';
import { judgeLogout, lookAtLogout } from './logout.ts';
import { ask, presentOn, type Asking } from './program.ts';
import { judgeClaude, judgeGit, judgeNode, judgeTmux } from './programs.ts';
import {
  judgeConfiguration,
  judgeEncoding,
  judgeSocket,
  judgeSupervisor,
  judgeTrust,
  judgeWorkspace,
  type Found,
} from './workspace.ts';
import { judgeWriting, tryWriting } from './writing.ts';

export interface ExamineOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly platform: NodeJS.Platform;
  /** As node says it, e.g. `v20.19.0`. */
  readonly nodeVersion: string;
  readonly user: { readonly name: string; readonly uid: number };
  readonly installers: readonly Installer[];
  /** Programs by name or path. */
  readonly commands: { readonly tmux: string; readonly git: string; readonly claude: string };
  readonly claude: {
    /** Whether agents are Claude Code unless something else is asked for. */
    readonly isDefault: boolean;
    readonly configDir: string;
    readonly configFile: string;
    /** Names of the environment variables that reach agents. */
    readonly passedOn: readonly string[];
    /** Whether start may record that the folder is trusted. */
    readonly startRecordsTrust: boolean;
  };
  readonly workspace: Found<{ readonly root: string }>;
  /** What is wrong in the configuration, one paragraph each. */
  readonly faults: readonly string[];
  /** What of it leaves agents unguarded, as sentences. */
  readonly unsafe?: readonly string[];
  /** Null outside of a workspace: then none of this is looked at. */
  readonly inside: {
    /** Folders that are written to; they need not exist yet. */
    readonly folders: readonly string[];
    readonly trust: () => Promise<'trusted' | 'untrusted' | 'unknown'>;
    readonly socket: () => Found<{ readonly socketPath: string }>;
    /** Process id of the supervisor, or null. */
    readonly supervisor: () => Promise<number | null>;
  } | null;
  /** Bound of one check; default 2,000 ms. All run at once. */
  readonly withinMs?: number;
}

/** Looks at everything tmops needs. A check that fails or takes too long becomes a warning and leaves the others alone. */
export async function examine(options: ExamineOptions): Promise<Check[]> {
  const withinMs = options.withinMs ?? WITHIN_MS;
  const look = {
    options,
    asking: { env: options.env, withinMs: withinMs * ASKING_SHARE },
    install: installFrom(options),
  };
  return Promise.all(
    checksFor(options).map(async ([name, check]) => ({ name, ...(await bounded(() => check(look), withinMs)) })),
  );
}

const WITHIN_MS = 2000;
/** A program that does not answer is reported as such, before the check as a whole is out of time. */
const ASKING_SHARE = 0.9;

interface Look {
  readonly options: ExamineOptions;
  readonly asking: Asking;
  /** The command that installs a package on this machine, or null. */
  readonly install: (name: string) => Promise<string | null>;
}

type CheckOf = readonly [name: string, check: (look: Look) => Verdict | Promise<Verdict>];
type Inside = NonNullable<ExamineOptions['inside']>;

function checksFor({ inside }: ExamineOptions): readonly CheckOf[] {
  return [...PROGRAMS, ...ACCOUNT, ...PLACE, ...(inside ? insideChecks(inside) : [])];
}

const PROGRAMS: readonly CheckOf[] = [
  ['node', ({ options }) => judgeNode(options.nodeVersion)],
  [
    'tmux',
    async (look) => judgeTmux(await ask(look.options.commands.tmux, ['-V'], look.asking), await look.install('tmux')),
  ],
  [
    'git',
    async (look) =>
      judgeGit(await ask(look.options.commands.git, ['--version'], look.asking), await look.install('git')),
  ],
  [
    'claude code',
    async ({ options, asking }) =>
      judgeClaude(await ask(options.commands.claude, ['--version'], asking), {
        command: options.commands.claude,
        isDefault: options.claude.isDefault,
      }),
  ],
];

const ACCOUNT: readonly CheckOf[] = [
  ['login', async ({ options }) => judgeLogin(await lookForLogin({ ...options, ...options.claude }))],
  ['logging out', async ({ options, asking }) => judgeLogout(await lookAtLogout(options.user.name, asking))],
  ['encoding', ({ options }) => judgeEncoding(options.env)],
];

const PLACE: readonly CheckOf[] = [
  ['workspace', ({ options }) => judgeWorkspace(options.workspace)],
  ['configuration', ({ options }) => judgeConfiguration(options.faults, options.unsafe)],
];

function insideChecks(inside: Inside): readonly CheckOf[] {
  return [
    ['write access', async () => judgeWriting(inside.folders, await tryWriting(inside.folders))],
    [
      'trust',
      async ({ options: { claude } }) =>
        judgeTrust({
          state: await inside.trust(),
          isDefault: claude.isDefault,
          startRecords: claude.startRecordsTrust,
        }),
    ],
    ['socket', () => judgeSocket(inside.socket())],
    ['supervisor', async () => judgeSupervisor(await inside.supervisor())],
  ];
}

function installFrom({ installers, env, user }: ExamineOptions): Look['install'] {
  return async (name) => {
    const present = await presentOn(env['PATH'] ?? '', [...installers.map(({ program }) => program), 'sudo']);
    return installWords(name, installers, present, { isRoot: user.uid === 0, hasSudo: present.has('sudo') });
  };
}

async function bounded(check: () => Verdict | Promise<Verdict>, withinMs: number): Promise<Verdict> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => {
      resolve(warning(`could not be looked at within ${withinMs} ms`, null));
    }, withinMs);
  });
  try {
    return await Promise.race([Promise.resolve().then(check), late]);
  } catch (error) {
    return warning(`could not be looked at: ${error instanceof Error ? error.message : String(error)}`, null);
  } finally {
    clearTimeout(timer);
  }
}
