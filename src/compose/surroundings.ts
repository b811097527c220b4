import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { hasToken } from '../adapters/agents/agent-token.ts';
import { claudeConfigFile } from '../adapters/agents/claude-files.ts';
import { trustFolder, trustState } from '../adapters/agents/claude-trust.ts';
import { openGit } from '../adapters/git/open.ts';
import { openProject, type Project } from '../adapters/project/open.ts';
import { projectFiles } from '../adapters/project/project-files.ts';
import { placeRoleDocuments, type RoleDocument } from '../adapters/project/role-documents.ts';
import type { ChangeBoard } from '../app/changes.ts';
import type { AppPorts } from '../app/ports.ts';
import { tellError, tellFaults } from '../app/tell.ts';
import { fill } from '../config/fields.ts';
import { readEnvironment } from '../config/environment.ts';
import { loadConfig, type ConfigResult } from '../config/load.ts';
import { planStart } from '../config/plan.ts';
import { sayWithout } from '../config/say.ts';
import type { Config } from '../config/schema.ts';
import { roleTools } from '../core/role-tools.ts';
import { isAgentStep, promptOf, type Workflow } from '../core/workflow.ts';
import type { Clock, Files, Log, Prover, Terminal } from '../engine/ports.ts';
import type { Workspace } from '../engine/workspace.ts';
import { providerFrom } from './agents.ts';
import { byHand } from './by-hand.ts';
import { examineMachine } from './doctor.ts';
import { packaged, packageDir, version } from './package.ts';
import { program } from './program.ts';
import type { Secrets } from './secrets.ts';
import { requestOf } from './supervisor-config.ts';

export interface SurroundingsParts {
  readonly root: string;
  readonly workspaceId: string;
  readonly clock: Clock;
  readonly changes: ChangeBoard;
  readonly workspace: Workspace;
  readonly files: Files;
  readonly prover: Prover;
  readonly terminalOn: (socket: string | null) => Terminal;
  readonly leftovers: AppPorts['leftovers'];
  readonly log: Log;
  readonly secrets: Secrets;
  /** The configuration as it is on disk now. */
  readonly loaded: () => ConfigResult;
}

/** Everything the operations need of the world, for one workspace. */
export function surroundings(parts: SurroundingsParts): AppPorts {
  const { root, log, secrets } = parts;
  const git = openGit({ environment: readEnvironment() });
  const project = openProject({ git, environment: readEnvironment() });
  return {
    root,
    workspaceId: parts.workspaceId,
    version,
    owner: userInfo().uid,
    clock: parts.clock,
    changes: parts.changes,
    workspace: parts.workspace,
    files: parts.files,
    project: projectFiles(git),
    ...{ prover: parts.prover, rewinder: git.rewinder, keeper: git.keeper, leftovers: parts.leftovers },
    terminal: parts.terminalOn,
    fileFault: () => fileFaultOf(parts.loaded(), secrets),
    config: (env) => configOf(root, env === undefined ? parts.loaded() : loadConfig(requestOf(root, env)), secrets),
    access: () => accessOf(parts.loaded()),
    agentOf: (token) => agentOf(parts.workspace, token),
    hide: secrets.hide,
    learnSecrets: secrets.learn,
    ...beginningAndEnd(root, project),
    ...byHand(root, { git, project }),
    features: () => project.listFeatures(root),
    isThere: async (path) => (await stat(path).catch(absent)) !== null,
    specState: (_feature, runDir) => project.readSpecState(join(runDir, 'TASK_SPEC.md'), ''),
    worktreePath: (feature, config) => worktreePath(root, feature, config),
    headOf: (worktree) => git.head(worktree),
    testCommand: async (config) => config.project.test_command ?? (await project.detectTestCommand(root))?.argv ?? null,
    placeRoles: rolesPlacer(root),
    trust: (provider, trust, env) => trustOf(root, provider, trust, env),
    async providerFault(provider, config, env) {
      try {
        await providerFrom(provider, config, root, env, { log });
        return null;
      } catch (error) {
        const told = tellError(error);
        if (!told) throw error;
        return { ...told, code: 'provider' };
      }
    },
    socketOf: socketFor,
    statusArgv: (feature) => [...program, 'status', feature, '--watch'],
    attachCommand,
    doctor: () => examineMachine(() => Promise.resolve({ root }), readEnvironment()),
  };
}

const rolesPlacer =
  (root: string): AppPorts['placeRoles'] =>
  async (place, plan, config, testCommand) => {
    const { feature, run } = { feature: basename(place.featureDir), run: basename(place.runDir) };
    const own = config.providers.claude_code.instructions_dir;
    const framework = fill(config.paths.instructions, { feature, run });
    const folders = [
      ...(own === null ? [] : [resolve(root, own)]),
      resolve(root, framework),
      plan.workflowDir,
      packaged('config', 'instructions'),
    ];
    const roles = Object.entries(plan.workflow.roles).map(([role, { title, instructions }]) => ({
      role,
      title,
      file: instructions,
      steps: stepsOf(plan.workflow, role, { feature, run }),
      tools: roleTools(plan.workflow, role).map(({ name }) => name),
    }));
    const placed = await placeRoleDocuments({
      ...{ rolesDir: place.rolesDir, feature, run, folders, roles, testCommand },
      toolsOnly: config.providers.claude_code.tools === 'mcp_only',
      shippedDir: packaged('config'),
    });
    if (placed.ok) return null;
    return {
      code: 'no-instructions',
      sentence: `The role ${placed.role} has no instruction document ${placed.file}.`,
      hint: `Put it into one of: ${placed.folders.join(', ')}`,
    };
  };

