import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import type { CompleteResult, GetPromptResult, ListPromptsResult } from '@modelcontextprotocol/sdk/types.js';
import { promptCompleteRequest, promptRenderRequest } from '../../app/prompt-requests.ts';
import { BAD_PROMPT_ARGUMENTS } from '../../core/prompt-names.ts';
import type { Failure } from '../../link/protocol.ts';
import type { StopSignal } from '../../link/stopper.ts';
import type { PromptDoor } from './prompts.ts';

/** Prompts on one page of the list. */
const PAGE = 50;

/** A page of the list. Its cursor is the name of the last prompt before it. */
export async function promptPage(door: PromptDoor, cursor?: string): Promise<ListPromptsResult> {
  const all = await careful(door, () => door.list());
  const before = cursor === undefined ? 0 : all.findIndex(({ name }) => name === cursor) + 1;
  if (cursor !== undefined && before === 0)
    throw new Refusal(
      ErrorCode.InvalidParams,
      `cursor is ${JSON.stringify(cursor.slice(0, 60))}, not one that the list of prompts gave`,
    );
  const page = all.slice(before, before + PAGE);
  const last = page.at(-1);
  return {
    prompts: page.map((prompt) => ({ ...prompt, arguments: [...prompt.arguments] })),
    ...(last && before + PAGE < all.length && { nextCursor: last.name }),
  };
}

/** A prompt as its user's message. It counts as a use. */
export async function promptText(
  door: PromptDoor,
  name: string,
  given: Readonly<Record<string, string>>,
  signal: StopSignal,
): Promise<GetPromptResult> {
  const { name: op, output } = promptRenderRequest;
  const asked = { prompt: name, arguments: given, count: true };
  const { description, text } = await careful(door, async () => {
    const reply = await door.link(op, asked, { door: 'mcp' }, signal);
    if (!reply.ok) throw refusalOf(reply.failure);
    return output.parse(JSON.parse(reply.json));
  });
  return { description, messages: [{ role: 'user', content: { type: 'text', text } }] };
}

/** What the argument of a prompt may be that begins with what was typed so far. */
export async function completePrompt(
  door: PromptDoor,
  prompt: string,
  argument: { readonly name: string; readonly value: string },
  known: Readonly<Record<string, string>>,
  signal: StopSignal,
): Promise<CompleteResult['completion']> {
  const { name: op, output } = promptCompleteRequest;
  const asked = { prompt, argument: argument.name, value: argument.value, arguments: known };
  return careful(door, async () => {
    const reply = await door.link(op, asked, { door: 'mcp' }, signal);
    if (!reply.ok) throw refusalOf(reply.failure);
    return output.parse(JSON.parse(reply.json));
  });
}

/** What the protocol answers instead: its text reaches the client. */
class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const refusalOf = ({ code, sentence, hint }: Failure): Refusal =>
  new Refusal(
    code === BAD_PROMPT_ARGUMENTS || code === 'bad-arguments' ? ErrorCode.InvalidParams : ErrorCode.InternalError,
    `${sentence}\n${hint}\n(code: ${code})`,
  );

/** The text of an error that nobody expected does not reach the client. */
async function careful<T>({ onFault }: PromptDoor, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    onFault(error);
    throw new Refusal(ErrorCode.InternalError, "Internal error. tmops' log has the details.");
  }
}
