import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Ask } from './commands.ts';
import { checkPane } from './look.ts';

const run = promisify(execFile);

/**
 * Calls back whenever the pane's program has written something, within a few ms, also when the pane gets another program.
 * What it wrote is not kept: whoever wants to know looks. `folder` is ours alone. Gives null where that cannot be had:
 * somebody else has a pipe on the pane already, of which tmux allows one, or the pane is gone.
 *
 * A control client would be told the same, and ends a tmux before 3.7 at times (see link.ts); a pipe does no harm to it.
 */
export async function followOutput(
  ask: Ask,
  pane: string,
  folder: string,
  wrote: () => void,
): Promise<(() => Promise<void>) | null> {
  checkPane(pane);
  const fifo = join(folder, `out-${randomBytes(8).toString('hex')}`);
  // The one text here that a shell reads; the folder is ours and so is the name.
  if (!/^[A-Za-z0-9/._-]+$/.test(fifo) || (await isTaken(ask, pane))) return null;
  const ear = await listen(fifo, wrote);
  const reply = await ask(
    [
      ['set-option', '-p', '-t', pane, MARK, fifo],
      ['pipe-pane', '-O', '-t', pane, `exec cat > ${fifo}`],
    ],
    { repeatable: true },
  );
  const stop = async (): Promise<void> => {
    // First the writer, which would be told of a broken pipe otherwise.
    await ask([unpipe(pane, fifo)], { repeatable: true });
    ear.destroy();
    await rm(fifo, { force: true });
  };
  if (reply.kind === 'done') return stop;
  await stop();
  return null;
}

/** Names the pipe that is ours, so that another's is left alone. */
const MARK = '@tmops_pipe';

/** A pipe that an earlier supervisor left is ours and is replaced. */
async function isTaken(ask: Ask, pane: string): Promise<boolean> {
  const reply = await ask([['display-message', '-p', '-t', pane, `#{pane_pipe}#{?${MARK},ours,}`]], {
    repeatable: true,
  });
  return reply.kind !== 'done' || reply.outputs[0]?.[0] === '1';
}

/** Opened for writing too, so that it does not end when a writer does. */
async function listen(fifo: string, wrote: () => void): Promise<Socket> {
  await run('mkfifo', ['-m', '600', fifo]);
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const ear = new Socket({ fd, readable: true, writable: false });
  // What can be read is all that matters; a pipe that broke says nothing more.
  ear.on('data', wrote).on('error', () => undefined);
  return ear.unref();
}

/** Only what is ours is closed: the pane may be gone, or piped by somebody else by now. */
const unpipe = (pane: string, fifo: string) =>
  [
    'if-shell',
    '-F',
    '-t',
    pane,
    `#{==:#{${MARK}},${fifo}}`,
    `pipe-pane -t ${pane} ; set-option -p -u -t ${pane} ${MARK}`,
  ] as const;