function absent(error: unknown): null {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
  throw error;
}

/** What a role will be asked, and the file that ends it; a fixed document cannot know which roles take part. */
const stepsOf = (workflow: Workflow, role: string, names: { feature: string; run: string }): RoleDocument['steps'] =>
  workflow.steps.flatMap((step, index) => {
    if (!isAgentStep(step) || step.role !== role) return [];
    const file = step.kind === 'summary' ? step.checkpoint : `checkpoints/${step.checkpoint}`;
    return [{ prompt: promptOf(workflow, index, names), file }];
  });

/** The variables of the supervisor are those of whoever called first, which says nothing of whoever calls now. */
function fileFaultOf(loaded: ConfigResult, { hide }: Secrets): ReturnType<AppPorts['fileFault']> {
  const faults = loaded.ok
    ? []
    : loaded.faults.filter(({ kind, file }) => kind !== 'unset-variable' && isAbsolute(file));
  return faults.length === 0 ? null : tellFaults(faults, sayWithout(hide));
}

function configOf(root: string, loaded: ConfigResult, { hide }: Secrets): ReturnType<AppPorts['config']> {
  const say = sayWithout(hide);
  if (!loaded.ok) return { ok: false, problem: tellFaults(loaded.faults, say) };
  return {
    ok: true,
    config: loaded.config,
    plan: (layout) => {
      const planned = planStart(loaded, { workspaceRoot: root, packageDir }, layout);
      return planned.ok ? { ok: true, plan: planned.plan } : { ok: false, problem: tellFaults(planned.faults, say) };
    },
  };
}

/** Not as a caller's variables would have it. Where the configuration is faulty, the strict rules that ship hold. */
function accessOf(loaded: ConfigResult): Config['access'] {
  return loaded.ok ? loaded.config.access : { across_features: false, agents: 'read' };
}

async function agentOf(workspace: Workspace, token: string): ReturnType<AppPorts['agentOf']> {
  for (const { loop, place } of workspace.opened()) {
    const { agents, identity } = loop.run();
    for (const role of Object.keys(agents))
      if (await hasToken(place.agentDir(role), token)) return { feature: identity?.feature ?? '', role };
  }
  return null;
}

/** How features come and go on disk. */
const beginningAndEnd = (
  root: string,
  project: Project,
): Pick<AppPorts, 'initialise' | 'planCleanup' | 'cleanUp' | 'cleanupMarks'> => ({
  initialise: (order, config) =>
    project.initialise({
      ...order,
      workspaceRoot: root,
      toolsDir: toolsDir(root, config, order.feature, order.runType),
      specTemplateFile: packaged('config', 'TASK_SPEC.template.md'),
    }),
  planCleanup: (order, config) =>
    project.planCleanup({
      ...order,
      workspaceRoot: root,
      toolsDir: toolsDir(root, config, order.feature, 'initial'),
    }),
  cleanUp: (plan) => project.cleanUp(plan),
  cleanupMarks: () => project.cleanupMarks(root),
});

const toolsDir = (root: string, config: Config, feature: string, run: string): string =>
  resolve(root, fill(config.paths.tmops_tools, { feature, run }));

/** Absolute path of the feature's worktree; `worktrees` may be relative to the project root. */
function worktreePath(root: string, feature: string, config: Config): string {
  if (config.isolation === 'branch') return root;
  const path = fill(config.worktrees, { repo: root, feature });
  return resolve(root, path);
}

/** Trust is Claude Code's own matter: without it an agent would stop at a dialog whose default is to leave. */
async function trustOf(
  root: string,
  provider: string,
  trust: boolean,
  env: Readonly<Record<string, string>>,
): ReturnType<AppPorts['trust']> {
  if (provider !== 'claude_code') return null;
  const configFile = claudeConfigFile(env);
  const state = await trustState(root, configFile);
  if (state === 'trusted') return null;
  if (trust) {
    await trustFolder(root, configFile);
    return null;
  }
  return {
    code: 'not-trusted',
    sentence: `Claude Code does not trust the folder ${root} yet${state === 'unknown' ? ` (${configFile} could not be read)` : ''}.`,
    hint: 'Add --trust (MCP: trust: true) to record it in its configuration, or start claude once in the folder and accept.',
  };
}

/** A name of a tmux server is given as such, a path holds a slash; null is the default server. */
function socketFor(config: Config, env: Readonly<Record<string, string>>): string | null {
  const { socket_name: name, socket_path: path } = config.tmux;
  if (name !== null || path !== null) return name ?? path;
  const own = env['TMUX']?.split(',')[0] ?? '';
  // The default server needs no naming: its path is what tmux takes by itself.
  return own === '' || (basename(own) === 'default' && basename(dirname(own)).startsWith('tmux-')) ? null : own;
}

/** Quoted for any shell: zsh expands a word that begins with =. */
function attachCommand(session: string, socket: string | null): string {
  const server = socket === null ? '' : socket.includes('/') ? ` -S '${socket}'` : ` -L ${socket}`;
  return `tmux${server} attach -t '=${session}'`;
}
