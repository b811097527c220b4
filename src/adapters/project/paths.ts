import { join, relative, sep } from 'node:path';

/** Absolute paths of a feature, as the framework's contract lays them out. */
export interface FeaturePaths {
  readonly tmops: string;
  readonly features: string;
  readonly home: string;
  readonly runs: string;
  readonly current: string;
  /** Some of the framework's tools look for the current run here. */
  readonly runsCurrent: string;
  readonly previousRun: string;
  /** Ours: what an initialisation is about to do, there only while it does it. */
  readonly mark: string;
  /** Ours: the set-up that has been done, and where. */
  readonly setup: string;
}

export interface RunPaths {
  readonly dir: string;
  readonly spec: string;
  /** Ours: what TASK_SPEC.md was before anybody wrote in it. */
  readonly template: string;
  readonly checkpoints: string;
  readonly logs: string;
}

export const FEATURE_NAME = /^[a-z0-9-]{3,20}$/;
export const TMOPS = '.tmops';

const DOCS = ['internal', 'external', 'archive', 'images'];

export function featurePaths(root: string, feature: string): FeaturePaths {
  const tmops = join(root, TMOPS);
  const home = join(tmops, feature);
  const runs = join(home, 'runs');
  return {
    tmops,
    features: join(tmops, 'FEATURES.txt'),
    home,
    runs,
    current: join(home, 'current'),
    runsCurrent: join(runs, 'current'),
    previousRun: join(runs, 'PREVIOUS_RUN.txt'),
    mark: join(home, '.init'),
    setup: join(home, '.setup.json'),
  };
}

export function runPaths(paths: FeaturePaths, run: string): RunPaths {
  const dir = join(paths.runs, run);
  return {
    dir,
    spec: join(dir, 'TASK_SPEC.md'),
    template: join(dir, '.TASK_SPEC.template.md'),
    checkpoints: join(dir, 'checkpoints'),
    logs: join(dir, 'logs'),
  };
}

/** Where a cleanup puts things; all in `.tmops`. `stamp` names the cleanup. */
export function cleanupPaths(
  root: string,
  feature: string,
  stamp: string,
): { readonly marks: string; readonly backup: string; readonly archive: string; readonly lock: string } {
  const tmops = join(root, TMOPS);
  return {
    marks: join(tmops, '.cleanup'),
    backup: join(tmops, '.backups', `${stamp}-${feature}`),
    archive: join(tmops, '.archive', `${stamp}-${feature}`),
    /** Of the framework's `run_manager.sh`. */
    lock: join(tmops, `${feature}.run-manager.lock`),
  };
}

/** The name of a run's folder as we accept it: one plain path segment, and not one of the names with a meaning. */
export function isRunName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && name !== 'current' && name !== 'PREVIOUS_RUN.txt';
}

/** All that the contract wants on disk for a run, parents first. */
export function contract(
  paths: FeaturePaths,
  order: { readonly run: string; readonly roles: readonly string[] },
): { readonly folders: readonly string[]; readonly files: readonly string[]; readonly links: readonly string[] } {
  const run = runPaths(paths, order.run);
  const docs = join(paths.home, 'docs');
  return {
    folders: [
      paths.tmops,
      paths.home,
      docs,
      ...DOCS.map((name) => join(docs, name)),
      paths.runs,
      run.dir,
      run.checkpoints,
      run.logs,
    ],
    files: [paths.features, run.spec, paths.previousRun, ...order.roles.map((role) => join(run.logs, `${role}.log`))],
    links: [paths.current, paths.runsCurrent],
  };
}

/** `path` as seen from the root, with `/`. */
export function fromRoot(root: string, path: string): string {
  const seen = relative(root, path).split(sep).join('/');
  return seen === '' ? '.' : seen;
}
