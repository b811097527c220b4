import type { Ask, Chain, Reply } from './commands.ts';

/** tmux did not do what was asked. The message names what, the command and tmux's own words. */
export class TmuxError extends Error {
  override readonly name = 'TmuxError';
  /** The chain as given, without the socket. */
  readonly commands: Chain;
  readonly told: string;

  constructor(what: string, chain: Chain, told: string) {
    super(`${what}: ${told} (tmux ${chain[0]?.slice(0, SHOWN_WORDS).join(' ') ?? ''} …)`);
    this.commands = chain;
    this.told = told;
  }
}

/** The outputs of a chain that was carried out; throws a TmuxError otherwise. */
export function outputsOf(reply: Reply, what: string, chain: Chain): readonly (readonly string[])[] {
  if (reply.kind === 'done') return reply.outputs;
  throw new TmuxError(what, chain, toldBy(reply));
}

export function toldBy(reply: Exclude<Reply, { kind: 'done' }>): string {
  return reply.kind === 'failed' ? reply.why : reply.message;
}

/** Carries out a command that is pointless, not wrong, when the pane or session is gone. */
export async function tellPane(ask: Ask, what: string, chain: Chain): Promise<void> {
  const reply = await ask(chain, { repeatable: true });
  if (reply.kind === 'done' || reply.kind === 'no-server') return;
  if (reply.kind !== 'error' || !meansGone(reply.message)) throw new TmuxError(what, chain, toldBy(reply));
}

/** Whether tmux said that the pane, the window or the session does not exist. */
export function meansGone(message: string): boolean {
  return /can't find (pane|window|session)|no such (pane|window|session)/.test(message);
}

const SHOWN_WORDS = 8;
