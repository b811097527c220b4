import * as z from 'zod';
import type { Remote } from '../mcp/remote.ts';
import type { Look } from './look.ts';
import { table } from './table.ts';
import { clean, cleanLine, printableJson } from './text.ts';

/** What a server of the protocol gave, in lines for people. What it says is read leniently and printed without effect. */

const text = z.string().optional().catch(undefined);
/** What has to be there. */
const named = z.string().catch('?');
const described = { name: named, title: text, description: text };

/** Servers of others may say less than the protocol asks for: what is no list is empty. */
const listOf = <T extends z.ZodType>(item: T) => z.array(item).catch([]);

export const toolsResult = z.looseObject({
  tools: listOf(
    z.looseObject({
      ...described,
      inputSchema: z
        .looseObject({
          properties: z.record(z.string(), z.unknown()).catch({}),
          required: listOf(z.string()),
        })
        .catch({ properties: {}, required: [] }),
    }),
  ),
});

const resourcesResult = z.looseObject({
  resources: listOf(z.looseObject({ ...described, uri: named, mimeType: text })),
  resourceTemplates: listOf(z.looseObject({ ...described, uriTemplate: named, mimeType: text })),
});

const promptsResult = z.looseObject({
  prompts: listOf(
    z.looseObject({
      ...described,
      arguments: listOf(z.looseObject({ name: named, required: z.boolean().catch(false) })),
    }),
  ),
});

export function renderTools(result: unknown, look: Look): string[] {
  const { tools } = toolsResult.parse(result);
  if (tools.length === 0) return ['It offers no tool.'];
  return table(
    ['TOOL', 'ARGUMENTS', 'DOES'],
    tools.map((tool) => [
      tool.name,
      Object.keys(tool.inputSchema.properties)
        .map((name) => (tool.inputSchema.required.includes(name) ? name : `[${name}]`))
        .join(' '),
      tool.title ?? tool.description ?? '',
    ]),
    look,
  );
}

export function renderResources(result: unknown, look: Look): string[] {
  const { resources, resourceTemplates } = resourcesResult.parse(result);
  const all = [...resources, ...resourceTemplates.map((each) => ({ ...each, uri: each.uriTemplate }))];
  if (all.length === 0) return ['It has no resource now.'];
  return table(
    ['RESOURCE', 'TYPE', 'IS'],
    all.map((each) => [each.uri, each.mimeType ?? '', each.title ?? each.name]),
    look,
  );
}

export function renderPrompts(result: unknown, look: Look): string[] {
  const { prompts } = promptsResult.parse(result);
  if (prompts.length === 0) return ['It offers no prompt.'];
  return table(
    ['PROMPT', 'ARGUMENTS', 'DOES'],
    prompts.map((prompt) => [
      prompt.name,
      prompt.arguments.map(({ name, required }) => (required ? name : `[${name}]`)).join(' '),
      prompt.title ?? prompt.description ?? '',
    ]),
    look,
  );
}

const block = z.looseObject({
  type: named,
  text,
  resource: z.looseObject({ uri: text, text }).optional(),
});
const callResult = z.looseObject({
  content: listOf(block),
  structuredContent: z.unknown().optional(),
  isError: z.unknown().optional(),
});

/** The words in which a tool says that it failed; null when it did not. */
export function failureOf(result: unknown): string | null {
  const { content, isError } = callResult.parse(result);
  if (isError !== true) return null;
  return content.flatMap(blockLines).join('\n') || 'It gave no reason.';
}

/** The structured result where there is one: the text of it says the same. */
export function renderCall(result: unknown): string[] {
  const { content, structuredContent } = callResult.parse(result);
  return structuredContent === undefined ? content.flatMap(blockLines) : [printableJson(structuredContent)];
}

const readResult = z.looseObject({ contents: listOf(z.looseObject({ uri: named, text, blob: text })) });

export function renderContents(result: unknown): string[] {
  return readResult
    .parse(result)
    .contents.map((each) => (each.text === undefined ? binary(each.uri, each.blob ?? '') : clean(each.text)));
}

const promptResult = z.looseObject({
  messages: listOf(z.looseObject({ role: named, content: block })),
});

export function renderPrompt(result: unknown, look: Look): string[] {
  return promptResult
    .parse(result)
    .messages.flatMap(({ role, content }) => [look.ink(`[${clean(role)}]`, 'faint'), ...blockLines(content)]);
}

export const renderPing = ({ server, offers }: Pick<Remote, 'server' | 'offers'>, ms: number): string[] => [
  `${cleanLine(server)} answered in ${ms} ms. It offers: ${cleanLine(offers.join(', '))}.`,
];

function blockLines(each: z.output<typeof block>): string[] {
  const said = each.text ?? each.resource?.text;
  return [said === undefined ? `(${clean(each.type)}: --json shows it)` : clean(said)];
}

const binary = (uri: string, blob: string): string =>
  `(${clean(uri)}: ${Buffer.byteLength(blob, 'base64')} bytes; --json shows them in base64)`;
