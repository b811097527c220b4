import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachHuman } from '../../rig/human.ts';
import { until } from '../../rig/wait.ts';
import { fixture } from './fixture.ts';
import type { Fixture } from './fixture.ts';

let at: Fixture;
beforeEach(async () => {
  at = await fixture({ config: 'set -g detach-on-destroy off\n' });
});
afterEach(() => at.end());

/** Process ids of the control clients of a session. */
async function connections(session = 'tmops-feat'): Promise<string[]> {
  const lines = await at.rig.run('list-clients', '-F', '#{client_control_mode} #{client_pid} #{session_name}');
  return lines
    .split('\n')
    .filter((line) => line.startsWith('1 ') && line.endsWith(` ${session}`))
    .map((line) => line.split(' ')[1]!);
}

async function connected(session?: string): Promise<string> {
  return until('it is connected', async () => (await connections(session))[0]);
}

describe('the connection', () => {
  it('is one for each session and takes part in nothing', async () => {
    await at.terminal.open(at.plan());
    await at.terminal.open(at.plan({ session: 'tmops-other' }));
    const pid = await connected();
    await connected('tmops-other');
    await Promise.all(Array.from({ length: 20 }, () => at.terminal.survey('tmops-feat')));
    expect(await connections()).toEqual([pid]);
    expect(await at.rig.run('list-clients', '-t', '=tmops-feat', '-F', '#{client_flags}')).toMatch(
      /ignore-size.*no-output/,
    );
    expect(await at.rig.run('show-environment', '-t', '=tmops-feat').catch(() => '')).toBe('');
  });

  it('comes back after a human threw everybody else out', async () => {
    const [pane] = await at.terminal.open(at.plan());
    const first = await connected();
    await at.rig.run('detach-client', '-s', '=tmops-feat');
    const second = await until('there is a new connection', async () =>
      (await connections()).find((pid) => pid !== first),
    );
    process.kill(Number(second), 'SIGKILL');
    expect(await at.terminal.look(pane!.pane)).toMatchObject({ kind: 'seen' });
    await until('there is a third one', async () => (await connections()).find((pid) => pid !== second));
  });

  it('answers without a gap while it is cut again and again', async () => {
    const [pane] = await at.terminal.open(at.plan());
    for (let cut = 0; cut < 5; cut += 1) {
      const pid = await connected();
      const looks = Array.from({ length: 20 }, () => at.terminal.look(pane!.pane));
      process.kill(Number(pid), 'SIGKILL');
      for (const look of await Promise.all(looks)) expect(look).toMatchObject({ kind: 'seen' });
      await until('the old one is gone', async () => !(await connections()).includes(pid));
    }
  });

  it('never repeats a paste whose answer was cut off', async () => {
    const [pane] = await at.terminal.open(
      at.plan({ panes: [{ role: 'tester', argv: ['cat', '-'], cwd: at.rig.folder }] }),
    );
    const pid = await connected();
    const server = Number(await at.rig.run('display-message', '-p', '#{pid}'));
    process.kill(server, 'SIGSTOP');
    const pasted = at.terminal.paste(pane!.pane, 'once');
    process.kill(Number(pid), 'SIGKILL');
    const result = await pasted;
    process.kill(server, 'SIGCONT');
    expect(result).toMatchObject({ failed: expect.stringContaining('not known whether the text was typed') as string });
    const look = await at.terminal.look(pane!.pane);
    expect(look.kind === 'seen' ? (look.capture.match(/once/g) ?? []).length : -1).toBeLessThanOrEqual(1);
  });

  it('ends with the terminal and leaves the session', async () => {
    await at.terminal.open(at.plan());
    const pid = await connected();
    await at.terminal.end();
    expect(await connections()).toEqual([]);
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
    expect(await at.another({}).survey('tmops-feat')).toMatchObject({ kind: 'ours' });
  });
});

describe('onLost', () => {
  const heard = (session = 'tmops-feat') => {
    const lost: string[] = [];
    const stop = at.terminal.onLost(session, (why) => lost.push(why));
    return { lost, stop };
  };

  it('calls back when the session is ended, also with another session to fall into', async () => {
    await at.rig.run('new-session', '-d', '-s', 'other', 'sleep', '1000');
    await at.terminal.open(at.plan());
    await connected();
    const { lost } = heard();
    await at.rig.run('kill-session', '-t', '=tmops-feat');
    await until('it was told', () => lost[0]);
    expect(lost).toEqual(["can't find session: tmops-feat"]);
    expect(await connections('other')).toEqual([]);
  });

  it('calls back when the server is killed, and again after the session was made anew', async () => {
    await at.terminal.open(at.plan());
    const { lost, stop } = heard();
    for (let round = 1; round <= 2; round += 1) {
      const server = Number(await at.rig.run('display-message', '-p', '#{pid}'));
      process.kill(server, 'SIGKILL');
      await until('it was told', () => lost.length === round);
      expect(lost.at(-1)).toMatch(/no server running on/);
      await at.terminal.open(at.plan());
      await connected();
    }
    await stop();
    await stop();
    await at.rig.run('kill-server');
    await until('the server is gone', async () => !(await at.rig.alive()));
    expect(lost).toHaveLength(2);
  });

  it('calls back at once for a session that is not there', async () => {
    const { lost } = heard('tmops-never');
    await until('it was told', () => lost[0]);
  });

  it('is silent when the connection is merely cut', async () => {
    await at.terminal.open(at.plan());
    const first = await connected();
    const { lost } = heard();
    process.kill(Number(first), 'SIGKILL');
    await until('it is connected again', async () => (await connections()).find((pid) => pid !== first));
    expect(lost).toEqual([]);
  });
});

