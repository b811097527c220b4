import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { until } from '../rig/wait.ts';
import { count, exitOf, say, takes, theatre, turnEnds } from './theatre.ts';

const stage = theatre();

describe('a prompt', () => {
  it('is taken when it is pasted and Enter is pressed', async () => {
    const agent = await stage.ready();
    await say(agent, 'ECHO one [tmops#1]');
    await agent.hears('the prompt is taken', takes('ECHO one [tmops#1]'));
    await agent.hears('the turn ends', turnEnds);
    expect(await agent.news()).toMatchObject([
      { kind: 'session-started' },
      { kind: 'prompt-taken' },
      { kind: 'turn-ended', background: 0 },
    ]);
    expect(await agent.inputs()).toMatchObject([
      { text: 'ECHO one [tmops#1]', pasted: true, queued: false, as: 'prompt' },
    ]);
    expect((await agent.bytes()).toString()).toBe('\x1b[200~ECHO one [tmops#1]\x1b[201~\r');
  });

  it.each([
    ['Unicode', 'Grüße, 日本語 👨‍👩‍👧 → “quotes” ½'],
    ['tabs and line ends', 'a\tb\n\tc'],
    ['characters that mean something to tmux and shells', `#{pane_id} $HOME \`id\` 'x' "y" %1 \\ ; {a,b}`],
    ['32 KB', randomBytes(12 * 1024).toString('hex') + 'ü'.repeat(4096)],
  ])('arrives byte for byte: %s', async (_, text) => {
    const agent = await stage.ready();
    await agent.paste(text);
    const expected = `\x1b[200~${text}\x1b[201~`;
    await until('all bytes are there', async () => (await agent.bytes()).length >= Buffer.byteLength(expected));
    expect((await agent.bytes()).toString()).toBe(expected);
    await agent.keys('Enter');
    const taken = await until('it is submitted', async () => (await agent.inputs())[0]);
    expect(taken['text']).toBe(text.replaceAll('\t', '    '));
  });

  it.each([
    [220, 100],
    [80, 24],
    [39, 11],
    [20, 5],
  ])('is taken at %i x %i', async (cols, rows) => {
    const agent = await stage.ready({ size: { cols, rows } });
    const line = 'ECHO [BEGIN]: Start test writing [tmops#12]';
    await agent.paste(line);
    const screen = await until('the end of the line is shown', async () => {
      const seen = await agent.screen();
      return seen.kind === 'composer' && seen.draft.endsWith('[tmops#12]') && seen;
    });
    expect((await agent.capture()).split('\n').length).toBe(rows);
    if (rows > 8) expect(screen.draft.replace(/\s/g, '')).toBe(line.replace(/\s/g, ''));
    await agent.keys('Enter');
    await agent.hears('the prompt is taken', takes(line));
  });

  it('stays in the box while the window changes its size', async () => {
    const agent = await stage.ready();
    await agent.paste('half a thought');
    for (const [cols, rows] of [
      [20, 5],
      [220, 100],
      [40, 12],
    ] as const) {
      await stage.tmux('resize-window', '-t', agent.pane, '-x', String(cols), '-y', String(rows));
      await until(`it is drawn at ${cols}`, async () => {
        const screen = await agent.screen();
        const wide = (await agent.capture()).includes('─'.repeat(cols));
        return wide && screen.kind === 'composer' && screen.draft.replace(/\s+/g, ' ') === 'half a thought';
      });
    }
  });

  it('waits in the queue while the agent is busy, and several become one turn', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'busy' });
    await until('it is busy', async () => (await agent.activity()).kind === 'busy');
    await say(agent, 'ECHO one');
    await agent.hears('the first is taken', takes('ECHO one'));
    await say(agent, 'ECHO two');
    await agent.hears('the second is taken', takes('ECHO two'));
    expect(await agent.capture()).toContain('Queued');
    expect(await count(agent, 'turn-ended')).toBe(0);
    await agent.steer({ do: 'finish' });
    await until('both turns ended', async () => (await count(agent, 'turn-ended')) === 2);
    expect(await agent.inputs()).toMatchObject([{ queued: true }, { queued: true }]);
    expect((await agent.steer({ do: 'state' }))['counts']).toMatchObject({ turns: 2, queued: 2 });
  });
});

describe('an interrupt', () => {
  it('ends the turn without any event and puts an unanswered prompt back', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'work', ms: 60_000 });
    await say(agent, 'ECHO slow');
    await agent.hears('the prompt is taken', takes('ECHO slow'));
    await agent.keys('Escape');
    await agent.shows('composer', 'ECHO slow');
    expect(await agent.activity()).toEqual({ kind: 'idle' });
    expect(await count(agent, 'turn-ended')).toBe(0);
  });
});

describe('the end', () => {
  it.each([
    ['/exit', ['/exit', 'Enter']],
    ['Ctrl-D twice', ['C-d', 'C-d']],
    ['Ctrl-C twice', ['C-c', 'C-c']],
  ])('%s is deliberate', async (_, keys) => {
    const agent = await stage.ready();
    await agent.keys(...keys);
    expect(await exitOf(agent)).toEqual({ kind: 'code', code: 0 });
    expect((await agent.news()).at(-1)).toEqual({
      kind: 'session-ended',
      deliberate: true,
      reason: 'prompt_input_exit',
    });
    expect(await agent.activity()).toEqual({ kind: 'unknown' });
  });

  it('closing the pane is not deliberate', async () => {
    const agent = await stage.ready();
    await stage.tmux('new-session', '-d', 'cat');
    await stage.tmux('kill-pane', '-t', agent.pane);
    expect(await exitOf(agent)).toEqual({ kind: 'signal', signal: 'SIGHUP' });
    expect((await agent.news()).at(-1)).toEqual({ kind: 'session-ended', deliberate: false, reason: 'other' });
  });

  it.each([
    [{ code: 3 }, { kind: 'code', code: 3 }],
    [{ signal: 'SIGKILL' }, { kind: 'signal', signal: 'SIGKILL' }],
  ])('crash %j says no goodbye', async (how, exit) => {
    const agent = await stage.ready();
    // The answer may be lost with the process.
    const crashing = agent.steer({ do: 'crash', ...how }).then(
      () => undefined,
      () => undefined,
    );
    expect(await exitOf(agent)).toEqual(exit);
    await crashing;
    expect(await count(agent, 'session-ended')).toBe(0);
  });

  it('shows the conversation again when it is resumed after a crash', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'work', ms: 60_000 });
    await say(agent, 'ECHO unfinished');
    await agent.hears('the prompt is taken', takes('ECHO unfinished'));
    process.kill((await agent.provider.process(agent.order))!.pid, 'SIGKILL');
    await exitOf(agent);
    await agent.resume();
    await agent.shows('composer', '');
    expect(await agent.capture()).toMatch(/ECHO unfinished[^]*No response requested\./);
    await agent.hears('it is resumed', (news) => news.kind === 'session-started' && news.source === 'resume');
    await say(agent, 'ECHO again');
    await agent.hears('the turn ends', turnEnds);
  });

  it('clear begins a new conversation', async () => {
    const agent = await stage.ready();
    await agent.steer({ do: 'clear' });
    const cleared = await agent.hears(
      'it is cleared',
      (news) => news.kind === 'session-started' && news.source === 'clear',
    );
    expect(cleared).not.toMatchObject({ sessionId: agent.order.sessionId });
  });
});
