import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from './child.ts';
import type { Ask, Chain, Command } from './commands.ts';
import { outputsOf, tellPane, TmuxError } from './failure.ts';

/** Which key was pressed in a pane: the one that is offered, or any other that goes on to the program. */
export type Pressed = 'take-key' | 'other';

export interface KeyOffer {
  readonly session: string;
  /** As tmux writes it, e.g. `F12` or `C-t`. */
  readonly key: string;
  /** A folder of ours alone, for a file that is read once. */
  readonly folder: string;
  readonly pressed: (pane: string, what: Pressed) => void;
}

/**
 * Binds a key in one session alone, in a key table of our own: what the root table of the user's holds now, and our key.
 * Every other key that has no meaning there is noted and goes on to the program as before. A standing `tmux wait-for`
 * tells of it, so that nobody has to ask. When this ends the table stays for as long as the session does.
 */
export async function offerKey(server: Server, ask: Ask, offer: KeyOffer): Promise<() => Promise<void>> {
  const { session } = offer;
  const channel = nameOf(session);
  if (!(await isMade(ask, offer))) await makeTable(ask, offer);
  await hush(ask, session);
  await knock(ask, channel, waited(server, channel));
  // What was pressed while nobody listened is forgotten.
  await forgetUse(ask, await takePresses(ask, session));
  const resting = new Map<string, NodeJS.Timeout>();
  let isOver = false;

  // Noted once in a while: each key would cost three processes.
  const tellUse = (pane: string): void => {
    if (resting.has(pane)) return;
    offer.pressed(pane, 'other');
    const rest = setTimeout(() => {
      resting.delete(pane);
      void forgetUse(ask, [{ pane }]);
    }, USE_NOTED_EVERY_MS);
    resting.set(pane, rest);
  };
  const listen = async (): Promise<void> => {
    while ((await waited(server, channel)) && !isOver) {
      for (const { pane, count, used } of await takePresses(ask, session)) {
        for (let press = 0; press < count; press += 1) offer.pressed(pane, 'take-key');
        if (used) tellUse(pane);
      }
    }
  };
  const listening = listen();
  return async () => {
    isOver = true;
    for (const rest of resting.values()) clearTimeout(rest);
    await hush(ask, session);
    await knock(ask, channel, listening);
    const there = await ask([['has-session', '-t', `=${session}`]], { repeatable: true });
    if (there.kind === 'error') await forgetKeys(ask, session);
  };
}

/** From now on keys are noted and nobody is woken, until they are taken. */
const hush = (ask: Ask, session: string): Promise<unknown> =>
  ask([['set-option', '-t', `=${session}:`, WOKEN, '1']], { repeatable: true });

/**
 * Signals the channel until `waiting` has heard it. A signal that nobody waits for is kept for the next one who does, but a
 * second one takes the first away again; and somebody may wait there still in the place of a supervisor that was killed.
 */
async function knock(ask: Ask, channel: string, waiting: Promise<unknown>): Promise<void> {
  const heard = waiting.then(() => true);
  for (let tries = 0; tries < KNOCK.times; tries += 1) {
    await ask([['wait-for', '-S', channel]], { repeatable: true });
    if (await Promise.race([heard, sleep(KNOCK.everyMs, false, { ref: false })])) return;
  }
}

const KNOCK = { times: 20, everyMs: 300 };

/** How often one pane's other keys are told of, in ms. */
const USE_NOTED_EVERY_MS = 1000;

