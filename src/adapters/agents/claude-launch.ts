import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentOrder, Launch } from '../../core/agent.ts';
import { makePrivateFolder } from '../../files/in-place.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { refuseMode, type PermissionMode } from './claude-args.ts';
import { AGENT_TOKEN } from './agent-token.ts';
import { claudeConfigDir } from './claude-files.ts';
import { claudeSettings, ROLE_SERVER } from './claude-settings.ts';
import { writeLaunch } from './launch.ts';
import { checkFolder, findCommand } from './order-check.ts';
import { packagedFile } from './packaged-file.ts';
import { placeWriteHook } from './place-write-hook.ts';
import { ProviderError } from './provider-error.ts';

export interface ClaudeLaunchOptions {
  /** A name looked up on the agent's PATH, or a path (default `claude`). */
  readonly command?: string;
  /** Extra arguments of the user; see refuseArgs for those that cannot be given. */
  readonly args?: readonly string[];
  /** For roles that name none (default `acceptEdits`). */
  readonly permissionMode?: PermissionMode;
  /** Agents may act without asking (`unsafe.permission_bypass`). */
  readonly bypass?: boolean;
  /** What stands under `mcpServers` of the file given to --mcp-config; no other server is loaded. */
  readonly mcpServers?: Readonly<Record<string, unknown>>;
  /** argv of tmops, which serves each agent the tools of its role; absent: no agent has such tools. */
  readonly program?: readonly string[];
  /** `mcp_only`: those are the only ones that write (default `all`). */
  readonly tools?: 'all' | 'mcp_only';
  /** Overrides CLAUDE_CONFIG_DIR of the order's environment. */
  readonly configDir?: string;
  /** Lets the hook start the supervisor again: a file with its process id, and an executable that starts it. */
  readonly hook?: { readonly pidFile?: string; readonly wake?: string };
}

/**
 * Writes everything one start of Claude Code needs into the agent's folder, and nothing anywhere else. `session` are the
 * arguments that name the conversation, `allow` the permission rules of every role. `omitted` names the variables that
 * could not be passed. Rejects with a ProviderError.
 */
export async function prepareClaude(
  options: ClaudeLaunchOptions,
  order: AgentOrder,
  start: { readonly session: readonly string[]; readonly allow: readonly string[] },
): Promise<{ readonly launch: Launch; readonly omitted: readonly string[] }> {
  await checkFolder(order);
  const mode = modeOf(options, order);
  const command = await findCommand(options.command ?? 'claude', order, INSTALL);
  const files = await writeFiles(options, order, start.allow);
  const { argv, omitted } = await writeLaunch(order.agentDir, {
    argv: [
      command,
      ...(options.args ?? []),
      ...start.session,
      ...['--name', `${order.feature}/${order.role}`],
      ...['--permission-mode', mode],
      ...['--settings', files.settings],
      ...['--mcp-config', files.servers, '--strict-mcp-config'],
      ...(order.systemPromptFile === undefined ? [] : ['--append-system-prompt-file', order.systemPromptFile]),
    ],
    env: environment(options, order, files),
    cwd: order.cwd,
  });
  return { launch: { argv, env: {}, cwd: order.cwd }, omitted };
}

const INSTALL =
  'Install Claude Code (npm install -g @anthropic-ai/claude-code), or name its path as `command` of the agents.';

function modeOf(options: ClaudeLaunchOptions, order: AgentOrder): string {
  const mode = order.permissions.mode ?? options.permissionMode ?? 'acceptEdits';
  const refused = refuseMode(mode, options.bypass);
  if (refused === null) return mode;
  throw new ProviderError({
    reason: 'order',
    sentence: `The permission mode "${mode}" of the role ${order.role} is refused: ${refused.why}.`,
    hint: refused.instead,
  });
}

interface AgentFiles {
  readonly settings: string;
  readonly servers: string;
  readonly hook: string;
  /** The variables that the hook in front of writes needs. */
  readonly guard: Readonly<Record<string, string>>;
}

/** The hook is copied, so that agents outlive an update or a removal of this package. */
async function writeFiles(
  options: ClaudeLaunchOptions,
  order: AgentOrder,
  allow: readonly string[],
): Promise<AgentFiles> {
  const inFolder = (name: string): string => join(order.agentDir, name);
  const files = { settings: inFolder('settings.json'), servers: inFolder('mcp.json'), hook: inFolder('hook.sh') };
  await makePrivateFolder(order.agentDir);
  const mode = modeOf(options, order);
  await writeWhole(files.settings, json(await claudeSettings(order, allow, { mode, tools: options.tools ?? 'all' })));
  await writeWhole(files.servers, json({ mcpServers: { ...options.mcpServers, ...roleServer(options, order) } }));
  await writeWhole(files.hook, await readFile(packagedFile('hook.sh')));
  const plans = join(claudeConfigDir(order.env, options.configDir), 'plans');
  return { ...files, guard: await placeWriteHook(order, [plans]) };
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Called like no server of the user's that is let in: ours wins. The token is that of this pane and of no other. */
function roleServer({ program }: ClaudeLaunchOptions, { role, feature, agentDir, token }: AgentOrder): object {
  const [command, ...args] = program ?? [];
  if (command === undefined || token === undefined) return {};
  return {
    [ROLE_SERVER]: {
      type: 'stdio',
      command,
      args: [...args, 'mcp', '--role', role, '--feature', feature],
      env: { [AGENT_TOKEN]: token, TMOPS_AGENT_DIR: agentDir },
    },
  };
}

/** The order's variables, then ours, which win. */
function environment(
  options: ClaudeLaunchOptions,
  order: AgentOrder,
  { hook, guard }: AgentFiles,
): Record<string, string> {
  return {
    // A binary replaced while agents run would make a restarted one differ from the others.
    DISABLE_AUTOUPDATER: '1',
    ...order.env,
    ...(options.configDir !== undefined && { CLAUDE_CONFIG_DIR: options.configDir }),
    // A suggestion in the input box looks like a draft somebody typed.
    CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: 'false',
    TMOPS_HOOK: hook,
    TMOPS_AGENT_DIR: order.agentDir,
    ...(order.token !== undefined && { [AGENT_TOKEN]: order.token }),
    ...guard,
    ...(options.hook?.pidFile !== undefined && { TMOPS_SUPERVISOR_PID_FILE: options.hook.pidFile }),
    ...(options.hook?.wake !== undefined && { TMOPS_WAKE: options.hook.wake }),
  };
}
