import type { Ask, Chain } from './commands.ts';
import { meansGone, outputsOf } from './failure.ts';
import { PASTED } from './typing.ts';

export type PaneLook =
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown'; readonly why: string }
  | {
      readonly kind: 'seen';
      readonly dead: boolean;
      readonly inMode: boolean;
      readonly inputOff: boolean;
      readonly watchers: number;
      readonly cols: number;
      readonly rows: number;
      /** The mark of what was pasted here last; '' when nothing was. */
      readonly pasted: string;
      readonly capture: string;
    };

/** Facts, clients and screen of one pane in one round trip. */
export async function lookAt(ask: Ask, pane: string): Promise<PaneLook> {
  const reply = await ask(lookChain(pane), { repeatable: true });
  switch (reply.kind) {
    case 'no-server':
      return { kind: 'gone' };
    case 'error':
      return meansGone(reply.message) ? { kind: 'gone' } : { kind: 'unknown', why: reply.message };
    case 'failed':
      return { kind: 'unknown', why: reply.why };
    case 'done':
      return readLook(pane, reply.outputs);
  }
}

/** Refuses anything but a pane id: tmux would look a name up as a pattern. */
export function checkPane(pane: string): void {
  if (!/^%\d+$/.test(pane)) throw new Error(`Internal error: ${JSON.stringify(pane)} is no pane id`);
}

// Of a pane that is gone display-message shows another one's facts; only capture-pane fails.
function lookChain(pane: string): Chain {
  return [
    ['display-message', '-p', '-t', pane, FACTS],
    ['list-clients', '-F', '#{client_control_mode} #{pane_id}'],
    ['capture-pane', '-p', '-e', '-t', pane],
  ];
}

const FACTS = `#{pane_dead} #{pane_in_mode} #{pane_input_off} #{pane_width} #{pane_height} #{${PASTED}}`;

function readLook(pane: string, outputs: readonly (readonly string[])[]): PaneLook {
  const [facts = [], clients = [], screen = []] = outputs;
  const [pasted = '', ...counted] = (facts[0] ?? '').split(' ').reverse();
  const [rows, cols, inputOff, inMode, dead] = counted.map(Number);
  if (dead === undefined || inMode === undefined || !cols || !rows) {
    return { kind: 'unknown', why: `tmux described the pane as ${JSON.stringify(facts[0] ?? '')}` };
  }
  return {
    kind: 'seen',
    dead: dead !== 0,
    inMode: inMode !== 0,
    inputOff: inputOff !== 0,
    watchers: clients.filter((client) => client === `0 ${pane}`).length,
    cols,
    rows,
    pasted,
    capture: screen.join('\n'),
  };
}

/** Of a pane that is gone display-message tells another one's facts, which is why its id is asked for as well. */
export async function processOf(ask: Ask, pane: string): Promise<number | null> {
  const chain: Chain = [['display-message', '-p', '-t', pane, '#{pane_id} #{pane_dead} #{pane_pid}']];
  const reply = await ask(chain, { repeatable: true });
  if (reply.kind === 'no-server' || (reply.kind === 'error' && meansGone(reply.message))) return null;
  const [id, dead, pid] = (outputsOf(reply, 'Could not look at the pane', chain)[0]?.[0] ?? '').split(' ');
  return id === pane && dead === '0' ? Number(pid) : null;
}
