import { randomUUID } from 'node:crypto';
import { lutimes, mkdir, rm, stat } from 'node:fs/promises';
import { openGit } from '../adapters/git/open.ts';
import { userInfo } from 'node:os';
import { residentIn } from '../adapters/agents/resident.ts';
import { stepModules } from '../adapters/modules/modules.ts';
import { openSinks } from '../adapters/sinks/sinks.ts';
import { systemClock } from '../adapters/clock/clock.ts';
import { openLog, type OpenLog } from '../adapters/log/log.ts';
import { dispatcher } from '../app/dispatch.ts';
import { openChangeBoard, type ChangeBoard } from '../app/changes.ts';
import { openNewsBoard, type NewsBoard } from '../app/news.ts';
import type { AppPorts } from '../app/ports.ts';
import { withPrompts, type PromptPorts } from '../app/prompts.ts';
import { ownPrincipal } from '../app/principal.ts';
import { openStarts, type Starts } from '../app/starts.ts';
import { readEnvironment } from '../config/environment.ts';
import type { Config } from '../config/schema.ts';
import { keepMemory } from '../engine/memory.ts';
import type { Notices } from '../engine/notify.ts';
import type { Stop } from '../engine/ports.ts';
import type { Workspace } from '../engine/workspace.ts';
import { makePrivateFolder } from '../files/in-place.ts';
import { writeAtomically } from '../journal/atomic.ts';
import { self, takeLock } from '../journal/lock.ts';
import { serveLink } from '../link/server.ts';
import { openAuditLog, toldOfCalls } from './calls.ts';
import { openHttpDoor } from './http.ts';
import { holdPlace, placeFiles, type PlaceFiles } from './kept-place.ts';
import { leftovers } from './leftovers.ts';
import { openNotices } from './notices.ts';
import { version } from './package.ts';
import {
  checkSupervisorPlace,
  socketOfWorkspace,
  supervisorPlace,
  workspaceIdOf,
  type SupervisorPlace,
} from './places.ts';
import { promptPorts } from './prompts.ts';
import { files, proverOf, workspaceOf } from './runs.ts';
import { openSecrets, type Secrets } from './secrets.ts';
import { openSupervisorConfig, type SupervisorConfig } from './supervisor-config.ts';
import { surroundings } from './surroundings.ts';
import { openTerminals } from './terminals.ts';
import { writeWakeFiles } from './wake-files.ts';

/** How often the supervisor leaves a sign that it watches, in ms. */
const HEARTBEAT_MS = 5000;

/**
 * Runs the supervisor of one workspace until nobody needs it or it is told to end. Gives the exit code: 0 also when
 * another supervisor watches already.
 */
export async function runSupervisor(root: string, foreground: boolean): Promise<number> {
  const place = supervisorPlace(root);
  await checkSupervisorPlace(root);
  await makePrivateFolder(place.dir);
  const lock = await takeLock(place.lockFile, await self());
  if (!lock.ok) return 0;
  try {
    const lastWatchedMs = await mtimeOf(place.pidFile);
    await writeWakeFiles(root, place);
    const configs = openSupervisorConfig(root);
    const config = configs.now();
    const secrets = openSecrets(readEnvironment());
    const log = logFor(root, config, foreground, secrets);
    log.info('the supervisor begins', { pid: process.pid, version });
    const code = await supervise({ root, place, config, configs, log, secrets, lastWatchedMs });
    log.info('the supervisor ends', { code });
    log.close();
    return code;
  } finally {
    await lock.release();
  }
}

function logFor(root: string, config: Config, foreground: boolean, { hide }: Secrets): OpenLog {
  const { enabled, level, outputs } = config.telemetry;
  const file =
    outputs.file === null ? undefined : outputs.file.startsWith('/') ? outputs.file : `${root}/${outputs.file}`;
  return openLog({
    level,
    console: enabled && foreground && outputs.console,
    bindings: { process: 'supervisor', workspace: idOf(root, config), principal: ownPrincipal(userInfo().uid) },
    hide,
    ...(enabled && file !== undefined ? { file } : {}),
  });
}

const idOf = (root: string, config: Config): string => config.server.workspace_id ?? workspaceIdOf(root);

interface Watch {
  readonly root: string;
  readonly place: SupervisorPlace;
  /** As it was when the supervisor began. */
  readonly config: Config;
  readonly configs: SupervisorConfig;
  readonly log: OpenLog;
  readonly secrets: Secrets;
  readonly lastWatchedMs: number;
}

async function supervise(watch: Watch): Promise<number> {
  const socket = socketOfWorkspace(watch.root);
  if (!socket.ok) {
    watch.log.error('there is no place for the socket', { failure: socket.failure });
    return 1;
  }
  const kept = placeFiles(socket.socketPath);
  const release = await holdPlace(kept, watch.root);
  if (release === null) {
    watch.log.error('somebody keeps the place of the socket', { file: kept.lock });
    return 1;
  }
  try {
    return await superviseAt(kept, watch);
  } finally {
    await release();
  }
}

