import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isOver } from '../../src/engine/over.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmops-over-'));
});
afterAll(() => rm(folder, { recursive: true }));

const DONE = '{"v":1,"seq":1,"at":1,"kind":"run.started"}\n{"v":1,"seq":2,"at":2,"kind":"run.completed"}\n';
const STATE = JSON.stringify({ phase: 'completed', sequence: 2 });

it.each<[string, string, string, boolean]>([
  ['a run that is completed', DONE, STATE, true],
  ['one that goes on', DONE, JSON.stringify({ phase: 'running', sequence: 2 }), false],
  ['one whose session may still have to be closed', DONE, JSON.stringify({ phase: 'stopped', sequence: 2 }), false],
  ['one of which more is in the journal than was told', `${DONE}{"v":1,"seq":3,"at":3,"kind":"x"}\n`, STATE, false],
  ['one whose journal is torn', `${DONE}{"v":1,"se`, STATE, false],
  ['one whose journal is no journal', 'nonsense\n', STATE, false],
  ['one that was rolled back', `{"v":1,"seq":0,"at":0,"kind":"rollback.began"}\n${DONE}`, STATE, false],
  ['one without a state file', DONE, '', false],
])('tells %s', async (_what, journal, state, over) => {
  const place = { journalFile: join(folder, 'journal.jsonl'), stateFile: join(folder, 'state.json') };
  await writeFile(place.journalFile, journal);
  await writeFile(place.stateFile, state);
  expect(await isOver(place)).toBe(over);
});
