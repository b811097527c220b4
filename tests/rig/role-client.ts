import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { expect } from 'vitest';

/** What a tool answered: its structure, or the text of its error. */
export interface ToolResult {
  readonly isError: boolean;
  readonly text: string;
  readonly output: Record<string, unknown>;
}

export function said(result: Awaited<ReturnType<Client['callTool']>>): ToolResult {
  const content = result.content as { readonly type: string; readonly text?: string }[];
  return {
    isError: result.isError === true,
    text: content.map(({ text = '' }) => text).join('\n'),
    output: (result.structuredContent ?? {}) as Record<string, unknown>,
  };
}

export const toolsOf = async (client: Client): Promise<string[]> =>
  (await client.listTools()).tools.map(({ name }) => name);

/** Matchers that are of no type but their own. */
export const holding = (text: string): unknown => expect.stringContaining(text) as unknown;
export const like = (pattern: RegExp): unknown => expect.stringMatching(pattern) as unknown;
export const among = (...items: readonly unknown[]): unknown => expect.arrayContaining([...items]) as unknown;
