import { readFile, readlink, stat } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OutputOf } from '../../src/app/table.ts';
import { agentsOf, greenCode, isAlive, journaled, playText, redTest, type AgentState } from '../rig/flow.ts';
import { attachHuman, humanAt, type Human } from '../rig/human.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { steer } from '../rig/rehearsal.ts';
import { until } from '../rig/wait.ts';

/** A tmux.conf that breaks tools which count on tmux' defaults. */
const THEIRS = `set -g base-index 1
setw -g pane-base-index 1
set -g prefix C-a
unbind C-b
bind C-a send-prefix
bind-key -n F5 display-message "mine"
set -g mouse on
setw -g mode-keys vi
set -g remain-on-exit on
set -g destroy-unattached on
set -g detach-on-destroy off
set -g set-titles on
set -g status off
set -g default-command "exec sleep 1000"
`;

const LAYOUT = `name: ours
windows:
  - name: bosses
    arrange: even-horizontal
    roles: [orchestrator, implementer]
  - name: workers
    arrange: even-vertical
    roles: rest
`;

const WORK: Readonly<Record<string, readonly object[]>> = { tester: [redTest], implementer: [greenCode] };

/** Everybody takes a moment, the tester until it is told to end its turn: so there is a middle of the run to look at. */
const PACED = playText(
  [
    ['orchestrator', '[BEGIN]: Start orchestration', '001-discovery-trigger.md'],
    ['tester', '[BEGIN]: Start test writing', '003-tests-complete.md'],
    ['orchestrator', 'Tester has completed', '004-impl-trigger.md'],
    ['implementer', '[BEGIN]: Start implementation', '005-impl-complete.md'],
    ['orchestrator', 'Implementer has completed', '006-verify-trigger.md'],
    ['verifier', '[BEGIN]: Start verification', '007-verify-complete.md'],
    ['orchestrator', 'Verifier has completed', 'SUMMARY.md'],
  ].map(([role = '', when = '', file = '']) => {
    return { role, when, file, thinkMs: role === 'tester' ? 600_000 : 150, acts: WORK[role] ?? [] };
  }),
);

const CONFIG = 'features:\n  concurrent_limit: 20';
const SECRETS = {
  CLAUDE_X: 'claude-of-the-caller',
  CLAUDECODE: '1',
  ANTHROPIC_FOO: 'unlisted-secret',
  ANTHROPIC_API_KEY: 'sk-listed-secret',
  TMUX: '/tmp/nowhere/default,1,0',
  TMUX_PANE: '%77',
  OF_THE_PROJECT: 'kept',
};

let product: Product;
let owner: Human;

beforeAll(async () => {
  product = await openProduct({
    play: 'wait',
    config: CONFIG,
    tmuxConf: THEIRS,
    env: SECRETS,
    files: { 'tools/ours.yaml': LAYOUT, 'tools/paced.yaml': PACED },
  });
  owner = humanAt(product.server, ['new-session', '-s', 'mine', 'exec sleep 1000'], { cols: 100, rows: 30 });
  await until('the user has a session', () => product.server.alive());
});
afterAll(async () => {
  await product.dispose();
  await owner.leave();
});

let feature = '';
afterEach(async () => {
  if (feature !== '') await product.cli('stop', feature);
  feature = '';
});

async function start(name: string, ...flags: string[]): Promise<OutputOf<'start'>> {
  feature = name;
  await product.json('init', name);
  return product.json('start', name, ...flags);
}

const list = async (format: string, session = `tmops-${feature}`): Promise<string[]> =>
  (await product.server.run('list-panes', '-s', '-t', `=${session}:`, '-F', format)).split('\n');

const asked = (target: string, format: string): Promise<string> =>
  product.server.run('display-message', '-p', '-t', target, format);

describe('a layout', () => {
  const roles = ['orchestrator', 'tester', 'implementer'];

  beforeAll(() => product.configure({ play: 'wait', config: `${CONFIG}\n  default_phases: [${roles.join(', ')}]` }));
  afterAll(() => product.configure({ play: 'wait', config: CONFIG }));

  it.each([
    ['main-left', roles.map((role) => `team ${role}`)],
    ['windows', roles.map((role) => `${role} ${role}`)],
    ['status', [...roles, 'status'].map((role) => `team ${role}`)],
    ['tools/ours.yaml', ['bosses orchestrator', 'bosses implementer', 'workers tester']],
  ])('%s opens with every role in its place', async (layout, places) => {
    await start(`in-${layout.replaceAll(/[^a-z]/g, '-').slice(0, 10)}`, '--layout', layout);
    expect(await list('#{window_name} #{@tmops_role}')).toEqual(places);
    const [first = ''] = await list('#{@tmops_role} #{pane_left} #{pane_width} #{pane_height}');
    if (layout === 'main-left') expect(first).toMatch(/^orchestrator 0 1\d\d 9\d$/);
    if (layout !== 'status') return;
    const pane = (await list('#{pane_id}')).at(-1) ?? '';
    const shown = (): Promise<string> => product.server.run('capture-pane', '-p', '-t', pane);
    await until('the pane shows the status', async () => (await shown()).includes('step 1/5 discovery'));
    await until('it follows it', async () => /orchestrator +idle/.test(await shown()));
  });
});

