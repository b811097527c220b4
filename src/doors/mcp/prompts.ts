import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { GetPromptRequestSchema, ListPromptsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { TextPort } from '../../link/port.ts';
import type { PromptListing } from '../../prompts/listing.ts';
import type { OnFault } from './call.ts';
import { tellingProgress } from './progress.ts';

export interface PromptDoor {
  /** The prompts that are served; needs no supervisor, since clients ask for the list as soon as they are there. */
  readonly list: () => Promise<readonly PromptListing[]>;
  readonly link: TextPort;
  readonly onFault: OnFault;
}

/** Answers `prompts/list` and `prompts/get`. What they are answered with is loaded with the first of them. */
// eslint-disable-next-line @typescript-eslint/no-deprecated
export function addPrompts(server: Server, door: PromptDoor): void {
  server.registerCapabilities({ prompts: {} });
  const answers = () => import('./prompt-answers.ts');
  server.setRequestHandler(ListPromptsRequestSchema, async ({ params }) =>
    (await answers()).promptPage(door, params?.cursor),
  );
  server.setRequestHandler(GetPromptRequestSchema, ({ params }, way) =>
    tellingProgress(params, way, door.onFault, async () =>
      (await answers()).promptText(door, params.name, params.arguments ?? {}, way.signal),
    ),
  );
}
