// The outside checks of MCP. The whole server suite of @modelcontextprotocol/conformance against a fixture that has the tools
// it asks for (fixture.ts), in each version of the protocol that it knows and we speak; those of its scenarios that any server
// has to pass, against the built supervisor over HTTP; and the MCP Inspector on the list of tools, over stdio and HTTP. npm
// fetches them with the node that they need; where it cannot, nothing is checked and that is a failure.
import { httpPlace } from '../rig/http-client.ts';
import { openProduct } from '../rig/product.ts';
import { fetched, placeOf } from './fetched.ts';
import type { Fetched } from './fetched.ts';
import { openFixture } from './fixture.ts';
import { inspected, overStdio } from './inspected.ts';
import { allScenarios, oneScenario } from './suite.ts';
import type { Verdict } from './suite.ts';

const SUITE = '@modelcontextprotocol/conformance@0.1.16';
/** One of its coming releases: it knows the life of a session, and holds each message against the schema of the protocol. */
const NEWER_SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12';
const INSPECTOR = '@modelcontextprotocol/inspector@2.12.0';
/** Newer than the one that the product asks for; they need it. */
const NODE = 'node@22';

/** Neither suite has a scenario for 2024-11-05. */
const VERSIONS = ['2025-06-18', '2025-11-25'];
const NEWER_VERSIONS = ['2025-03-26', ...VERSIONS];

/** What asks for no tools of the suite's own. */
const ANY_SERVER = [
  ...['server-initialize', 'ping', 'logging-set-level', 'tools-list', 'resources-list', 'prompts-list'],
  ...['server-sse-multiple-streams', 'dns-rebinding-protection'],
];

process.exitCode = (await run()) ? 0 : 1;

async function run(): Promise<boolean> {
  try {
    const node = await placeOf(NODE, 'node');
    const suite = await fetched(SUITE, 'conformance', node);
    const newer = await fetched(NEWER_SUITE, 'conformance', node);
    const inspector = await fetched(INSPECTOR, 'mcp-inspector', node);
    const verdicts = [...(await ofFixture(suite, newer)), ...(await ofProduct(suite, newer, inspector))];
    const passed = verdicts.reduce((sum, verdict) => sum + verdict.passed, 0);
    const wrong = verdicts.filter((verdict) => verdict.wrong.length > 0);
    const end = wrong.length === 0 ? 'none failed' : `FAILED: ${wrong.map(({ name }) => name).join('; ')}`;
    process.stdout.write(`conformance: ${passed} checks passed, ${end}\n`);
    return wrong.length === 0;
  } catch (error) {
    process.stdout.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

async function ofFixture(suite: Fetched, newer: Fetched): Promise<Verdict[]> {
  const fixture = await openFixture();
  try {
    const verdicts: Verdict[] = [];
    for (const version of VERSIONS) verdicts.push(told(await allScenarios(suite, fixture.url, version)));
    for (const version of NEWER_VERSIONS) verdicts.push(told(await allScenarios(newer, fixture.url, version)));
    const wrong = fixture.faults.map(String);
    return [...verdicts, ...(wrong.length > 0 ? [told({ name: 'errors of the fixture', passed: 0, wrong })] : [])];
  } finally {
    await fixture.close();
  }
}

async function ofProduct(suite: Fetched, newer: Fetched, inspector: Fetched): Promise<Verdict[]> {
  // The suite has no token.
  const product = await openProduct({
    config: 'server: {http: {enabled: true, token: none}}\nunsafe: {http_without_token: true}',
  });
  try {
    const { url } = await httpPlace(product);
    const verdicts: Verdict[] = [];
    for (const name of ANY_SERVER) verdicts.push(told(await oneScenario(suite, url, name)));
    for (const name of [...ANY_SERVER, 'server-session-lifecycle'])
      verdicts.push(told(await oneScenario(newer, url, name)));
    verdicts.push(told(await inspected(inspector, product, 'stdio', overStdio)));
    verdicts.push(told(await inspected(inspector, product, 'http', ['--server-url', url])));
    return verdicts;
  } finally {
    await product.dispose();
  }
}

function told(verdict: Verdict): Verdict {
  const { name, passed, wrong } = verdict;
  const outcome = wrong.length > 0 ? `FAILED\n${wrong.join('\n')}` : passed === 1 ? 'passed' : `${passed} passed`;
  process.stdout.write(`conformance: ${name}: ${outcome}\n`);
  return verdict;
}
