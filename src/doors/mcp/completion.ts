import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CompleteRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { PromptDoor } from './prompts.ts';

/** Answers `completion/complete`, by what it is about. Nothing is proposed for what is known to nobody. */
// eslint-disable-next-line @typescript-eslint/no-deprecated
export function addCompletion(server: Server, prompts: PromptDoor): void {
  server.setRequestHandler(CompleteRequestSchema, async ({ params }, { signal }) => {
    const { ref, argument, context } = params;
    if (ref.type !== 'ref/prompt') return { completion: { values: [] } };
    const { completePrompt } = await import('./prompt-answers.ts');
    return { completion: await completePrompt(prompts, ref.name, argument, context?.arguments ?? {}, signal) };
  });
}
