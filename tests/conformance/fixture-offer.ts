import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListResourcesRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { GetPromptResult, PromptMessage, ReadResourceResult, Resource } from '@modelcontextprotocol/sdk/types.js';
import { RESOURCE_NOT_FOUND, ResourceError } from '../../src/doors/mcp/resource-error.ts';
import { PNG } from './fixture-calls.ts';

type Content = ReadResourceResult['contents'][number];

const WATCHED = 'test://watched-resource';

/** The resources that the suite reads, by their address. */
const RESOURCES: ReadonlyMap<string, Content> = new Map(
  [
    {
      uri: 'test://static-text',
      mimeType: 'text/plain',
      text: 'This is the content of the static text resource.',
    },
    { uri: 'test://static-binary', mimeType: 'image/png', blob: PNG },
    { uri: WATCHED, mimeType: 'text/plain', text: 'This resource may be subscribed to.' },
  ].map((content) => [content.uri, content]),
);
const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

function read(uri: string): Content {
  const id = TEMPLATE.exec(uri)?.[1];
  if (id !== undefined)
    return {
      uri,
      mimeType: 'application/json',
      text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
    };
  const content = RESOURCES.get(uri);
  if (!content) throw new ResourceError(RESOURCE_NOT_FOUND, 'Resource not found', { uri });
  return content;
}

// eslint-disable-next-line @typescript-eslint/no-deprecated
export function addTestResources(server: Server): void {
  const watched = new Set<string>();
  server.registerCapabilities({ resources: { subscribe: true, listChanged: true } });
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: [...RESOURCES.values()].map(({ uri, mimeType }): Resource => {
      const name = uri.slice('test://'.length);
      return { uri, name, description: `The resource ${name}`, ...(mimeType !== undefined && { mimeType }) };
    }),
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
    resourceTemplates: [
      {
        uriTemplate: 'test://template/{id}/data',
        name: 'template',
        description: 'Data of an id',
        mimeType: 'application/json',
      },
    ],
  }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({ contents: [read(params.uri)] }));
  server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) => {
    watched.add(read(uri).uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    if (watched.delete(uri)) return {};
    throw new ResourceError(ErrorCode.InvalidParams, 'Not subscribed to', { uri });
  });
}

interface TestPrompt {
  readonly description: string;
  readonly arguments?: readonly string[];
  readonly messages: (given: Readonly<Record<string, string>>) => PromptMessage['content'][];
}

const PROMPTS: Readonly<Record<string, TestPrompt>> = {
  test_simple_prompt: {
    description: 'A text',
    messages: () => [{ type: 'text', text: 'This is a simple prompt for testing.' }],
  },
  test_prompt_with_arguments: {
    description: 'A text with two arguments',
    arguments: ['arg1', 'arg2'],
    messages: ({ arg1 = '', arg2 = '' }) => [
      { type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` },
    ],
  },
  test_prompt_with_embedded_resource: {
    description: 'A resource and a text',
    arguments: ['resourceUri'],
    messages: ({ resourceUri: uri = '' }) => [
      {
        type: 'resource',
        resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
      },
      { type: 'text', text: 'Please process the embedded resource above.' },
    ],
  },
  test_prompt_with_image: {
    description: 'An image and a text',
    messages: () => [
      { type: 'image', data: PNG, mimeType: 'image/png' },
      { type: 'text', text: 'Please analyze the image above.' },
    ],
  },
};

/** Prompts, and completion of their arguments. */
// eslint-disable-next-line @typescript-eslint/no-deprecated
export function addTestPrompts(server: Server): void {
  server.registerCapabilities({ prompts: {}, completions: {} });
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: Object.entries(PROMPTS).map(([name, { description, arguments: names = [] }]) => ({
      name,
      description,
      arguments: names.map((argument) => ({ name: argument, description: `The ${argument}`, required: true })),
    })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }): GetPromptResult => {
    const prompt = PROMPTS[params.name];
    if (!prompt) throw new ResourceError(ErrorCode.InvalidParams, 'Unknown prompt', { name: params.name });
    const { description, messages } = prompt;
    return {
      description,
      messages: messages(params.arguments ?? {}).map((content) => ({ role: 'user', content })),
    };
  });
  server.setRequestHandler(CompleteRequestSchema, ({ params: { argument } }) => {
    const values = ['test-one', 'test-two', 'other'].filter((value) => value.startsWith(argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  });
}
