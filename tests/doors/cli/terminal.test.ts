import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import * as pty from 'node-pty';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundled } from '../../rig/mcp-bundle.ts';
import { until } from '../../rig/wait.ts';

let entry: string;
beforeAll(async () => {
  entry = await bundled('cli-entry');
});
afterAll(() => {
  rmSync(entry, { force: true });
});

const LEAVE = '\u001b[?25h\u001b[?1049l';

function onTerminal(words: readonly string[], size: { cols: number; rows: number }) {
  const terminal = pty.spawn(process.execPath, [entry, ...words], { ...size, cwd: '/', env: { TERM: 'xterm' } });
  let drawn = '';
  terminal.onData((text) => (drawn += text));
  const ended = new Promise<{ exitCode: number; signal?: number | undefined }>((resolve) => {
    terminal.onExit(resolve);
  });
  return { terminal, drawn: () => drawn, ended };
}

test.each<[string, (terminal: pty.IPty) => void]>([
  ['SIGINT', ({ pid }) => process.kill(pid, 'SIGINT')],
  ['SIGHUP', ({ pid }) => process.kill(pid, 'SIGHUP')],
  [
    'Ctrl-C',
    (terminal) => {
      terminal.write('\u0003');
    },
  ],
  [
    'the key q',
    (terminal) => {
      terminal.write('q');
    },
  ],
])('a watched status on a real terminal is drawn again and again and ends by %s', async (_, end) => {
  const { terminal, drawn, ended } = onTerminal(['status', 'auth-api', '--watch'], { cols: 40, rows: 8 });
  await until('the third picture', () => drawn().includes('step-2'));
  end(terminal);
  expect(await ended).toMatchObject({ exitCode: 0 });
  expect(drawn()).toContain(LEAVE);
  // Nothing scrolled: each picture has at most as many lines as the terminal.
  for (const picture of drawn().split('\u001b[H').slice(1)) expect(picture.split('\n').length).toBeLessThanOrEqual(8);
});

test('colours on a terminal, none with NO_COLOR or in a pipe', async () => {
  const coloured = onTerminal(['status', 'auth-api'], { cols: 80, rows: 24 });
  await coloured.ended;
  expect(coloured.drawn()).toContain('\u001b[31mrefused');
  const words = [entry, 'status', 'auth-api'];
  const piped = spawn(process.execPath, words, { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  piped.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(piped, 'close');
  expect(text).toContain('refused');
  expect(text).not.toContain('\u001b');
});

test('a reader that closes the pipe ends it quietly', async () => {
  const child = spawn(process.execPath, [entry, 'status', 'auth-api', '--watch'], { env: {}, stdio: 'pipe' });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  expect(complaint).toBe('');
});
