import { randomUUID } from 'node:crypto';
import type { Conversation, Side } from './conversation.ts';

export interface Call {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What the model says: text, then calls of tools. Empty: "ok". */
export interface Reply {
  readonly text?: string;
  readonly calls?: readonly Call[];
}

/** The answer to a request beside the conversation. */
export function sideReply(side: Side, { prompts }: Conversation): Reply {
  switch (side) {
    case 'title':
      return { text: '{"title":"Stand-in"}' };
    case 'compaction':
      // Plays find feature and role in what was typed, so the summary repeats it.
      return { text: `<summary>\n${prompts.map(({ text }) => text.slice(0, 300)).join('\n')}\n</summary>` };
    case 'probe':
      return {};
  }
}

/** The whole message, for a request without streaming. */
export function message(reply: Reply, model: string) {
  const content = blocks(reply);
  return {
    id: `msg_${randomUUID()}`,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 100, output_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  };
}

/** The same message as server-sent events, each as it goes over the wire. */
export function events(reply: Reply, model: string): string[] {
  const { content, stop_reason, stop_sequence, usage, ...head } = message(reply, model);
  return [
    { type: 'message_start', message: { ...head, content: [], stop_reason: null, stop_sequence, usage } },
    ...content.flatMap((block, index) => [
      { type: 'content_block_start', index, content_block: { ...block, ...opened(block) } },
      { type: 'content_block_delta', index, delta: delta(block) },
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage },
    { type: 'message_stop' },
  ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

type Block = { type: 'text'; text: string } | { type: 'tool_use'; id: string; name: string; input: Call['input'] };

function blocks({ text, calls = [] }: Reply): Block[] {
  const said = text ?? (calls.length === 0 ? 'ok' : '');
  return [
    ...(said === '' ? [] : [{ type: 'text' as const, text: said }]),
    ...calls.map((call) => ({ type: 'tool_use' as const, id: `toolu_${randomUUID()}`, ...call })),
  ];
}

function opened(block: Block) {
  return block.type === 'text' ? { text: '' } : { input: {} };
}

function delta(block: Block) {
  if (block.type === 'text') return { type: 'text_delta', text: block.text };
  return { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
}
