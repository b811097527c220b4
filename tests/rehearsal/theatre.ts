import { randomBytes } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { AgentNews, Exit } from '../../src/core/agent.ts';
import { stageAgent, type StagedAgent, type Staging } from '../rig/rehearsal.ts';
import { privateServer, type PrivateServer } from '../rig/tmux.ts';
import { until } from '../rig/wait.ts';

/** A private tmux server for the tests of one file; agents end with the test that began them. */
export interface Theatre {
  tmux(...command: string[]): Promise<string>;
  /** Starts an agent and waits for nothing. */
  begin(staging?: Staging): Promise<StagedAgent>;
  /** Starts an agent and waits for its box. */
  ready(staging?: Staging): Promise<StagedAgent>;
  /** A new folder of the test's own. */
  folder(): Promise<string>;
  /** Writes a file of the test's own and gives its path. */
  file(text: string): Promise<string>;
}

/** To be called while a test file is collected. */
export function theatre(): Theatre {
  const staged: StagedAgent[] = [];
  let server: PrivateServer;
  beforeAll(async () => {
    server = await privateServer();
  });
  afterEach(async () => {
    for (const agent of staged.splice(0)) await agent.end();
  });
  afterAll(() => server.end());

  const begin: Theatre['begin'] = async (staging) => {
    const agent = await stageAgent(server, staging);
    staged.push(agent);
    return agent;
  };
  return {
    tmux: (...command) => server.run(...command),
    begin,
    ready: async (staging) => {
      const agent = await begin(staging);
      await agent.shows('composer', '');
      return agent;
    },
    folder: () => mkdtemp(join(server.folder, 'folder-')),
    file: async (text) => {
      const path = join(server.folder, `file-${randomBytes(4).toString('hex')}`);
      await writeFile(path, text);
      return path;
    },
  };
}

/** Pastes a line, waits until it is in the box, presses Enter. */
export async function say(agent: StagedAgent, line: string): Promise<void> {
  await agent.paste(line);
  await agent.shows('composer', line);
  await agent.keys('Enter');
}

/** Whether news is that this prompt was taken. */
export function takes(text: string): (news: AgentNews) => boolean {
  return (news) => news.kind === 'prompt-taken' && news.text === text;
}

export function turnEnds(news: AgentNews): boolean {
  return news.kind === 'turn-ended';
}

/** How often there was news of this kind. */
export async function count(agent: StagedAgent, kind: AgentNews['kind']): Promise<number> {
  return (await agent.news()).filter((news) => news.kind === kind).length;
}

/** What the program counted: enters, swallowed, prompts, queued, turns, lost bytes. */
export async function countsOf(agent: StagedAgent): Promise<Record<string, number>> {
  return (await agent.steer({ do: 'state' }))['counts'] as Record<string, number>;
}

/** Resolves once the launcher has written how the program ended. */
export function exitOf(agent: StagedAgent): Promise<Exit> {
  return until('its exit is written', async () => {
    const exit = await agent.provider.exit(agent.order);
    return exit.kind !== 'unknown' && exit;
  });
}
