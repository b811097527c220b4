import type { MarkedSession, TextBuffer } from '../../core/gc.ts';
import type { Ask, Chain } from './commands.ts';
import { outputsOf, tellPane } from './failure.ts';
import { fromOption, unshown } from './text.ts';

/** What stands on a server that tmops may have left there. */
export interface LeftOnServer {
  readonly sessions: readonly MarkedSession[];
  /** Names of sessions without our marks. */
  readonly others: readonly string[];
  readonly buffers: readonly TextBuffer[];
}

const NOTHING: LeftOnServer = { sessions: [], others: [], buffers: [] };

/** Looks at a whole server. Rejects when it does not answer; one that is not there has nothing. */
export async function lookAtServer(ask: Ask): Promise<LeftOnServer> {
  const reply = await ask(LISTING, { repeatable: true });
  if (reply.kind === 'no-server' || (reply.kind === 'error' && reply.message === 'no current target')) return NOTHING;
  const [panes = [], buffers = []] = outputsOf(reply, 'Could not list the sessions', LISTING);
  const sessions = new Map<string, MarkedSession>();
  const others = new Set<string>();
  for (const line of panes) {
    const [figures = '', name = '', role = '', feature = '', root = '', workspaceId = ''] = line.split('\t');
    const [id = '', attached = '', dead = '', pid = ''] = figures.split(' ');
    if (workspaceId === '') {
      others.add(name);
      continue;
    }
    const before = sessions.get(id) ?? {
      ...{ id, name, workspaceId, feature, root: root === '' ? null : fromOption(root) },
      ...{ attached: Number(attached), strangers: 0, pids: [] },
    };
    sessions.set(id, {
      ...before,
      strangers: before.strangers + (unshown(role) === '' && dead !== '1' ? 1 : 0),
      pids: dead === '1' ? before.pids : [...before.pids, Number(pid)],
    });
  }
  return { sessions: [...sessions.values()], others: [...others], buffers: buffers.map(bufferIn) };
}

const FIGURES = '#{session_id} #{session_attached} #{pane_dead} #{pane_pid}';
const MARKS = '#{@tmops_role}\t#{@tmops_feature}\t#{@tmops_root}\t#{@tmops_workspace}';
const LISTING: Chain = [
  ['list-panes', '-a', '-F', `${FIGURES}\t#{session_name}\t${MARKS}`],
  ['list-buffers', '-F', '#{buffer_created} #{buffer_name}'],
];

function bufferIn(line: string): TextBuffer {
  const cut = line.indexOf(' ');
  return { name: line.slice(cut + 1), ageS: Math.floor(Date.now() / 1000) - Number(line.slice(0, cut)) };
}

/** Ends the session if it still is that very one, and nobody has come to look at it. */
export async function endLeftSession(ask: Ask, { id, workspaceId }: MarkedSession): Promise<void> {
  if (!/^\$\d+$/.test(id) || !/^[A-Za-z0-9._-]+$/.test(workspaceId))
    throw new Error(`Internal error: ${JSON.stringify([id, workspaceId])} is no session of ours`);
  const isStill = `#{&&:#{==:#{@tmops_workspace},${workspaceId}},#{==:#{session_attached},0}}`;
  await tellPane(ask, 'Could not end the session', [
    ['if-shell', '-F', '-t', `${id}:`, isStill, `kill-session -t '${id}'`],
  ]);
}

export async function deleteLeftBuffer(ask: Ask, name: string): Promise<void> {
  await ask([['delete-buffer', '-b', name]], { repeatable: true });
}
