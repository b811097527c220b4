import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../rig/wait.ts';
import { count, countsOf, exitOf, say, takes, theatre, turnEnds } from './theatre.ts';

const stage = theatre();

describe('dialogs', () => {
  it.each([
    ['permission', 'permission prompt', { as: 'approved', text: '1. Yes' }],
    ['question', 'input needed', { as: 'answer', text: 'our prompt' }],
    ['limit', 'limit choice', { as: 'refused' }],
  ])('%s: a prompt pasted into it is lost and Enter answers', async (name, waitingFor, answered) => {
    const agent = await stage.ready();
    await agent.steer({ do: 'dialog', name });
    const screen = await agent.shows('dialog');
    expect(screen).toMatchObject({ dialog: { name } });
    expect(await agent.activity()).toEqual({ kind: 'waiting', waitingFor });
    await agent.paste('our prompt');
    await agent.keys('Enter');
    await agent.shows('composer', '');
    expect(await agent.inputs()).toMatchObject([answered]);
    expect(await count(agent, 'prompt-taken')).toBe(0);
  });

  it('asks for trust before the conversation begins, and Enter ends the program', async () => {
    const agent = await stage.begin({ steerFile: await steerFile([{ do: 'dialog', name: 'trust' }]) });
    expect(await agent.shows('dialog')).toMatchObject({
      dialog: { name: 'trust', choices: ['No, exit', 'Yes, I trust this folder'] },
    });
    expect(await agent.news()).toEqual([]);
    expect(await agent.activity()).toEqual({ kind: 'unknown' });
    await agent.keys('Enter');
    expect(await exitOf(agent)).toEqual({ kind: 'code', code: 1 });
  });

  it('goes on when the folder is trusted', async () => {
    const agent = await stage.begin({ steerFile: await steerFile([{ do: 'dialog', name: 'trust' }]) });
    await agent.shows('dialog');
    await agent.keys('Down', 'Enter');
    await agent.shows('composer', '');
    await agent.hears('the session starts', ({ kind }) => kind === 'session-started');
  });
});

describe('faults', () => {
  it('swallows Enters and keeps the text', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'swallow-enters', n: 2 });
    await say(agent, 'ECHO x');
    await agent.keys('Enter');
    await until('two are swallowed', async () => (await countsOf(agent))['swallowed'] === 2);
    await agent.shows('composer', 'ECHO x');
    await agent.keys('Enter');
    await agent.hears('the prompt is taken', takes('ECHO x'));
  });

  it('loses what is typed before a slow start is over', async () => {
    const agent = await stage.begin({ slowStartMs: 500 });
    await until('it starts', async () => (await agent.capture()).includes('Starting…'));
    expect(await agent.screen()).toEqual({ kind: 'unknown' });
    await agent.paste('too early');
    await agent.shows('composer', '');
    expect((await agent.bytes()).toString()).toContain('too early');
    await say(agent, 'ECHO late');
    await agent.hears('the prompt is taken', takes('ECHO late'));
  });

  it('loses what is typed while it is deaf, with the box on the screen', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'deaf', ms: 300 });
    await agent.paste('lost');
    await until('it is lost', async () => (await countsOf(agent))['lost'] === '\x1b[200~lost\x1b[201~'.length);
    await agent.shows('composer', '');
    await until('it hears again', async () => {
      await agent.paste('x');
      const screen = await agent.screen();
      return screen.kind === 'composer' && screen.draft.startsWith('x');
    });
  });

  it('shows ghost text that is no draft', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'ghost', text: 'write tests for the parser' });
    await until('it is drawn', async () => (await agent.capture()).includes('write tests for the parser'));
    expect(await agent.screen()).toMatchObject({ kind: 'composer', draft: '' });
  });

  it('shows a human draft, to which a paste is added', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'draft', text: 'please look at' });
    await agent.shows('composer', 'please look at');
    await agent.paste(' ECHO');
    await agent.shows('composer', 'please look at ECHO');
    await agent.keys('C-s');
    await agent.shows('composer', '');
    await say(agent, 'ECHO ours');
    await agent.shows('composer', 'please look at ECHO');
  });

  it('refuses pastes', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'refuse-paste' });
    await agent.paste('gone');
    await until('it arrived', async () => (await agent.bytes()).length > 0);
    await agent.keys('y');
    await agent.shows('composer', 'y');
  });

  it('shows what is typed only after a delay', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'echo-delay', ms: 400 });
    await agent.paste('slow picture');
    await until('it is in the box', async () => (await agent.steer({ do: 'state' }))['composer'] === 'slow picture');
    expect(await agent.screen()).toMatchObject({ draft: '' });
    await agent.shows('composer', 'slow picture');
  });

  it('hangs until it is woken', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'hang' });
    await agent.paste('into the void');
    await agent.steer({ do: 'state' });
    expect((await agent.bytes()).length).toBe(0);
    await agent.steer({ do: 'wake' });
    await agent.shows('composer', 'into the void');
  });

  it.each([
    [{ delay: 300 }, 1],
    [{ drop: true }, 0],
    [{ double: true }, 2],
  ])('reports an event with %j', async (how, times) => {
    const agent = await stage.ready();
    await agent.steer({ do: 'hook', event: 'UserPromptSubmit', ...how });
    await say(agent, 'ECHO x');
    await agent.hears('the turn ends', turnEnds);
    expect(await count(agent, 'prompt-taken')).toBe(times);
  });

  it('is asked for at a short path where its folder has a long one', async () => {
    const agentDir = join(await stage.folder(), 'x'.repeat(100));
    const agent = await stage.ready({ order: { agentDir } });
    const path = (await readFile(join(agentDir, 'rehearsal', 'steer.path'), 'utf8')).trim();
    expect(await agent.steer({ do: 'state', id: 7 })).toMatchObject({ ok: true, id: 7, status: 'idle' });
    await agent.keys('C-d', 'C-d');
    await exitOf(agent);
    await expect(access(path)).rejects.toThrow('ENOENT');
  });

  it('refuses verbs it does not know', async () => {
    const agent = await stage.ready();
    await expect(agent.steer({ do: 'dance', id: 7 })).rejects.toThrow(/Invalid/);
  });
});

describe('modes', () => {
  it.each([
    ['menu', { kind: 'composer-mode', mode: 'menu' }],
    ['shell-mode', { kind: 'composer-mode', mode: 'shell' }],
    ['transcript', { kind: 'view', name: 'transcript' }],
  ] as const)('%s: a prompt does not reach the agent', async (verb, screen) => {
    const agent = await stage.ready();
    await agent.steer({ do: verb });
    expect(await agent.shows(screen.kind)).toMatchObject(screen);
    await agent.paste('our prompt');
    await agent.keys('Enter');
    await until('the Enter arrived', async () => (await countsOf(agent))['enters'] === 1);
    expect(await count(agent, 'prompt-taken')).toBe(0);
  });

  it('draws on the alternate screen and comes back', async () => {
    const agent = await stage.ready();
    const alternate = () => stage.tmux('display-message', '-p', '-t', agent.pane, '#{alternate_on}');
    await agent.steer({ do: 'alternate-screen' });
    await until('it is on', async () => (await alternate()) === '1');
    await say(agent, 'ECHO there');
    await agent.steer({ do: 'alternate-screen', on: false });
    await until('it is off', async () => (await alternate()) === '0');
    await until('the conversation is shown', async () => (await agent.capture()).includes('ECHO there'));
  });
});

function steerFile(verbs: readonly unknown[]): Promise<string> {
  return stage.file(JSON.stringify(verbs));
}
