// A small main for tests of the MCP door: the real door over a canned link, or over a real socket when
// TMOPS_TEST_SOCKET names one. Bundled like the product (see mcp-bundle.ts).
import { setInterval } from 'node:timers';
import { listedTools } from '../../src/doors/mcp/listed.ts';
import { serveMcp } from '../../src/doors/mcp/serve.ts';
import { newsRequest } from '../../src/app/table.ts';
import { LOST } from '../../src/link/client.ts';
import { dial } from '../../src/link/dial.ts';
import { linkPort } from '../../src/link/port.ts';
import type { LinkPorts, TextPort } from '../../src/link/port.ts';
import { cannedReply } from './canned.ts';

const VERSION = '0.1.0';
const socketPath = process.env['TMOPS_TEST_SOCKET'];
// A timer that never ends: the process has to end all the same.
setInterval(() => undefined, 60_000);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stop.abort();
  });
}

const canned: TextPort = async (op, input, _extras, signal) => {
  const reply = await cannedReply(op, input, signal);
  return reply.ok ? { id: reply.id, ok: true, json: JSON.stringify(reply.output) } : reply;
};
const overSocket = (path: string): Pick<LinkPorts, 'ask' | 'listen'> =>
  linkPort({
    dial: () =>
      dial({
        socketPath: path,
        version: VERSION,
        start: () => Promise.reject(new Error('nothing is started in this test')),
        withinMs: 1_000,
        logFile: '/nowhere/supervisor.log',
      }),
    caller: (_op, extras) => ({ ...extras, cwd: process.cwd() }),
    repeatable: () => true,
  });
/** What is only asked where a link is open: of operations nothing, since their answers are not waited for. */
const heard: TextPort = async (op, ...rest) =>
  op === newsRequest.name ? canned(op, ...rest) : { id: 0, ok: false, failure: LOST };
const ports = socketPath === undefined ? { ask: canned, listen: heard } : overSocket(socketPath);

const end = await serveMcp({
  link: ports.ask,
  listen: ports.listen,
  name: 'tmops',
  version: VERSION,
  tools: await listedTools(),
  stdin: process.stdin,
  stdout: process.stdout,
  stop: stop.signal,
  onFault: (error) => {
    process.stderr.write(`fault: ${String(error)}\n`);
  },
});
process.stderr.write(`end: ${end}\n`);
process.exit(0);
