import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { strike } from './faults.ts';
import type { Stage } from './stage.ts';

export type HookEvent =
  | 'SessionStart'
  | 'UserPromptSubmit'
  | 'PreToolUse'
  | 'PostToolUse'
  | 'PostToolUseFailure'
  | 'PermissionRequest'
  | 'Notification'
  | 'Stop'
  | 'StopFailure'
  | 'SessionEnd';

const LONGEST_HOOK_MS = 10_000;

/**
 * Reports an event to the hook script, as JSON on its stdin with the fields Claude Code gives. Resolves when the script
 * has ended; it never rejects, since an agent goes on without its hooks. Events are reported one after the other.
 */
export function fireHook(
  stage: Stage,
  event: HookEvent,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const script = stage.given.hook;
  if (script === undefined) return Promise.resolve();
  const how = strike(stage.faults, event);
  if (how?.kind === 'drop') return Promise.resolve();
  const json = JSON.stringify({
    session_id: stage.sessionId,
    transcript_path: stage.records.historyPath(stage.sessionId),
    cwd: stage.cwd,
    permission_mode: 'acceptEdits',
    hook_event_name: event,
    ...fields,
  });
  stage.hooksDone = stage.hooksDone.then(async () => {
    if (how?.kind === 'delay') await sleep(how.ms);
    await runScript(script, json);
    if (how?.kind === 'double') await runScript(script, json);
  });
  return stage.hooksDone;
}

const REFUSAL = z.object({
  hookSpecificOutput: z.object({ permissionDecision: z.literal('deny'), permissionDecisionReason: z.string() }),
});

/**
 * Asks the hook in front of writes, and gives the reason when it refuses. As with Claude Code, a hook that fails or says
 * something else refuses nothing.
 */
export async function askWriteHook(
  stage: Stage,
  tool: { readonly tool_name: string; readonly tool_input: Readonly<Record<string, string>> },
): Promise<string | null> {
  const script = stage.given['write-hook'];
  if (script === undefined) return null;
  const event = { session_id: stage.sessionId, cwd: stage.cwd, hook_event_name: 'PreToolUse', ...tool };
  const said = REFUSAL.safeParse(jsonOrNull(await runScript(script, JSON.stringify(event))));
  return said.success ? said.data.hookSpecificOutput.permissionDecisionReason : null;
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Gives what it printed. */
function runScript(script: string, json: string): Promise<string> {
  const child = spawn('/bin/sh', [script], {
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: LONGEST_HOOK_MS,
    // Out of the terminal's reach: when the pane is closed the last event must still be written.
    detached: true,
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<string>((resolve) => {
    child.once('close', () => {
      resolve(said);
    });
    child.once('error', () => {
      resolve(said);
    });
  });
  // A script that ends without reading closes the pipe under us; how it ended is seen above.
  child.stdin.once('error', () => child.stdin.destroy());
  child.stdin.end(json);
  return ended;
}
