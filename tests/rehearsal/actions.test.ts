import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StagedAgent } from '../rig/rehearsal.ts';
import { until } from '../rig/wait.ts';
import { count, say, theatre, turnEnds } from './theatre.ts';

const stage = theatre();

const PLAY = `
name: actions
roles:
  tester:
    - { when: FAIL, do: [{ say: half done }, { fail: { error: rate_limit } }] }
    - when: ALLOW
      do:
        - ask: { dialog: permission, lines: [touch a] }
        - write: { path: 'deep/{feature}/a.txt', content: "from {role}, {answer}\\n" }
    - { when: LIMIT, do: [{ ask: { dialog: limit } }] }
    - { when: GREEN, do: [{ run: { argv: [node, -e, 'process.exit(2)'] } }, { say: not reached }] }
    - { when: MISSING, do: [{ run: { argv: [no-such-program] } }] }
    - { when: SLEEP, do: [{ run: { argv: [sleep, '60'], expect: any } }, { say: not reached }] }
    - when: KEEP
      do:
        - run: { argv: [node, -e, 'console.log("pass 7")'], keep: { passing: '^pass (\\d+)' } }
        - say: '{passing} passed, exit {exit}'
    - { when: COMMIT, do: [{ commit: { message: x, paths: [no-such-file] } }] }
    - { when: SLOW, do: [{ checkpoint: { file: 003-x.md, content: 'first|second', slow: { ms: 60000 } } }] }
    - { when: WHOLE, do: [{ checkpoint: { file: 003-x.md, content: "{feature} {run}\\n" } }] }
`;

async function player(): Promise<StagedAgent> {
  return stage.ready({ play: await stage.file(PLAY) });
}

const checkpointOf = (agent: StagedAgent): string =>
  join(agent.order.cwd, '.tmops', agent.order.feature, 'current', 'checkpoints', '003-x.md');

describe('actions', () => {
  it.each([
    ['GREEN', /^\[TESTER\] ERROR: node -e process.exit\(2\) was to pass and ended with 2$/],
    ['MISSING', /^\[TESTER\] ERROR: no-such-program was to pass and ended with null$/],
    ['COMMIT', /^\[TESTER\] ERROR: git add failed$/],
    ['KEEP', /^7 passed, exit 0$/],
    ['unknown to the play', /^$/],
  ])('%s ends the turn with its words', async (line, last) => {
    const agent = await player();
    await say(agent, line);
    expect(await agent.hears('the turn ends', turnEnds)).toMatchObject({ last: expect.stringMatching(last) as string });
  });

  it('fail breaks the turn and leaves the agent idle', async () => {
    const agent = await player();
    await say(agent, 'FAIL');
    const failed = await agent.hears('the turn fails', ({ kind }) => kind === 'turn-failed');
    expect(failed).toEqual({ kind: 'turn-failed', error: 'rate_limit', last: 'half done' });
    await until('it is idle', async () => (await agent.activity()).kind === 'idle');
    expect(await count(agent, 'turn-ended')).toBe(0);
    await until('a hint is shown', async () => (await agent.capture()).includes('Resend your message'));
    expect(await agent.screen()).toMatchObject({ kind: 'composer', draft: '', busy: false });
  });

  it('ask goes on when it is approved', async () => {
    const agent = await player();
    await say(agent, 'ALLOW');
    expect(await agent.shows('dialog')).toMatchObject({ dialog: { name: 'permission' } });
    await agent.hears('it asks', (news) => news.kind === 'asking' && news.what === 'Bash');
    await agent.keys('Enter');
    await agent.hears('the turn ends', turnEnds);
    const file = join(agent.order.cwd, 'deep', agent.order.feature, 'a.txt');
    expect(await readFile(file, 'utf8')).toBe('from tester, 1. Yes\n');
  });

  it('ask ends the turn without an event when it is refused', async () => {
    const agent = await player();
    await say(agent, 'ALLOW');
    await agent.shows('dialog');
    await agent.keys('Escape');
    await agent.shows('composer', '');
    await until('it is idle', async () => (await agent.activity()).kind === 'idle');
    expect(await count(agent, 'turn-ended')).toBe(0);
    expect(await count(agent, 'tool-started')).toBe(0);
  });

  it('a limit that is waited for breaks the turn', async () => {
    const agent = await player();
    await say(agent, 'LIMIT');
    await agent.shows('dialog');
    await agent.keys('Enter');
    await agent.hears('the turn fails', (news) => news.kind === 'turn-failed' && news.error === 'rate_limit');
  });

  it('an interrupt ends what runs', async () => {
    const agent = await player();
    await say(agent, 'SLEEP');
    await agent.hears('the command runs', ({ kind }) => kind === 'tool-started');
    await agent.keys('Escape');
    await until('it is idle', async () => (await agent.activity()).kind === 'idle');
    await until('it says so', async () => (await agent.capture()).includes('Interrupted'));
    expect(await agent.capture()).not.toContain('not reached');
  });

  it('a checkpoint is whole when it is there', async () => {
    const agent = await player();
    await say(agent, 'WHOLE');
    await agent.hears('the turn ends', turnEnds);
    expect(await readFile(checkpointOf(agent), 'utf8')).toBe('sample-feature initial\n');
  });

  it('a slow checkpoint is seen half', async () => {
    const agent = await player();
    await mkdir(join(checkpointOf(agent), '..'), { recursive: true });
    await say(agent, 'SLOW');
    const file = checkpointOf(agent);
    await until('half of it is written', async () => (await sizeOf(file)) === 6);
    await agent.steer({ do: 'finish' });
    await agent.hears('the turn ends', turnEnds);
    expect(await readFile(file, 'utf8')).toBe('first|second');
  });
});

async function sizeOf(file: string): Promise<number | null> {
  return stat(file).then(
    ({ size }) => size,
    () => null,
  );
}
