import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TmuxTerminal } from '../../../src/adapters/tmux/terminal.ts';
import { attachHuman, type Human } from '../../rig/human.ts';
import { rawLog, type RawLog } from '../../rig/rawlog.ts';
import { until } from '../../rig/wait.ts';
import { fixture, type Fixture } from './fixture.ts';

const run = promisify(execFile);

/** What a user may have bound, with all that could be read wrongly when it is copied. */
const THEIRS = `set -g mouse on
bind -n F5 set -g @mine "it's; \\"so\\" \\; $HOME #{pane_id}"
bind -n M-x { if -F '#{pane_in_mode}' { send-keys -X cancel } { set -g @mine 'a;b' } }
bind -n C-\\; display semi
bind -n '"' set -g @mine quote
bind -n '#' set -g @mine hash
bind -rn F6 resize-pane -L
bind -N "a note" -n F7 display noted
`;

let at: Fixture;
let terminal: TmuxTerminal;
let folder: string;
let human: Human | null;
beforeEach(async () => {
  at = await fixture({ config: THEIRS });
  folder = join(at.rig.folder, 'own');
  await mkdir(folder, { mode: 0o700 });
  terminal = at.another({ pipesFolder: folder });
  human = null;
});
afterEach(async () => {
  await human?.leave();
  await at.end();
});

interface Desk {
  readonly panes: readonly string[];
  readonly log: RawLog;
  readonly told: [pane: string, what: string][];
  readonly human: Human;
}

/** A session of two panes, the first of which logs what it gets, with a human in front of it. */
async function desk(shows: readonly string[] = []): Promise<Desk> {
  const log = await rawLog(at.rig.folder, 'tester', { bracketed: true, shows });
  const panes = await terminal.open(
    at.plan({
      panes: [
        { role: 'tester', argv: log.argv, cwd: at.rig.folder },
        { role: 'verifier', argv: ['sleep', '1000'], cwd: at.rig.folder },
      ],
    }),
  );
  await log.ready();
  human = attachHuman(at.rig, 'tmops-feat', { cols: 100, rows: 30 });
  await until('the human is there', () => at.rig.run('list-clients').then((lines) => lines !== ''));
  return { panes: panes.map(({ pane }) => pane), log, told: [], human };
}

const offer = ({ told }: Desk, key: string | null = 'F12') =>
  terminal.onKey('tmops-feat', key, (pane, what) => told.push([pane, what]));

const state = async (): Promise<string> =>
  `${await at.rig.run('list-keys')}\n${await at.rig.run('show-options', '-g')}\n${await at.rig.run('show-options', '-s')}`;
const waiters = async (): Promise<number> =>
  (await run('ps', ['-eo', 'args'])).stdout
    .split('\n')
    .filter((line) => line.includes(at.rig.socketName) && line.includes('wait-for')).length;

const F12 = '\x1b[24~';

it('tells in which pane the key was pressed, as often as it was, and the program does not get it', async () => {
  const seat = await desk();
  const stop = await offer(seat);
  seat.human.type(F12);
  await until('it is told', () => seat.told.length === 1);
  await at.rig.run('select-pane', '-t', seat.panes[1] ?? '');
  seat.human.type(F12);
  await until('it is told again', () => seat.told.length === 2);
  await at.rig.run('select-pane', '-t', seat.panes[0] ?? '');
  seat.human.type(F12);
  await until('it is told once more', () => seat.told.length === 3);
  expect(seat.told.map(([pane, what]) => [seat.panes.indexOf(pane), what])).toEqual(
    [0, 1, 0].map((index) => [index, 'take-key']),
  );
  expect(await seat.log.received()).toBe('');
  await stop();
});

it('tells it in copy mode too', async () => {
  const seat = await desk();
  const stop = await offer(seat);
  await at.rig.run('copy-mode', '-t', seat.panes[0] ?? '');
  seat.human.type(F12);
  await until('it is told', () => seat.told.length === 1);
  await stop();
});

it('lets every other key through as it was, and tells of it once in a while', async () => {
  const keys = [
    'a', 'Z', ';', '\\', '~', '$', '%', "'", ' ', 'é', '🙂', '漢', '\r', '\t', '\x7f', '\x01', '\x03', '\x1a', '\x1bb',
    '\x1b[A', '\x1b[B', '\x1b[C', '\x1b[D', '\x1b[H', '\x1b[F', '\x1b[5~', '\x1b[3~', '\x1b[Z', '\x1b[1;5C', '\x1b[1;2A',
    '\x1bOP', '\x1b[15;2~', '\x1b[23~', '\x1b[200~pasted; \x1b[201~', 'quickly typed text; all at once',
  ]; // prettier-ignore
  const seat = await desk();
  const typeAll = async (): Promise<string> => {
    const before = (await seat.log.received()).length;
    let last = before;
    for (const key of keys) {
      seat.human.type(key);
      await until(`${JSON.stringify(key)} arrives`, async () => (await seat.log.received()).length > last);
      last = (await seat.log.received()).length;
    }
    seat.human.type('\x1b');
    await until('Escape arrives', async () => (await seat.log.received()).length > last);
    return (await seat.log.received()).slice(before);
  };
  const plain = await typeAll();
  const stop = await offer(seat);
  expect(await typeAll()).toBe(plain);
  await until('it is told', () => seat.told.length > 0);
  expect(seat.told.every(([pane, what]) => pane === seat.panes[0] && what === 'other')).toBe(true);
  expect(seat.told.length).toBeLessThan(keys.length);
  await stop();
});

