/** default: what work on a feature needs; upkeep: what repairs, and what is seldom wanted; all: every tool. */
export const TOOLSETS = ['default', 'upkeep', 'all'] as const;
export type Toolset = (typeof TOOLSETS)[number];

/** Which tools a server lists and takes: those of these sets, and these. */
export interface ToolChoice {
  readonly toolsets: readonly Toolset[];
  readonly tools: readonly string[];
}

/** What of a tool of MCP says which set it is in. */
interface Listed {
  readonly name: string;
  readonly _meta?: Readonly<Record<string, unknown>> | undefined;
}

/** Where a tool that is not in the default set says which it is in. */
export const TOOLSET_META = 'tmops/toolset';

export const toolsetOf = (tool: Listed): Toolset => (tool._meta?.[TOOLSET_META] === 'upkeep' ? 'upkeep' : 'default');

/** The tools of a choice, in the order of the table; or, as a sentence, why it cannot be served. */
export function chosenTools<T extends Listed>(
  all: readonly T[],
  { toolsets, tools }: ToolChoice,
): { readonly ok: true; readonly tools: readonly T[] } | { readonly ok: false; readonly why: string } {
  const known = all.map(({ name }) => name);
  const unknown = tools.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    return { ok: false, why: `There is no tool ${unknown.map(quoted).join(', ')}. Tools: ${known.join(', ')}.` };
  const chosen = all.filter(
    (tool) => toolsets.some((set) => set === 'all' || set === toolsetOf(tool)) || tools.includes(tool.name),
  );
  if (chosen.length === 0)
    return { ok: false, why: `No tool is chosen: name toolsets (${TOOLSETS.join(', ')}) or single tools.` };
  return { ok: true, tools: chosen };
}

const quoted = (name: string): string => JSON.stringify(name.slice(0, 60));
