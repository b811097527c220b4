import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AgentOrder } from '../../core/agent.ts';
import { HOOK_NAMES } from './hook-event.ts';
import { ProviderError } from './provider-error.ts';

/** A constant: what differs from agent to agent is in the environment, so nothing has to be quoted. */
export const HOOK_COMMAND = 'exec /bin/sh "$TMOPS_HOOK"';

/** The hook takes some milliseconds; one that hangs must not hold the turn for long. */
const HOOK_TIMEOUT_S = 5;

/**
 * The settings file of one agent: hooks that report its events, and what it may do without asking. `allow` are the rules
 * every role gets (config/claude-code.yaml).
 */
export async function claudeSettings(order: AgentOrder, allow: readonly string[]): Promise<object> {
  return {
    // The classic renderer: the pane's scrollback stays usable, and the screen is the one the signatures were made for.
    tui: 'default',
    hooks: Object.fromEntries(HOOK_NAMES.map((name) => [name, [{ hooks: [hook()] }]])),
    permissions: {
      allow: [...allow, ...testRules(order.testCommand), ...order.permissions.allow],
      deny: order.permissions.denyWrites.map((glob) => `Edit(${glob})`),
      additionalDirectories: await foldersOutside(order),
    },
  };
}

function hook(): object {
  return { type: 'command', command: HOOK_COMMAND, timeout: HOOK_TIMEOUT_S };
}

/** `npm test` is allowed as it stands and with more arguments. */
function testRules(testCommand: readonly string[] | undefined): string[] {
  const command = (testCommand ?? []).join(' ');
  return command === '' ? [] : [`Bash(${command})`, `Bash(${command}:*)`];
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
