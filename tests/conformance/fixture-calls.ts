import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CreateMessageResultSchema, ElicitResultSchema, ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import type { CallToolResult, RequestId, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { AnswerCall } from '../../src/doors/mcp/call.ts';
import type { Listener } from '../../src/doors/mcp/server.ts';
import type { StopSignal } from '../../src/link/stopper.ts';
import { DEFAULTS_FORM, ENUMS_FORM, SCHEMA_2020_12, USER_FORM } from './fixture-schemas.ts';

/** One pixel, and one sample of silence. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAAA==';

/** The pause between two messages of a call. */
const PAUSE_MS = 50;

export interface CallPlace {
  readonly client: Listener;
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  readonly server: Server;
  /** Ends the response that the open calls of this client are answered over. */
  readonly cutStreams: () => void;
}

interface Call extends CallPlace {
  readonly args: Readonly<Record<string, unknown>>;
  readonly progressToken: string | number | undefined;
  readonly id: RequestId | undefined;
  readonly signal: StopSignal;
}

type Act = (call: Call) => Promise<CallToolResult> | CallToolResult;

interface TestTool {
  readonly description: string;
  readonly inputSchema?: Tool['inputSchema'];
  readonly act: Act;
}

const text = (said: string): { type: 'text'; text: string } => ({ type: 'text', text: said });
const image = { type: 'image', data: PNG, mimeType: 'image/png' } as const;
const says = (...content: CallToolResult['content']): CallToolResult => ({ content });
const embedded = (uri: string, mimeType: string, said: string): CallToolResult['content'][number] => ({
  type: 'resource',
  resource: { uri, mimeType, text: said },
});
const oneString = (name: string): Tool['inputSchema'] => ({
  type: 'object',
  properties: { [name]: { type: 'string' } },
  required: [name],
});

/** Stands for work that takes a moment. */
const moment = (): Promise<void> => sleep(PAUSE_MS);

/** What is asked of the client belongs to the call, and goes out over its stream. */
async function elicited({ server, id }: Call, message: string, requestedSchema: object): Promise<string> {
  const { action, content } = await server.request(
    { method: 'elicitation/create', params: { message, requestedSchema } },
    ElicitResultSchema,
    id === undefined ? {} : { relatedRequestId: id },
  );
  return `action=${action}, content=${JSON.stringify(content ?? {})}`;
}

async function logging({ client }: Call): Promise<CallToolResult> {
  const steps = ['Tool execution started', 'Tool processing data', 'Tool execution completed'];
  for (const [number, data] of steps.entries()) {
    if (number > 0) await moment();
    client.log({ level: 'info', logger: 'test', data });
  }
  return says(text('Three messages were logged.'));
}

async function progressing({ client, progressToken, id }: Call): Promise<CallToolResult> {
  for (const progress of [0, 50, 100]) {
    if (progress > 0) await moment();
    if (progressToken !== undefined) client.onProgress({ progressToken, progress, total: 100 }, id);
  }
  return says(text('Told three times how far it is.'));
}

async function sampling({ server, id, args }: Call): Promise<CallToolResult> {
  const prompt = { role: 'user', content: text(String(args['prompt'])) } as const;
  const { content } = await server.request(
    { method: 'sampling/createMessage', params: { messages: [prompt], maxTokens: 100 } },
    CreateMessageResultSchema,
    id === undefined ? {} : { relatedRequestId: id },
  );
  return says(text(`LLM response: ${content.type === 'text' ? content.text : content.type}`));
}

async function reconnection({ cutStreams }: Call): Promise<CallToolResult> {
  await moment();
  cutStreams();
  await moment();
  return says(text('Answered after the stream was ended.'));
}

const TOOLS: Readonly<Record<string, TestTool>> = {
  test_simple_text: {
    description: 'Gives a text.',
    act: () => says(text('This is a simple text response for testing.')),
  },
  test_image_content: { description: 'Gives an image.', act: () => says(image) },
  test_audio_content: {
    description: 'Gives a sound.',
    act: () => says({ type: 'audio', data: WAV, mimeType: 'audio/wav' }),
  },
  test_embedded_resource: {
    description: 'Gives a resource.',
    act: () => says(embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')),
  },
  test_multiple_content_types: {
    description: 'Gives a text, an image and a resource.',
    act: () =>
      says(
        text('Multiple content types test:'),
        image,
        embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
      ),
  },
  test_tool_with_logging: { description: 'Logs three messages.', act: logging },
  test_error_handling: {
    description: 'Fails.',
    act: () => ({ isError: true, content: [text('This tool intentionally returns an error for testing')] }),
  },
  test_tool_with_progress: { description: 'Tells how far it is.', act: progressing },
  test_sampling: { description: 'Has the client ask its model.', inputSchema: oneString('prompt'), act: sampling },
  test_elicitation: {
    description: 'Has the client ask its user.',
    inputSchema: oneString('message'),
    act: async (call) => says(text(`User response: ${await elicited(call, String(call.args['message']), USER_FORM)}`)),
  },
  test_elicitation_sep1034_defaults: {
    description: 'Has the client ask its user, with defaults.',
    act: async (call) =>
      says(text(`Elicitation completed: ${await elicited(call, 'Please review these values', DEFAULTS_FORM)}`)),
  },
  test_elicitation_sep1330_enums: {
    description: 'Has the client let its user choose.',
    act: async (call) => says(text(`Elicitation completed: ${await elicited(call, 'Please choose', ENUMS_FORM)}`)),
  },
  test_reconnection: { description: 'Ends its stream before it answers.', act: reconnection },
  json_schema_2020_12_tool: {
    description: 'Tool with JSON Schema 2020-12 features',
    inputSchema: SCHEMA_2020_12,
    act: () => says(text('Nothing to do.')),
  },
};

export const fixtureTools: readonly Tool[] = Object.entries(TOOLS).map(([name, { description, inputSchema }]) => ({
  name,
  description,
  inputSchema: inputSchema ?? { type: 'object', properties: {} },
}));

/** Answers calls of the test tools as the product's are answered: with the JSON of the result. */
export const fixtureCalls =
  (place: CallPlace): AnswerCall =>
  async ({ name, arguments: args, _meta: meta }, signal, id) => {
    const tool = typeof name === 'string' ? TOOLS[name] : undefined;
    if (!tool) return { error: { code: ErrorCode.InvalidParams, message: `Unknown tool: ${JSON.stringify(name)}` } };
    const { progressToken } = fieldsOf(meta);
    const call: Call = {
      ...{ ...place, signal, id, args: fieldsOf(args) },
      progressToken: typeof progressToken === 'string' || typeof progressToken === 'number' ? progressToken : undefined,
    };
    return { result: JSON.stringify(await tool.act(call)) };
  };

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
