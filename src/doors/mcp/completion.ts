import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CompleteRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { CompleteRequestParams, CompleteResult } from '@modelcontextprotocol/sdk/types.js';
import type { PromptDoor } from './prompts.ts';

export interface Completing {
  /** Absent where the server has no prompts: nothing is proposed for what is known to nobody. */
  readonly prompts: PromptDoor | undefined;
  readonly completeResource: (params: CompleteRequestParams, signal: AbortSignal) => Promise<CompleteResult>;
}

/** Answers `completion/complete`, by what it is about. */
// eslint-disable-next-line @typescript-eslint/no-deprecated
export function addCompletion(server: Server, { prompts, completeResource }: Completing): void {
  server.registerCapabilities({ completions: {} });
  server.setRequestHandler(CompleteRequestSchema, async ({ params }, { signal }) => {
    const { ref, argument, context } = params;
    if (ref.type === 'ref/resource') return completeResource(params, signal);
    if (!prompts) return { completion: { values: [] } };
    const { completePrompt } = await import('./prompt-answers.ts');
    return { completion: await completePrompt(prompts, ref.name, argument, context?.arguments ?? {}, signal) };
  });
}
