import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partFile, partsWorkflow, playText, stepDone, type Cue } from '../rig/flow.ts';
import { mcpClient } from '../rig/mcp-client.ts';
import { checkpointText, openProduct, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/** A whole feature whose agent says its secrets wherever it can; then everything that tmops wrote or says is searched. */

const FEATURE = 'auth-api';
const SECRETS = {
  ANTHROPIC_API_KEY: 'sk-ant-7f3e9c2b5a8d4e6f-key-of-the-account',
  DEPLOY_TOKEN: 'Zq9-deploy"quoted"-4711-token-of-the-environment',
  DATABASE_URL: 'postgres://app:pgPass-55aa77cc99@db.example.invalid/app',
};
/** Named in no variable: only its looks tell what it is. */
const LOOKS = 'ghp_0123456789abcdefghijABCDEFGHIJ012345';
const SOUGHT = [SECRETS.ANTHROPIC_API_KEY, SECRETS.DEPLOY_TOKEN, 'pgPass-55aa77cc99', LOOKS];
const ALL = SOUGHT.join(' ');

const SINK = `import { appendFileSync } from 'node:fs';
export default async (event) => appendFileSync('module.jsonl', JSON.stringify(event) + '\\n');
`;
const MODULE = `export async function execute() { throw new Error(${JSON.stringify(`the gate fails with ${ALL}`)}); }\n`;

const CONFIG = `features:
  concurrent_limit: 20
  default_phases: [writer]
workflow: tools/solo.yaml
evidence: {enabled: false}
modules: {gate: tools/gate.mjs}
checkpoints: {unfinished_ms: 200}
sinks:
  - module: tools/sink.mjs
  - command: [sh, -c, 'cat >> command.jsonl; exit 3']
notify:
  command: [sh, -c, 'cat >> news.jsonl']
telemetry: {level: debug}`;

const echo = {
  run: { argv: ['sh', '-c', 'echo "$ANTHROPIC_API_KEY $DEPLOY_TOKEN $DATABASE_URL"; env'], expect: 'any' },
};
const faulty = { checkpoint: { file: partFile(2), content: `${LOOKS} ${ALL}\n` } };
const cues: Cue[] = [
  { role: 'writer', when: 'Write part 1', acts: [{ say: ALL }, echo], file: partFile(1) },
  { role: 'writer', when: 'Write part 2', acts: [faulty] },
  {
    role: 'writer',
    when: 'Write part 3',
    acts: [{ ask: { dialog: 'permission', lines: [`deploy ${ALL}`] } }],
    file: partFile(3),
  },
  { role: 'writer', when: 'Write part 4', acts: [{ fail: { error: `refused ${ALL}` } }] },
];

let product: Product;
let client: Client;
const said = new Map<string, string>();

async function note(...args: string[]): Promise<void> {
  const { stdout, stderr } = await product.cli(...args);
  said.set(`tmops ${args.join(' ').slice(0, 40)}`, stdout + stderr);
}

async function call(name: string, args: Record<string, unknown> = {}): Promise<void> {
  said.set(
    `${name} ${JSON.stringify(args).slice(0, 40)}`,
    JSON.stringify(await client.callTool({ name, arguments: args })),
  );
}

/** What the doors say now; the command line is asked for all of it only at the end. */
async function listen(isEnd = false): Promise<void> {
  const feature = FEATURE;
  for (const command of isEnd ? ['status', 'why', 'events'] : []) await note(command, feature);
  await note('read-pane', feature, 'writer');
  await call('tmops_read_pane', { feature, role: 'writer', lines: 500 });
  for (const tool of ['tmops_get_status', 'tmops_explain', 'tmops_get_events', 'tmops_read_checkpoint', 'tmops_wait'])
    await call(tool, { feature, ...(tool === 'tmops_wait' && { timeoutMs: 0 }) });
}

beforeAll(async () => {
  const solo = JSON.parse(partsWorkflow('solo', Array<string>(5).fill('writer'))) as { steps: object[] };
  solo.steps.splice(4, 0, { id: 'gate', module: 'gate' });
  product = await openProduct({
    play: 'tools/play.yaml',
    config: CONFIG,
    files: {
      'tools/solo.yaml': JSON.stringify(solo),
      'tools/play.yaml': playText(cues),
      'tools/sink.mjs': SINK,
      'tools/gate.mjs': MODULE,
    },
    env: SECRETS,
  });
  client = await mcpClient(product);
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
  await stepDone(product, FEATURE, 'part-1');
  await until('the faulty checkpoint is refused', async () =>
    (await product.events(FEATURE)).find(({ kind }) => kind === 'checkpoint.refused'),
  );
  await listen();
  await product.put(FEATURE, `checkpoints/${partFile(2)}`, checkpointText(FEATURE, 'Writer', 'All'));
  await product.reached(FEATURE, 'it asks', ({ panes }) => panes.some(({ dialog }) => dialog !== null));
  await listen();
  await call('tmops_answer', { feature: FEATURE, role: 'writer', choice: 'Yes' });
  await stepDone(product, FEATURE, 'part-3');
  await until('the turn broke', async () =>
    (await product.events(FEATURE)).find((event) => event.kind === 'agent.turn-ended' && event.failed !== null),
  );
  const { pid } = Object.values(
    (
      JSON.parse(await readFile(product.path(FEATURE, 'current', 'state.json'), 'utf8')) as {
        agents: Record<string, { pid: number }>;
      }
    ).agents,
  )[0] ?? { pid: 0 };
  process.kill(pid, 'SIGKILL');
  await until('the crash is written down', () =>
    Promise.resolve(readdirSync(product.path(FEATURE, 'current')).find((name) => name.startsWith('recovery-'))),
  );
  await product.endSupervisor('SIGKILL');
  await product.put(FEATURE, `checkpoints/${partFile(4)}`, checkpointText(FEATURE, 'Writer', 'All'));
  await until('the module failed', async () =>
    (await product.events(FEATURE)).find(({ kind }) => kind === 'module.failed'),
  );
  await listen(true);
  await note('doctor');
  await note('approve', FEATURE, '--comment', `as ${SECRETS.DEPLOY_TOKEN} says`);
  await call('tmops_send_message', { feature: FEATURE, role: 'writer', text: `use ${SECRETS.ANTHROPIC_API_KEY}` });
  await call('tmops_get_status', { feature: SECRETS.ANTHROPIC_API_KEY });
  await call('tmops_doctor');
}, 90_000);
afterAll(async () => {
  await client.close();
  await product.dispose();
});

/** The secrets in a text, as they stand or as JSON writes them. */
const secretsIn = (text: string): string[] =>
  SOUGHT.filter((secret) => text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1)));

