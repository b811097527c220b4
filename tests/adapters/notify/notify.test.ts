import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { desktopArgv, openNotifier, type Notifier } from '../../../src/adapters/notify/notify.ts';
import { untilGone } from '../../rig/tmux.ts';
import { until } from '../../rig/wait.ts';

let folder: string;
let problems: [string, string][];
let open: Notifier[];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'tmops-notify-')));
  [problems, open] = [[], []];
});
afterEach(async () => {
  for (const notifier of open) await notifier.close();
  await rm(folder, { recursive: true, force: true });
});

function notifier(over: { platform?: NodeJS.Platform; withinMs?: number } = {}): Notifier {
  const opened = openNotifier({
    cwd: folder,
    platform: 'linux',
    onProblem: (program, why) => problems.push([program, why]),
    ...over,
  });
  open.push(opened);
  return opened;
}

const text = (name: string): Promise<string> => readFile(join(folder, name), 'utf8').catch(() => '');
const ODD = `{"sentence":"a 'b' $(touch owned) \`c\`; rm -rf * \\u001b é"}\n`;

describe("the user's command", () => {
  it('gets the news on its input, in the folder of the project, and its arguments as they are', async () => {
    notifier().command(['sh', '-c', 'printf %s "$1" > args; cat > input', 'sh', '$(touch owned) ; x'], ODD);
    expect(await until('the input is there', async () => (await text('input')) === ODD)).toBe(true);
    expect(await text('args')).toBe('$(touch owned) ; x');
    expect(await text('owned')).toBe('');
    expect(problems).toEqual([]);
  });

  it('is ended with its children when it takes too long', async () => {
    notifier({ withinMs: 200 }).command(['sh', '-c', 'sleep 1000 & echo $! > child; wait'], '');
    await until('it was ended', () => problems.length === 1);
    expect(problems).toEqual([['sh', 'it was ended after 200 ms']]);
    await untilGone((await text('child')).trim());
  });

  it.each<[string, readonly string[], RegExp]>([
    ['is missing', ['/no/such/program'], /ENOENT/],
    ['fails', ['sh', '-c', 'exit 3'], /^exit code 3$/],
    ['is killed', ['sh', '-c', 'kill -9 $$'], /^signal SIGKILL$/],
  ])('that %s is reported', async (_what, argv, why) => {
    notifier().command(argv, ODD);
    await until('it is reported', () => problems.length === 1);
    expect(problems[0]?.[1]).toMatch(why);
  });

  it('that does not read its input is no problem', async () => {
    notifier().command(['sh', '-c', 'exec 0<&-; touch done'], 'x'.repeat(1_000_000));
    await until('it is done', async () => (await readFile(join(folder, 'done')).catch(() => null)) !== null);
    expect(problems).toEqual([]);
  });

  it('that hangs does not pile up', async () => {
    const slow = notifier();
    for (let n = 0; n < 6; n += 1) slow.command(['sleep', '1000'], '');
    expect(problems).toEqual(Array(2).fill(['sleep', '4 are running already']));
    await slow.close();
  });
});

describe('the desktop', () => {
  it('is told by notify-send with words as arguments, once they hold no markup', async () => {
    const program = join(folder, 'notify-send');
    await writeFile(program, '#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done > told\n');
    await chmod(program, 0o700);
    const path = process.env['PATH'] ?? '';
    process.env['PATH'] = `${folder}${delimiter}${path}`;
    try {
      notifier().desktop('tmops', '--icon=x <b>bold</b> & $(touch owned)');
      await until('it was told', async () => (await text('told')).split('\n').length === 5);
    } finally {
      process.env['PATH'] = path;
    }
    expect(await text('told')).toBe(
      '--app-name=tmops\n--\ntmops\n--icon=x &lt;b&gt;bold&lt;/b&gt; &amp; $(touch owned)\n',
    );
    expect(await text('owned')).toBe('');
  });

  it('on macOS gets its words as arguments of a fixed script, and elsewhere nothing', () => {
    const argv = desktopArgv('darwin', 'tmops', '" & (do shell script "x")') ?? [];
    expect(argv[0]).toBe('osascript');
    expect(argv.slice(-2)).toEqual(['tmops', '" & (do shell script "x")']);
    expect(argv.slice(1, -2).join(' ')).not.toContain('x');
    expect(desktopArgv('win32', 'a', 'b')).toBeNull();
  });

  it('without a program is looked for once', async () => {
    const path = process.env['PATH'] ?? '';
    process.env['PATH'] = folder;
    try {
      const none = notifier();
      none.desktop('a', 'b');
      await until('it is reported', () => problems.length === 1);
      none.desktop('a', 'b');
      await none.close();
      expect(problems).toHaveLength(1);
    } finally {
      process.env['PATH'] = path;
    }
  });
});
