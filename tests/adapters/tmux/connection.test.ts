import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../rig/wait.ts';
import { fixture } from './fixture.ts';
import type { Fixture } from './fixture.ts';

let at: Fixture;
afterEach(() => at.end());

async function connected(): Promise<string> {
  return until('it is connected', async () => (await at.connections())[0]);
}

describe('the connection', () => {
  beforeEach(async () => {
    at = await fixture({ way: 'control', config: 'set -g detach-on-destroy off\n' });
  });

  it('is one for each session and takes part in nothing', async () => {
    await at.open(at.plan());
    await at.open(at.plan({ session: 'tmops-other' }));
    const pid = await connected();
    await Promise.all(Array.from({ length: 20 }, () => at.terminal.survey('tmops-feat')));
    expect(await at.connections()).toEqual([pid]);
    expect(await at.rig.run('list-clients', '-t', '=tmops-feat', '-F', '#{client_flags}')).toMatch(
      /ignore-size.*no-output/,
    );
    expect(await at.rig.run('show-environment', '-t', '=tmops-feat').catch(() => '')).toBe('');
  });

  it('does not mind hooks of the user that fail', async () => {
    await at.rig.run(
      'new-session',
      '-d',
      '-s',
      'other',
      'sleep',
      '1000',
      ';',
      'set-hook',
      '-g',
      'client-attached',
      'kill-pane -t %99',
    );
    const [pane] = await at.open(at.plan());
    const pid = await connected();
    expect(await at.terminal.look(pane!.pane)).toMatchObject({ kind: 'seen' });
    expect(await at.connections()).toEqual([pid]);
  });

  it('comes back after a human threw everybody else out', async () => {
    const [pane] = await at.open(at.plan());
    const first = await connected();
    await at.rig.run('detach-client', '-s', '=tmops-feat');
    const second = await until('there is a new connection', async () =>
      (await at.connections()).find((pid) => pid !== first),
    );
    process.kill(Number(second), 'SIGKILL');
    expect(await at.terminal.look(pane!.pane)).toMatchObject({ kind: 'seen' });
    await until('there is a third one', async () => (await at.connections()).find((pid) => pid !== second));
  });

  it('answers without a gap while it is cut again and again', async () => {
    const [pane] = await at.open(at.plan());
    for (let cut = 0; cut < 5; cut += 1) {
      const pid = await connected();
      const looks = Array.from({ length: 20 }, () => at.terminal.look(pane!.pane));
      process.kill(Number(pid), 'SIGKILL');
      for (const look of await Promise.all(looks)) expect(look).toMatchObject({ kind: 'seen' });
      await until('the old one is gone', async () => !(await at.connections()).includes(pid));
    }
  });

  it('never repeats a paste whose answer was cut off', async () => {
    const [pane] = await at.open(at.plan());
    const client = Number(await connected());
    const server = Number(await at.rig.run('display-message', '-p', '#{pid}'));
    process.kill(server, 'SIGSTOP');
    try {
      const pasted = at.terminal.paste(pane!.pane, 'once');
      process.kill(client, 'SIGKILL');
      // Not by waiting for the answer to a second attempt.
      const result = await pasted;
      expect(result).toMatchObject({
        failed: expect.stringContaining('not known whether the text was typed') as string,
      });
      expect(result).not.toMatchObject({ failed: expect.stringContaining('did not answer') as string });
    } finally {
      process.kill(server, 'SIGKILL');
    }
  });

  it('is used again after a server that hung for a while', async () => {
    const terminal = at.another({ way: 'control', answerWithinMs: 300 });
    const panes = await terminal.open(at.plan());
    const pid = await connected();
    const server = Number(await at.rig.run('display-message', '-p', '#{pid}'));
    process.kill(server, 'SIGSTOP');
    try {
      expect(await terminal.survey('tmops-feat')).toMatchObject({ kind: 'unknown' });
      expect(await terminal.paste(panes[0]!.pane, 'x')).toMatchObject({
        failed: expect.stringContaining('not known') as string,
      });
    } finally {
      process.kill(server, 'SIGCONT');
    }
    await until('it answers', async () => (await terminal.survey('tmops-feat')).kind === 'ours');
    expect(await at.connections()).toEqual([pid]);
  });

  it('is silent when the connection is merely cut', async () => {
    await at.open(at.plan());
    const first = await connected();
    const lost: string[] = [];
    at.terminal.onLost('tmops-feat', (why) => lost.push(why));
    process.kill(Number(first), 'SIGKILL');
    await until('it is connected again', async () => (await at.connections()).find((pid) => pid !== first));
    expect(lost).toEqual([]);
  });

  it('ends with the terminal and leaves the session', async () => {
    await at.open(at.plan());
    const pid = await connected();
    await at.terminal.end();
    expect(await at.connections()).toEqual([]);
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
    expect(await at.another({}).survey('tmops-feat')).toMatchObject({ kind: 'ours' });
  });
});

describe.each(['control', 'process'] as const)('onLost by way of %s', (way) => {
  beforeEach(async () => {
    at = await fixture({ way, config: 'set -g detach-on-destroy off\n' });
  });

  const heard = (session = 'tmops-feat') => {
    const lost: string[] = [];
    const stop = at.terminal.onLost(session, (why) => lost.push(why));
    return { lost, stop };
  };

  it('calls back when the session is ended, also with another session to fall into', async () => {
    await at.rig.run('new-session', '-d', '-s', 'other', 'sleep', '1000');
    await at.open(at.plan());
    const { lost } = heard();
    await at.rig.run('set-option', '-t', '=tmops-feat:', 'detach-on-destroy', 'off');
    await at.rig.run('kill-session', '-t', '=tmops-feat');
    await until('it was told', () => lost[0]);
    expect(lost).toEqual(["can't find session: tmops-feat"]);
    expect(await at.connections('other')).toEqual([]);
  });

  it('calls back when the server is killed, and again after the session was made anew', async () => {
    await at.open(at.plan());
    const { lost, stop } = heard();
    for (let round = 1; round <= 2; round += 1) {
      const server = Number(await at.rig.run('display-message', '-p', '#{pid}'));
      process.kill(server, 'SIGKILL');
      await until('it was told', () => lost.length === round);
      expect(lost.at(-1)).toMatch(/no server running on/);
      await at.open(at.plan());
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
    expect(await at.rig.alive()).toBe(false);
  });
});

describe('opening right after the server ended', () => {
  beforeEach(async () => {
    at = await fixture();
  });

  it('works', async () => {
    for (let round = 0; round < 5; round += 1) {
      await at.open(at.plan());
      await at.rig.run('kill-server');
      await at.open(at.plan());
      await at.terminal.close('tmops-feat');
    }
  });
});
