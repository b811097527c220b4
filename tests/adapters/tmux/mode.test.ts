import { afterEach, expect, it } from 'vitest';
import { until } from '../../rig/wait.ts';
import { fixture, type Fixture } from './fixture.ts';

let at: Fixture;
afterEach(() => at.end());

it.each(['control', 'process'] as const)(
  'a pane that enters or leaves a mode is told of, by way of %s',
  async (way) => {
    at = await fixture({ way });
    const [first, second] = await at.open(at.plan());
    const other = await at.open(at.plan({ session: 'tmops-other' }));
    const told: string[] = [];
    const stop = at.terminal.onMode('tmops-feat', (pane) => told.push(pane));
    await at.rig.run('copy-mode', '-t', other[0]!.pane, ';', 'copy-mode', '-t', second!.pane);
    await until('it is told', () => told.length > 0);
    await at.rig.run('copy-mode', '-q', '-t', second!.pane, ';', 'choose-tree', '-t', first!.pane);
    await until('both are told', () => told.length > 2);
    expect(told.sort()).toEqual([first!.pane, second!.pane, second!.pane].sort());
    await stop();
    await at.rig.run('copy-mode', '-q', '-t', first!.pane);
    await at.terminal.survey('tmops-feat');
    expect(told).toHaveLength(3);
  },
);
