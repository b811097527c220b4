// Plays a supervisor for the speed test in a process of its own: argv[2] is the path of its socket.
import { serveLink } from '../../src/link/server.ts';
import { cannedReply } from './canned.ts';

const served = await serveLink({
  socketPath: process.argv[2] ?? '',
  version: '0.1.0',
  handle: async (request, signal) => ({ ...(await cannedReply(request.op, request.input, signal)), id: request.id }),
  onFault: (error) => {
    process.stderr.write(`fault: ${String(error)}\n`);
  },
});
process.stdout.write(served.ok ? 'listening\n' : `${served.failure.sentence}\n`);
