import type { Tool } from '@modelcontextprotocol/sdk/types.js';

/** The tools as the build wrote them down (.ci/tool-list.mjs); absent where the sources run as they are. */
declare const TMOPS_TOOLS: Tool[] | undefined;

/** Every operation as a tool: the same as `tools()`, without loading what they are made of where the build has done so. */
export const listedTools = async (): Promise<Tool[]> =>
  typeof TMOPS_TOOLS === 'undefined' ? (await import('./tools.ts')).tools() : TMOPS_TOOLS;
