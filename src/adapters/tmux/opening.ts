import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEnding } from './child.ts';
import type { Ask, Chain, Command } from './commands.ts';
import { TmuxError, outputsOf, toldBy } from './failure.ts';
import { findSession } from './panes.ts';
import type { ListedPane, PaneFact } from './panes.ts';
import { MADE_FORMAT, respawnChain, sessionChain, splitChain, windowChain, windowPlans } from './plan.ts';
import type { PanePlan, SessionPlan, WindowPlan } from './plan.ts';

/** The two ways to the server: `create` may start it. */
export interface Doors {
  readonly ask: Ask;
  readonly create: Ask;
}

/** Makes the session with all its windows and panes; what was made is taken down again when something fails. */
export async function openSession(doors: Doors, plan: SessionPlan): Promise<readonly PaneFact[]> {
  const windows = windowPlans(plan);
  const [window, ...others] = windows;
  const pane = window?.panes[0];
  if (window === undefined || pane === undefined) throw new Error(`Layout ${plan.layout.name} has no pane to open`);
  await Promise.all(windows.flatMap((each) => each.panes).map(checkFolder));
  const made = await makeSession(doors, plan, window, pane);
  try {
    await addPanes(doors.ask, made, window);
    for (const other of others) await addWindow(doors.ask, plan.session, other);
    await send(doors.ask, 'Could not show the first pane', [
      ['select-window', '-t', made.windowId],
      ['select-pane', '-t', made.pane],
    ]);
    return await factsOf(doors.ask, plan);
  } catch (error) {
    await doors.ask([['kill-session', '-t', made.sessionId]], { repeatable: true });
    throw error;
  }
}

/** Starts the pane's argv in its dead pane, or in a new one beside its neighbours, or in a window of its own. */
export async function reopenPane(doors: Doors, plan: SessionPlan, pane: PanePlan): Promise<PaneFact> {
  await checkFolder(pane);
  const standing = await ourPanes(doors.ask, plan);
  const old = standing.filter((each) => each.role === pane.role);
  const alive = old.find((each) => !each.dead);
  if (alive !== undefined) throw new Error(`The pane of ${pane.role} in ${plan.session} is alive (${alive.pane})`);
  const dead = old.at(-1);
  const id =
    dead === undefined ? await addAgain(doors.ask, plan, pane, standing) : await respawn(doors.ask, dead, pane);
  const fact = (await ourPanes(doors.ask, plan)).find((each) => each.pane === id);
  if (fact === undefined) throw new Error(`The pane ${id} of ${pane.role} vanished from ${plan.session} at once`);
  return paneFact(fact);
}

interface Made {
  readonly sessionId: string;
  readonly windowId: string;
  readonly pane: string;
}

/** tmux would start in the home folder without a word. */
async function checkFolder(pane: PanePlan): Promise<void> {
  try {
    if ((await stat(pane.cwd)).isDirectory()) return;
  } catch (error) {
    throw new Error(`The folder of the ${pane.role} pane cannot be used: ${pane.cwd}`, { cause: error });
  }
  throw new Error(`The folder of the ${pane.role} pane is not a folder: ${pane.cwd}`);
}

/**
 * With `window-size manual` for all windows, tmux 3.3 to 3.6 ends with every session when a window is made while nobody
 * is attached to the session (tmux pull request 4849).
 */
async function checkServer(ask: Ask): Promise<void> {
  const reply = await ask([['show-options', '-g', '-w', '-v', 'window-size']], { repeatable: true });
  if (reply.kind !== 'done' || reply.outputs[0]?.[0] !== 'manual') return;
  throw new Error(
    'tmux would end with all its sessions: it has `window-size manual` set for all windows. ' +
      'Run `tmux set-option -gw window-size latest` and take the line out of tmux.conf',
  );
}

/** A server that is just ending refuses for a moment, and what it was told is gone with it: those are tried again. */
async function makeSession(doors: Doors, plan: SessionPlan, window: WindowPlan, pane: PanePlan): Promise<Made> {
  const chain = sessionChain(plan, window, pane);
  await checkServer(doors.ask);
  for (let tries = 1; ; tries += 1) {
    const reply = await doors.create(chain, { repeatable: false });
    if (reply.kind === 'done') return readMade(reply.outputs[0]);
    const ending = reply.kind === 'no-server' || isEnding(reply);
    if (!ending || tries >= TRIES) throw new TmuxError(`Could not open ${plan.session}`, chain, toldBy(reply));
    await sleep(TRY_AGAIN_MS);
  }
}

const TRIES = 10;
const TRY_AGAIN_MS = 100;

