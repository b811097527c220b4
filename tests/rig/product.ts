import { existsSync } from 'node:fs';
import { readFile, readdir, rename, writeFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { OutputOf } from '../../src/app/table.ts';
import { version } from '../../src/compose/package.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import type { Event } from '../../src/core/event.ts';
import { connectLink } from '../../src/link/client.ts';
import { coverageEnvironment, measuredOnce } from './coverage.ts';
import { linesOf } from './json-lines.ts';
import { sampleRepo, type SampleOptions, type SampleRepo } from './repo.ts';
import { privateServer, untilGone, type PrivateServer } from './tmux.ts';
import { until } from './wait.ts';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
/** The built command; `npm test` builds it first. */
export const program = join(packageRoot, 'dist', 'tmops.js');

export interface ProductOptions extends SampleOptions {
  /** Goes into tmops.config.yaml behind what the rig needs. */
  readonly config?: string;
  /** The command for the project's tests is found in package.json (`npm test`); else a quicker one is configured. */
  readonly findsTests?: boolean;
  /** Text of the user's own tmux.conf. */
  readonly tmuxConf?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default `rehearsal`. */
  readonly provider?: string;
  readonly play?: string;
  /** Id of the user, and group, that everything runs as and belongs to; only root can choose. Looks are commands then. */
  readonly uid?: number;
  /** That of the shell each command is called from, e.g. `022`; that of the tests when absent. */
  readonly umask?: string;
}

/** The built product in a sample repository, with a tmux server and a home of its own. */
export interface Product {
  readonly repo: SampleRepo;
  readonly server: PrivateServer;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `tmops ARGS` in the repository. Never rejects for an exit code. */
  cli(...args: string[]): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>;
  /** Runs it with --json and gives the output; throws with what was said when it failed. */
  json<T>(...args: string[]): Promise<T>;
  /** As new as the journal was when it was asked for. */
  status(feature: string): Promise<OutputOf<'status'>>;
  /** Waits until the feature's status fits; a failure tells the journal and the panes. */
  reached(
    feature: string,
    what: string,
    fits: (status: OutputOf<'status'>) => boolean,
    withinMs?: number,
  ): Promise<OutputOf<'status'>>;
  events(feature: string): Promise<Event[]>;
  /** What the rehearsal agent of a role took in as prompts. */
  prompts(feature: string, role: string): Promise<{ text: string; queued: boolean }[]>;
  path(...parts: string[]): string;
  /** Writes a file of the run by temp and rename, as a careful writer does. */
  put(feature: string, file: string, text: string): Promise<void>;
  /** Writes tmops.config.yaml anew: what the rig needs, and this. */
  configure(options: Pick<ProductOptions, 'config' | 'play' | 'provider'>): Promise<void>;
  /** Ends the supervisor, as a crash would or by asking. */
  endSupervisor(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  dispose(): Promise<void>;
}

/** What `node --test` finds, in one process: of the time that a run of tests takes, starting others is most. */
const CHECK: Readonly<Record<string, string>> = {
  'check.mjs': [
    "import { existsSync, readdirSync } from 'node:fs';",
    "const folders = ['test', 'tests'].filter((name) => existsSync(name));",
    'const files = folders.flatMap((name) => readdirSync(name).map((file) => `./${name}/${file}`));',
    'for (const file of files.sort()) if (/[.]test[.]m?js$/.test(file)) await import(file);',
    '',
  ].join('\n'),
};

export async function openProduct(options: ProductOptions = {}): Promise<Product> {
  if (!existsSync(program)) throw new Error(`${program} is missing: run npm run build first`);
  const server = await privateServer({ config: '' });
  const config = configText(server, options);
  const repo = await sampleRepo({ ...options, files: { ...CHECK, ...options.files, 'tmops.config.yaml': config } });
  if (options.tmuxConf !== undefined) await writeFile(join(server.env['HOME'] ?? '', '.tmux.conf'), options.tmuxConf);
  await writeFile(
    join(server.env['HOME'] ?? '', '.gitconfig'),
    '[user]\n\tname = Sample\n\temail = sample@example.invalid\n',
  );
  const { uid } = options;
  // The folder of the coverage belongs to whoever runs the tests; node complains where it cannot write into it.
  const coverage = uid === undefined ? coverageEnvironment() : {};
  const env = { ...server.env, ...coverage, LANG: 'C.UTF-8', GIT_CONFIG_NOSYSTEM: '1', ...options.env };
  if (uid !== undefined) await execa('chown', ['-R', `${uid}:${uid}`, repo.base, server.env['HOME'] ?? '']);
  return productOf(repo, server, env, options);
}

function configText(server: PrivateServer, options: ProductOptions): string {
  const { config = '', provider = 'rehearsal', play, findsTests = false, files } = options;
  const isTold = findsTests || /^project:/m.test(config) || files?.['package.json'] !== undefined;
  return [
    ...(isTold ? [] : ['project:', '  test_command: node check.mjs']),
    'tmux:',
    `  socket_name: ${server.socketName}`,
    'providers:',
    `  default: ${provider}`,
    ...(play === undefined ? [] : ['  rehearsal:', `    play: ${play}`]),
    config,
    '',
  ].join('\n');
}

function productOf(
  repo: SampleRepo,
  server: PrivateServer,
  env: Readonly<Record<string, string>>,
  fixed: Pick<ProductOptions, 'uid' | 'umask' | 'findsTests' | 'files'>,
): Product {
  const { uid, umask } = fixed;
  const user = uid === undefined ? {} : { uid, gid: uid };
  const [command = '', ...before] = [
    ...(umask === undefined ? [] : ['/bin/sh', '-c', `umask ${umask} && exec "$@"`, 'sh']),
    ...[process.execPath, program],
  ];
  const environmentOf = measuredOnce(env);
  const cli: Product['cli'] = async (...args) => {
    const {
      exitCode = -1,
      stdout,
      stderr,
    } = await execa(command, [...before, ...args], {
      cwd: repo.root,
      env: environmentOf(args),
      extendEnv: false,
      reject: false,
      ...user,
    });
    return { exitCode, stdout, stderr };
  };
  const json = async <T>(...args: string[]): Promise<T> => {
    const { exitCode, stdout, stderr } = await cli('--json', ...args);
    if (exitCode !== 0) throw new Error(`tmops ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    return JSON.parse(stdout) as T;
  };
  const path = (...parts: string[]): string => join(repo.root, '.tmops', ...parts);
  // Asked over the socket where a supervisor listens: a process for each look would be most of a test's time.
  const asked = async (feature: string): Promise<OutputOf<'status'>> => {
    const place = socketOfWorkspace(repo.root);
    const connected = place.ok ? await connectLink(place.socketPath, version) : null;
    if (!connected?.ok) return json('status', feature);
    const reply = await connected.link.call('status', { feature }, { door: 'socket', cwd: repo.root });
    connected.link.close();
    if (!reply.ok) throw new Error(`${reply.failure.sentence} ${reply.failure.hint}`);
    return reply.output as OutputOf<'status'>;
  };
  // What a test has read in the journal, the supervisor may only be about to take up.
  const status = async (feature: string): Promise<OutputOf<'status'>> => {
    const seq = (await linesOf<Event>(path(feature, 'current', 'journal.jsonl'))).at(-1)?.seq ?? 0;
    return until(`the status of ${feature} is as new as event ${seq}`, async () => {
      const now = await asked(feature);
      return now.cursor >= seq ? now : null;
    });
  };
  const pidFile = path('.supervisor', 'pid');

  const product: Product = {
    repo,
    server,
    env,
    cli,
    json,
    status,
    path,
    async reached(feature, what, fits, withinMs = 20_000) {
      try {
        return await until(
          what,
          async () => {
            const now = await status(feature);
            return fits(now) ? now : null;
          },
          // Each look is work for the supervisor as well, whose tests run three at a time.
          { withinMs, everyMs: 50 },
        );
      } catch (error) {
        throw new Error(`${String(error)}\n${await told(product, feature)}`, { cause: error });
      }
    },
    events: (feature) => linesOf<Event>(path(feature, 'current', 'journal.jsonl')),
    prompts(feature, role) {
      return linesOf(path(feature, 'current', 'agents', role, 'rehearsal', 'prompts.jsonl'));
    },
    async put(feature, file, text) {
      const target = path(feature, 'current', file);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(`${target}.part`, text);
      await rename(`${target}.part`, target);
    },
    configure: (options) => repo.write('tmops.config.yaml', configText(server, { ...fixed, ...options })),
    async endSupervisor(signal = 'SIGTERM') {
      const pid = (await readFile(pidFile, 'utf8').catch(() => '')).trim();
      if (pid === '') return;
      try {
        process.kill(Number(pid), signal);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
      await untilGone(pid, 8000);
    },
    async dispose() {
      const features = await readdir(path()).catch(() => []);
      for (const feature of features.filter((name) => !name.startsWith('.') && name !== 'FEATURES.txt'))
        await cli('stop', feature);
      await product.endSupervisor();
      await server.end();
      await repo.dispose();
    },
  };
  return product;
}

/** What a failing end-to-end test shows: the journal, the panes, the commands' last words. */
async function told(product: Product, feature: string): Promise<string> {
  const journal = (await product.cli('events', feature)).stdout.split('\n').slice(-40).join('\n');
  const status = (await product.cli('status', feature)).stdout;
  const panes = await product.server.run('list-panes', '-a', '-F', '#{pane_id} #{@tmops_role}').catch(() => '');
  const screens = await Promise.all(
    panes
      .split('\n')
      .filter((line) => line !== '')
      .map(async (line) =>
        `--- ${line}\n${await product.server.run('capture-pane', '-p', '-t', line.split(' ')[0] ?? '')}`.trimEnd(),
      ),
  );
  return [status, journal, ...screens].join('\n');
}

/** A checkpoint as TeamOps writes them. */
export const checkpointText = (feature: string, from: string, to: string, title = 'Checkpoint'): string =>
  `# ${title}\n\n**From:** ${from}\n**To:** ${to}\n**Timestamp:** 2026-01-02 03:04:05\n**Feature:** ${feature}\n\n## Work Completed\n- Done: yes\n\n## Next Action\n${to} goes on.\n`;