it('lets the mouse through, and what the user has bound does what it did', async () => {
  const seat = await desk(['\x1b[?1002h\x1b[?1006h']);
  const stop = await offer(seat);
  // The border of the pane takes the first row.
  const clicks = ['<0;7;4M', '<32;8;4M', '<0;8;4m', '<64;7;4M', '<65;7;4M'];
  for (const click of clicks) {
    seat.human.type(`\x1b[${click.replace(';4', ';5')}`);
    await until(`${click} arrives`, async () => (await seat.log.received()).endsWith(click));
  }
  expect(await seat.log.received()).toBe(clicks.map((click) => `\x1b[${click}`).join(''));
  seat.human.type('\x1b[15~');
  const mine = (): Promise<string> => at.rig.run('show-options', '-gqv', '@mine');
  await until('F5 is theirs', async () => /^it's; "so" /.test(await mine()));
  seat.human.type('\x1bx');
  await until('M-x is theirs', async () => (await mine()) === 'a;b');
  seat.human.type('#');
  await until('# is theirs', async () => (await mine()) === 'hash');
  expect(seat.told).toEqual([]);
  await stop();
});

it('is in a table of its own that goes with the session, and nothing else of the server changes', async () => {
  const seat = await desk();
  await at.rig.run('new-session', '-d', '-s', 'mine', 'sleep 1000');
  const before = await state();
  const stop = await offer(seat);
  const root = (await at.rig.run('list-keys', '-T', 'root')).split('\n');
  const ours = (await at.rig.run('list-keys', '-T', 'keys-of-tmops-feat')).split('\n');
  expect(ours.length).toBe(root.length + 2);
  const words = (lines: string[]) => lines.map((line) => line.replace(/-T \S+ +/, '').replaceAll(/ +/g, ' '));
  expect(words(ours)).toEqual(expect.arrayContaining(words(root)));
  expect(await at.rig.run('show-options', '-qv', '-t', '=mine:', 'key-table')).toBe('');
  await stop();
  expect((await at.rig.run('list-keys', '-T', 'keys-of-tmops-feat')).split('\n')).toEqual(ours);
  await human?.leave();
  await terminal.close('tmops-feat');
  expect(await state()).toBe(before);
  expect(await waiters()).toBe(0);
});

it('goes with a session that somebody else ended', async () => {
  const seat = await desk();
  await at.rig.run('new-session', '-d', '-s', 'mine', 'sleep 1000');
  const before = await state();
  const stop = await offer(seat);
  await at.rig.run('kill-session', '-t', '=tmops-feat');
  await stop();
  expect(await state()).toBe(before);
  expect(await waiters()).toBe(0);
});

it('is offered by the next supervisor, which lets go of what a killed one left and does not hear what was pressed before', async () => {
  const seat = await desk();
  await (
    await offer(seat)
  )();
  const orphan = at.rig.run('wait-for', 'keys-of-tmops-feat');
  await until('it waits', async () => (await waiters()) === 1);
  seat.human.type(F12);
  await until('it was pressed', async () =>
    (await at.rig.run('show-options', '-pqv', '-t', seat.panes[0] ?? '', '@tmops_pressed')).includes('x'),
  );
  const stop = await offer(seat);
  await orphan;
  seat.human.type(F12);
  await until('it is told', () => seat.told.length > 0);
  await stop();
  expect(seat.told).toHaveLength(1);
  expect(await waiters()).toBe(0);
});

it('can be another one, or none again', async () => {
  const seat = await desk();
  await (
    await offer(seat)
  )();
  const stop = await offer(seat, 'C-t');
  seat.human.type('\x14');
  await until('it is told', () => seat.told.some(([, what]) => what === 'take-key'));
  seat.human.type(F12);
  await until('F12 is the program’s', async () => (await seat.log.received()).includes('\x1b[24~'));
  await stop();
  await offer(seat, null);
  expect(await at.rig.run('show-options', '-qv', '-t', '=tmops-feat:', 'key-table')).toBe('');
  seat.human.type('\x14');
  await until('C-t is the program’s', async () => (await seat.log.received()).includes('\x14'));
});

it('lets nobody type into a dead pane', async () => {
  const seat = await desk();
  const stop = await offer(seat);
  const pid = await at.rig.run('display-message', '-p', '-t', seat.panes[0] ?? '', '#{pane_pid}');
  process.kill(Number(pid), 'SIGKILL');
  await until('it is dead', async () => {
    const look = await terminal.look(seat.panes[0] ?? '');
    return look.kind === 'seen' && look.dead;
  });
  seat.human.type('x');
  await until('the key is told', () => seat.told.length === 1);
  expect(await at.rig.alive()).toBe(true);
  await stop();
});
