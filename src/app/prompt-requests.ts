import * as z from 'zod';

const promptName = z.string().min(1).max(100);
const given = z.record(z.string().max(60), z.string().max(500));

/**
 * What the doors ask of the supervisor about the prompts that MCP clients offer: neither commands nor tools of their own
 * (see docs/prompts.md).
 */
export const promptRenderRequest = {
  name: 'prompt-render',
  input: z.strictObject({
    prompt: promptName,
    /** The version that is served when absent. */
    version: z.string().max(40).optional(),
    arguments: given,
    /** Whether it is a use: counted, and a turn of a comparison. */
    count: z.boolean(),
  }),
  output: z.strictObject({
    prompt: z.string(),
    version: z.string(),
    title: z.string(),
    description: z.string(),
    /** Why this version: highest | pinned | compared | asked */
    served: z.string(),
    text: z.string(),
  }),
} as const;

export const promptCompleteRequest = {
  name: 'prompt-complete',
  input: z.strictObject({
    prompt: promptName,
    argument: z.string().max(60),
    value: z.string().max(500),
    arguments: given,
  }),
  output: z.strictObject({ values: z.array(z.string()), total: z.number(), hasMore: z.boolean() }),
} as const;

export type PromptRender = z.output<typeof promptRenderRequest.input>;
export type PromptRendered = z.output<typeof promptRenderRequest.output>;
export type PromptComplete = z.output<typeof promptCompleteRequest.input>;
export type PromptCompleted = z.output<typeof promptCompleteRequest.output>;
