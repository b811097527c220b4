import { expect, it } from 'vitest';
import { throughDoors } from '../rig/doors.ts';

const SEED = Number(process.env['TMOPS_SEED'] ?? 20_260_401);
const ROUNDS = Number(process.env['TMOPS_ROUNDS'] ?? 300);

it('lets a human, commands and the automation act at once as often as asked for: no trespass, nothing lost or doubled', async () => {
  process.stdout.write(`seed ${SEED}\n`);
  const { faults, counts } = await throughDoors(SEED, ROUNDS);
  process.stdout.write(`seed ${SEED}: ${JSON.stringify(counts)}\n`);
  expect(faults, `seed ${SEED}`).toEqual([]);
});
