import { randomUUID } from 'node:crypto';
import { lutimes, mkdir, rm, stat } from 'node:fs/promises';
import { openGit } from '../adapters/git/open.ts';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { residentIn } from '../adapters/agents/resident.ts';
import { stepModules } from '../adapters/modules/modules.ts';
import { copyInto } from '../adapters/project/copy.ts';
import { openProver } from '../adapters/proof/open.ts';
import { currentRun } from '../adapters/project/current-run.ts';
import { openSinks, type Sinks } from '../adapters/sinks/sinks.ts';
import type { TmuxTerminal } from '../adapters/tmux/terminal.ts';
import { checkpointWatch } from '../adapters/watch/watch.ts';
import { systemClock } from '../adapters/clock/clock.ts';
import { openLog, type OpenLog } from '../adapters/log/log.ts';
import { dispatcher } from '../app/dispatch.ts';
import { openNewsBoard } from '../app/news.ts';
import { withPrompts } from '../app/prompts.ts';
import { ownPrincipal } from '../app/principal.ts';
import { openStarts, type Starts } from '../app/starts.ts';
import { readEnvironment } from '../config/environment.ts';
import { fill } from '../config/fields.ts';
import type { Config } from '../config/schema.ts';
import { keepMemory } from '../engine/memory.ts';
import type { Notices } from '../engine/notify.ts';
import type { Prover, Stop } from '../engine/ports.ts';
import { openWorkspace, type Workspace } from '../engine/workspace.ts';
import { makePrivateFolder } from '../files/in-place.ts';
import { makeFolder, writeAtomically } from '../journal/atomic.ts';
import { self, takeLock } from '../journal/lock.ts';
import { serveLink, type LinkServer } from '../link/server.ts';
import { providerFrom } from './agents.ts';
import { holdPlace, placeFiles, type PlaceFiles } from './kept-place.ts';
import { leftovers } from './leftovers.ts';
import { writeMetricsWith } from './metrics.ts';
import { openNotices } from './notices.ts';
import { telemetry } from './telemetry.ts';
import { version } from './package.ts';
import {
  checkSupervisorPlace,
  socketOfWorkspace,
  supervisorPlace,
  workspaceIdOf,
  type SupervisorPlace,
} from './places.ts';
import { promptPorts } from './prompts.ts';
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
    prompts.heard(run, event);
    if (event.kind === 'run.completed' || event.kind === 'run.stopped') starts.queue.wake();
  };
  const workspace = workspaceOf({
    ...{ root, config, configNow, log, secrets, lastWatchedMs, sinks, heard, prover },
    terminalOn: terminals.on,
  });
  const git = openGit({ environment: readEnvironment() });
  const ports = surroundings({
    ...{ root, workspaceId, clock, workspace, files, prover, log, secrets, loaded: configs.loaded },
    terminalOn: terminals.on,
    leftovers: leftovers({ root, workspaceId, socketPath, git, terminalOn: terminals.on, scratch: prover.scratch }),
  });
  const starts = openStarts(ports);
  // Before anybody can ask: what is asked of a run that is not taken up yet would find nothing to act with.
  const features = (await ports.features()).map(({ feature }) => feature);
  log.info('took up runs', { features: await workspace.takeUpAll(features) });
  const served = await serveLink({
    socketPath,
    version,
    handle: withPrompts(dispatcher(ports, starts, board, toldTo(log)), ports, prompts),
    onFault: (error) => {
      log.error('the socket failed', { err: error });
    },
  });
  if (!served.ok) {
    log.error('the socket cannot be served', { failure: served.failure });
    await workspace.close();
    return 1;
  }
  const stopLimits = keepLimits(configNow, log, workspace, starts);
  await untilDone(place, served.server, workspace, config.supervisor.idle_exit);
  await served.server.close();
  await stopLimits();
  await notices.close();
  await workspace.close();
  await prover.close();
  await sinks.close();
  await terminals.end();
  await rm(pipesFolder, { recursive: true, force: true });
  return 0;
}

const clock = systemClock();

const toldTo = (log: OpenLog): Parameters<typeof dispatcher>[3] => ({
  bug: (error) => {
    log.error('an operation broke off', { err: error });
  },
  asked: (facts) => {
    log.info('asked', { ...facts });
  },
});

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

const files = {
  async write(path: string, text: string): Promise<void> {
    await makeFolder(dirname(path));
    await writeAtomically(path, text);
  },
};

/** Tests run with what the configuration says at that moment. `scratch` is in a folder that only this user may enter. */
function proverOf(workspaceId: string, scratch: string, configNow: () => Config): ReturnType<typeof openProver> {
  return openProver({
    git: openGit({ environment: readEnvironment() }),
    workspaceId,
    withinMs: () => configNow().evidence.tests_within,
    scratch: { folder: scratch, copied: () => configNow().project.copy, copyInto },
  });
}

interface WorkspaceNeeds {
  readonly root: string;
  readonly config: Config;
  readonly configNow: () => Config;
  readonly log: OpenLog;
  readonly secrets: Secrets;
  readonly lastWatchedMs: number;
  readonly sinks: Sinks;
  readonly heard: Notices['heard'];
  readonly prover: Prover;
  readonly terminalOn: (socket: string | null) => TmuxTerminal;
}

function workspaceOf(needs: WorkspaceNeeds): Workspace {
  const { root, config, configNow, log, secrets, lastWatchedMs, sinks, heard, prover, terminalOn } = needs;
  const { hide } = secrets;
  const { settle_ms: shortMs, unfinished_ms: longMs, max_bytes: maxBytes } = config.checkpoints;
  const git = openGit({ environment: readEnvironment() });
  return openWorkspace({
    root,
    clock,
    log,
    pid: process.pid,
    lastWatchedMs,
    terminalOn,
    files,
    watch: checkpointWatch({ maxBytes }),
    modules: stepModules(root, () => configNow().modules),
    prover,
    rewinder: git.rewinder,
    keeper: git.keeper,
    settle: { shortMs, longMs, unfinishedMs: longMs },
    currentRun: (feature) => currentRun(root, feature),
    checkpointsPath: (feature, run) => fill(config.paths.checkpoints, { feature, run }),
    marks: { origin: { workspace: idOf(root, config), principal: ownPrincipal(userInfo().uid) }, hide },
    providerFor(name, setup) {
      secrets.learn(setup.env);
      return providerFrom(name, configNow(), root, setup.env, { log, hide });
    },
    logFor: (feature, run) => log.child({ feature, run }),
    record: {
      version,
      files,
      sinks: [
        (run, event) => {
          sinks.give({ v: 1, ...event, feature: run.identity?.feature ?? '', run: run.identity?.run ?? '' });
        },
        telemetry(log),
        heard,
      ],
      writeMetrics: writeMetricsWith(clock, git, hide),
    },
  });
}

/** Ends when told to, or when for `idleExitMs` no feature ran and no door was open. */
async function untilDone(
  place: SupervisorPlace,
  server: LinkServer,
  workspace: Workspace,
  idleExitMs: number | null,
): Promise<void> {
  const ended = new AbortController();
  let idleSince = Date.now();
  const beat = setInterval(() => {
    const now = new Date();
    lutimes(place.pidFile, now, now).catch(() => undefined);
    if (workspace.isBusy() || server.connections() > 0) idleSince = Date.now();
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