/** All that a user may have set on their server, and their session as it stands. */
async function usersOwn(): Promise<Record<string, string>> {
  const questions = {
    global: ['show-options', '-g'],
    server: ['show-options', '-s'],
    windows: ['show-options', '-g', '-w'],
    hooks: ['show-hooks', '-g'],
    environment: ['show-environment', '-g'],
    keys: ['list-keys'],
    buffers: ['list-buffers'],
    session: ['show-options', '-t', '=mine:'],
    window: ['show-options', '-w', '-t', '=mine:'],
    panes: [
      'list-panes',
      '-s',
      '-t',
      '=mine:',
      '-F',
      '#{window_id} #{pane_id} #{pane_width}x#{pane_height} #{pane_pid}',
    ],
    clients: ['list-clients', '-t', '=mine', '-F', '#{client_pid} #{client_session} #{client_key_table}'],
  };
  const answers = Object.entries(questions).map(async ([name, command]) => [
    name,
    await product.server.run(...command),
  ]);
  return Object.fromEntries(await Promise.all(answers)) as Record<string, string>;
}

describe('beside what the user has', () => {
  it('a run completes, is watched from a small terminal meanwhile, and leaves all else as it was', async () => {
    const before = await usersOwn();
    await product.configure({ play: 'tools/paced.yaml', config: CONFIG });
    await start('beside');
    const watcher = attachHuman(product.server, 'tmops-beside', { cols: 80, rows: 24 });
    await until('the window is small', async () => (await list('#{window_width}x#{window_height}'))[0] === '80x23');
    expect(await usersOwn()).toEqual(before);
    const small = (await product.events('beside')).length;
    await product.reached('beside', 'the tester is at work', ({ prompts }) =>
      prompts.some(({ purpose, outcome }) => purpose === 'step testing' && outcome === 'accepted'),
    );
    await steer(product.path('beside', 'current', 'agents', 'tester'), { do: 'finish' });
    await journaled(product, 'beside', 'two hand-offs with the small window', (events) => {
      const steps = events.slice(small).filter((event) => event.kind === 'step.completed');
      return steps.length >= 2;
    });
    expect(watcher.drawn()).toMatch(/\[tmops-beside\]/);
    expect(watcher.drawn()).toMatch(/beside: [a-z-]+ \(\d\/7\), (orchestrator|tester|implementer|verifier)/);
    expect(watcher.drawn()).toMatch(/tester: (working|idle)/);
    await watcher.leave();
    await until('the size is restored', async () => (await list('#{window_width}x#{window_height}'))[0] === '220x100');
    await product.reached('beside', 'the run is completed', ({ phase }) => phase === 'completed');
    expect(await usersOwn()).toEqual(before);
    await product.json('stop', 'beside');
    expect(await usersOwn()).toEqual(before);
    expect(await product.server.run('list-sessions', '-F', '#{session_name}')).toBe('mine');
    await product.configure({ play: 'wait', config: CONFIG });
  });

  it('refuses a session of its name that is somebody else’s, by name; another prefix is free', async () => {
    await product.server.run(
      'new-session',
      '-d',
      '-s',
      'tmops-taken',
      'exec sleep 1000',
      ';',
      'set-option',
      '-t',
      '=tmops-taken:',
      'destroy-unattached',
      'off',
    );
    feature = 'taken';
    await product.json('init', 'taken');
    const { exitCode, stderr } = await product.cli('start', 'taken');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('A tmux session called tmops-taken belongs to someone else.');
    expect(stderr).toContain('session_prefix');
    await product.configure({ play: 'wait', config: `${CONFIG}\nsession_prefix: team_2` });
    expect((await product.json<OutputOf<'start'>>('start', 'taken')).session).toBe('team_2-taken');
    expect(await list('#{@tmops_role}', 'team_2-taken')).toHaveLength(4);
    await product.json('stop', 'taken');
    expect((await product.server.run('list-sessions', '-F', '#{session_name}')).split('\n').sort()).toEqual([
      'mine',
      'tmops-taken',
    ]);
    await product.server.run('kill-session', '-t', '=tmops-taken');
    await product.configure({ play: 'wait', config: CONFIG });
  });
});

it('two features that are started at once do not both get the last place', async () => {
  await product.configure({
    play: 'wait',
    config: 'features:\n  concurrent_limit: 1\n  default_phases: [orchestrator, tester]',
  });
  for (const name of ['one-api', 'two-api']) await product.json('init', name);
  const started = await Promise.all(
    ['one-api', 'two-api'].map((name) => product.json<OutputOf<'start'>>('start', name)),
  );
  const waiting = started.flatMap(({ queue }) => (queue ? [queue] : []));
  expect(waiting).toMatchObject([{ position: 1, length: 1 }]);
  expect(waiting[0]?.why).toMatch(/^(one|two)-api is running and the limit is 1$/);
  // The one that waits first: the other's end would make room for it.
  for (const { feature } of started.toSorted((one) => (one.queue ? -1 : 1))) await product.json('stop', feature);
  await product.configure({ play: 'wait', config: CONFIG });
});