/** The agent's own, and what hands an agent its environment (docs/security.md). */
const OWN = /\/(rehearsal\/|launch\/env$|checkpoints\/|setup\.json$)/;

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('secrets of the environment and what looks like one', () => {
  it('were shown where agents show things, so that the search can find something', () => {
    const screens = filesBelow(product.path()).filter((file) => OWN.test(file));
    const found = new Set(screens.flatMap((file) => secretsIn(readFileSync(file, 'utf8'))));
    expect(found).toEqual(new Set(SOUGHT));
  });

  it("stand in no file below .tmops but the agents' own", async () => {
    const files = filesBelow(product.path()).filter((file) => !OWN.test(file));
    expect(files.map((file) => file.slice(product.path().length + 1))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/journal\.jsonl$/),
        '.logs/tmops.log',
        expect.stringMatching(/recovery-001\.md$/),
      ]),
    );
    // A report is written by the agent's hook, and cleaned when it is read.
    const telling = await until('every report was read', () => {
      const found = files.filter((file) => secretsIn(readFileSync(file, 'utf8')).length > 0);
      return Promise.resolve(found.some((file) => file.includes('/events/')) ? null : found);
    });
    expect(telling).toEqual([]);
  });

  it('reach no sink, no command that tells a human, no tool and no command of the command line', async () => {
    for (const file of ['module.jsonl', 'command.jsonl', 'news.jsonl']) {
      // Programs of the user: they are given their lines, and write them when they do.
      const text = await until(`${file} tells of what was taken out`, async () => {
        const written = await readFile(join(product.repo.root, file), 'utf8').catch(() => '');
        return written.includes('[redacted]') && written;
      });
      expect(secretsIn(text), file).toEqual([]);
    }
    for (const [what, text] of said) expect(secretsIn(text), what).toEqual([]);
    expect(said.get('tmops read-pane auth-api writer')).toContain('[redacted]');
  });

  it('stand in no command line', () => {
    const lines = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
      .map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        } catch (error) {
          if (error instanceof Error && 'code' in error) return '';
          throw error;
        }
      });
    expect(lines.filter((line) => secretsIn(line).length > 0)).toEqual([]);
  });

  it('are not taken as words that would be kept', async () => {
    const { exitCode, stderr } = await product.cli('approve', FEATURE, '--comment', `as ${SECRETS.DEPLOY_TOKEN} says`);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('What is said as comment holds a secret');
  });
});
