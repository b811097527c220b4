import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build, version } from 'esbuild';
import {
  rehearsalProvider,
  type RehearsalOptions,
  type RehearsalProvider,
} from '../../src/adapters/agents/rehearsal.ts';
import type { Activity, AgentHandle, AgentNews, AgentOrder } from '../../src/core/agent.ts';
import type { Screen } from '../../src/core/screen.ts';
import { coverageEnvironment } from './coverage.ts';
import type { PrivateServer } from './tmux.ts';
import { until } from './wait.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Path of the rehearsal agent as one file that node runs, bundled once for each state of its sources. */
export async function rehearsalProgram(): Promise<string> {
  const cache = join(root, 'node_modules', '.cache', 'tmops-tests');
  const file = join(cache, `rehearsal-${await hashOfSources()}.mjs`);
  if (await exists(`${file}.map`)) return file;
  await mkdir(cache, { recursive: true });
  const draft = `${file}.${process.pid}.mjs`;
  await build({
    absWorkingDir: root,
    entryPoints: ['src/rehearsal/main.ts'],
    outfile: draft,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // For .ci/coverage.mjs.
    sourcemap: 'external',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  await rename(draft, file);
  await rename(`${draft}.map`, `${file}.map`);
  return file;
}

/** Sends one steering verb to the agent of this folder and gives its answer. Rejects when the answer is not ok. */
export async function steer(
  agentDir: string,
  verb: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const socket = connect(await steeringPath(agentDir));
  const line = new Promise<string>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => {
      reject(new Error(`No answer to ${JSON.stringify(verb)}`));
    });
    createInterface({ input: socket }).once('line', resolve);
  });
  socket.write(`${JSON.stringify(verb)}\n`);
  const answer = JSON.parse(await line.finally(() => socket.destroy())) as Record<string, unknown>;
  if (answer['ok'] !== true) throw new Error(`Steering ${JSON.stringify(verb)}: ${String(answer['error'])}`);
  return answer;
}

