import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { openProduct, type Product } from '../rig/product.ts';
import { happened, ofKind } from './journal.ts';
import { rowOf, type Extent, type Row } from './row.ts';

const TICKS_PER_S = 100;

/** What the supervisor of features in which nothing happens takes; then how their agents come back when killed. */
export async function measureIdle({ quick }: Extent): Promise<Row[]> {
  const features = Array.from({ length: quick ? 2 : 10 }, (_, n) => `idle-${n + 1}`);
  const product = await openProduct({ play: 'wait', config: 'features:\n  concurrent_limit: 10' });
  try {
    for (const feature of features) {
      await product.json('init', feature);
      await product.json('start', feature);
    }
    for (const feature of features) await happened(product, feature, 'prompt.taken', ({ prompt }) => prompt >= 5);
    return [...(await idleRows(product, features.length, quick ? 5 : 60)), ...(await resumeRows(product, features))];
  } finally {
    await product.dispose();
  }
}

async function idleRows(product: Product, features: number, seconds: number): Promise<Row[]> {
  const supervisor = (await readFile(product.path('.supervisor', 'pid'), 'utf8')).trim();
  const tmux = await product.server.run('display-message', '-p', '#{pid}');
  // What the starts left to do is not what idling costs: node gives their memory back some ten seconds after them.
  await pause(Math.min(seconds, 30) * 700);
  const before = { supervisor: await cpuTicks(supervisor), tmux: await cpuTicks(tmux) };
  await pause(seconds * 1000);
  const after = { supervisor: await cpuTicks(supervisor), tmux: await cpuTicks(tmux) };
  const share = (of: keyof typeof before, parts: readonly (keyof Ticks)[]) =>
    parts.reduce((sum, part) => sum + after[of][part] - before[of][part], 0) / TICKS_PER_S / (seconds / 100);
  const status = await readFile(`/proc/${supervisor}/status`, 'utf8');
  const rss = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  const note = `${features} features, ${features * 4} agents, ${seconds} s`;
  return [
    rowOf('supervisor idle: CPU with children', [share('supervisor', ['own', 'children'])], {
      goal: { max: 0.5 },
      unit: '% of a core',
      note,
    }),
    rowOf('supervisor idle: of it children', [share('supervisor', ['children'])], { unit: '% of a core', note }),
    rowOf('tmux server meanwhile: CPU', [share('tmux', ['own'])], { unit: '% of a core', note }),
    rowOf('supervisor idle: RSS', [rss], { goal: { max: 120 }, unit: 'MB', note }),
  ];
}

/** User and system time in clock ticks. */
interface Ticks {
  readonly own: number;
  /** Of the processes that it started and waited for. */
  readonly children: number;
}

async function cpuTicks(pid: string): Promise<Ticks> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15).map(Number);
  return { own: user + system, children: childrenUser + childrenSystem };
}

/** Kills the agent at work in each feature. */
async function resumeRows(product: Product, features: readonly string[]): Promise<Row[]> {
  const samples: number[] = [];
  const paneSamples: number[] = [];
  for (const feature of features) {
    const agent = ofKind(await product.events(feature), 'agent.process').find(({ role }) => role === 'orchestrator');
    if (agent === undefined) throw new Error(`${feature} has no orchestrator`);
    const killedAt = Date.now();
    process.kill(agent.pid, 'SIGKILL');
    const back = await happened(
      product,
      feature,
      'agent.session',
      ({ role, at }) => role === agent.role && at > killedAt,
    );
    samples.push(back.at - killedAt);
    const running = await happened(
      product,
      feature,
      'agent.process',
      ({ role, at }) => role === agent.role && at > killedAt,
    );
    paneSamples.push(running.at - killedAt);
  }
  return [
    rowOf('customer: resume of an agent', samples, { goal: { p95: 5000 }, note: 'kill -9 to its session again' }),
    rowOf('agent crash to resumed pane', paneSamples, {
      goal: { p95: 2000 },
      note: 'kill -9 to its program running in the pane again; from there to its session is the agent’s own start',
    }),
  ];
}