async function addPanes(ask: Ask, first: Made, window: WindowPlan): Promise<void> {
  let beside = first.pane;
  for (const pane of window.panes.slice(1)) {
    const where = { windowId: first.windowId, beside, before: false, arrange: window.arrange };
    beside = (await make(ask, pane, splitChain(pane, where))).pane;
  }
}

async function addWindow(ask: Ask, session: string, window: WindowPlan): Promise<void> {
  const [pane] = window.panes;
  if (pane === undefined) return;
  await addPanes(ask, await make(ask, pane, windowChain(session, window, pane)), window);
}

async function respawn(ask: Ask, dead: ListedPane, pane: PanePlan): Promise<string> {
  await send(ask, `Could not start ${pane.role} again`, respawnChain(dead.pane, pane));
  return dead.pane;
}

async function addAgain(ask: Ask, plan: SessionPlan, pane: PanePlan, standing: readonly ListedPane[]): Promise<string> {
  const window = windowPlans(plan).find((each) => each.panes.some((planned) => planned.role === pane.role));
  if (window === undefined) throw new Error(`Layout ${plan.layout.name} has no place for ${pane.role}`);
  const where = placeFor(window, pane.role, standing);
  // Back to the pane or window that was shown: a human may be typing there.
  if (where === null) return addAlone(ask, plan.session, window, pane);
  const chain = [...splitChain(pane, where), ['last-pane', '-t', where.windowId]];
  const reply = await ask(chain, { repeatable: false });
  if (reply.kind === 'error' && reply.message.includes('no space')) return addAlone(ask, plan.session, window, pane);
  return readMade(outputsOf(reply, `Could not add a pane for ${pane.role}`, chain)[0]).pane;
}

async function addAlone(ask: Ask, session: string, window: WindowPlan, pane: PanePlan): Promise<string> {
  await checkServer(ask);
  const shown: Command = ['last-window', '-t', `=${session}:`];
  return (await make(ask, pane, [...windowChain(session, window, pane), shown])).pane;
}

/** After the nearest planned neighbour before it that still stands, or before the first one after it. */
function placeFor(window: WindowPlan, role: string, standing: readonly ListedPane[]) {
  const order = window.panes.map((pane) => pane.role);
  const at = order.indexOf(role);
  const find = (wanted: string | undefined) => standing.find((pane) => pane.role === wanted);
  const earlier = order.slice(0, at).reverse().map(find).find(Boolean);
  const beside =
    earlier ??
    order
      .slice(at + 1)
      .map(find)
      .find(Boolean);
  if (beside === undefined) return null;
  const before = earlier === undefined;
  return { windowId: beside.windowId, beside: beside.pane, before, arrange: window.arrange };
}

async function make(ask: Ask, pane: PanePlan, chain: Chain): Promise<Made> {
  return readMade((await send(ask, `Could not add a pane for ${pane.role}`, chain))[0]);
}

async function send(ask: Ask, what: string, chain: Chain): Promise<readonly (readonly string[])[]> {
  return outputsOf(await ask(chain, { repeatable: false }), what, chain);
}

function readMade(lines: readonly string[] | undefined): Made {
  const [sessionId, windowId, pane] = (lines?.[0] ?? '').split(' ');
  if (!sessionId || !windowId || !pane) {
    throw new Error(`Internal error: tmux answered ${JSON.stringify(lines)} where ${MADE_FORMAT} was asked for`);
  }
  return { sessionId, windowId, pane };
}

/** The panes in the order of the plan. */
async function factsOf(ask: Ask, plan: SessionPlan): Promise<PaneFact[]> {
  const panes = await ourPanes(ask, plan);
  const order = windowPlans(plan).flatMap((window) => window.panes.map((pane) => pane.role));
  const missing = order.filter((role) => !panes.some((pane) => pane.role === role));
  if (missing.length > 0) throw new Error(`${plan.session} lost panes while it was opened: ${missing.join(', ')}`);
  return panes.map(paneFact).sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
}

async function ourPanes(ask: Ask, plan: SessionPlan): Promise<readonly ListedPane[]> {
  const found = await findSession(ask, plan.session, plan.workspaceId);
  if (found.kind === 'ours') return found.panes;
  const why =
    found.kind === 'unknown' ? found.why : found.kind === 'foreign' ? `it belongs to ${found.owner}` : 'it is gone';
  throw new Error(`The panes of ${plan.session} cannot be listed: ${why}`);
}

function paneFact({ role, pane, dead, pid }: ListedPane): PaneFact {
  return { role, pane, dead, pid };
}