/** A rehearsal agent in a pane of a private tmux server. */
export interface StagedAgent {
  readonly order: AgentOrder;
  readonly provider: RehearsalProvider;
  readonly pane: string;
  handle(): Promise<AgentHandle>;
  activity(): Promise<Activity>;
  capture(): Promise<string>;
  screen(): Promise<Screen>;
  /** Resolves with the first screen of this kind (and draft, when given). */
  shows(kind: Screen['kind'], draft?: string): Promise<Screen>;
  paste(text: string): Promise<void>;
  /** Keys as `send-keys` names them. */
  keys(...names: string[]): Promise<void>;
  steer(verb: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** All evidence so far, oldest first. */
  news(): Promise<AgentNews[]>;
  /** Resolves with the first news that fits, from the beginning. */
  hears(what: string, fits: (news: AgentNews) => boolean): Promise<AgentNews>;
  bytes(): Promise<Buffer>;
  inputs(): Promise<Record<string, unknown>[]>;
  /** Starts the same agent in its pane again, carrying on the conversation. */
  resume(): Promise<void>;
  /** Ends its process tree. The dead pane stays until the server ends. */
  end(): Promise<void>;
}

export interface Staging extends Omit<RehearsalOptions, 'program'> {
  readonly order?: Partial<AgentOrder>;
  readonly size?: { readonly cols: number; readonly rows: number };
}

/** Starts an agent through its provider and waits for nothing. */
export async function stageAgent(server: PrivateServer, staging: Staging = {}): Promise<StagedAgent> {
  const { order: given, size = { cols: 100, rows: 30 }, ...options } = staging;
  const order = await makeOrder(server, given);
  const provider = rehearsalProvider({ program: await rehearsalProgram(), play: 'instant', ...options });
  const { argv } = await provider.create(order);
  const shape = ['-d', '-x', String(size.cols), '-y', String(size.rows), '-P', '-F', '#{pane_id}', '-c', order.cwd];
  const keep = [';', 'set-option', '-w', 'remain-on-exit', 'on'];
  const pane = (await server.run('new-session', ...shape, ...argv, ...keep)).trim();
  return actor(server, provider, order, pane);
}

function actor(server: PrivateServer, provider: RehearsalProvider, order: AgentOrder, pane: string): StagedAgent {
  const { agentDir } = order;
  const staged: StagedAgent = {
    order,
    provider,
    pane,
    handle: async () => ({ ...order, process: await provider.process(order) }),
    activity: async () => provider.activity(await staged.handle()),
    capture: () => server.run('capture-pane', '-p', '-e', '-t', pane),
    screen: async () => provider.classify(await staged.capture()),
    shows: (kind, draft) =>
      until(`the screen is ${kind} ${draft ?? ''}`, async () => {
        const screen = await staged.screen();
        const fits = draft === undefined || ('draft' in screen && screen.draft === draft);
        return screen.kind === kind && fits && screen;
      }),
    paste: (text) => pasteInto(server, pane, text),
    keys: async (...names) => {
      await server.run('send-keys', '-t', pane, ...names);
    },
    steer: (verb) => steer(agentDir, verb),
    news: () => readNews(provider, order),
    hears: (what, fits) => until(what, async () => (await staged.news()).find(fits)),
    bytes: () => readFile(join(agentDir, 'rehearsal', 'bytes.log')),
    inputs: async () =>
      (await readLines(join(agentDir, 'rehearsal', 'prompts.jsonl'))).map(
        (line) => JSON.parse(line) as Record<string, unknown>,
      ),
    resume: async () => {
      const { argv } = await provider.resume(order);
      await server.run('respawn-pane', '-k', '-t', pane, '-c', order.cwd, ...argv);
    },
    end: async () => provider.destroy(await staged.handle(), 2_000),
  };
  return staged;
}

async function makeOrder(server: PrivateServer, given: Partial<AgentOrder> = {}): Promise<AgentOrder> {
  const sessionId = randomUUID();
  const cwd = given.cwd ?? server.folder;
  const agentDir = given.agentDir ?? join(server.folder, 'agents', sessionId.slice(0, 8));
  await mkdir(agentDir, { recursive: true, mode: 0o700 });
  const env = { PATH: process.env['PATH'] ?? '', HOME: server.folder, ...coverageEnvironment() };
  const [feature, run, role] = ['sample-feature', 'initial', 'tester'];
  const places = { workspaceRoot: cwd, runDir: join(cwd, '.tmops', feature, 'runs', run), cwd, agentDir };
  return { feature, run, role, sessionId, env, permissions: { allow: [], denyWrites: [] }, ...places, ...given };
}

let pastes = 0;

async function pasteInto(server: PrivateServer, pane: string, text: string): Promise<void> {
  pastes += 1;
  const buffer = `paste-${pastes}`;
  const file = join(server.folder, buffer);
  await writeFile(file, text);
  await server.run('load-buffer', '-b', buffer, file);
  await server.run('if-shell', '-F', '-t', pane, '#{pane_dead}', '', `paste-buffer -p -r -d -b ${buffer} -t ${pane}`);
}

async function readNews(provider: RehearsalProvider, order: AgentOrder): Promise<AgentNews[]> {
  const news: AgentNews[] = [];
  const stop = await provider.evidence(order, '', (evidence) => news.push(evidence.news));
  await stop();
  return news;
}

async function readLines(file: string): Promise<string[]> {
  if (!(await exists(file))) return [];
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
}

async function steeringPath(agentDir: string): Promise<string> {
  const folder = join(agentDir, 'rehearsal');
  const pointer = join(folder, 'steer.path');
  return (await exists(pointer)) ? (await readFile(pointer, 'utf8')).trim() : join(folder, 'steer.sock');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function hashOfSources(): Promise<string> {
  const folder = join(root, 'src', 'rehearsal');
  const hash = createHash('sha256').update(version);
  for (const name of (await readdir(folder)).sort()) hash.update(name).update(await readFile(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}
