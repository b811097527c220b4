import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Way } from '../../../src/adapters/tmux/link.ts';
import { attachHuman } from '../../rig/human.ts';
import { rawLog } from '../../rig/rawlog.ts';
import type { RawLog } from '../../rig/rawlog.ts';
import { until } from '../../rig/wait.ts';
import { fixture } from './fixture.ts';
import type { Fixture } from './fixture.ts';

let at: Fixture;
afterEach(() => at.end());

const start = async (way: Way) => {
  at = await fixture({ config: 'setw -g mode-keys vi\nsetw -g remain-on-exit on\n', way });
};

/** Opens a session with one pane that logs what it gets. */
async function openLogged(
  options: Parameters<typeof rawLog>[2] = {},
): Promise<{ pane: string; pid: number; log: RawLog }> {
  const log = await rawLog(at.rig.folder, 'tester', options);
  const [pane] = await at.open(at.plan({ panes: [{ role: 'tester', argv: log.argv, cwd: at.rig.folder }] }));
  await log.ready();
  return { pane: pane!.pane, pid: pane!.pid, log };
}

async function received(log: RawLog, bytes: string): Promise<void> {
  let last = '';
  await until(`received ${JSON.stringify(bytes)}`, async () => (last = await log.received()).length >= bytes.length);
  expect(last).toBe(bytes);
}

async function shows(pane: string, text: string): Promise<void> {
  await until(`the pane shows ${text}`, async () => {
    const look = await at.terminal.look(pane);
    return look.kind === 'seen' && look.capture.includes(text);
  });
}

async function buffers(): Promise<string> {
  return at.rig.run('list-buffers', '-F', '#{buffer_name}');
}

const LINE = '@.tmops/feat/current/prompts/0007.md [tmops#7]';

describe.each(['control', 'process'] as const)('typing by way of %s', (way) => {
  beforeEach(() => start(way));

  it('pastes bracketed and presses Enter as one carriage return', async () => {
    const { pane, log } = await openLogged({ bracketed: true });
    expect(await at.terminal.paste(pane, LINE)).toBe('typed');
    await shows(pane, '[tmops#7]');
    expect(await at.terminal.press(pane, 'enter', [LINE])).toBe('typed');
    await received(log, `\x1b[200~${LINE}\x1b[201~\r`);
    expect(await buffers()).toBe('');
  });

  it.each([
    ';',
    'a;',
    '\\',
    'b\\;',
    "it's",
    '$HOME ~',
    '#{pane_id} #(touch x)',
    '%1',
    '-p',
    '{é🙂漢}',
    'x'.repeat(4000),
  ])('pastes %j byte by byte to a program without brackets', async (line) => {
    const { pane, log } = await openLogged();
    expect(await at.terminal.paste(pane, line)).toBe('typed');
    await received(log, line);
  });

  it('types nothing into a dead pane, and the server lives on', async () => {
    const { pane, pid } = await openLogged({ shows: ['here'] });
    process.kill(pid, 'SIGKILL');
    await until('the pane is dead', async () => {
      const look = await at.terminal.look(pane);
      return look.kind === 'seen' && look.dead;
    });
    expect(await at.terminal.paste(pane, LINE)).toBe('refused');
    expect(await at.terminal.press(pane, 'enter', ['here'])).toBe('refused');
    expect(await buffers()).toBe('');
    expect(await at.rig.alive()).toBe(true);
  });

  it.each([
    ['copy', ['copy-mode']],
    ['tree', ['choose-tree']],
    ['clock', ['clock-mode']],
  ])('types nothing in %s mode and can leave it', async (_name, [command = '']) => {
    const { pane, log } = await openLogged({ shows: ['here'] });
    await at.rig.run(command, '-t', pane);
    expect(await at.terminal.look(pane)).toMatchObject({ kind: 'seen', inMode: true });
    expect(await at.terminal.paste(pane, LINE)).toBe('refused');
    expect(await at.terminal.press(pane, 'enter', ['here'])).toBe('refused');
    await at.terminal.leaveMode(pane);
    expect(await at.terminal.look(pane)).toMatchObject({ kind: 'seen', inMode: false });
    await at.terminal.leaveMode(pane);
    expect(await at.terminal.press(pane, 'enter', ['here'])).toBe('typed');
    await received(log, '\r');
    expect(await buffers()).toBe('');
  });

  it('keeps a mark at the pane with the paste, and pastes nothing where another one is kept', async () => {
    const { pane, log } = await openLogged();
    expect(await at.terminal.look(pane)).toMatchObject({ pasted: '' });
    expect(await at.terminal.paste(pane, LINE, [], { before: '', after: '3.1' })).toBe('typed');
    expect(await at.terminal.look(pane)).toMatchObject({ pasted: '3.1' });
    // Decided from the same look as the one before, and still on its way when that one came to be.
    expect(await at.terminal.paste(pane, 'late', [], { before: '', after: '3.2' })).toBe('refused');
    expect(await at.terminal.look(pane)).toMatchObject({ pasted: '3.1' });
    expect(await at.terminal.paste(pane, 'next', ['no such row'], { before: '3.1', after: '4.1' })).toBe('refused');
    expect(await at.terminal.paste(pane, 'next', [], { before: '3.1', after: '4.1' })).toBe('typed');
    await received(log, `${LINE}next`);
    expect(await at.terminal.look(pane)).toMatchObject({ pasted: '4.1' });
    await expect(at.terminal.paste(pane, 'x', [], { before: '#{x}', after: '4.2' })).rejects.toThrow('is no mark');
  });

  it('types nothing while input is disabled', async () => {
    const { pane } = await openLogged();
    await at.rig.run('select-pane', '-d', '-t', pane);
    expect(await at.terminal.look(pane)).toMatchObject({ kind: 'seen', inputOff: true });
    expect(await at.terminal.paste(pane, LINE)).toBe('refused');
  });

  it('says that a pane is gone', async () => {
    const { pane } = await openLogged();
    await at.rig.run('split-window', '-d', '-t', pane, 'sleep', '1000');
    await at.rig.run('kill-pane', '-t', pane);
    expect(await at.terminal.paste(pane, LINE)).toEqual({ failed: `the pane ${pane} is gone` });
    expect(await at.terminal.press(pane, 'enter', ['here'])).toEqual({ failed: `the pane ${pane} is gone` });
    expect(await at.terminal.look(pane)).toEqual({ kind: 'gone' });
    await at.terminal.leaveMode(pane);
    await at.terminal.label(pane, { role: 'tester', state: 'gone' });
    expect(await buffers()).toBe('');
  });

  it('pastes only while every row stands there whole', async () => {
    const { pane, log } = await openLogged({ shows: ['first row', '❯\u00a0', 'last row'] });
    await shows(pane, 'last row');
    for (const row of ['❯ x', 'first', 'row', 'not there'])
      expect(await at.terminal.paste(pane, 'x', ['first row', row])).toBe('refused');
    expect(await at.terminal.paste(pane, 'x', ['❯', 'first row'])).toBe('typed');
    await received(log, 'x');
    expect(await buffers()).toBe('');
  });
});

