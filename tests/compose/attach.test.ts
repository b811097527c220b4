import { execa } from 'execa';
import * as pty from 'node-pty';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { humanAt } from '../rig/human.ts';
import { openProduct, program, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

const FEATURE = 'auth-api';
const SESSION = `tmops-${FEATURE}`;
const SIZE = { cols: 120, rows: 40 };

let product: Product;
beforeAll(async () => {
  product = await openProduct({ play: 'wait' });
  await product.json('init', FEATURE);
  await product.json('start', FEATURE);
});
afterAll(() => product.dispose());

const viewers = async (): Promise<string[]> =>
  (await product.server.run('list-clients', '-F', '#{client_session}')).split('\n').filter((line) => line !== '');

it('shows the panes in the terminal it is called in, until that is detached', async () => {
  const { repo, env } = product;
  const terminal = pty.spawn(process.execPath, [program, 'attach', FEATURE], { ...SIZE, cwd: repo.root, env });
  let drawn = '';
  terminal.onData((text) => (drawn += text));
  const exitCode = new Promise((resolve) => {
    terminal.onExit((end) => {
      resolve(end.exitCode);
    });
  });
  await until('the terminal shows the session', () => drawn.includes('orchestrator: '));
  expect(await viewers()).toEqual([SESSION]);
  await product.server.run('detach-client', '-s', `=${SESSION}`);
  expect(await exitCode).toBe(0);
});

it('takes a terminal that is in a session of the same server there', async () => {
  const { repo, server } = product;
  const command = [process.execPath, program, 'attach', FEATURE];
  const human = humanAt(server, ['new-session', '-s', 'mine', '-c', repo.root, ...command], SIZE);
  await until('the terminal was switched', async () => (await viewers()).includes(SESSION));
  expect(await viewers()).toEqual([SESSION]);
  await human.leave();
});

it('opens no session within a session of another server, and says what to run instead', async () => {
  const { repo, env, server } = product;
  const run = await execa(process.execPath, [program, 'attach', FEATURE], {
    cwd: repo.root,
    env: { ...env, TMUX: '/tmp/elsewhere/default,1,0' },
    extendEnv: false,
    reject: false,
  });
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toContain(`tmux -L ${server.socketName} attach -t '=${SESSION}'`);
});
