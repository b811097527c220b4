import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import { greenCode, playText, redTest } from '../rig/flow.ts';
import { openProduct, type Product } from '../rig/product.ts';
import type { Sample } from './figures.ts';

const commit = (what: string): object[] => [
  { run: { argv: ['git', 'add', '--all', 'src', 'tests'], expect: 'any' } },
  { run: { argv: ['git', 'commit', '--quiet', '--message', `{feature}: ${what}`], expect: 'any' } },
];

/** Claims of every third feature that its tests pass while there is no code. */
const CODE = `const name = process.argv[1];
if (Number(name.split('-').at(-1)) % 3 !== 0) require('node:fs').writeFileSync('src/' + name + '.mjs', 'export {};\\n');`;

/** The workflow of TeamOps with agents that take their time, so that faults find them at work. */
const PLAY = playText([
  {
    ...{ role: 'implementer', when: '[CORRECTION]', acts: [greenCode, ...commit('code, for sure')] },
    file: '005-impl-complete.md',
  },
  { role: 'orchestrator', when: '[BEGIN]: Start orchestration', thinkMs: 1500, file: '001-discovery-trigger.md' },
  { role: 'orchestrator', when: 'Tester has completed', thinkMs: 800, file: '004-impl-trigger.md' },
  { role: 'orchestrator', when: 'Implementer has completed', thinkMs: 800, file: '006-verify-trigger.md' },
  { role: 'orchestrator', when: 'Verifier has completed', thinkMs: 800, file: 'SUMMARY.md' },
  {
    ...{ role: 'tester', when: '[BEGIN]: Start test writing', thinkMs: 1500 },
    ...{ acts: [redTest, ...commit('tests')], file: '003-tests-complete.md' },
  },
  {
    ...{ role: 'implementer', when: '[BEGIN]: Start implementation', thinkMs: 1500 },
    acts: [{ run: { argv: ['node', '-e', CODE, '{feature}'], expect: 'any' } }, ...commit('code')],
    file: '005-impl-complete.md',
  },
  { role: 'verifier', when: '[BEGIN]: Start verification', thinkMs: 1500, file: '007-verify-complete.md' },
  // Reminded after a crash.
  ...(
    [
      ['orchestrator', '001-discovery-trigger.md'],
      ['orchestrator', '004-impl-trigger.md'],
      ['orchestrator', '006-verify-trigger.md'],
      ['orchestrator', 'SUMMARY.md'],
      ['tester', '003-tests-complete.md'],
      ['implementer', '005-impl-complete.md'],
      ['verifier', '007-verify-complete.md'],
    ] as const
  ).map(([role, file]) => ({
    ...{ role, file, when: file },
    acts:
      role === 'tester' ? [redTest, ...commit('tests')] : role === 'implementer' ? [greenCode, ...commit('code')] : [],
  })),
]);

export const openWorld = (name: string, config = ''): Promise<Product> =>
  openProduct({
    ...{ name, play: 'tools/soak.yaml', files: { 'tools/soak.yaml': PLAY } },
    config: `features:\n  concurrent_limit: 20\n${config}`,
  });

/** Everything that carries the home of this world's own: agents, panes, supervisors and their guards, the tmux server. */
export async function processesOf({ server }: Product): Promise<readonly number[]> {
  const entry = `HOME=${server.env['HOME'] ?? ''}\0`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')));
  return pids.filter((_pid, index) => texts[index]?.includes(entry)).map(Number);
}

export const supervisorOf = async (product: Product): Promise<string> =>
  (await readFile(product.path('.supervisor', 'pid'), 'utf8').catch(() => '')).trim();

/** Null while there is no supervisor. */
export async function rssOf(product: Product): Promise<number | null> {
  const status = await readFile(`/proc/${await supervisorOf(product)}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(status)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) / 1024;
}

/** What there is now, of the supervisor and around it. */
export async function sampleOf(product: Product): Promise<Sample> {
  const asked = async (...command: string[]): Promise<number> => {
    const text = await product.server.run(...command).catch(() => '');
    return text.split('\n').filter((line) => line !== '').length;
  };
  const trees = await product.repo.git(['worktree', 'list', '--porcelain']);
  return {
    rssMb: (await rssOf(product)) ?? Number.NaN,
    files: (await readdir(`/proc/${await supervisorOf(product)}/fd`)).length,
    buffers: await asked('list-buffers'),
    sessions: await asked('list-sessions'),
    processes: (await processesOf(product)).length,
    sockets: (await placesOf(product)).length,
    worktrees: trees.split('\n').filter((line) => line.startsWith('worktree ')).length,
    locks: (await namesBelow(product.path())).filter((name) => /\.lock(\.breaking)?$/.test(name)).length,
  };
}

/** Files and folders of this world's supervisor among those of all, pipes one by one. */
async function placesOf(product: Product): Promise<readonly string[]> {
  const place = socketOfWorkspace(product.repo.root);
  if (!place.ok) throw new Error(place.failure.sentence);
  const stem = place.socketPath.slice(place.folder.length + 1, -'.sock'.length);
  const own = (await readdir(place.folder)).filter((name) => name.startsWith(stem));
  const inside = await Promise.all(own.map((name) => namesBelow(join(place.folder, name))));
  return [...own, ...inside.flat()];
}

async function namesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries.map((entry) => join(entry.parentPath, entry.name));
}