describe.each(['control', 'process'] as const)('keys by way of %s', (way) => {
  beforeEach(() => start(way));

  const ROWS = [' ❯ 1. Yes, {all} of #[fg=red] 100%', '   2. No; ^$|()*+?\\ «é🙂»'] as const;

  it('are pressed one by one, as a keyboard sends them', async () => {
    const { pane, log } = await openLogged({ shows: ['first', ...ROWS, 'last'], bracketed: true });
    await shows(pane, 'last');
    for (const key of ['down', 'up', 'enter', 'escape'] as const)
      expect(await at.terminal.press(pane, key, [...ROWS])).toBe('typed');
    await received(log, '\x1b[B\x1b[A\r\x1b');
    expect(await buffers()).toBe('');
  });

  it('are pressed only while every row stands there whole', async () => {
    const { pane, log } = await openLogged({ shows: [...ROWS, 'last'] });
    await shows(pane, 'last');
    const others = [ROWS[0].slice(0, -1), `${ROWS[0]} too`, ROWS[0].slice(1), ROWS[0].replace('❯', ' '), 'not there'];
    for (const other of others) {
      expect(await at.terminal.press(pane, 'enter', [other])).toBe('refused');
      expect(await at.terminal.press(pane, 'down', [ROWS[0], other])).toBe('refused');
      expect(await at.terminal.press(pane, 'down', [ROWS[0], ROWS[1], 'last', other])).toBe('refused');
    }
    expect(await at.terminal.press(pane, 'enter', [ROWS[0], 'last', ROWS[1]])).toBe('typed');
    await received(log, '\r');
    expect(await buffers()).toBe('');
  });

  it('are pressed only while the rows stand in their places', async () => {
    const { pane, log } = await openLogged({ shows: ['same', '❯\u00a0one', '  two', 'same', 'footer'] });
    await shows(pane, 'footer');
    const first = { text: '❯\u00a0one', at: 2 };
    const second = { text: '  two', at: 3 };
    // What is drawn twice is where it is drawn first.
    const closing = { text: 'same', at: 1 };
    const footer = { text: 'footer', at: 5 };
    for (const moved of [first, second, footer, closing].map(({ text, at }) => ({ text, at: at + 1 }))) {
      expect(await at.terminal.press(pane, 'enter', [first, moved])).toBe('refused');
      expect(await at.terminal.press(pane, 'enter', [moved])).toBe('refused');
    }
    expect(await at.terminal.press(pane, 'enter', [{ text: 'same', at: 4 }])).toBe('refused');
    expect(await at.terminal.press(pane, 'enter', [first, second, closing, footer])).toBe('typed');
    await received(log, '\r');
  });

  it('need no more of a very long question than one command of tmux can hold', async () => {
    const many = Array.from({ length: 60 }, (_, index) => `${index}. ${'x;y#{z} '.repeat(20)}`.trimEnd());
    const { pane, log } = await openLogged({ shows: many });
    await shows(pane, many.at(-1) ?? '');
    expect(await at.terminal.press(pane, 'down', [many[5] ?? '', ...many])).toBe('typed');
    expect(await at.terminal.press(pane, 'down', ['not there', ...many])).toBe('refused');
    await received(log, '\x1b[B');
  });

  it('are not pressed in copy mode, nor in a dead pane', async () => {
    const { pane, pid } = await openLogged({ shows: ['here'] });
    await at.rig.run('copy-mode', '-t', pane);
    expect(await at.terminal.press(pane, 'down', ['here'])).toBe('refused');
    await at.terminal.leaveMode(pane);
    process.kill(pid, 'SIGKILL');
    await until('the pane is dead', async () => {
      const look = await at.terminal.look(pane);
      return look.kind === 'seen' && look.dead;
    });
    expect(await at.terminal.press(pane, 'down', ['here'])).toBe('refused');
    expect(await at.terminal.press(pane, 'enter', ['here'])).toBe('refused');
    expect(await at.rig.alive()).toBe(true);
    expect(await buffers()).toBe('');
  });
});

