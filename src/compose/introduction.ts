import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ToolChoice } from '../core/toolset.ts';
import { packaged, version } from './package.ts';

const FILES = ['tmops.config.yaml', 'tmops-mcp.config.yaml'];
const VARIABLES = [
  'TMOPS_SERVER_NAME',
  'TMOPS_SERVER_VERSION',
  'TMOPS_SERVER_TOOLSETS',
  'TMOPS_SERVER_TOOLS',
  'TMOPS_SERVER_READ_ONLY',
  'TMOPS_ENV',
];

export interface Introduction {
  readonly name: string;
  readonly version: string;
  readonly choice: ToolChoice;
  /** What is wrong with the configuration, for stderr; null: nothing. */
  readonly fault: string | null;
}

/**
 * How the MCP server introduces itself (`server.name`, `server.version`) and what it offers (`server.toolsets`,
 * `server.tools`, `server.read_only`). The configuration is only read where somebody
 * has written one that speaks of a server: reading it takes a third of the start. Where it is faulty the usual
 * is served, and only what reads where that may have been meant.
 */
export async function introduction(cwd: string, env: Readonly<Record<string, string>>): Promise<Introduction> {
  const usual: Introduction = {
    name: 'tmops',
    version,
    choice: { toolsets: ['default'], tools: [], readOnly: false },
    fault: null,
  };
  const workspaceRoot = configuredAbove(cwd);
  if (workspaceRoot === null && !VARIABLES.some((name) => env[name] !== undefined)) return usual;
  const { loadConfig } = await import('../config/load.ts');
  const loaded = loadConfig({
    workspaceRoot,
    shippedFile: packaged('config', 'tmops-mcp.config.yaml'),
    overrides: {},
    env,
  });
  if (!loaded.ok) {
    const [{ tellFaults }, { sayWithout }, { hiding, secretsOf }] = await Promise.all([
      import('../app/tell.ts'),
      import('../config/say.ts'),
      import('../core/secrets.ts'),
    ]);
    const { sentence, hint } = tellFaults(loaded.faults, sayWithout(hiding(secretsOf(env))));
    const choice = { ...usual.choice, readOnly: mayOnlyRead(workspaceRoot, env) };
    return { ...usual, choice, fault: `${sentence}\n${hint}` };
  }
  const { name, version: own, toolsets, tools, read_only: readOnly } = loaded.config.server;
  return { name, version: own ?? version, choice: { toolsets, tools, readOnly }, fault: null };
}

function mayOnlyRead(folder: string | null, env: Readonly<Record<string, string>>): boolean {
  const said = env['TMOPS_SERVER_READ_ONLY'];
  if (said !== undefined) return said !== 'false';
  return folder !== null && FILES.some((file) => /\bread_only["']?\s*:\s*(?!false)/.test(textOf(join(folder, file))));
}

function configuredAbove(cwd: string): string | null {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const files = FILES.map((file) => join(folder, file)).filter((file) => existsSync(file));
    if (files.length > 0) return files.some(speaksOfServer) ? folder : null;
    if (folder === dirname(folder)) return null;
  }
}

/** Also where the file cannot be read: whoever loads it says why. */
const speaksOfServer = (file: string): boolean => textOf(file).includes('server');

/** Of a file that cannot be read, only that there is one; of none, nothing. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error.code === 'ENOENT' ? '' : 'server';
    throw error;
  }
}
