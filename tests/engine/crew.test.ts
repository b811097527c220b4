import { expect, it } from 'vitest';
import { ensureAgents } from '../../src/engine/crew.ts';
import type { AgentProvider, PaneFact, Terminal } from '../../src/engine/ports.ts';
import { crewOf, loopFrom, playedProvider, playedTerminal } from '../rig/ports.ts';
import { put, started } from '../rig/run.ts';

const process = { pid: 7, startTime: 's' };
const fact = (role: string): PaneFact => ({ role, pane: role === 'lead' ? '%8' : '%9', dead: false, pid: 1 });

/** Both agents have just ended in a session of ours, and are launched again. */
function bench(terminal: Partial<Terminal>, provider: Partial<AgentProvider> = {}) {
  const story = started();
  for (const role of ['lead', 'worker'])
    put(story, { kind: 'agent-exited', role, generation: 1, exit: { kind: 'unknown' }, spareId: `again-${role}` });
  const { loop } = loopFrom(story.run);
  const played = playedTerminal({ survey: () => Promise.resolve({ kind: 'ours', panes: [] }), ...terminal });
  const crew = crewOf(loop, played, playedProvider({ process: () => Promise.resolve(process), ...provider }));
  return { crew, agentOf: (role: string) => loop.run().agents[role] };
}

it('opens a pane once more that somebody closed while it was being opened', async () => {
  let tries = 0;
  const { crew, agentOf } = bench({
    reopen: (_plan, { role }) => {
      tries += 1;
      return tries === 1 ? Promise.reject(new Error("can't find pane: %1")) : Promise.resolve(fact(role));
    },
  });
  await ensureAgents(crew);
  expect(agentOf('lead')).toMatchObject({ pane: '%8', process, state: { kind: 'starting' } });
  expect(agentOf('worker')).toMatchObject({ pane: '%9', process, state: { kind: 'starting' } });
});

it('says of an agent that its pane cannot be opened, and opens the others', async () => {
  const { crew, agentOf } = bench({
    reopen: (_plan, { role }) =>
      role === 'lead' ? Promise.reject(new Error('there is no place left')) : Promise.resolve(fact(role)),
  });
  await ensureAgents(crew);
  expect(agentOf('lead')).toMatchObject({
    state: { kind: 'failed', sentence: 'there is no place left', hint: 'tmops doctor' },
  });
  expect(agentOf('worker')).toMatchObject({ pane: '%9', process, state: { kind: 'starting' } });
});

it('takes a pane for opened that stands although opening it failed', async () => {
  let isOpen = false;
  const { crew, agentOf } = bench({
    survey: () => Promise.resolve({ kind: 'ours', panes: isOpen ? [fact('lead')] : [] }),
    reopen: (_plan, { role }) => {
      if (role === 'worker') return Promise.resolve(fact(role));
      isOpen = true;
      return Promise.reject(new Error('tmux did not answer'));
    },
  });
  await ensureAgents(crew);
  expect(agentOf('lead')).toMatchObject({ pane: '%8', process, state: { kind: 'starting' } });
});

it('says of every agent that the session cannot be opened', async () => {
  const { crew, agentOf } = bench({
    survey: () => Promise.resolve({ kind: 'absent' }),
    open: () => Promise.reject(new Error('tmux would end with all its sessions')),
  });
  await ensureAgents(crew);
  for (const role of ['lead', 'worker'])
    expect(agentOf(role)?.state).toMatchObject({ kind: 'failed', sentence: 'tmux would end with all its sessions' });
});
