import { expect, it } from 'vitest';
import { KINDS, weather } from '../rig/adversity.ts';

/** The proof of `npm run proof` for everyday: few prompts, and every kind of trouble at least once. */
const SEED = 20_260_101;
const PROMPTS = 40;

it('delivers prompts under adversity: none lost, doubled, altered or told untruly', async () => {
  process.stdout.write(`seed ${SEED}\n`);
  const { faults, counts } = await weather({ seed: SEED, prompts: PROMPTS, withinMs: 120_000 });
  expect(faults, `seed ${SEED}`).toEqual([]);
  expect(counts['messages']).toBeGreaterThanOrEqual(PROMPTS);
  expect(KINDS.filter((kind) => counts[`trouble: ${kind}`] === undefined)).toEqual([]);
  expect(counts['agent.exited']).toBeGreaterThanOrEqual(1);
}, 180_000);
