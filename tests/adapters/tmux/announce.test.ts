import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announce as announceBy } from '../../../src/adapters/tmux/announce.ts';
import type { Announcement } from '../../../src/adapters/tmux/announce.ts';
import type { Ask } from '../../../src/adapters/tmux/commands.ts';
import { attachHuman, humanAt, type Human } from '../../rig/human.ts';
import { until } from '../../rig/wait.ts';
import { fixture, type Fixture } from './fixture.ts';

const SESSION = 'tmops-feat';
const SIZE = { cols: 160, rows: 40 };
const BELL = '\u0007';

let f: Fixture;
let humans: Human[];

beforeEach(async () => {
  humans = [];
  f = await fixture();
  // Each pane shows what reaches it.
  await f.open(f.plan({ panes: f.plan().panes.map((pane) => ({ ...pane, argv: ['cat', '-v'] })) }));
});
afterEach(async () => {
  for (const human of humans) await human.leave();
  await f.end();
});

async function attached(session = SESSION): Promise<Human> {
  const human = attachHuman(f.rig, session, SIZE);
  humans.push(human);
  await until('the session is drawn', () => human.drawn().includes(`[${session}]`));
  return human;
}

const announce = (over: Partial<Announcement> = {}): Promise<void> =>
  f.terminal.announce(SESSION, { text: 'auth-api needs you', message: true, bell: true, ...over });

async function panes(): Promise<string> {
  const ids = (await f.rig.run('list-panes', '-s', '-t', `=${SESSION}`, '-F', '#{pane_id}')).split('\n');
  return (await Promise.all(ids.map((id) => f.rig.run('capture-pane', '-p', '-t', id)))).join('').trim();
}

describe('whoever is attached to the session', () => {
  it('sees the line and hears the bell; others do not, and nothing reaches a pane', async () => {
    await f.rig.run('new-session', '-d', '-s', 'mine', 'sleep', '1000');
    const [first, second, other] = [await attached(), await attached(), await attached('mine')];
    await announce();
    for (const human of [first, second]) {
      await until('the line is drawn', () => human.drawn().includes('auth-api needs you'));
      await until('the bell rings', () => human.drawn().includes(BELL));
    }
    expect(other.drawn()).not.toContain('needs you');
    expect(other.drawn()).not.toContain(BELL);
    expect(await panes()).toBe('');
  });

  it('keeps typing into the pane while the line stands', async () => {
    const human = await attached();
    await announce();
    await until('the line is drawn', () => human.drawn().includes('auth-api needs you'));
    human.type('abc');
    await until('the keys arrived', async () => (await panes()) === 'abc');
  });

  it.each([
    ['the line alone', { bell: false }, true, false],
    ['the bell alone', { message: false }, false, true],
  ])('gets %s where that is asked for', async (_what, over, line, bell) => {
    const human = await attached();
    await announce(over);
    await announce({ text: 'the end', bell: false });
    await until('the second line is drawn', () => human.drawn().includes('the end'));
    expect(human.drawn().includes('needs you')).toBe(line);
    if (bell) await until('the bell rings', () => human.drawn().includes(BELL));
    else expect(human.drawn()).not.toContain(BELL);
  });

  it('in a session of their own that shares the windows is told too', async () => {
    const guest = humanAt(f.rig, ['-N', 'new-session', '-t', `=${SESSION}`], SIZE);
    humans.push(guest);
    await until('the session is drawn', () => guest.drawn().includes('['));
    await announce();
    await until('the line is drawn', () => guest.drawn().includes('auth-api needs you'));
  });
});

describe('the text', () => {
  it.each([
    '#{session_name} #(touch owned) #S ##',
    '#[fg=red]styled#[default]',
    '%H:%M 100% done; \'quoted\' "twice" $HOME `id`',
    'ends with a semicolon;',
    '-x begins with a dash',
  ])('%j is shown as it is', async (text) => {
    const human = await attached();
    await announce({ text });
    await until('the text is drawn', () => human.drawn().includes(text));
  });

  it('without control characters, which tmux would not take', async () => {
    const human = await attached();
    await announce({ text: 'a\u001b[31mb\nc' });
    await until('the text is drawn', () => human.drawn().includes('a [31mb c'));
  });
});

it('with nobody attached, and without a server, nothing happens', async () => {
  await announce();
  await f.rig.run('kill-server');
  await until('the server is gone', async () => !(await f.rig.alive()));
  await announce();
});

it('a human who leaves in the middle does not keep the others from hearing', async () => {
  const [leaving, staying] = [await attached(), await attached()];
  const gone = leaving.leave();
  await Promise.all([announce(), gone]);
  await announce();
  await until('the line is drawn', () => staying.drawn().includes('auth-api needs you'));
});

it.each([
  ['3.3a', ['-d', '1500']],
  ['3.5a', ['-d', '1500']],
  ['3.6', ['-C', '-d', '4000']],
  ['next-3.7', ['-C', '-d', '4000']],
  ['3.10b', ['-C', '-d', '4000']],
])(
  'tmux %s goes on drawing below the line where it can, and shows it shortly where it cannot',
  async (version, how) => {
    const asked: string[] = [];
    const ask: Ask = (chain) => {
      asked.push(...chain.map((command) => command.join(' ')));
      return Promise.resolve({ kind: 'done', outputs: [[`0 ${SESSION} \t${version}\t/dev/none\t`]] });
    };
    await announceBy(ask, SESSION, { text: 'hello', message: true, bell: true });
    expect(asked.at(-1)).toBe(`display-message -c /dev/none -t =${SESSION}: ${how.join(' ')} #{@tmops_news}`);
  },
);
