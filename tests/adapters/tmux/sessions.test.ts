import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTerminal } from '../../../src/adapters/tmux/terminal.ts';
import { until } from '../../rig/wait.ts';
import { ROLES, fixture } from './fixture.ts';
import type { Fixture } from './fixture.ts';

let at: Fixture;
beforeEach(async () => {
  at = await fixture();
});
afterEach(() => at.end());

async function signalServer(signal: 'SIGSTOP' | 'SIGCONT', pid: number): Promise<void> {
  process.kill(pid, signal);
  await Promise.resolve();
}

describe('survey', () => {
  it('tells apart names that begin alike', async () => {
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'absent' });
    const long = await at.terminal.open(at.plan({ session: 'tmops-feat-long' }));
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'absent' });
    await at.terminal.close('tmops-feat');
    const short = await at.terminal.open(at.plan());
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'ours', panes: short });
    await at.terminal.headline('tmops-feat', 'short');
    await at.terminal.close('tmops-feat');
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'absent' });
    expect(await at.terminal.survey('tmops-feat-long')).toEqual({ kind: 'ours', panes: long });
  });

  it('names the owner of a session that is not ours, and close leaves it alone', async () => {
    await at.another({ workspaceId: 'workspace-2' }).open(at.plan({ workspaceId: 'workspace-2' }));
    await at.rig.run('new-session', '-d', '-s', 'tmops-mine', 'sleep', '1000');
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'foreign', owner: 'workspace-2' });
    expect(await at.terminal.survey('tmops-mine')).toEqual({ kind: 'foreign', owner: 'someone else' });
    await expect(at.terminal.close('tmops-feat')).rejects.toThrow('belongs to workspace-2');
    await expect(at.terminal.close('tmops-mine')).rejects.toThrow('belongs to someone else');
    await expect(at.terminal.reopen(at.plan({ session: 'tmops-mine' }), at.plan().panes[0]!)).rejects.toThrow(
      'someone else',
    );
    expect((await at.rig.run('list-sessions', '-F', '#{session_name}')).split('\n')).toEqual([
      'tmops-feat',
      'tmops-mine',
    ]);
  });

  it('leaves out panes that a human added', async () => {
    const panes = await at.terminal.open(at.plan());
    await at.rig.run('split-window', '-t', panes[0]!.pane, 'sleep', '1000');
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'ours', panes });
  });

  it('asks the configured server, also when it runs inside of a pane of another one', async () => {
    await at.terminal.open(at.plan());
    const socket = await at.rig.run('display-message', '-p', '#{socket_path}');
    const inPane = openTerminal({
      env: { ...at.rig.env, TMUX: `${socket},1,0`, TMUX_PANE: '%0' },
      workspaceId: 'workspace-1',
    });
    expect(await inPane.survey('tmops-feat')).toEqual({ kind: 'absent' });
    await inPane.end();
  });

  it('does not take a renamed session for an absent one', async () => {
    await at.terminal.open(at.plan());
    await at.rig.run('rename-session', '-t', '=tmops-feat', 'tmops-feat-old');
    expect(await at.terminal.survey('tmops-feat')).toEqual({
      kind: 'unknown',
      why: 'the session tmops-feat was renamed to "tmops-feat-old"',
    });
  });

  it('asks again when the server was just ending, as it does when its last session was closed', async () => {
    await at.terminal.open(at.plan());
    // The words of a client whose server ends before it has answered, three times; then the real one.
    const bin = path.join(at.rig.folder, 'bin');
    const left = path.join(bin, 'left');
    await mkdir(bin);
    await writeFile(left, 'xxx');
    const script = `#!/bin/sh
n=$(cat '${left}')
[ -n "$n" ] && { printf %s "\${n#x}" > '${left}'; echo 'server exited unexpectedly' >&2; exit 1; }
exec ${(await execa('which', ['tmux'])).stdout} "$@"
`;
    await writeFile(path.join(bin, 'tmux'), script, { mode: 0o755 });
    const env = { ...at.rig.env, PATH: `${bin}:${at.rig.env['PATH'] ?? ''}` };
    const { kind } = await at.another({ env, way: 'process' }).survey('tmops-feat');
    expect([kind, await readFile(left, 'utf8')]).toEqual(['ours', '']);
  });

  it('is unknown when the program is missing', async () => {
    const terminal = at.another({ tmux: path.join(at.rig.folder, 'no-tmux') });
    expect(await terminal.survey('tmops-feat')).toMatchObject({ kind: 'unknown' });
    expect(await terminal.look('%0')).toMatchObject({ kind: 'unknown' });
    await expect(terminal.version()).rejects.toThrow('ENOENT');
  });

  it('is unknown while the server does not answer, and right again afterwards', async () => {
    const terminal = at.another({ answerWithinMs: 300 });
    const panes = await terminal.open(at.plan());
    const pid = Number(await at.rig.run('display-message', '-p', '#{pid}'));
    await signalServer('SIGSTOP', pid);
    try {
      expect(await terminal.survey('tmops-feat')).toMatchObject({ kind: 'unknown' });
      expect(await terminal.look(panes[0]!.pane)).toMatchObject({ kind: 'unknown' });
      expect(await terminal.paste(panes[0]!.pane, 'x')).toMatchObject({
        failed: expect.stringContaining('not known') as string,
      });
    } finally {
      await signalServer('SIGCONT', pid);
    }
    await until('it answers', async () => (await terminal.survey('tmops-feat')).kind === 'ours');
  });

  it.each(['a b', 'a:b', 'a.b', '=a', ''])('throws on the name %j', async (name) => {
    await expect(at.terminal.survey(name)).rejects.toThrow('Internal error');
  });
});

