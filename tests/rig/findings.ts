import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROLES, type EngineRig, type Role } from './engine.ts';
import { stateOf } from './troubles.ts';
import { recordsOf, type Made } from './verdict.ts';

const ROWS_SHOWN = 14;
const TEXT_SHOWN = 12_000;

/**
 * Keeps everything by which one finds out what went wrong in a file that outlives the test: the journal, the troubles, the
 * panes and what the agents have. Gives a text that names the file and shows what is open.
 */
export async function keepFindings(engine: EngineRig, seed: number, made: readonly Made[]): Promise<string> {
  const folder = fileURLToPath(new URL('../../node_modules/.cache/tmops-tests', import.meta.url));
  await mkdir(folder, { recursive: true });
  const file = join(folder, `storm-${seed}.json`);
  const roles = await Promise.all(ROLES.map((role) => findingsOf(engine, role)));
  await writeFile(file, JSON.stringify({ seed, made, errors: engine.errors, events: await engine.events(), roles }));
  const open = engine
    .run()
    .prompts.filter(({ stage }) => stage.kind !== 'taken' && stage.kind !== 'delivered-by-hand')
    .map((prompt) => JSON.stringify(prompt));
  const told = roles.map(({ role, agent, state, screen }) =>
    [`--- ${role} ${JSON.stringify(agent)}`, JSON.stringify(state), ...screen.slice(-ROWS_SHOWN)].join('\n'),
  );
  return [`All of it: ${file}`, ...engine.errors, ...open, ...told].join('\n').slice(0, TEXT_SHOWN);
}

async function findingsOf(engine: EngineRig, role: Role) {
  const { pane = null, ...agent } = engine.run().agents[role] ?? {};
  const shown = await orWhy(engine.server.run('capture-pane', '-p', '-t', pane ?? '%none'));
  return {
    role,
    agent: { pane, ...agent },
    state: await orWhy(stateOf({ engine, role })),
    screen: shown.split('\n').filter((row) => row.trim() !== ''),
    taken: await orWhy(recordsOf(engine, role).then(({ taken }) => taken)),
  };
}

/** What cannot be found out any more is told by its reason. */
async function orWhy<T>(found: Promise<T>): Promise<T | string> {
  try {
    return await found;
  } catch (error) {
    return String(error);
  }
}
