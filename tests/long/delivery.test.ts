import { expect, it } from 'vitest';
import { weather } from '../rig/adversity.ts';

const SEED = Number(process.env['TMOPS_SEED'] ?? 20_260_101);
const PROMPTS = Number(process.env['TMOPS_PROMPTS'] ?? 1000);
/** What one prompt may take at worst, dialogs and restarts included. */
const MS_A_PROMPT = 5000;

it('delivers as many prompts as asked for under adversity: none lost, doubled, altered or told untruly', async () => {
  process.stdout.write(`seed ${SEED}\n`);
  const { faults, counts } = await weather({ seed: SEED, prompts: PROMPTS, withinMs: PROMPTS * MS_A_PROMPT });
  process.stdout.write(`seed ${SEED}: ${JSON.stringify(counts)}\n`);
  expect(faults, `seed ${SEED}`).toEqual([]);
});
