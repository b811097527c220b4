// Prints how long our tools need to be there, in ms: from the SDK being loaded until the list of them was answered.
import { PassThrough } from 'node:stream';
import * as sdk from '@modelcontextprotocol/sdk/server/index.js';
import * as z from 'zod';
import { HELLO } from './mcp-hello.ts';

if (!('Server' in sdk) || typeof z.object !== 'function') throw new Error('The SDK is not loaded');
const [stdin, stdout, stop] = [new PassThrough(), new PassThrough(), new AbortController()];
let answers = '';
stdout.setEncoding('utf8');
stdout.on('data', (chunk: string) => {
  answers += chunk;
  if (!/"id":2\b.*\n/.test(answers)) return;
  process.stdout.write(`${performance.now() - began}\n`);
  stop.abort();
});

const nothing = () => Promise.reject(new Error('nothing is called here'));

const began = performance.now();
const [{ serveMcp }, { listedTools }] = await Promise.all([
  import('../../src/doors/mcp/serve.ts'),
  import('../../src/doors/mcp/listed.ts'),
]);
const serving = serveMcp({
  link: nothing,
  listen: nothing,
  name: 'tmops',
  version: '0',
  tools: await listedTools(),
  stdin,
  stdout,
  stop: stop.signal,
  onFault: (error) => {
    throw error;
  },
});
stdin.write(HELLO);
await serving;
process.exit(0);
