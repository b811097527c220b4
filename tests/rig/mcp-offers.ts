import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';

/** A server of the bare SDK that offers one of each: what a client of tmops may meet besides tmops. */
export function offeringServer(): McpServer {
  const server = new McpServer({ name: 'offers', version: '2.0.0' });
  server.registerTool(
    'add',
    { title: 'Add numbers', inputSchema: { numbers: z.array(z.number()), label: z.string().optional() } },
    ({ numbers, label = 'sum' }) => ({
      content: [{ type: 'text', text: `${label}: ${numbers.reduce((sum, each) => sum + each, 0)}` }],
    }),
  );
  server.registerTool('fail', {}, () => ({ isError: true, content: [{ type: 'text', text: 'It \u001b[2Jbroke.' }] }));
  server.registerResource('notes', 'notes://all', { mimeType: 'text/plain' }, ({ href }) => ({
    contents: [{ uri: href, text: 'All \u001b[31mnotes\u202e.' }],
  }));
  server.registerResource(
    'note',
    new ResourceTemplate('notes://{id}', { list: undefined }),
    {},
    ({ href }, { id }) => ({
      contents: [{ uri: href, text: `Note ${String(id)}.` }],
    }),
  );
  server.registerPrompt('greet', { title: 'Greet', argsSchema: { name: z.string() } }, ({ name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Greet ${name}.` } }],
  }));
  return server;
}
