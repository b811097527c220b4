import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Ask, Chain } from './commands.ts';
import { meansGone, outputsOf, TmuxError, toldBy } from './failure.ts';
import { watches } from './size.ts';
import { shown } from './text.ts';

export interface Announcement {
  readonly text: string;
  /** Show it in the status line of the clients. */
  readonly message: boolean;
  /** Ring the bell of their terminals. */
  readonly bell: boolean;
}

/**
 * How long the line stands; the next key takes it away too. Before 3.6 tmux draws nothing else in that terminal meanwhile
 * (tmux issue 4362), so that it is kept short there.
 */
const SHOWN_MS = { drawingOn: 4000, frozen: 1500 };

/** Tells the humans who look at the session, and nobody else. Nothing reaches a program in a pane. */
export async function announce(ask: Ask, session: string, { text, message, bell }: Announcement): Promise<void> {
  for (const client of await humansAt(ask, session)) {
    if (message) await tellClient(ask, session, client, text);
    if (bell) await ring(client.tty);
  }
}

interface Client {
  readonly name: string;
  readonly tty: string;
  /** tmux can go on drawing below a message. */
  readonly drawsOn: boolean;
}

const CLIENTS: Chain = [
  [
    'list-clients',
    '-F',
    '#{client_control_mode} #{session_name} #{session_group}\t#{version}\t#{client_name}\t#{client_tty}',
  ],
];

async function humansAt(ask: Ask, session: string): Promise<readonly Client[]> {
  const reply = await ask(CLIENTS, { repeatable: true });
  if (reply.kind === 'no-server') return [];
  const [lines = []] = outputsOf(reply, 'Could not see who is attached', CLIENTS);
  return lines
    .map((line) => line.split('\t'))
    .filter(([facts = '']) => watches(facts, session))
    .map(([, version = '', name = '', tty = '']) => ({ name, tty, drawsOn: canDrawOn(version) }));
}

/** `3.6`, `3.6a`, `next-3.7` and `3.10` draw on, `3.3a` does not. */
function canDrawOn(version: string): boolean {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 6);
}

/**
 * The text goes through an option of our session: what is expanded from an option is not expanded again, so that no
 * format and no time in it is read; `shown` takes the meaning from styles.
 */
async function tellClient(ask: Ask, session: string, { name, drawsOn }: Client, text: string): Promise<void> {
  const how = drawsOn ? ['-C', '-d', String(SHOWN_MS.drawingOn)] : ['-d', String(SHOWN_MS.frozen)];
  const chain: Chain = [
    ['set-option', '-t', `=${session}:`, '@tmops_news', shown(text)],
    ['display-message', '-c', name, '-t', `=${session}:`, ...how, '#{@tmops_news}'],
  ];
  const reply = await ask(chain, { repeatable: false });
  if (reply.kind === 'done' || reply.kind === 'no-server') return;
  // Whoever left meanwhile is not told.
  const gone = reply.kind === 'error' && (meansGone(reply.message) || /can't find client/.test(reply.message));
  if (!gone) throw new TmuxError('Could not show a message', chain, toldBy(reply));
}

const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENXIO', 'EIO', 'EACCES', 'EPERM', 'EAGAIN', 'ENOTTY']);

/**
 * tmux has no command for it, so the byte goes to the client's terminal itself. One that is stopped (Ctrl-S) or was closed
 * is left alone: it is neither waited for nor an error.
 */
async function ring(tty: string): Promise<void> {
  if (!tty.startsWith('/dev/')) return;
  const { O_WRONLY, O_NOCTTY, O_NONBLOCK } = constants;
  try {
    const terminal = await open(tty, O_WRONLY | O_NOCTTY | O_NONBLOCK);
    try {
      if ((await terminal.stat()).isCharacterDevice()) await terminal.write('\u0007');
    } finally {
      await terminal.close();
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && GONE.has(String(error.code)))) throw error;
  }
}
