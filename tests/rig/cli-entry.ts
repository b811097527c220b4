// A small main for tests of the CLI on a real terminal: the real door over a canned link whose feature moves on every
// 100 ms. Bundled like the product (see mcp-bundle.ts).
import { setTimeout as sleep } from 'node:timers/promises';
import { runCli } from '../../src/doors/cli/run.ts';
import { cannedStatus } from './canned.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stop.abort();
  });
}
const never = (): Promise<never> => Promise.reject(new Error('This port is not for this test'));
let cursor = 0;
const code = await runCli({
  argv: process.argv.slice(2),
  version: '0.1.0',
  ports: {
    link: async (op) => {
      if (op === 'status') return { id: 1, ok: true, output: { ...cannedStatus, cursor, step: `step-${cursor}` } };
      // Stands for a feature that moves on by itself.
      await sleep(100, 'stands for work');
      cursor += 1;
      const { feature, phase, step, role, waitsFor, queue, attention } = cannedStatus;
      const rest = { feature, phase, step, role, waitsFor, queue, attention, events: [] };
      return { id: 1, ok: true, output: { ...rest, done: true, reason: 'change', cursor } };
    },
    attach: never,
    doctor: never,
    audit: { verify: never, show: never },
    mcp: () => Promise.resolve(0),
    roleMcp: () => Promise.resolve(0),
    client: never,
    demo: never,
    prompts: { list: never, validate: never, test: never },
    supervise: never,
  },
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  isTty: process.stdout.isTTY,
  noColour: process.env['NO_COLOR'] !== undefined,
  stop: stop.signal,
});
process.exit(code);
