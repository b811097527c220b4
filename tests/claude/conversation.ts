import * as z from 'zod';

/** A request beside the conversation on the screen. */
export type Side = 'title' | 'compaction' | 'probe';

export interface ToolResult {
  readonly failed: boolean;
  readonly text: string;
}

/** What a person typed, and what the model has done since. */
export interface Prompt {
  readonly text: string;
  /** Said while a turn was running; it arrived beside the result of a tool. */
  readonly interjected: boolean;
  /** Assistant messages since: the number of the step to be answered now. */
  readonly steps: number;
  /** Results of the tools called since, oldest first. */
  readonly results: readonly ToolResult[];
}

/**
 * What a play needs to choose a reply. All of it comes from the one request: a retried request gets the same answer, and
 * neither `--resume` nor a restart needs a memory.
 */
export interface Conversation {
  readonly model: string;
  readonly streaming: boolean;
  readonly side: Side | null;
  /** Oldest first. */
  readonly prompts: readonly Prompt[];
  /** Where Claude Code says it works; null when it does not say. */
  readonly cwd: string | null;
  /** Every text in the request: system prompt, messages, results of tools. */
  readonly text: string;
  /** Names of the tools whose schemas came along; those that are to be looked up first are named in the text. */
  readonly tools: readonly string[];
}

/** Reads the JSON body of `POST /v1/messages`. Throws a ZodError when it has another shape. */
export function readConversation(body: unknown): Conversation {
  const request = requestSchema.parse(body);
  const prompts = request.messages.flatMap((message, index) => {
    const later = request.messages.slice(index + 1);
    const steps = later.filter(({ role }) => role === 'assistant').length;
    return promptsIn(message).map((prompt) => ({ ...prompt, steps, results: later.flatMap(resultsIn) }));
  });
  const said = request.messages.flatMap((message) => [
    ...textsIn(message.content),
    ...resultsIn(message).map((result) => result.text),
  ]);
  const text = [...textsIn(request.system), ...said].join('\n');
  return {
    model: request.model,
    streaming: request.stream,
    side: sideOf(request, prompts.at(-1)?.text ?? ''),
    prompts,
    cwd: /Primary working directory: (.+)/.exec(text)?.[1]?.trim() ?? null,
    text,
    tools: request.tools.flatMap(({ name }) => name ?? []),
  };
}

const partSchema = z.object({ type: z.string(), text: z.string().optional() });
const blockSchema = partSchema.extend({
  content: z.union([z.string(), z.array(partSchema)]).optional(),
  is_error: z.boolean().optional(),
});
const contentSchema = z.union([z.string(), z.array(blockSchema)]);
const messageSchema = z.object({ role: z.string(), content: contentSchema });
const requestSchema = z.object({
  model: z.string(),
  stream: z.boolean().default(false),
  system: contentSchema.default(''),
  tools: z.array(z.object({ name: z.string().optional() })).default([]),
  messages: z.array(messageSchema),
  output_config: z.object({ format: z.unknown().optional() }).optional(),
});
type Message = z.infer<typeof messageSchema>;

function textsIn(content: z.infer<typeof contentSchema>): string[] {
  if (typeof content === 'string') return [content];
  return content.flatMap((block) => (block.type === 'text' && block.text !== undefined ? [block.text] : []));
}

function resultsIn({ content }: Message): ToolResult[] {
  if (typeof content === 'string') return [];
  const results = content.filter((block) => block.type === 'tool_result');
  return results.map((block) => ({
    failed: block.is_error === true,
    text: textsIn(block.content ?? '').join('\n'),
  }));
}

// How Claude Code words a prompt that was typed during a turn.
const INTERJECTION =
  /^The user sent a new message while you were working:\n([\s\S]*?)(?:\n\nThis is how Claude Code|$)/;
// Text in a user message that no person typed.
const INJECTED =
  /^<(?:system-reminder|command-|local-command-|bash-)|^\[Request interrupted|^This session is being continued/;

function promptsIn(message: Message): Pick<Prompt, 'text' | 'interjected'>[] {
  if (message.role !== 'user') return [];
  const texts = textsIn(message.content).map((text) => text.trim());
  const interjected = texts.flatMap((text) => INTERJECTION.exec(text)?.[1] ?? []);
  const typed = texts.filter((text) => text !== '' && !INTERJECTION.test(text) && !INJECTED.test(text));
  return [
    ...(typed.length > 0 ? [{ text: typed.join('\n'), interjected: false }] : []),
    ...interjected.map((text) => ({ text, interjected: true })),
  ];
}

function sideOf(request: z.infer<typeof requestSchema>, prompt: string): Side | null {
  if (request.output_config?.format !== undefined) return 'title';
  if (prompt.startsWith('CRITICAL: Respond with TEXT ONLY')) return 'compaction';
  return request.tools.length === 0 ? 'probe' : null;
}
