import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { openGit } from '../adapters/git/open.ts';
import type { OpenLog } from '../adapters/log/log.ts';
import { stepModules } from '../adapters/modules/modules.ts';
import { copyInto } from '../adapters/project/copy.ts';
import { currentRun } from '../adapters/project/current-run.ts';
import { openProver } from '../adapters/proof/open.ts';
import type { Sinks } from '../adapters/sinks/sinks.ts';
import type { TmuxTerminal } from '../adapters/tmux/terminal.ts';
import { checkpointWatch } from '../adapters/watch/watch.ts';
import type { ChangeBoard } from '../app/changes.ts';
import { ownPrincipal } from '../app/principal.ts';
import { readEnvironment } from '../config/environment.ts';
import { fill } from '../config/fields.ts';
import type { Config } from '../config/schema.ts';
import type { Notices } from '../engine/notify.ts';
import type { Clock, Prover } from '../engine/ports.ts';
import { openWorkspace, type Workspace } from '../engine/workspace.ts';
import { makeFolder, writeAtomically } from '../journal/atomic.ts';
import { providerFrom } from './agents.ts';
import { writeMetricsWith } from './metrics.ts';
import { version } from './package.ts';
import type { Secrets } from './secrets.ts';
import { telemetry } from './telemetry.ts';

/** Files that are whole or not there. */
export const files = {
  async write(path: string, text: string): Promise<void> {
    await makeFolder(dirname(path));
    await writeAtomically(path, text);
  },
};

/** Tests run with what the configuration says at that moment. `scratch` is in a folder that only this user may enter. */
export function proverOf(workspaceId: string, scratch: string, configNow: () => Config): ReturnType<typeof openProver> {
  return openProver({
    git: openGit({ environment: readEnvironment() }),
    workspaceId,
    withinMs: () => configNow().evidence.tests_within,
    scratch: { folder: scratch, copied: () => configNow().project.copy, copyInto },
  });
}

export interface WorkspaceNeeds {
  readonly root: string;
  readonly clock: Clock;
  readonly workspaceId: string;
  readonly config: Config;
  readonly configNow: () => Config;
  readonly log: OpenLog;
  readonly secrets: Secrets;
  readonly lastWatchedMs: number;
  readonly sinks: Sinks;
  readonly heard: Notices['heard'];
  readonly changes: ChangeBoard;
  readonly prover: Prover;
  readonly terminalOn: (socket: string | null) => TmuxTerminal;
}

/** The runs of a workspace, with all that they work with. */
export function workspaceOf(needs: WorkspaceNeeds): Workspace {
  const { root, clock, config, configNow, log, secrets, sinks, heard, changes, prover } = needs;
  const { hide } = secrets;
  const { settle_ms: shortMs, unfinished_ms: longMs, max_bytes: maxBytes } = config.checkpoints;
  const git = openGit({ environment: readEnvironment() });
  const writeMetrics = writeMetricsWith(clock, git, hide);
  return openWorkspace({
    root,
    clock,
    log,
    pid: process.pid,
    lastWatchedMs: needs.lastWatchedMs,
    terminalOn: needs.terminalOn,
    files,
    watch: checkpointWatch({ maxBytes }),
    modules: stepModules(root, () => configNow().modules),
    prover,
    rewinder: git.rewinder,
    keeper: git.keeper,
    settle: { shortMs, longMs, unfinishedMs: longMs },
    currentRun: (feature) => currentRun(root, feature),
    checkpointsPath: (feature, run) => fill(config.paths.checkpoints, { feature, run }),
    marks: { origin: { workspace: needs.workspaceId, principal: ownPrincipal(userInfo().uid) }, hide },
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
      writeMetrics: async (run, place) => {
        await writeMetrics(run, place);
        changes.post('metrics', run.identity?.feature ?? '');
      },
    },
  });
}