async function superviseAt(kept: PlaceFiles, watch: Watch): Promise<number> {
  const { root, place, config, configs, log, secrets, lastWatchedMs } = watch;
  const configNow = configs.now;
  const { socket: socketPath, pipes: pipesFolder, scratch } = kept;
  const workspaceId = idOf(root, config);
  // First of all: whoever sees anything this supervisor does can find its process.
  await writeAtomically(place.pidFile, `${process.pid}\n`);
  // There is one supervisor at a time: what is in there is of one that was killed.
  await rm(pipesFolder, { recursive: true, force: true });
  await mkdir(pipesFolder, { mode: 0o700 });
  const terminals = openTerminals(config, workspaceId, pipesFolder);
  const sinks = openSinks(root, config.sinks, (sink, why) => {
    log.warn('a sink failed', { sink, why });
  });
  const prover = proverOf(workspaceId, scratch, configNow);
  const board = openNewsBoard(randomUUID(), clock);
  const changes = openChangeBoard(randomUUID(), clock);
  const notices = openNotices({
    root,
    clock,
    log,
    runs: () => workspace.opened(),
    terminalOn: terminals.on,
    config: () => configNow().notify,
    board,
  });
  const prompts = promptPorts({ root, clock, log, loaded: configs.loaded });
  // Whoever ends makes room for another.
  const heard: Notices['heard'] = (run, event) => {
    notices.heard(run, event);
    changes.heard(run, event);
    prompts.heard(run, event);
    if (event.kind === 'run.completed' || event.kind === 'run.stopped') starts.queue.wake();
  };
  const workspace = workspaceOf({
    ...{ root, clock, workspaceId, config, configNow, log, secrets, lastWatchedMs, sinks, heard, changes, prover },
    terminalOn: terminals.on,
  });
  const git = openGit({ environment: readEnvironment() });
  const ports = surroundings({
    ...{ root, workspaceId, clock, changes, workspace, files, prover, log, secrets, loaded: configs.loaded },
    terminalOn: terminals.on,
    leftovers: leftovers({ root, workspaceId, socketPath, git, terminalOn: terminals.on, scratch: prover.scratch }),
  });
  const starts = openStarts(ports);
  // Before anybody can ask: what is asked of a run that is not taken up yet would find nothing to act with.
  const features = (await ports.features()).map(({ feature }) => feature);
  log.info('took up runs', { features: await workspace.takeUpAll(features) });
  const code = await serveDoors(watch, { workspaceId, socketPath, ports, starts, board, changes, prompts, workspace });
  await notices.close();
  await workspace.close();
  await prover.close();
  await sinks.close();
  await terminals.end();
  await rm(pipesFolder, { recursive: true, force: true });
  return code;
}

interface Doors {
  readonly workspaceId: string;
  readonly socketPath: string;
  readonly ports: AppPorts;
  readonly starts: Starts;
  readonly board: NewsBoard;
  readonly changes: ChangeBoard;
  readonly prompts: PromptPorts;
  readonly workspace: Workspace;
}

/** Answers at every door until nobody needs the supervisor or it is told to end. Gives the exit code. */
async function serveDoors({ root, place, config, configs, log, secrets }: Watch, doors: Doors): Promise<number> {
  const { workspaceId, socketPath, ports, starts, board, changes, prompts, workspace } = doors;
  const configNow = configs.now;
  const audit = openAuditLog(root, log);
  const modules = stepModules(root, () => configNow().modules);
  const told = toldOfCalls({ workspaceId, log, changes, audit, modules, configNow });
  const handle = withPrompts(dispatcher(ports, starts, board, told), ports, prompts);
  const http = await openHttpDoor({ root, place, config, handle, log, secrets, fileFault: ports.fileFault });
  const served = await serveLink({
    socketPath,
    version,
    handle: http.handle,
    onFault: (error) => {
      log.error('the socket failed', { err: error });
    },
  });
  if (!served.ok) {
    log.error('the socket cannot be served', { failure: served.failure });
    await http.close();
    return 1;
  }
  const stopLimits = keepLimits(configNow, log, workspace, starts);
  const clients = (): number => served.server.connections() + http.sessions();
  await untilDone(place, clients, workspace, config.supervisor.idle_exit);
  await Promise.all([served.server.close(), http.close()]);
  await audit.close();
  await stopLimits();
  return 0;
}

const clock = systemClock();

/** Begins what waits as there is room, and looks at what the agents take, until stopped. */
function keepLimits(configNow: () => Config, log: OpenLog, workspace: Workspace, { queue }: Starts): Stop {
  queue.keep((error) => {
    log.error('a run that waits could not be begun', { err: error });
  });
  const stopMemory = keepMemory({
    clock,
    running: () => workspace.running(),
    residentIn,
    limits: () => {
      const { memory_warning: warnAbove, memory_limit: pauseAbove } = configNow().features;
      return { warnAbove, pauseAbove };
    },
    onError: (error) => {
      log.warn("the agents' memory could not be looked at", { err: error });
    },
  });
  return async () => {
    await queue.close();
    await stopMemory();
  };
}

/** Ends when told to, or when for `idleExitMs` no feature ran and no door was open. */
async function untilDone(
  place: SupervisorPlace,
  clients: () => number,
  workspace: Workspace,
  idleExitMs: number | null,
): Promise<void> {
  const ended = new AbortController();
  let idleSince = Date.now();
  const beat = setInterval(() => {
    const now = new Date();
    lutimes(place.pidFile, now, now).catch(() => undefined);
    if (workspace.isBusy() || clients() > 0) idleSince = Date.now();
    else if (idleExitMs !== null && Date.now() - idleSince >= idleExitMs) ended.abort();
  }, HEARTBEAT_MS);
  const end = (): void => {
    ended.abort();
  };
  // Not `once`: execa's own handler ends the process at once when it finds itself the only one left.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
  await new Promise((resolve) => {
    ended.signal.addEventListener('abort', resolve, { once: true });
  });
  clearInterval(beat);
}

/** 0 when the file is not there. */
async function mtimeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}