describe('an agent', () => {
  let agents: [string, AgentState][];
  let worktree: string;
  let opened: OutputOf<'start'>[];

  beforeAll(async () => {
    ({ worktree } = await product.json<OutputOf<'init'>>('init', 'inside'));
    // Two callers at once, and then a third one.
    opened = await Promise.all(['a', 'b'].map(() => product.json<OutputOf<'start'>>('start', 'inside')));
    opened.push(await product.json<OutputOf<'start'>>('start', 'inside'));
    agents = await until('every agent has its process', async () => {
      const all = Object.entries(await agentsOf(product, 'inside'));
      return all.every(([, { pid }]) => pid !== null) && all;
    });
  });
  afterEach(() => {
    feature = '';
  });

  it('is started once, however often start is called', async () => {
    expect(new Set(opened.map(({ session }) => session))).toEqual(new Set(['tmops-inside']));
    expect(opened.at(-1)?.notes).toContain('It was running already.');
    expect(await list('#{window_name} #{@tmops_role} #{pane_dead}', 'tmops-inside')).toEqual(
      agents.map(([role]) => `team ${role} 0`),
    );
    for (const size of await list('#{pane_width}x#{pane_height}', 'tmops-inside'))
      expect(size).toMatch(/^1(09|10)x(48|49|50)$/);
    const launched = (await product.events('inside')).filter((event) => event.kind === 'agent.launched');
    expect(launched.map(({ generation }) => generation)).toEqual([1, 1, 1, 1]);
  });

  it('runs in the feature’s worktree with a umask that keeps its files private', async () => {
    for (const [, { pid }] of agents) {
      expect(await readlink(`/proc/${pid ?? 0}/cwd`)).toBe(worktree);
      expect(await readFile(`/proc/${pid ?? 0}/status`, 'utf8')).toMatch(/^Umask:\s+0077$/m);
    }
  });

  it('has the caller’s environment without what is Claude Code’s and tmux’, but with what is listed', async () => {
    for (const [, { pid }] of agents) {
      const environment = (await readFile(`/proc/${pid ?? 0}/environ`, 'utf8')).split('\0');
      expect(environment).toContain('OF_THE_PROJECT=kept');
      expect(environment).toContain('ANTHROPIC_API_KEY=sk-listed-secret');
      const foreign = /^(CLAUDE|TMUX|ANTHROPIC_(?!API_KEY=))/;
      expect(environment.filter((variable) => foreign.test(variable))).toEqual([]);
    }
  });

  it('shows no secret to those who may talk to the tmux server', async () => {
    const shown = [
      ...(await list('#{pane_start_command} #{pane_title}', 'tmops-inside')),
      await product.server.run('show-environment', '-g'),
      await product.server.run('show-environment', '-t', '=tmops-inside:'),
      await product.server.run('show-options', '-t', '=tmops-inside:'),
    ].join('\n');
    expect(shown).toContain('launch.sh');
    expect(shown).not.toMatch(/secret|claude-of-the-caller/);
  });

  it('gets its secrets through files that are its user’s alone', async () => {
    for (const file of ['setup.json', 'tester/launch/env']) {
      const path = product.path('inside', 'current', 'agents', file);
      expect(await readFile(path, 'utf8')).toContain('sk-listed-secret');
      expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600');
    }
  });

  it('is named with its state in the border of its pane, and the feature with its step in the status line', async () => {
    await product.reached('inside', 'the step was prompted', ({ waitsFor }) => waitsFor.includes('works on'));
    const border = (pane: string | null): Promise<string> => asked(pane ?? '', '#{T:pane-border-format}');
    for (const [role, { pane }] of agents)
      await until(`${role} is idle`, async () => (await border(pane)).includes(`${role}: idle`));
    const line = (): Promise<string> => asked('=tmops-inside:', '#{status} #{T:status-left}#{T:status-right}');
    await until('the line names the step', async () =>
      (await line()).includes('inside: discovery (1/7), orchestrator'),
    );
    expect(await line()).toMatch(/^on \[tmops-inside\] /);
  });

  it('leaves no process behind when it is stopped', async () => {
    const panes = (await list('#{pane_pid}', 'tmops-inside')).map(Number);
    const pids = [...panes, ...agents.map(([, { pid }]) => pid ?? 0)];
    expect(await Promise.all(pids.map(isAlive))).not.toContain(false);
    await product.json('stop', 'inside');
    expect(await Promise.all(pids.map(isAlive))).not.toContain(true);
    expect(await product.server.run('list-sessions', '-F', '#{session_name}')).toBe('mine');
  });
});
