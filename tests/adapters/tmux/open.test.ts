import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { layoutSchema } from '../../../src/core/layout.ts';
import type { SessionPlan } from '../../../src/engine/ports.ts';
import { until } from '../../rig/wait.ts';
import { ROLES, fixture } from './fixture.ts';
import type { Fixture } from './fixture.ts';

let at: Fixture;
afterEach(() => at.end());

const HOSTILE = `
set -g base-index 1
setw -g pane-base-index 1
set -g prefix C-a
set -g mouse on
setw -g mode-keys vi
setw -g remain-on-exit off
set -g destroy-unattached on
set -g detach-on-destroy off
set -g default-command 'exit 3'
set -g default-shell /bin/false
setw -g allow-rename on
setw -g automatic-rename on
setw -g aggressive-resize on
set -g status off
set -g renumber-windows on
setw -g synchronize-panes on
set -g exit-empty on
`;

const configs = [
  { name: 'none', config: '' },
  { name: 'hostile, window-size largest', config: `${HOSTILE}setw -g window-size largest\n` },
  {
    name: 'hostile, window-size smallest, remain-on-exit on',
    config: `${HOSTILE}setw -g window-size smallest\nsetw -g remain-on-exit on\n`,
  },
  { name: 'one with a mistake in it', config: `${HOSTILE}set -g no-such-option 1\n` },
];

const layouts = path.join(import.meta.dirname, '../../../layouts');

async function layoutNamed(name: string) {
  return layoutSchema.parse(parse(await readFile(path.join(layouts, `${name}.yaml`), 'utf8')));
}

async function windowsOf(session: string): Promise<string[]> {
  const format = '#{window_name} #{window_panes} #{window_width}x#{window_height}';
  return (await at.rig.run('list-windows', '-t', `=${session}:`, '-F', format)).split('\n');
}

describe.each(configs)('with a tmux.conf: $name', ({ config }) => {
  it('opens a session with every pane, in the order of the plan, and keeps it while nobody is attached', async () => {
    at = await fixture({ config });
    const plan = at.plan();
    const panes = await at.terminal.open(plan);
    expect(panes.map((pane) => pane.role)).toEqual(ROLES);
    expect(panes.every((pane) => !pane.dead && pane.pid > 0 && /^%\d+$/.test(pane.pane))).toBe(true);
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'ours', panes });
    expect(await windowsOf('tmops-feat')).toEqual(['quad 4 220x100']);
    const flags = '#{pane_synchronized} #{window_name}';
    expect(await at.rig.run('display-message', '-p', '-t', panes[0]!.pane, flags)).toBe('0 quad');
    expect(await at.rig.run('show-options', '-v', '-t', '=tmops-feat:', 'detach-on-destroy')).toBe('on');
    await at.terminal.end();
    expect(await at.another({}).survey('tmops-feat')).toEqual({ kind: 'ours', panes });
    for (const { pid } of panes) {
      expect((await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')).toEqual(['sleep', '1000', '']);
    }
  });

  it('keeps panes that die at once', async () => {
    at = await fixture({ config });
    const panes = at.plan().panes.map((pane) => ({ ...pane, argv: ['sh', '-c', 'exit 7'] }));
    const opened = await at.terminal.open(at.plan({ panes }));
    expect(opened).toHaveLength(4);
    await until('all four are dead', async () => {
      const survey = await at.terminal.survey('tmops-feat');
      return survey.kind === 'ours' && survey.panes.length === 4 && survey.panes.every((pane) => pane.dead);
    });
  });

  it('opens several windows', async () => {
    at = await fixture({ config });
    const panes = await at.terminal.open(at.plan({ layout: await layoutNamed('windows') }));
    expect(panes.map((pane) => pane.role)).toEqual(ROLES);
    expect(await windowsOf('tmops-feat')).toEqual(ROLES.map((role) => `${role} 1 220x100`));
    expect(await at.rig.run('display-message', '-p', '-t', '=tmops-feat:', '#{window_name}')).toBe('orchestrator');
  });

  it('keeps the names of its windows', async () => {
    at = await fixture({ config });
    const argv = ['sh', '-c', 'printf "\\033kevil\\033\\\\done\\n"; exec sleep 1000'];
    const [pane] = await at.terminal.open(at.plan({ panes: [{ role: 'tester', argv, cwd: at.rig.folder }] }));
    await until('it has printed', async () => {
      const look = await at.terminal.look(pane!.pane);
      return look.kind === 'seen' && look.capture.startsWith('done');
    });
    expect(await windowsOf('tmops-feat')).toEqual(['quad 1 220x100']);
  });

  it('leaves every global and server option and other sessions as they were', async () => {
    at = await fixture({ config });
    await at.rig.run(
      'new-session',
      '-d',
      '-s',
      'tmops',
      '-x',
      '90',
      '-y',
      '30',
      'sleep',
      '1000',
      ';',
      'set-option',
      '-t',
      '=tmops:',
      'destroy-unattached',
      'off',
    );
    const options = () =>
      Promise.all([
        at.rig.run('show-options', '-s'),
        at.rig.run('show-options', '-g'),
        at.rig.run('show-options', '-gw'),
        at.rig.run('show-options', '-t', '=tmops:'),
        at.rig.run('show-options', '-w', '-t', '=tmops:'),
        at.rig.run('show-environment', '-g'),
        at.rig.run('list-keys'),
        at.rig.run('show-hooks', '-g'),
      ]);
    const before = await options();
    await at.terminal.open(at.plan());
    await at.terminal.headline('tmops-feat', 'step 1');
    await at.terminal.close('tmops-feat');
    expect(await options()).toEqual(before);
  });
});

