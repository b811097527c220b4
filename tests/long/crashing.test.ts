import { expect, it } from 'vitest';
import { crashThrough } from '../rig/crashing.ts';

const SEED = Number(process.env['TMOPS_SEED'] ?? 20_261_102);
const CRASHES = Number(process.env['TMOPS_CRASHES'] ?? 2000);

it('goes on after as many crashes as asked for: each prompt once, and the end of an undisturbed run', async () => {
  process.stdout.write(`seed ${SEED}, ${CRASHES} crashes\n`);
  const { faults, runs, crashes } = await crashThrough(SEED, CRASHES);
  process.stdout.write(`seed ${SEED}: ${runs} runs, ${JSON.stringify(crashes)}\n`);
  expect(faults, `seed ${SEED}`).toEqual([]);
});