describe('close', () => {
  it('ends the session, its processes and text left in buffers of its own', async () => {
    const panes = await at.terminal.open(at.plan());
    await at.rig.run('new-session', '-d', '-s', 'other', 'sleep', '1000');
    const names = ['tmops-tmops-feat-17', 'tmops-tmops-feat-3-17', 'tmops-tmops-feat-x', 'mine'];
    for (const name of names) await at.rig.run('set-buffer', '-b', name, 'text');
    const lost: string[] = [];
    at.terminal.onLost('tmops-feat', (why) => lost.push(why));
    await at.terminal.close('tmops-feat');
    await at.terminal.close('tmops-feat');
    expect((await at.rig.run('list-buffers', '-F', '#{buffer_name}')).split('\n').sort()).toEqual(
      names.slice(1).sort(),
    );
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'absent' });
    expect(await at.terminal.look(panes[0]!.pane)).toEqual({ kind: 'gone' });
    expect(lost).toEqual([]);
  });

  it('is fine with a server that is not there, and starts none', async () => {
    await at.terminal.close('tmops-feat');
    expect(await at.rig.alive()).toBe(false);
  });
});

describe('reopen', () => {
  const dead = async (role: string) =>
    until(`${role} is dead`, async () => {
      const survey = await at.terminal.survey('tmops-feat');
      return survey.kind === 'ours' && survey.panes.some((pane) => pane.role === role && pane.dead);
    });
  const rolesOnScreen = async () =>
    (await at.rig.run('list-panes', '-s', '-t', '=tmops-feat:', '-F', '#{@tmops_role}')).split('\n');

  it('starts the process again in its dead pane', async () => {
    const plan = at.plan();
    const panes = await at.terminal.open(plan);
    process.kill(panes[1]!.pid, 'SIGKILL');
    await dead('tester');
    const fact = await at.terminal.reopen(plan, { ...plan.panes[1]!, argv: ['sleep', '1002'] });
    expect(fact).toMatchObject({ role: 'tester', pane: panes[1]!.pane, dead: false });
    expect(fact.pid).not.toBe(panes[1]!.pid);
  });

  it('never touches a pane that lives', async () => {
    const plan = at.plan();
    const panes = await at.terminal.open(plan);
    await expect(at.terminal.reopen(plan, plan.panes[1]!)).rejects.toThrow(
      `tester in tmops-feat is alive (${panes[1]!.pane})`,
    );
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'ours', panes });
  });

  it.each([0, 1, 3])('puts pane %i back in its place when it is gone, and keeps the active pane', async (index) => {
    const plan = at.plan();
    const panes = await at.terminal.open(plan);
    await at.rig.run('select-pane', '-t', panes[2]!.pane);
    await at.rig.run('kill-pane', '-t', panes[index]!.pane);
    const fact = await at.terminal.reopen(plan, plan.panes[index]!);
    expect(fact).toMatchObject({ role: ROLES[index], dead: false });
    expect(await rolesOnScreen()).toEqual(ROLES);
    expect(await at.rig.run('display-message', '-p', '-t', '=tmops-feat:', '#{pane_id}')).toBe(panes[2]!.pane);
    process.kill(fact.pid, 'SIGKILL');
    await dead(ROLES[index]!);
  });

  it('makes a window again when none of its panes is left, and keeps the one that is shown', async () => {
    const layout = {
      name: 'two',
      windows: [
        { roles: ['orchestrator'], arrange: 'tiled' as const, each: false, status: false },
        { roles: 'rest' as const, arrange: 'tiled' as const, each: true, status: false },
      ],
    };
    const plan = at.plan({ layout });
    const panes = await at.terminal.open(plan);
    await at.rig.run('kill-pane', '-t', panes[2]!.pane);
    expect(await at.terminal.reopen(plan, plan.panes[2]!)).toMatchObject({ role: 'implementer', dead: false });
    const windows = await at.rig.run(
      'list-windows',
      '-t',
      '=tmops-feat:',
      '-F',
      '#{window_name}#{?window_active,*,} #{window_width}x#{window_height}',
    );
    expect(windows.split('\n')).toEqual(['two* 220x100', 'tester 220x100', 'verifier 220x100', 'implementer 220x100']);
  });

  it('takes a window of its own when there is no room beside the others', async () => {
    const plan = at.plan({ size: { cols: 60, rows: 12 } });
    const panes = await at.terminal.open(plan);
    await at.rig.run('kill-pane', '-t', panes[1]!.pane);
    const crowd = () => at.rig.run('split-window', '-t', panes[0]!.pane, 'sleep', '1000');
    for (let full = false; !full;)
      full = await crowd().then(
        () => false,
        (error: unknown) => String(error).includes('no space'),
      );
    const fact = await at.terminal.reopen(plan, plan.panes[1]!);
    expect(fact).toMatchObject({ role: 'tester', dead: false });
    expect(await at.rig.run('list-windows', '-t', '=tmops-feat:', '-F', '#{window_name}')).toBe('quad\nquad');
  });

  it('brings the status pane back', async () => {
    const layout = {
      name: 'status',
      windows: [{ roles: 'rest' as const, arrange: 'tiled' as const, each: false, status: true }],
    };
    const plan = at.plan({ layout });
    const panes = await at.terminal.open(plan);
    await at.rig.run('kill-pane', '-t', panes[4]!.pane);
    const status = { role: 'status', argv: plan.statusArgv, cwd: at.rig.folder };
    expect(await at.terminal.reopen(plan, status)).toMatchObject({ role: 'status', dead: false });
    expect(await rolesOnScreen()).toEqual([...ROLES, 'status']);
  });

  it('rejects for a folder that is gone', async () => {
    const plan = at.plan();
    await at.terminal.open(plan);
    await expect(at.terminal.reopen(plan, { ...plan.panes[0]!, cwd: '/nowhere' })).rejects.toThrow('/nowhere');
  });
});

describe('version', () => {
  it('is a bare number', async () => {
    expect(await at.terminal.version()).toMatch(/^\d+\.\d+[a-z]?$/);
  });
});
