import { join } from 'node:path';

/** Where a run's files are. All absolute; `.tmops` is the workspace's, which each worktree links to. */
export interface RunPlace {
  readonly workspaceRoot: string;
  readonly featureDir: string;
  readonly runDir: string;
  readonly checkpointsDir: string;
  readonly journalFile: string;
  readonly stateFile: string;
  readonly metricsFile: string;
  readonly rolesDir: string;
  readonly promptsDir: string;
  readonly agentDir: (role: string) => string;
}

/** Where agents write checkpoints, from the configuration (`paths.checkpoints`), relative to the workspace. */
export type CheckpointsPath = (feature: string, run: string) => string;

/** `run` is the name of the run's folder, e.g. `initial`. */
export function runPlace(workspaceRoot: string, feature: string, run: string, checkpoints: CheckpointsPath): RunPlace {
  const featureDir = join(workspaceRoot, '.tmops', feature);
  const runDir = join(featureDir, 'runs', run);
  return {
    workspaceRoot,
    featureDir,
    runDir,
    checkpointsDir: join(workspaceRoot, checkpoints(feature, run)),
    journalFile: join(runDir, 'journal.jsonl'),
    stateFile: join(runDir, 'state.json'),
    metricsFile: join(runDir, 'metrics.json'),
    rolesDir: join(runDir, 'roles'),
    promptsDir: join(runDir, 'prompts'),
    agentDir: (role) => join(runDir, 'agents', role),
  };
}
