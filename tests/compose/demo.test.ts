import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { coverageEnvironment } from '../rig/coverage.ts';
import { program } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

let base: string;
let env: Record<string, string>;

/** A machine of its own: everything the demo leaves lies in one folder. */
beforeEach(async () => {
  if (!existsSync(program)) throw new Error(`${program} is missing: run npm run build first`);
  base = await realpath(await mkdtemp(join(tmpdir(), 'td-')));
  for (const name of ['home', 'tmp', 'tmux']) await mkdir(join(base, name), { mode: 0o700 });
  env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(base, 'home'),
    TMPDIR: join(base, 'tmp'),
    TMUX_TMPDIR: join(base, 'tmux'),
    LANG: 'C.UTF-8',
    // None of this is meant for the demo.
    TMOPS_SESSION_PREFIX: 'mine',
    GIT_DIR: '/nowhere',
    NODE_TEST_CONTEXT: 'child-v8',
    ...coverageEnvironment(),
  };
});
afterEach(async () => {
  await until('nothing of the demo runs', async () => (await processes()).length === 0);
  await rm(base, { recursive: true, force: true });
});

const demo = (...args: string[]) =>
  execa(process.execPath, [program, 'demo', ...args], { cwd: base, env, extendEnv: false, reject: false, all: true });

/** What still runs out of the folder: supervisor and guard name it, tmux and agents have it in their environment. */
async function processes(): Promise<string[]> {
  const { stdout } = await execa('ps', ['axeww', '-o', 'pid=,args='], { env: { PATH: process.env['PATH'] ?? '' } });
  return stdout.split('\n').filter((line) => line.includes(base));
}

const leftSockets = async (): Promise<string[]> =>
  (await readdir(join(base, 'tmux'), { recursive: true })).filter((name) => name.includes('demo'));

describe('tmops demo', () => {
  it('runs a feature from red to green and leaves only files', async () => {
    const run = await demo();
    const lines = run.stdout.split('\n');
    expect(run.exitCode, run.all).toBe(0);
    const attach = /^ +tmux -L (tmops-demo-[0-9a-f]{8}) attach -t '=tmops-slugify'$/;
    expect(lines.findIndex((line) => attach.test(line))).toBeGreaterThanOrEqual(0);
    expect(lines.findIndex((line) => attach.test(line))).toBeLessThan(4);
    const inOrder = [
      /\$ tmops init slugify$/,
      /\$ tmops start slugify$/,
      /The project's tests pass: [\d.]+ s\.$/,
      /Step testing began\.$/,
      /^ +[\d.]+ s {2}Prompt \d+ was accepted\.$/,
      /The check of testing passed in \d+ ms\. .*The tests fail, as they should: RED \(exit code 1\)\./,
      /Step testing is done\.$/,
      /The check of implementation passed in \d+ ms\. .*The tests pass, as they should: GREEN\.$/,
      /All steps are done\.$/,
      /# Summary: slugify$/,
      /[0-9a-f]{7,} Add slugify$/,
      /[0-9a-f]{7,} Test slugify$/,
      /What tmops saw for itself, whatever the agents wrote:$/,
      /before the tester: The tests pass, as they should: GREEN/,
      /after the tester: 1 file changed, as the role may\.$/,
      /after the tester: The tests fail, as they should: RED/,
      /after the tester: Without the file it added they pass\.$/,
      /after the implementer: The tests pass, as they should: GREEN/,
      /after the verifier: Nothing was changed\.$/,
      /Done in [\d.]+ s: the tests were red, then green\.$/,
      /tmops init my-feature$/,
      /tmops start my-feature$/,
    ];
    let from = 0;
    for (const pattern of inOrder) {
      const found = lines.slice(from).findIndex((line) => pattern.test(line));
      expect(found, `${String(pattern)} after line ${from} of:\n${run.stdout}`).toBeGreaterThanOrEqual(0);
      from += found + 1;
    }
    expect(run.durationMs).toBeLessThan(60_000);
    expect(await leftSockets()).toEqual([]);
    const [folder = ''] = await readdir(join(base, 'tmp')).then((names) =>
      names.filter((name) => /^tmops-demo-/.test(name)),
    );
    expect(run.stdout).toContain(`rm -rf ${join(base, 'tmp', folder)}`);
    const log = await execa('git', ['log', '--oneline', 'feature/slugify'], {
      cwd: join(base, 'tmp', folder, 'sample'),
    });
    expect(log.stdout.split('\n')).toHaveLength(3);
  }, 90_000);

  it('tells why it did not work out', async () => {
    const run = await execa(process.execPath, [program, 'demo'], {
      cwd: base,
      env: { ...env, PATH: await pathWithoutTmux() },
      extendEnv: false,
      reject: false,
    });
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain('The demo did not work out: tmops start failed.');
    expect(run.stdout).toContain('$ tmops doctor');
    expect(run.stdout).toMatch(/missing +tmux +not found on the PATH/);
  }, 60_000);

  it('ends what it began when it is interrupted', async () => {
    const running = demo();
    await until('the session is about to open', () => leftSockets().then((names) => names.length > 0), {
      withinMs: 20_000,
    });
    running.kill('SIGINT');
    const run = await running;
    expect(run.exitCode, run.all).toBe(130);
    expect(await leftSockets()).toEqual([]);
  }, 60_000);

  it('does not know other arguments', async () => {
    const run = await demo('--fast');
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--fast') as string });
  });
});

async function pathWithoutTmux(): Promise<string> {
  const bin = join(base, 'bin');
  await mkdir(bin);
  for (const name of ['node', 'git', 'sh', 'env', 'date', 'sleep']) {
    const { stdout } = await execa('which', [name]);
    await execa('ln', ['-s', stdout, join(bin, name)]);
  }
  return bin;
}
