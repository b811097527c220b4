import { readEnvironment } from '../config/environment.ts';
import { keptConfig } from '../config/keep.ts';
import { loadConfig, type ConfigResult, type LoadRequest } from '../config/load.ts';
import { say } from '../config/say.ts';
import type { Config } from '../config/schema.ts';
import { packaged } from './package.ts';

/** The configuration of the workspace as it is on disk at each call. */
export interface SupervisorConfig {
  /** With what is wrong with it. */
  readonly loaded: () => ConfigResult;
  /** What ships while it is faulty: the supervisor then serves with that, and each operation says what is wrong. */
  readonly now: () => Config;
}

const shippedFile = packaged('config', 'tmops-mcp.config.yaml');

/** What is to be read for a workspace with these variables. */
export const requestOf = (workspaceRoot: string, env: LoadRequest['env']): LoadRequest => ({
  ...{ workspaceRoot, shippedFile, overrides: {}, env },
});

export function openSupervisorConfig(root: string): SupervisorConfig {
  const loaded = keptConfig(requestOf(root, readEnvironment()));
  return {
    loaded,
    now() {
      const result = loaded();
      return result.ok ? result.config : shippedConfig();
    },
  };
}

function shippedConfig(): Config {
  const shipped = loadConfig({ workspaceRoot: null, shippedFile, overrides: {}, env: {} });
  if (!shipped.ok)
    throw new Error(`Internal error: the shipped configuration is faulty: ${shipped.faults.map(say).join('\n')}`);
  return shipped.config;
}
