import { readEnvironment } from '../config/environment.ts';
import { keptConfig } from '../config/keep.ts';
import { loadConfig } from '../config/load.ts';
import { say } from '../config/say.ts';
import type { Config } from '../config/schema.ts';
import { packaged } from './package.ts';

/**
 * The configuration of the workspace as it is on disk at each call; what ships while it is faulty: the supervisor then serves
 * with that, and each operation says what is wrong.
 */
export function openSupervisorConfig(root: string): () => Config {
  const shippedFile = packaged('config', 'tmops-mcp.config.yaml');
  const kept = keptConfig({ workspaceRoot: root, shippedFile, overrides: {}, env: readEnvironment() });
  return () => {
    const loaded = kept();
    return loaded.ok ? loaded.config : shippedConfig(shippedFile);
  };
}

function shippedConfig(shippedFile: string): Config {
  const shipped = loadConfig({ workspaceRoot: null, shippedFile, overrides: {}, env: {} });
  if (!shipped.ok)
    throw new Error(`Internal error: the shipped configuration is faulty: ${shipped.faults.map(say).join('\n')}`);
  return shipped.config;
}