describe('opening right after the server ended', () => {
  it('works', async () => {
    for (let round = 0; round < 5; round += 1) {
      await at.terminal.open(at.plan());
      await at.rig.run('kill-server');
      await at.terminal.open(at.plan());
      await at.terminal.close('tmops-feat');
    }
  });
});

describe('the size of the windows', () => {
  const sizes = async (session = 'tmops-feat') =>
    (await at.rig.run('list-windows', '-t', `=${session}:`, '-F', '#{window_width}x#{window_height}')).split('\n');

  it('is a human’s while one is attached and comes back when the last one left', async () => {
    await at.terminal.open(at.plan());
    await connected();
    const small = attachHuman(at.rig, 'tmops-feat', { cols: 80, rows: 24 });
    await until('the window is as small as the first client', async () => (await sizes())[0] === '80x23');
    const large = attachHuman(at.rig, 'tmops-feat', { cols: 120, rows: 40 });
    await until('the window is as large as the second one', async () => (await sizes())[0] === '120x39');
    await large.leave();
    await until('the small one has it again', async () => (await sizes())[0] === '80x23');
    await small.leave();
    await until('the window has its own size', async () => (await sizes())[0] === '220x100', { withinMs: 2000 });
    const next = attachHuman(at.rig, 'tmops-feat', { cols: 90, rows: 30 });
    await until('the next one sees its own size', async () => (await sizes())[0] === '90x29');
    next.resize(100, 35);
    await until('it can change it', async () => (await sizes())[0] === '100x34');
    next.type('\x02d');
    await until('the window has its own size again', async () => (await sizes())[0] === '220x100', { withinMs: 2000 });
    await next.leave();
  });

  it('comes back when the human goes to another session, whose size stays', async () => {
    await at.rig.run('new-session', '-d', '-s', 'other', '-x', '70', '-y', '20', 'sleep', '1000');
    await at.terminal.open(at.plan());
    await connected();
    const human = attachHuman(at.rig, 'tmops-feat', { cols: 80, rows: 24 });
    await until('the window is small', async () => (await sizes())[0] === '80x23');
    await at.rig.run('switch-client', '-t', '=other');
    await until('the window has its own size', async () => (await sizes())[0] === '220x100', { withinMs: 2000 });
    expect(await sizes('other')).toEqual(['80x23']);
    await human.leave();
  });

  it('comes back when nobody was watching while the human left', async () => {
    await at.terminal.open(at.plan());
    await at.terminal.end();
    const human = attachHuman(at.rig, 'tmops-feat', { cols: 80, rows: 24 });
    await until('the window is small', async () => (await sizes())[0] === '80x23');
    await human.leave();
    expect(await sizes()).toEqual(['80x23']);
    await at.another({}).survey('tmops-feat');
    await until('the window has its own size', async () => (await sizes())[0] === '220x100', { withinMs: 2000 });
  });

  it('stays small while a human looks through a session of their own that shares the windows', async () => {
    await at.terminal.open(at.plan());
    await connected();
    await at.rig.run('new-session', '-d', '-t', '=tmops-feat', '-s', 'mine');
    const mine = attachHuman(at.rig, 'mine', { cols: 80, rows: 24 });
    await until('the first one is there', async () => (await sizes())[0] === '80x23');
    const other = attachHuman(at.rig, 'tmops-feat', { cols: 100, rows: 30 });
    await until('the larger one is there', async () => (await sizes())[0] === '100x29');
    await other.leave();
    await until('the smaller one has it', async () => (await sizes())[0] === '80x23');
    await mine.leave();
    await until('the window has its own size', async () => (await sizes())[0] === '220x100', { withinMs: 2000 });
  });
});

describe('labels and the headline', () => {
  it('are shown as they are, without styles or commands', async () => {
    const [pane] = await at.terminal.open(at.plan());
    const human = attachHuman(at.rig, 'tmops-feat', { cols: 200, rows: 50 });
    const state = '#[fg=red]red #(touch x) } , a#b ## 50%d #{pane_id}\nend';
    await at.terminal.label(pane!.pane, { role: 'orchestrator', state });
    await until('the label is drawn', () => human.drawn().includes(`orchestrator: ${state.replace('\n', ' ')} `));
    const text = '3/8 #[bg=blue]tester works, #(touch y) #{session_name} } %H';
    await at.terminal.headline('tmops-feat', text);
    await until('the headline is drawn', () => human.drawn().includes(` ${text} `));
    expect(human.drawn()).toContain('tester');
    expect((await execa('ls', [at.rig.folder])).stdout).toBe('');
    const survey = await at.terminal.survey('tmops-feat');
    expect(survey.kind === 'ours' && survey.panes[0]?.role).toBe('orchestrator');
    await human.leave();
  });

  it('survive a role with awkward signs', async () => {
    const role = 'a#b #[fg=red], }';
    const layout = at.plan().layout;
    const panes = await at.terminal.open(
      at.plan({ layout, panes: [{ role, argv: ['sleep', '1000'], cwd: at.rig.folder }] }),
    );
    expect(panes[0]?.role).toBe(role);
    await at.terminal.label(panes[0]!.pane, { role, state: '' });
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'ours', panes });
  });
});
