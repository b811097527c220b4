import { expect, it } from 'vitest';
import { interleave } from '../rig/sharing.ts';

const SEED = Number(process.env['TMOPS_SEED'] ?? 20_260_301);
const INTERLEAVINGS = Number(process.env['TMOPS_INTERLEAVINGS'] ?? 10_000);

it('a human and three doors act at random on shared panes: nothing is trampled on, lost or doubled', async () => {
  const counts: Record<string, number> = {};
  for (let n = 0; n < INTERLEAVINGS; n += 1) {
    const seed = SEED + n;
    const { faults, counts: more } = await interleave(seed);
    expect(faults, `seed ${seed}`).toEqual([]);
    for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
  }
  process.stdout.write(`${INTERLEAVINGS} interleavings from seed ${SEED}: ${JSON.stringify(counts)}\n`);
}, 600_000);