/** Takes the table away, and the session's choice of it while there is a session. Nothing happens where there is none. */
export async function forgetKeys(ask: Ask, session: string): Promise<void> {
  const table = nameOf(session);
  const chosen = await ask([['show-options', '-q', '-v', '-t', `=${session}:`, 'key-table']], { repeatable: true });
  if (chosen.kind === 'done' && chosen.outputs[0]?.[0] === table)
    await tellPane(ask, 'Could not take the keys back', [['set-option', '-u', '-t', `=${session}:`, 'key-table']]);
  const unbind: Chain = [['unbind-key', '-a', '-q', '-T', table]];
  const reply = await ask(unbind, { repeatable: true });
  if (reply.kind === 'error' && !/table .* doesn't exist/.test(reply.message))
    throw new TmuxError('Could not remove the key table', unbind, reply.message);
}

/** Of the table, and of the channel that tells of its keys. */
const nameOf = (session: string): string => `keys-of-${session}`;

/** Set on a pane: a sign for each press of our key, and whether another one was pressed. */
const PRESSED = '@tmops_pressed';
const USED = '@tmops_used';
/** Set on the session: the channel was signalled, and what is noted has not been taken yet. */
const WOKEN = '@tmops_woken';

/** A supervisor that comes later finds the table; with another key it is made anew. */
async function isMade(ask: Ask, { session, key }: KeyOffer): Promise<boolean> {
  const reply = await ask(
    [
      ['show-options', '-q', '-v', '-t', `=${session}:`, 'key-table'],
      ['show-options', '-q', '-v', '-t', `=${session}:`, OFFERED],
    ],
    { repeatable: true },
  );
  return reply.kind === 'done' && reply.outputs[0]?.[0] === nameOf(session) && reply.outputs[1]?.[0] === key;
}

const OFFERED = '@tmops_take_key';

async function makeTable(ask: Ask, { session, key, folder }: KeyOffer): Promise<void> {
  const table = nameOf(session);
  await ask([['unbind-key', '-a', '-q', '-T', table]], { repeatable: true });
  const [theirs = [], [root = 'root'] = []] = await told(ask, [
    ['list-keys', '-T', 'root'],
    ['show-options', '-g', '-v', 'key-table'],
  ]);
  const keys = root === 'root' ? theirs : ((await told(ask, [['list-keys', '-T', root]]))[0] ?? []);
  const copied = keys.map((line) => line.replace(/^(bind-key +(?:-r +)?)-T \S+/, `$1-T ${table}`));
  await sourceLines(ask, folder, copied);
  const made = keys.length === 0 ? [] : ((await told(ask, [['list-keys', '-T', table]]))[0] ?? []);
  if (keys.length !== made.length)
    throw new Error(`Of ${keys.length} keys of the table ${root} only ${made.length} could be copied`);
  const hasAny = keys.some((line) => /^bind-key +(?:-r +)?-T \S+ +Any /.test(line));
  await told(ask, [
    bindingOf(table, key, TAKEN(table)),
    ...(hasAny ? [] : [bindingOf(table, 'Any', ANY(table))]),
    ['set-option', '-t', `=${session}:`, OFFERED, key],
    ['set-option', '-t', `=${session}:`, 'key-table', table],
  ]);
}

const bindingOf = (table: string, key: string, words: Command): Command => ['bind-key', '-T', table, key, ...words];

/** Acts on the pane that the key was pressed in. */
const TAKEN = (table: string): Command => ['set-option', '-a', '-p', PRESSED, 'x', ';', ...wake(table)];

/** Once until what is noted is taken: a second signal would undo the first. */
const wake = (table: string): Command => [
  'if-shell',
  '-F',
  `#{${WOKEN}}`,
  '',
  `set-option ${WOKEN} 1 ; wait-for -S ${table}`,
];

/** The key itself goes on: a mouse's as such, any other after it was noted, once until that was heard. */
const ANY = (table: string): Command => [
  'if-shell',
  '-F',
  '#{!=:#{mouse_x},}',
  'send-keys -M',
  `if-shell -F '#{${USED}}' '' "set-option -p ${USED} 1 ; ${quoted(wake(table))}" ; send-keys`,
];

const quoted = (command: Command): string => command.map((word) => `'${word}'`).join(' ');

/** As tmux lists them they can be read again, which it only does from a file. */
async function sourceLines(ask: Ask, folder: string, lines: readonly string[]): Promise<void> {
  const file = join(folder, `keys-${randomBytes(8).toString('hex')}`);
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  try {
    await told(ask, [['source-file', file]]);
  } finally {
    await rm(file, { force: true });
  }
}

async function told(ask: Ask, chain: Chain): Promise<readonly (readonly string[])[]> {
  return outputsOf(await ask(chain, { repeatable: true }), 'Could not offer the key', chain);
}

interface Presses {
  readonly pane: string;
  readonly count: number;
  readonly used: boolean;
}

/** What was pressed since it was last asked. Our key is forgotten as often as it is told. */
async function takePresses(ask: Ask, session: string): Promise<Presses[]> {
  const filter = `#{||:#{${PRESSED}},#{${USED}}}`;
  const here = `=${session}:`;
  const reply = await ask(
    [
      ['set-option', '-t', here, WOKEN, ''],
      ['list-panes', '-s', '-t', here, '-f', filter, '-F', FORMAT],
    ],
    { repeatable: true },
  );
  if (reply.kind !== 'done') return [];
  const found = (reply.outputs[1] ?? []).filter((line) => line !== '').map(readPresses);
  for (const { pane, count } of found.filter((each) => each.count > 0)) {
    const rest = `#{s/^${'x'.repeat(count)}//:${PRESSED}}`;
    await ask([['set-option', '-F', '-p', '-t', pane, PRESSED, rest]], { repeatable: false });
  }
  return found;
}

/** From now on another key is noted again. */
async function forgetUse(ask: Ask, panes: readonly Pick<Presses, 'pane'>[]): Promise<void> {
  for (const { pane } of panes) await ask([['set-option', '-p', '-u', '-t', pane, USED]], { repeatable: true });
}

const FORMAT = `#{pane_id} #{${PRESSED}} #{${USED}}`;

function readPresses(line: string): Presses {
  const [pane = '', pressed = '', used = ''] = line.split(' ');
  return { pane, count: pressed.length, used: used === '1' };
}

/** Whether the channel was signalled; false when there is no server to wait for. */
function waited(server: Server, channel: string): Promise<boolean> {
  const args = ['-u', '-N', ...server.arguments, 'wait-for', channel];
  return new Promise((resolve) => {
    const child = execFile(server.tmux, args, { env: server.env, cwd: '/' }, (error) => {
      resolve(error === null);
    });
    child.stdin?.end();
  });
}
