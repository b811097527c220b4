import { expect, it } from 'vitest';
import { crashThrough } from '../rig/crashing.ts';

const SEED = Number(process.env['TMOPS_SEED'] ?? 20_261_101);
const CRASHES = Number(process.env['TMOPS_CRASHES'] ?? 200);

it(
  'goes on after each of many crashes between two effects: each prompt once, and the end of an undisturbed run',
  { timeout: CRASHES * 5000 },
  async () => {
    process.stdout.write(`seed ${SEED}, ${CRASHES} crashes\n`);
    const { faults, runs, crashes } = await crashThrough(SEED, CRASHES);
    process.stdout.write(`seed ${SEED}: ${runs} runs, ${JSON.stringify(crashes)}\n`);
    expect(faults, `seed ${SEED}`).toEqual([]);
    expect(Object.values(crashes).reduce((sum, each) => sum + each, 0)).toBe(CRASHES);
  },
);
