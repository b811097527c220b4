import { execFile } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TmuxTerminal } from '../../../src/adapters/tmux/terminal.ts';
import { until } from '../../rig/wait.ts';
import { fixture, type Fixture } from './fixture.ts';

const run = promisify(execFile);

let at: Fixture;
let folder: string;
let terminal: TmuxTerminal;
beforeEach(async () => {
  at = await fixture();
  folder = join(at.rig.folder, 'pipes');
  await mkdir(folder, { mode: 0o700 });
  terminal = at.another({ pipesFolder: folder });
});
afterEach(() => at.end());

/** A pane whose shell writes what it is told to. */
async function talker(): Promise<string> {
  const [pane] = await at.open(at.plan({ panes: [{ role: 'tester', argv: ['sh', '-i'], cwd: at.rig.folder }] }));
  return pane!.pane;
}
const write = (pane: string): Promise<string> => at.rig.run('send-keys', '-t', pane, 'echo', 'Enter');

/** Counts how often the pane was heard. */
async function ear(of: TmuxTerminal, pane: string) {
  let heard = 0;
  const stop = await of.onOutput(pane, () => (heard += 1));
  return { stop, heard: () => heard };
}

const pipeOf = (pane: string): Promise<string> =>
  at.rig.run('display-message', '-p', '-t', pane, '#{pane_pipe} #{@tmops_pipe}');

/** Processes whose command line names the folder. */
async function writers(): Promise<string[]> {
  const { stdout } = await run('ps', ['-eo', 'args']);
  return stdout.split('\n').filter((line) => line.includes(folder));
}

async function expectNothingLeft(pane: string): Promise<void> {
  expect(await readdir(folder)).toEqual([]);
  expect(await pipeOf(pane)).toBe('0 ');
  await until('nobody writes any more', async () => (await writers()).length === 0);
}

it('is told of each time that the program writes, and leaves nothing behind', async () => {
  const pane = await talker();
  const { stop, heard } = await ear(terminal, pane);
  await write(pane);
  await until('it is heard', () => heard() > 0);
  const before = heard();
  await write(pane);
  await until('it is heard again', () => heard() > before);
  await stop?.();
  const last = heard();
  await write(pane);
  await until('it is shown', async () => {
    const look = await terminal.look(pane);
    return look.kind === 'seen' && look.capture.split('echo').length > 3;
  });
  expect(heard()).toBe(last);
  await expectNothingLeft(pane);
});

it('goes on when the pane gets another program', async () => {
  const pane = await talker();
  const { stop, heard } = await ear(terminal, pane);
  await at.rig.run('respawn-pane', '-k', '-t', pane, 'sh', '-i');
  const before = heard();
  await write(pane);
  await until('the next program is heard', () => heard() > before);
  await stop?.();
  await expectNothingLeft(pane);
});

it('leaves the pipe of somebody else alone', async () => {
  const pane = await talker();
  const theirs = join(at.rig.folder, 'theirs');
  await at.rig.run('pipe-pane', '-t', pane, `exec cat >> ${theirs}`);
  expect((await ear(terminal, pane)).stop).toBeNull();
  expect(await pipeOf(pane)).toBe('1 ');
  expect(await readdir(folder)).toEqual([]);
});

it('leaves alone the pipe that somebody puts in the place of ours', async () => {
  const pane = await talker();
  const { stop } = await ear(terminal, pane);
  const mark = (await pipeOf(pane)).split(' ')[1];
  await at.rig.run(
    'pipe-pane',
    '-t',
    pane,
    'exec cat >> /dev/null',
    ';',
    'set-option',
    '-pu',
    '-t',
    pane,
    '@tmops_pipe',
  );
  await stop?.();
  expect(mark).toContain(folder);
  expect(await pipeOf(pane)).toBe('1 ');
  expect(await readdir(folder)).toEqual([]);
});

it('takes the place of what a supervisor left that was killed', async () => {
  const pane = await talker();
  const before = await ear(terminal, pane);
  await rm(folder, { recursive: true });
  await mkdir(folder, { mode: 0o700 });
  const { stop, heard } = await ear(at.another({ pipesFolder: folder }), pane);
  const last = before.heard();
  await write(pane);
  await until('the next one hears it', () => heard() > 0);
  expect(before.heard()).toBe(last);
  // The first one ends late, and does not take the pipe of the second one along.
  await before.stop?.();
  const now = heard();
  await write(pane);
  await until('it is still heard', () => heard() > now);
  await stop?.();
  await expectNothingLeft(pane);
});

it('cannot be had of a pane that is gone, nor in a folder whose name a shell would read', async () => {
  const pane = await talker();
  const odd = join(at.rig.folder, 'a folder');
  await mkdir(odd);
  expect((await ear(at.another({ pipesFolder: odd }), pane)).stop).toBeNull();
  expect((await ear(at.terminal, pane)).stop).toBeNull();
  expect((await ear(terminal, '%99')).stop).toBeNull();
  expect(await readdir(folder)).toEqual([]);
  const { stop } = await ear(terminal, pane);
  await at.rig.run('kill-server');
  await stop?.();
  expect(await readdir(folder)).toEqual([]);
});
