import { mkdtemp, readFile, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Fact } from '../../src/core/event.ts';
import { openRunLoop } from '../../src/engine/loop.ts';
import { queueMessage } from '../../src/engine/message.ts';
import { runPlace, type RunPlace } from '../../src/engine/place.ts';
import { makeFolder, writeAtomically } from '../../src/journal/atomic.ts';
import { started, type Story } from '../rig/run.ts';

let root: string;
let place: RunPlace;
let story: Story;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'tmops-message-')));
  place = runPlace(root, 'auth-api', 'initial', () => 'checkpoints');
  story = started();
});
afterEach(() => rm(root, { recursive: true, force: true }));

const FILES = {
  async write(path: string, text: string): Promise<void> {
    await makeFolder(dirname(path));
    await writeAtomically(path, text);
  },
};

/** Queues texts one after the other and gives what came of each. */
async function queued(role: string, ...texts: string[]): Promise<readonly Fact[]> {
  const store = { append: () => Promise.resolve() };
  const clock = { now: () => story.at, sleep: () => Promise.resolve() };
  const loop = openRunLoop(story.run, store, clock, () => undefined);
  const facts: Fact[] = [];
  for (const text of texts) {
    const answer = await queueMessage({ loop, place, files: FILES }, role, text);
    if (!answer.ok) throw new Error(answer.refusal.reason);
    facts.push(...answer.events);
  }
  return facts;
}

it('types a plain line itself', async () => {
  expect(await queued('worker', 'npm run lint')).toMatchObject([
    { kind: 'prompt.wanted', role: 'worker', purpose: { kind: 'message' }, line: 'npm run lint', file: null },
  ]);
  expect(await readdir(root)).toEqual([]);
});

it('points at a file with the text where it cannot be typed unchanged, and at the same one for the same text', async () => {
  const text = 'Look at this:\n\n\t- it is indented;\n';
  const [first, again, other] = await queued('worker', text, text, '/clear');
  const names = await readdir(place.promptsDir);
  expect(names).toHaveLength(2);
  const file = first?.kind === 'prompt.wanted' ? (first.file ?? '') : '';
  expect(await readFile(join(place.runDir, file), 'utf8')).toBe(text);
  const line = `Read .tmops/auth-api/current/${file} and do what it says.`;
  expect([first, again]).toMatchObject([
    { line, file },
    { line, file },
  ]);
  expect(other).not.toMatchObject({ file });
});

it('is refused for a role that has no agent', async () => {
  await expect(queued('stranger', 'hello')).rejects.toThrow('unknown-role');
});
