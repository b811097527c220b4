// The outside checks of MCP: the scenarios of @modelcontextprotocol/conformance that any server has to pass, against the built
// supervisor over HTTP. The other scenarios of that suite ask for tools of its own. It is fetched by npm with the node that it
// needs; where npm cannot fetch it, nothing is checked and that is a failure.
import { execa } from 'execa';
import { httpClient, httpPlace } from '../rig/http-client.ts';
import { openProduct } from '../rig/product.ts';

/** The suite, and the one of its coming releases that knows the life of a session. */
const SUITE = '@modelcontextprotocol/conformance@0.1.16';
const NEWER_SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12';
const NODE = 'node@22';

interface Scenario {
  readonly name: string;
  readonly suite: string;
  /** What the server has to offer for it. */
  readonly needs?: 'resources' | 'prompts';
}

const SCENARIOS: readonly Scenario[] = [
  ...['server-initialize', 'ping', 'logging-set-level', 'tools-list'].map((name) => ({ name, suite: SUITE })),
  { name: 'resources-list', suite: SUITE, needs: 'resources' },
  { name: 'prompts-list', suite: SUITE, needs: 'prompts' },
  ...['server-sse-multiple-streams', 'dns-rebinding-protection'].map((name) => ({ name, suite: SUITE })),
  { name: 'server-session-lifecycle', suite: NEWER_SUITE },
];

/** The first one fetches the suite and its node. */
const WITHIN_MS = 300_000;

process.exitCode = (await run()) ? 0 : 1;

async function run(): Promise<boolean> {
  for (const suite of [SUITE, NEWER_SUITE]) {
    const fetched = await conformance(suite, ['--version']);
    if (fetched.ok) continue;
    process.stdout.write(`conformance: npm cannot fetch ${suite}; without it nothing is checked\n${fetched.said}\n`);
    return false;
  }
  // The suite has no token.
  const product = await openProduct({
    config: 'server: {http: {enabled: true, token: none}}\nunsafe: {http_without_token: true}',
  });
  try {
    const { url } = await httpPlace(product);
    const client = await httpClient(url, null);
    const offered = client.getServerCapabilities() ?? {};
    await client.close();
    const asked = SCENARIOS.filter(({ needs }) => needs === undefined || offered[needs] !== undefined);
    let passed = 0;
    for (const { name, suite } of asked) {
      const { ok, said } = await conformance(suite, ['server', '--url', url, '--scenario', name]);
      process.stdout.write(`conformance: ${name} ${ok ? 'passed' : `FAILED\n${said}`}\n`);
      if (ok) passed += 1;
    }
    process.stdout.write(`conformance: ${passed} of ${asked.length} scenarios passed\n`);
    return passed === asked.length;
  } finally {
    await product.dispose();
  }
}

async function conformance(suite: string, words: readonly string[]): Promise<{ ok: boolean; said: string }> {
  const args = ['-y', '-p', NODE, '-p', suite, 'conformance', ...words];
  const { exitCode, stdout, stderr } = await execa('npx', args, { reject: false, timeout: WITHIN_MS, stdin: 'ignore' });
  return { ok: exitCode === 0, said: `${stdout}\n${stderr}`.trim() };
}
