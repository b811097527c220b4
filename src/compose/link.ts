import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { AGENT_TOKEN } from '../adapters/agents/agent-token.ts';
import { openGit } from '../adapters/git/open.ts';
import { tryWriting } from '../adapters/machine/writing.ts';
import { resourceKeyOf } from '../app/resource-requests.ts';
import { operations } from '../app/table.ts';
import type { ProblemView } from '../app/views.ts';
import { readEnvironment } from '../config/environment.ts';
import { diskRemedy } from '../core/disk-remedy.ts';
import { COMMANDS_WITHIN_MS, RUNS_COMMANDS } from '../core/role-tool-names.ts';
import { makePrivateFolder } from '../files/in-place.ts';
import { dial } from '../link/dial.ts';
import { linkPort } from '../link/port.ts';
import type { Caller } from '../link/protocol.ts';
import { packaged, version } from './package.ts';
import { checkSupervisorPlace, logFile, socketOfWorkspace, supervisorPlace, type SupervisorPlace } from './places.ts';
import { supervisorProgram } from './program.ts';
import { TELL_ENVIRONMENT } from './tell-environment.ts';

/** How long a fresh supervisor may take to answer. It starts in a few hundred ms. */
const ANSWER_WITHIN_MS = 15_000;

/** The workspace of a folder, or why there is none. Rejects when git has not answered within `timeoutMs`. */
export async function workspaceOf(
  cwd: string,
  timeoutMs?: number,
): Promise<{ readonly root: string } | { readonly problem: ProblemView }> {
  const options = { environment: readEnvironment(), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const found = await openGit(options).findWorkspace(cwd);
  if (found.kind === 'found') return { root: found.root };
  const told: Record<Exclude<typeof found.kind, 'found'>, [string, string]> = {
    'not-a-repo': [
      `${cwd} is not in a git repository.`,
      'Go into your project, or make it one: git init && git add -A && git commit -m "Begin"',
    ],
    bare: [
      `${cwd} belongs to a bare repository, which has no files to work on.`,
      'Go into a clone or a worktree of it.',
    ],
    'no-commits': [
      `The repository of ${cwd} has no commit yet, so that no branch can be made.`,
      'git add -A && git commit -m "Begin"',
    ],
    'no-main-worktree': [
      `The main worktree of ${cwd} cannot be found.`,
      'Go into the main worktree of the repository.',
    ],
    'not-owned': [
      `Git does not trust ${cwd}: it belongs to somebody else.`,
      `git config --global --add safe.directory '${cwd}'`,
    ],
    'git-missing': ['git is not installed.', 'Install git 2.30 or newer; tmops doctor names the command.'],
    'too-old': ['The installed git is too old.', 'Install git 2.30 or newer; tmops doctor names the command.'],
  };
  const [sentence, hint] = told[found.kind];
  return { problem: { code: `workspace-${found.kind}`, sentence, hint } };
}

/**
 * The way to the supervisor of the workspace that `cwd` is in; the workspace is looked up at the first call. `only`: the feature
 * that the client is bound to.
 */
export function linkFrom(cwd: string, only?: string) {
  const asker = {
    user: userInfo().uid,
    ...(only !== undefined && { only }),
    ...agentTokenIn(readEnvironment()),
  };
  let found: Promise<Awaited<ReturnType<typeof workspaceOf>>> | null = null;
  return linkPort({
    async dial(mayStart) {
      found ??= workspaceOf(cwd);
      const workspace = await found;
      if ('problem' in workspace) {
        found = null;
        return { ok: false, failure: workspace.problem };
      }
      const { root } = workspace;
      const socket = socketOfWorkspace(root);
      if (!socket.ok) return socket;
      return dial({
        socketPath: socket.socketPath,
        version,
        withinMs: ANSWER_WITHIN_MS,
        logFile: logFile(root),
        start: () => (mayStart ? startSupervisor(root) : Promise.reject(new Error('none runs, and none is wanted'))),
      });
    },
    caller: (op, extras): Caller => ({
      ...extras,
      cwd,
      ...asker,
      ...(TELL_ENVIRONMENT.has(op) ? { env: readEnvironment() } : {}),
    }),
    repeatable: (op) =>
      resourceKeyOf(op) !== undefined ||
      // A client that hears no list at its start may never ask for it again.
      op === 'role-tools' ||
      (Object.values(operations).find(({ name }) => name === op)?.idempotent ?? false),
    // The supervisor gives up first, and says why.
    withinMs: (op) => (RUNS_COMMANDS.has(op) ? COMMANDS_WITHIN_MS + 20_000 : undefined),
  });
}

/** Whatever runs in an agent's pane says so, also where the token itself was taken out. */
function agentTokenIn(env: Readonly<Record<string, string>>): Pick<Caller, 'agentToken'> {
  const token = env[AGENT_TOKEN];
  if (token !== undefined) return { agentToken: token.slice(0, 200) };
  return env['TMOPS_AGENT_DIR'] === undefined ? {} : { agentToken: '' };
}

/** Starts the guard of a supervisor, which outlives this process and its terminal. */
async function startSupervisor(root: string): Promise<void> {
  const place = supervisorPlace(root);
  await checkSupervisorPlace(root);
  const refused = await placeRefusal(root, place);
  if (refused) throw refused;
  await makePrivateFolder(place.dir);
  const child = spawn('/bin/sh', [packaged('config', 'guard.sh'), ...supervisorProgram, 'supervise', '--root', root], {
    cwd: root,
    detached: true,
    stdio: 'ignore',
    env: { ...SMALL_MEMORY, ...ownEnvironment(), TMOPS_GUARD_LOG: place.guardLog },
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
}

/**
 * For glibc's malloc (mallopt(3)); others do not know them. A feature goes through hundreds of child processes, whose output
 * comes in blocks of 64 KB; with glibc's own choice, which grows with the blocks it sees, what lies between them kept the
 * supervisor from giving anything back: 29 MB more after fifteen features, and 15 MB with these.
 */
const SMALL_MEMORY = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '131072' };

/** It would die at once, and whoever waits for it would learn of that only much later. */
async function placeRefusal(root: string, place: SupervisorPlace): Promise<PlaceRefused | null> {
  const [folder] = await tryWriting([place.dir]);
  if (folder) return new PlaceRefused(folder.folder, folder.code);
  // What somebody else left there, such as a tmops that was once called with sudo.
  for (const file of [place.lockFile, place.pidFile, place.commandFile, place.wakeFile, logFile(root)]) {
    const code = await accessRefusal(file);
    if (code !== null && code !== 'ENOENT') return new PlaceRefused(file, code);
  }
  return null;
}

async function accessRefusal(file: string): Promise<string | null> {
  try {
    await access(file, constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
}

/** What a supervisor keeps on disk cannot be written. */
class PlaceRefused extends Error {
  readonly hint: string;
  constructor(path: string, code: string) {
    super(`${path} cannot be written (${code})`);
    this.hint = `${diskRemedy(code, path)}. Then call again.`;
  }
}

/** Without the marks of a pane: a supervisor that an agent's command starts outlives that agent and is no part of it. */
function ownEnvironment(): Record<string, string> {
  const env = readEnvironment();
  // Nor does an agent say by them what agents may.
  const isAgents = agentTokenIn(env).agentToken !== undefined;
  const stays = (name: string): boolean =>
    !PANE_VARIABLES.has(name) && !(isAgents && /^TMOPS_(ACCESS|UNSAFE)_/.test(name));
  return Object.fromEntries(Object.entries(env).filter(([name]) => stays(name)));
}

const PANE_VARIABLES: ReadonlySet<string> = new Set([
  'TMOPS_AGENT_DIR',
  AGENT_TOKEN,
  'TMOPS_HOOK',
  'TMOPS_WAKE',
  'TMOPS_SUPERVISOR_PID_FILE',
  'TMOPS_NODE',
  // That of the tests it may have been called from.
  'TMOPS_TEST_RUN',
]);
