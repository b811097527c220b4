import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachHuman } from '../../rig/human.ts';
import { until } from '../../rig/wait.ts';
import { fixture } from './fixture.ts';
import type { Fixture } from './fixture.ts';

/** What a user may have set that would show other sizes, and no headline. */
const CONFIG = 'set -g status off\nsetw -g window-size smallest\n';

let at: Fixture;
afterEach(() => at.end());

describe.each(['control', 'process'] as const)('the size of the windows by way of %s', (way) => {
  beforeEach(async () => {
    at = await fixture({ way, config: CONFIG });
  });

  const sizes = async (session = 'tmops-feat') =>
    (await at.rig.run('list-windows', '-t', `=${session}:`, '-F', '#{window_width}x#{window_height}')).split('\n');

  it('is a human’s while one is attached and comes back when the last one left', async () => {
    await at.open(at.plan());
    const small = attachHuman(at.rig, 'tmops-feat', { cols: 80, rows: 24 });
    await until('the window is as small as the first client', async () => (await sizes())[0] === '80x23');
    const large = attachHuman(at.rig, 'tmops-feat', { cols: 120, rows: 40 });
    await until('the window is as large as the second one', async () => (await sizes())[0] === '120x39');
    await large.leave();
    await until('the small one has it again', async () => (await sizes())[0] === '80x23');
    await small.leave();
    await until('the window has its own size', async () => (await sizes())[0] === '220x100', { withinMs: 3000 });
    const next = attachHuman(at.rig, 'tmops-feat', { cols: 90, rows: 30 });
    await until('the next one sees its own size', async () => (await sizes())[0] === '90x29');
    next.resize(100, 35);
    await until('it can change it', async () => (await sizes())[0] === '100x34');
    next.type('\x02d');
    await until('the window has its own size again', async () => (await sizes())[0] === '220x100', { withinMs: 3000 });
    await next.leave();
  });

  it('comes back when the human goes to another session, whose size stays', async () => {
    await at.rig.run('new-session', '-d', '-s', 'other', '-x', '70', '-y', '20', 'sleep', '1000');
    await at.open(at.plan());
    const human = attachHuman(at.rig, 'tmops-feat', { cols: 80, rows: 24 });
    await until('the window is small', async () => (await sizes())[0] === '80x23');
    await at.rig.run('switch-client', '-t', '=other');
    await until('the window has its own size', async () => (await sizes())[0] === '220x100', { withinMs: 3000 });
    expect(await sizes('other')).toEqual(['80x24']);
    await human.leave();
  });

  it('comes back when nobody was watching while the human left', async () => {
    await at.open(at.plan());
    await at.terminal.end();
    const human = attachHuman(at.rig, 'tmops-feat', { cols: 80, rows: 24 });
    await until('the window is small', async () => (await sizes())[0] === '80x23');
    await human.leave();
    expect(await sizes()).toEqual(['80x23']);
    await at.another({ way }).survey('tmops-feat');
    await until('the window has its own size', async () => (await sizes())[0] === '220x100', { withinMs: 3000 });
  });

  it('stays small while a human looks through a session of their own that shares the windows', async () => {
    await at.open(at.plan());
    await at.rig.run('new-session', '-d', '-t', '=tmops-feat', '-s', 'mine');
    const mine = attachHuman(at.rig, 'mine', { cols: 80, rows: 24 });
    await until('the first one is there', async () => (await sizes())[0] === '80x24');
    const other = attachHuman(at.rig, 'tmops-feat', { cols: 100, rows: 30 });
    await until('the larger one is there', async () => (await sizes())[0] === '100x29');
    await other.leave();
    await until('the smaller one has it', async () => (await sizes())[0] === '80x24');
    await mine.leave();
    await until('the window has its own size', async () => (await sizes())[0] === '220x100', { withinMs: 3000 });
  });
});

describe('labels and the headline', () => {
  beforeEach(async () => {
    at = await fixture({ config: CONFIG });
  });

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
    expect(await readdir(at.rig.folder)).toEqual([]);
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
