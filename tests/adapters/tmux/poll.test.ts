import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openPoll, type ModeChanged, type Pace, type Poll } from '../../../src/adapters/tmux/poll.ts';
import { privateServer, type PrivateServer } from '../../rig/tmux.ts';
import { until } from '../../rig/wait.ts';

const PACE: Pace = { busyMs: 20, calmMs: 1500, calmAfterMs: 100, stillMs: 0 };

let rig: PrivateServer;
let ended: AbortController;
beforeEach(async () => {
  rig = await privateServer();
  ended = new AbortController();
  await rig.run('new-session', '-d', '-s', 'one', 'sleep', '1000', ';', 'new-session', '-d', '-s', 'two');
});
afterEach(async () => {
  ended.abort();
  await rig.end();
});

/** A poll whose tmux notes the time of each start, in ms. */
async function noted(
  modeChanged: ModeChanged = () => undefined,
  pace: Pace = PACE,
): Promise<{ poll: Poll; starts: () => Promise<number[]> }> {
  const [tmux, log] = [path.join(rig.folder, 'tmux'), path.join(rig.folder, 'starts')];
  await writeFile(tmux, `#!/bin/sh\ndate +%s%N >> ${log}\nexec tmux "$@"\n`);
  await chmod(tmux, 0o700);
  await writeFile(log, '');
  const { socketName, configFile, env } = rig;
  const server = { tmux, arguments: ['-L', socketName, '-f', configFile], env, answerWithinMs: 5000 };
  const poll = openPoll(server, modeChanged, pace);
  return {
    poll,
    starts: async () =>
      (await readFile(log, 'utf8'))
        .split('\n')
        .filter(Boolean)
        .map((ns) => Number(ns) / 1e6),
  };
}

const longestGap = (times: readonly number[]): number =>
  Math.max(0, ...times.slice(1).map((time, index) => time - (times[index] ?? time)));

it('looks seldom while nothing is asked of the server, and often again once something is', async () => {
  const { poll, starts } = await noted();
  void poll.untilGone('one', ended.signal);
  await until('it looks', async () => (await starts()).length > 0);
  await until('it is calm', async () => longestGap(await starts()) > 1000);
  const before = (await starts()).length;
  const stirredAt = performance.now();
  poll.stir();
  await until('it looks three times', async () => (await starts()).length >= before + 3);
  expect(performance.now() - stirredAt).toBeLessThan(1000);
});

it('does not look at a server that has done nothing since, and looks once it has', async () => {
  const { poll, starts } = await noted(undefined, { busyMs: 20, calmMs: 50, calmAfterMs: 100, stillMs: 3_000 });
  const gone = poll.untilGone('one', ended.signal);
  // Twenty paces without a look, then one although nothing was done.
  await until('it rests', async () => longestGap(await starts()) > 2_500, { withinMs: 15_000 });
  // What is done in the moment of a look is seen with the next one.
  await until('the look is over', async () => Date.now() - ((await starts()).at(-1) ?? Infinity) > 500);
  const killedAt = performance.now();
  await rig.run('kill-session', '-t', '=one');
  await gone;
  expect(performance.now() - killedAt).toBeLessThan(1500);
});

it('tells a calm loss too, to whoever waits for that session only', async () => {
  const { poll, starts } = await noted();
  const one = poll.untilGone('one', ended.signal);
  const two = poll.untilGone('two', ended.signal);
  await until('it is calm', async () => longestGap(await starts()) > 1000);
  await rig.run('kill-session', '-t', '=one');
  expect(await one).toBe("can't find session: one");
  ended.abort();
  expect(await two).toBeNull();
});

it('looks soon for whoever comes after the last one has gone', async () => {
  const { poll, starts } = await noted();
  void poll.untilGone('one', ended.signal);
  await until('it is calm', async () => longestGap(await starts()) > 1000);
  const before = (await starts()).length;
  await until('a long pause begins', async () => (await starts()).length > before);
  ended.abort();
  const askedAt = performance.now();
  expect(await poll.untilGone('none', new AbortController().signal)).toBe("can't find session: none");
  expect(performance.now() - askedAt).toBeLessThan(800);
});

it('tells of the panes that enter and leave a mode, each time once, of the sessions that are waited for', async () => {
  const changes: string[] = [];
  const { poll, starts } = await noted((session, pane) => changes.push(`${session} ${pane}`));
  void poll.untilGone('one', ended.signal);
  const pane = await rig.run('display-message', '-p', '-t', '=one:', '#{pane_id}');
  await rig.run('copy-mode', '-t', '=two:', ';', 'copy-mode', '-t', '=one:');
  await until('it is told', () => changes.length > 0);
  const before = (await starts()).length;
  poll.stir();
  await until('it looks again', async () => (await starts()).length >= before + 2);
  expect(changes).toEqual([`one ${pane}`]);
  await rig.run('copy-mode', '-q', '-t', '=one:');
  poll.stir();
  await until('its end is told', () => changes.length > 1);
  expect(changes).toEqual([`one ${pane}`, `one ${pane}`]);
});
