import * as z from 'zod';
import type { AgentNews } from '../../core/agent.ts';
import type { Parsed } from './evidence.ts';
import { jsonOrNull } from './json.ts';

/** The events whose hooks are worth running, with what each of them is news of. */
const NEWS_OF = {
  SessionStart: (event: Event): AgentNews => ({
    kind: 'session-started',
    sessionId: event.session_id,
    source: event.source,
  }),
  UserPromptSubmit: (event: Event): AgentNews => ({
    kind: 'prompt-taken',
    text: event.prompt,
    ...(isInjected(event.prompt) ? { injected: true } : {}),
  }),
  PreToolUse: (event: Event): AgentNews => ({ kind: 'tool-started', tool: event.tool_name }),
  PostToolUse: (event: Event): AgentNews => ({ kind: 'tool-ended', tool: event.tool_name }),
  PostToolUseFailure: (event: Event): AgentNews => ({ kind: 'tool-ended', tool: event.tool_name }),
  PermissionRequest: (event: Event): AgentNews => ({ kind: 'asking', what: event.tool_name }),
  Notification: (event: Event): AgentNews | null =>
    event.notification_type === 'permission_prompt' ? { kind: 'asking', what: event.message } : null,
  Stop: (event: Event): AgentNews => ({
    kind: 'turn-ended',
    last: event.last_assistant_message,
    background: event.background_tasks.length,
  }),
  StopFailure: (event: Event): AgentNews => ({
    kind: 'turn-failed',
    error: event.error,
    last: event.last_assistant_message,
  }),
  SessionEnd: (event: Event): AgentNews => ({
    kind: 'session-ended',
    deliberate: event.reason === 'prompt_input_exit',
    reason: event.reason,
  }),
} as const;

/** What config/write-hook.sh reports of itself. */
const WRITE_HOOK_FAILED = 'WriteHookFailed';

export type HookName = keyof typeof NEWS_OF;

/** In the order they occur. */
export const HOOK_NAMES = Object.keys(NEWS_OF).filter(isHookName);

/** Reads what config/hook.sh left: the JSON of one hook call. Unknown events and fields are not a problem. */
export function parseHookEvent(text: string): Parsed {
  const value = jsonOrNull(text);
  if (value === null) return cutOff(text);
  const read = HOOK_EVENT.safeParse(value);
  if (!read.success) return { problem: `not an event of an agent: ${z.prettifyError(read.error).slice(0, 300)}` };
  const name = read.data.hook_event_name;
  if (name === WRITE_HOOK_FAILED)
    return { problem: 'the hook in front of writes failed; what the role writes is only seen at its checkpoint' };
  if (!isHookName(name)) return { ignored: name };
  // It becomes an argument of a program and a part of a path.
  if (name === 'SessionStart' && !CONVERSATION_ID.test(read.data.session_id))
    return { problem: `no id of a conversation: ${JSON.stringify(read.data.session_id.slice(0, 80))}` };
  const news = NEWS_OF[name](read.data);
  return news === null ? { ignored: name } : { news };
}

const CONVERSATION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const text = z.string().catch('');

const HOOK_EVENT = z.object({
  hook_event_name: z.string(),
  session_id: text,
  source: z.enum(['startup', 'resume', 'clear', 'compact']).catch('startup'),
  prompt: text,
  tool_name: text,
  notification_type: text,
  message: text,
  last_assistant_message: text,
  background_tasks: z.array(z.unknown()).catch([]),
  error: z.string().catch('unknown'),
  reason: z.string().catch('unknown'),
});

type Event = z.infer<typeof HOOK_EVENT>;

/**
 * Whether the program itself put the prompt in: the end of a background task, the words of a hook that wakes it, what it
 * says to itself when a conversation is carried on. Measured with Claude Code 2.1.329: each comes as an event of its own
 * and whole; what somebody typed meanwhile comes as another. A hook that blocks the end of a turn comes as none.
 */
function isInjected(prompt: string): boolean {
  const rest = prompt.replaceAll(OWN_BLOCKS, '').trim();
  return rest === '' ? prompt.trim() !== '' : OWN_WORDS.test(rest);
}

const OWN_BLOCKS = /<(task-notification|system-reminder)>[\s\S]*?<\/\1>/g;
const OWN_WORDS =
  /^(\[?SYSTEM NOTIFICATION - NOT USER INPUT|Stop hook feedback:|Continue from where you left off\.|This session is being continued from )/;

function isHookName(name: string): name is HookName {
  return Object.hasOwn(NEWS_OF, name);
}

/**
 * The hook cuts very large events off, and only tool calls with a large input or result get so large. Their name stands
 * before the input; an unescaped quote cannot stand inside a JSON text, so the first match is the event's own.
 */
function cutOff(text: string): Parsed {
  const event = /[{,]"hook_event_name":"(PreToolUse|PostToolUse|PostToolUseFailure)"/.exec(text)?.[1];
  const tool = /[{,]"tool_name":"([^"\\]{1,200})"/.exec(text)?.[1];
  if (event === undefined || tool === undefined) return { problem: 'neither whole JSON nor a cut off tool call' };
  return { news: { kind: event === 'PreToolUse' ? 'tool-started' : 'tool-ended', tool } };
}