describe('layouts', () => {
  it('are all valid and named like their file', async () => {
    at = await fixture();
    for (const file of await readdir(layouts)) {
      const layout = layoutSchema.parse(parse(await readFile(path.join(layouts, file), 'utf8')));
      expect(`${layout.name}.yaml`).toBe(file);
    }
  });

  it.each([
    { name: 'quad', panes: ['109x49', '110x49', '109x50', '110x50'] },
    { name: 'main-left', panes: ['109x99', '110x32', '110x32', '110x32'] },
    { name: 'status', panes: ['109x32', '110x32', '109x32', '110x32', '220x34'] },
  ])('$name has the expected panes', async ({ name, panes }) => {
    at = await fixture();
    await at.terminal.open(at.plan({ layout: await layoutNamed(name) }));
    const sizes = await at.rig.run('list-panes', '-t', '=tmops-feat:', '-F', '#{pane_width}x#{pane_height}');
    expect(sizes.split('\n').map(roughly)).toEqual(panes.map(roughly));
  });

  it('runs the status pane with its own command and role', async () => {
    at = await fixture();
    const panes = await at.terminal.open(at.plan({ layout: await layoutNamed('status') }));
    expect(panes.map((pane) => pane.role)).toEqual([...ROLES, 'status']);
    expect(await readFile(`/proc/${panes[4]!.pid}/cmdline`, 'utf8')).toBe('sleep\x001001\0');
  });
});

/** Borders cost a row or a column here and there. */
function roughly(size: string): string {
  return size.replace(/\d+/g, (figure) => String(Math.round(Number(figure) / 4)));
}

