import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { claudeConfigDir, claudeConfigFile } from '../adapters/agents/claude-files.ts';
import { trustState } from '../adapters/agents/claude-trust.ts';
import { examine, type ExamineOptions } from '../adapters/machine/examine.ts';
import { readInstallers } from '../adapters/machine/installers.ts';
import type { OutputOf } from '../app/table.ts';
import type { ProblemView } from '../app/views.ts';
import { fill } from '../config/fields.ts';
import { loadConfig } from '../config/load.ts';
import { planStart } from '../config/plan.ts';
import { say, sayWithout } from '../config/say.ts';
import type { Config } from '../config/schema.ts';
import { hiding, secretsOf } from '../core/secrets.ts';
import { packageDir, packaged } from './package.ts';
import { socketOfWorkspace } from './places.ts';
import { runningSupervisor } from './running.ts';

type Environment = Readonly<Record<string, string>>;
type FoundWorkspace = { readonly root: string } | { readonly problem: Omit<ProblemView, 'code'> };
type Find = (withinMs: number) => Promise<FoundWorkspace>;

/** Looks at this machine and at the workspace, where there is one. `ok`: nothing is missing that tmops cannot do without. */
export async function examineMachine(find: Find, env: Environment): Promise<OutputOf<'doctor'>> {
  const workspace = await findWorkspace(find);
  const root = workspace.ok ? workspace.root : null;
  const { config, faults, unsafe } = configurationOf(root, env);
  const checks = await examine({
    env,
    platform: process.platform,
    nodeVersion: process.version,
    user: { name: userInfo().username, uid: userInfo().uid },
    installers: readInstallers(await readFile(packaged('config', 'package-managers.json'), 'utf8')),
    commands: { tmux: config.tmux.command, git: 'git', claude: config.providers.claude_code.command },
    claude: claudeOf(config, env),
    workspace,
    faults,
    unsafe,
    inside: root === null ? null : insideOf(root, config, env),
  });
  return { ok: checks.every(({ state }) => state !== 'missing'), checks };
}

const FIND_WITHIN_MS = 2000;

/** `find` is given how long git may take, in ms, so that one that hangs is ended and does not outlive the answer. */
async function findWorkspace(find: Find): Promise<ExamineOptions['workspace']> {
  try {
    const found = await find(FIND_WITHIN_MS);
    return 'root' in found ? { ok: true, root: found.root } : { ok: false, failure: found.problem };
  } catch (error) {
    return noWorkspace(`Git failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function noWorkspace(sentence: string): ExamineOptions['workspace'] {
  return { ok: false, failure: { sentence, hint: 'Run it by hand and see: git status' } };
}

/** Where the configuration is faulty the rest is judged by what ships. */
function configurationOf(
  root: string | null,
  env: Environment,
): { config: Config; faults: readonly string[]; unsafe: readonly string[] } {
  const sayWell = saying(env);
  const shippedFile = packaged('config', 'tmops-mcp.config.yaml');
  const loaded = loadConfig({ workspaceRoot: root, shippedFile, overrides: {}, env });
  if (!loaded.ok) return { config: shippedConfig(shippedFile), faults: loaded.faults.map(sayWell), unsafe: [] };
  if (root === null) return { config: loaded.config, faults: [], unsafe: loaded.unsafe };
  const planned = planStart(loaded, { workspaceRoot: root, packageDir }, undefined);
  return planned.ok
    ? { config: loaded.config, faults: [], unsafe: planned.plan.unsafe }
    : { config: loaded.config, faults: planned.faults.map(sayWell), unsafe: loaded.unsafe };
}

/** A line of the configuration is quoted where it is wrong. */
const saying = (env: Environment) => sayWithout(hiding(secretsOf(env)));

function shippedConfig(shippedFile: string): Config {
  const shipped = loadConfig({ workspaceRoot: null, shippedFile, overrides: {}, env: {} });
  if (shipped.ok) return shipped.config;
  throw new Error(`Internal error: the shipped configuration is faulty: ${shipped.faults.map(say).join('\n')}`);
}

function claudeOf({ providers }: Config, env: Environment): ExamineOptions['claude'] {
  return {
    isDefault: providers.default === 'claude_code',
    configDir: claudeConfigDir(env),
    configFile: claudeConfigFile(env),
    passedOn: providers.claude_code.env,
    startRecordsTrust: providers.claude_code.trust_workspace,
  };
}

function insideOf(root: string, config: Config, env: Environment): ExamineOptions['inside'] {
  const worktrees = dirname(fill(config.worktrees, { repo: root, feature: 'feature' }));
  return {
    folders: [root, join(root, '.tmops'), ...(config.isolation === 'branch' ? [] : [resolve(root, worktrees)])],
    trust: () => trustState(root, claudeConfigFile(env)),
    socket: () => socketOfWorkspace(root),
    supervisor: () => runningSupervisor(root),
  };
}
