import { expect, it } from 'vitest';
import { weather } from '../rig/adversity.ts';

const SEED = Number(process.env['TMOPS_SEED'] ?? 20_260_101);

it(
  'delivers 60 prompts under adversity: none lost, doubled, altered or told untruly',
  { timeout: 180_000 },
  async () => {
    const { faults, counts } = await weather({ seed: SEED, prompts: 60, withinMs: 90_000 });
    process.stdout.write(`seed ${SEED}: ${JSON.stringify(counts)}\n`);
    expect(faults, `seed ${SEED}`).toEqual([]);
  },
);
