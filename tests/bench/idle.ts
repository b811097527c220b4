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
    return [...(await idleRows(product, features.length, quick ? 5 : 30)), await resumeRow(product, features)];
  } finally {
    await product.dispose();
  }
}

async function idleRows(product: Product, features: number, seconds: number): Promise<Row[]> {
  const supervisor = (await readFile(product.path('.supervisor', 'pid'), 'utf8')).trim();
  const tmux = await product.server.run('display-message', '-p', '#{pid}');
  // What the starts left to do is not what idling costs.
  await pause(seconds * 200);
  const before = { supervisor: await cpuTicks(supervisor), tmux: await cpuTicks(tmux) };
  await pause(seconds * 1000);
  const share = async (pid: string, ticks: number) => ((await cpuTicks(pid)) - ticks) / TICKS_PER_S / (seconds / 100);
  const status = await readFile(`/proc/${supervisor}/status`, 'utf8');
  const rss = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  const note = `${features} features, ${features * 4} agents, ${seconds} s`;
  return [
    rowOf('supervisor idle: CPU with children', [await share(supervisor, before.supervisor)], {
      goal: { max: 0.5 },
      unit: '% of a core',
      note,
    }),
    rowOf('tmux server meanwhile: CPU', [await share(tmux, before.tmux)], { unit: '% of a core', note }),
    rowOf('supervisor idle: RSS', [rss], { goal: { max: 120 }, unit: 'MB', note }),
  ];
}

/** utime, stime and those of children it waited for, in clock ticks. */
async function cpuTicks(pid: string): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

/** Kills the agent at work in each feature. */
async function resumeRow(product: Product, features: readonly string[]): Promise<Row> {
  const samples: number[] = [];
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
  }
  return rowOf('customer: resume of an agent', samples, { goal: { p95: 5000 }, note: 'kill -9 to its session again' });
}
