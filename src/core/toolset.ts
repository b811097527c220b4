/** default: what work on a feature needs; upkeep: what repairs, and what is seldom wanted; all: every tool. */
export const TOOLSETS = ['default', 'upkeep', 'all'] as const;
export type Toolset = (typeof TOOLSETS)[number];

/** Which tools a server lists and takes: those of these sets, and these. */
export interface ToolChoice {
  readonly toolsets: readonly Toolset[];
  readonly tools: readonly string[];
  /** Only those of them that read. */
  readonly readOnly?: boolean;
}

/** What of a tool of MCP says which set it is in. */
interface Listed {
  readonly name: string;
  readonly _meta?: Readonly<Record<string, unknown>> | undefined;
  readonly annotations?: { readonly readOnlyHint?: boolean | undefined } | undefined;
}

/** Where a tool that is not in the default set says which it is in. */
export const TOOLSET_META = 'tmops/toolset';

export const toolsetOf = (tool: Listed): Toolset => (tool._meta?.[TOOLSET_META] === 'upkeep' ? 'upkeep' : 'default');

/** The tools of a choice, in the order of the table; or, as a sentence, why it cannot be served. */
export function chosenTools<T extends Listed>(
  all: readonly T[],
  { toolsets, tools, readOnly = false }: ToolChoice,
): { readonly ok: true; readonly tools: readonly T[] } | { readonly ok: false; readonly why: string } {
  const known = all.map(({ name }) => name);
  const unknown = tools.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    return { ok: false, why: `There is no tool ${unknown.map(quoted).join(', ')}. Tools: ${known.join(', ')}.` };
  const named = all.filter(
    (tool) => toolsets.some((set) => set === 'all' || set === toolsetOf(tool)) || tools.includes(tool.name),
  );
  const chosen = named.filter((tool) => !readOnly || tool.annotations?.readOnlyHint === true);
  if (chosen.length > 0) return { ok: true, tools: chosen };
  if (named.length > 0) return { ok: false, why: 'No tool is chosen: none of those that are named only reads.' };
  return { ok: false, why: `No tool is chosen: name toolsets (${TOOLSETS.join(', ')}) or single tools.` };
}

const quoted = (name: string): string => JSON.stringify(name.slice(0, 60));