describe.each(['control', 'process'] as const)('typing by way of %s', (way) => {
  beforeEach(() => start(way));

  it('survives 20 races with kill -9', async () => {
    const log = await rawLog(at.rig.folder, 'tester', { shows: ['here'] });
    const plan = at.plan({ panes: [{ role: 'tester', argv: log.argv, cwd: at.rig.folder }] });
    let [fact] = await at.open(plan);
    const results: unknown[] = [];
    for (let race = 0; race < 20; race += 1) {
      const { pane, pid } = fact!;
      await log.ready();
      const pastes = [];
      for (let paste = 0; paste < (way === 'control' ? 30 : 8); paste += 1) {
        if (paste === race % (way === 'control' ? 30 : 8)) process.kill(pid, 'SIGKILL');
        pastes.push(
          paste % 2 === 0 ? at.terminal.paste(pane, `line ${paste}`) : at.terminal.press(pane, 'enter', ['here']),
        );
        if (paste % 5 === 0) await pastes.at(-1);
      }
      results.push(...(await Promise.all(pastes)));
      await until('the pane is dead', async () => {
        const look = await at.terminal.look(pane);
        return look.kind === 'seen' && look.dead;
      });
      expect(await at.terminal.paste(pane, 'late')).toBe('refused');
      fact = await at.terminal.reopen(plan, plan.panes[0]!);
    }
    expect(new Set(results)).toEqual(new Set(['typed', 'refused']));
    expect(await at.rig.alive()).toBe(true);
    expect(await buffers()).toBe('');
  });
});

describe('typing', () => {
  beforeEach(() => start('process'));

  it.each(['', 'two\nlines', 'a\rb', 'a\tb', '\x1b[201~', 'a\u2028b', '\u0085', '\ud800'])(
    'throws on %j, which is no line of text',
    async (line) => {
      await expect(at.terminal.paste('%0', line)).rejects.toThrow('Internal error');
    },
  );

  it.each(['tester', '%', '%1;', '=a:', ''])('throws on the pane %j', async (pane) => {
    await expect(at.terminal.paste(pane, 'x')).rejects.toThrow('Internal error');
    await expect(at.terminal.look(pane)).rejects.toThrow('Internal error');
  });
});

describe.each(['control', 'process'] as const)('looking by way of %s', (way) => {
  beforeEach(() => start(way));

  it('gives the screen with its colours, the size and the humans who watch this pane', async () => {
    const { pane } = await openLogged({ shows: ['\x1b[31mred\x1b[0m é🙂', '%end 1 2 1', ''] });
    await shows(pane, '%end');
    const look = await at.terminal.look(pane);
    expect(look).toMatchObject({
      kind: 'seen',
      dead: false,
      inMode: false,
      inputOff: false,
      watchers: 0,
      cols: 220,
      rows: 99,
    });
    const rows = look.kind === 'seen' ? look.capture.split('\n') : [];
    expect(rows.slice(0, 3)).toEqual(['\x1b[31mred\x1b[39m é🙂', '%end 1 2 1', '']);
    expect(rows).toHaveLength(99);
  });

  it('counts humans in front of the pane, not those who look elsewhere', async () => {
    const { pane } = await openLogged();
    const watchers = async () => {
      const look = await at.terminal.look(pane);
      return look.kind === 'seen' ? look.watchers : -1;
    };
    const human = attachHuman(at.rig, 'tmops-feat', { cols: 100, rows: 30 });
    await until('the human is seen', async () => (await watchers()) === 1);
    await at.rig.run('split-window', '-t', pane, 'sleep', '1000');
    expect(await watchers()).toBe(0);
    await at.rig.run('select-pane', '-t', pane);
    expect(await watchers()).toBe(1);
    await at.rig.run('new-window', '-t', '=tmops-feat:', 'sleep', '1000');
    expect(await watchers()).toBe(0);
    await human.leave();
  });
});