describe('the process of a pane', () => {
  it('gets its argv and folder unchanged', async () => {
    at = await fixture();
    const cwd = path.join(at.rig.folder, "it's 50%d #{pane_id} #[x] ##y;");
    await mkdir(cwd);
    const argv = [
      'sh',
      '-c',
      'printf "%s\\n" "$PWD" "$@"; sleep 1000',
      'sh',
      '$HOME #{x} "q" \'s\'',
      'last;',
      '\\;',
      'two\nlines',
      '-x',
    ];
    const [pane] = await at.terminal.open(at.plan({ panes: [{ role: 'tester', argv, cwd }] }));
    const screen = await until('it has printed', async () => {
      const look = await at.terminal.look(pane!.pane);
      return look.kind === 'seen' && look.capture.includes('-x') && look.capture;
    });
    expect(screen.trimEnd().split('\n')).toEqual([cwd, ...argv.slice(4).join('\n').split('\n')]);
  });

  it('runs a single word without a shell', async () => {
    at = await fixture({ config: 'set -g default-shell /bin/false\n' });
    const program = path.join(at.rig.folder, 'a $(touch b) program');
    await writeFile(program, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
    const [pane] = await at.terminal.open(
      at.plan({ panes: [{ role: 'tester', argv: [program], cwd: at.rig.folder }] }),
    );
    await until('it runs', async () => (await readFile(`/proc/${pane!.pid}/cmdline`, 'utf8')) === 'sleep\x001000\0');
    expect(await readdir(at.rig.folder)).toEqual(['a $(touch b) program']);
  });

  it.each([
    { name: 'a folder that is gone', change: { cwd: '/nowhere/at/all' }, says: 'cannot be used: /nowhere/at/all' },
    { name: 'a folder that is a file', change: { cwd: '/etc/hostname' }, says: 'not a folder' },
    { name: 'no program', change: { argv: [] }, says: 'needs a program' },
    { name: 'a single word with =', change: { argv: ['a=b'] }, says: 'would be read as a variable' },
  ])('is refused with $name and leaves no session', async ({ change, says }) => {
    at = await fixture();
    const panes = at.plan().panes.map((pane, index) => (index === 2 ? { ...pane, ...change } : pane));
    await expect(at.terminal.open(at.plan({ panes }))).rejects.toThrow(says);
    await until('it is absent', async () => (await at.terminal.survey('tmops-feat')).kind === 'absent');
  });
});

describe('open', () => {
  it('rejects a name that is taken and leaves the session alone', async () => {
    at = await fixture();
    const panes = await at.terminal.open(at.plan());
    await expect(at.terminal.open(at.plan())).rejects.toThrow('duplicate session: tmops-feat');
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'ours', panes });
  });

  it('refuses a server that would not survive a new window', async () => {
    at = await fixture();
    await at.rig.run(
      'new-session',
      '-d',
      '-s',
      'other',
      'sleep',
      '1000',
      ';',
      'set-option',
      '-gw',
      'window-size',
      'manual',
    );
    await expect(at.terminal.open(at.plan())).rejects.toThrow('window-size manual');
    expect(await at.rig.run('list-sessions', '-F', '#{session_name}')).toBe('other');
  });

  it('takes down what it made when a later pane fails', async () => {
    at = await fixture();
    await at.rig.run('new-session', '-d', '-s', 'other', 'sleep 1000');
    const plan: SessionPlan = at.plan({ size: { cols: 20, rows: 4 } });
    await expect(at.terminal.open(plan)).rejects.toThrow('no space for new pane');
    expect(await at.terminal.survey('tmops-feat')).toEqual({ kind: 'absent' });
    expect(await at.rig.run('list-sessions', '-F', '#{session_name}')).toBe('other');
  });

  it('rejects a layout that does not fit', async () => {
    at = await fixture();
    const layout = layoutSchema.parse({ name: 'duo', windows: [{ roles: ['tester', 'tester'] }] });
    await expect(at.terminal.open(at.plan({ layout }))).rejects.toThrow('no window for orchestrator');
  });

  it('can clear the list of mistakes that tmux shows in a pane', async () => {
    at = await fixture({ config: 'set -g no-such-option 1\n' });
    const [first] = await at.terminal.open(at.plan());
    const inMode = async () => {
      const look = await at.terminal.look(first!.pane);
      return look.kind === 'seen' && look.inMode;
    };
    await until('tmux shows the mistakes', inMode);
    expect(await at.terminal.paste(first!.pane, 'text')).toBe('refused');
    await at.terminal.leaveMode(first!.pane);
    expect(await inMode()).toBe(false);
    expect(await at.terminal.paste(first!.pane, 'text')).toBe('typed');
  });
});
