import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AgentOrder } from '../../core/agent.ts';
import { HOOK_NAMES } from './hook-event.ts';
import { hasWriteRules } from './place-write-hook.ts';
import { ProviderError } from './provider-error.ts';

/** A constant: what differs from agent to agent is in the environment, so nothing has to be quoted. */
export const HOOK_COMMAND = 'exec /bin/sh "$TMOPS_HOOK"';

/** The hook takes some milliseconds; one that hangs must not hold the turn for long. */
const HOOK_TIMEOUT_S = 5;

const WRITE_HOOK_COMMAND = 'exec /bin/sh "$TMOPS_AGENT_DIR/write-hook.sh"';
/** A node that starts on a busy machine; after that the tool goes on without an answer. */
const WRITE_HOOK_TIMEOUT_S = 20;
const WRITING_TOOLS = 'Write|Edit|MultiEdit|NotebookEdit';

/** Our plugin as Claude Code names it: plugin and marketplace (.claude-plugin/marketplace.json). */
const PLUGIN = 'tmops@tmops';

/** The MCP server with the tools of an agent's role. */
export const ROLE_SERVER = 'tmops';
/** What writes, or may: taken away as a whole where the role's own tools are to be the only way. */
const NATIVE_TOOLS = ['Write', 'Edit', 'MultiEdit', 'NotebookEdit', 'Bash'];

/**
 * The settings file of one agent: hooks that report its events, and what it may do without asking. `allow` are the rules
 * every role gets (config/claude-code.yaml).
 */
export async function claudeSettings(
  order: AgentOrder,
  allow: readonly string[],
  { mode, tools }: { readonly mode: string; readonly tools: 'all' | 'mcp_only' },
): Promise<object> {
  const outside = await foldersOutside(order);
  return {
    // The classic renderer: the pane's scrollback stays usable, and the screen is the one the signatures were made for.
    tui: 'default',
    // Its skill is for whoever leads the team. A role that read it would lead a team of its own.
    enabledPlugins: { [PLUGIN]: false },
    hooks: hooks(hasWriteRules(order.permissions)),
    permissions: {
      allow: [
        ...[...allow, ...testRules(order.testCommand), ...editRules(mode, outside), ...order.permissions.allow],
        `mcp__${ROLE_SERVER}`,
      ],
      deny: [
        ...order.permissions.denyWrites.map((glob) => `Edit(${glob})`),
        ...(tools === 'mcp_only' ? NATIVE_TOOLS : []),
      ],
      additionalDirectories: outside,
    },
  };
}

/** Every event is reported; before a file is written the role's rules are asked as well. */
function hooks(guarded: boolean): object {
  const hook = { type: 'command', command: HOOK_COMMAND, timeout: HOOK_TIMEOUT_S };
  const guard = { type: 'command', command: WRITE_HOOK_COMMAND, timeout: WRITE_HOOK_TIMEOUT_S };
  const before = guarded ? [{ matcher: WRITING_TOOLS, hooks: [guard] }] : [];
  return Object.fromEntries(
    HOOK_NAMES.map((name) => [name, [{ hooks: [hook] }, ...(name === 'PreToolUse' ? before : [])]]),
  );
}

/** `npm test` is allowed as it stands and with more arguments. */
function testRules(testCommand: readonly string[] | undefined): string[] {
  const command = (testCommand ?? []).join(' ');
  return command === '' ? [] : [`Bash(${command})`, `Bash(${command}:*)`];
}

/**
 * What acceptEdits allows by itself has to be allowed in words where nobody is asked (`dontAsk`): editing the worktree,
 * and the feature's folder both by the link that leads to it and by where it is. The role's own limits are denied beside.
 */
function editRules(mode: string, outside: readonly string[]): string[] {
  return mode === 'dontAsk' ? ['Edit(**)', 'Edit(.tmops/**)', ...outside.map((folder) => `Edit(/${folder}/**)`)] : [];
}

/**
 * The feature's folder holds all its runs. The worktree reaches it through a link, and Claude Code judges a path by where
 * it really leads. A run's folder is `<feature>/runs/<run>`.
 */
async function foldersOutside(order: AgentOrder): Promise<string[]> {
  const run = await realpath(order.runDir).catch((cause: unknown) => {
    throw new ProviderError(
      {
        reason: 'folder-missing',
        sentence: `The folder of the run ${order.run} is not there: ${order.runDir}.`,
        hint: 'Starting the feature again makes it.',
      },
      cause,
    );
  });
  return [dirname(dirname(run))];
}
