import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hiding } from '../../../src/core/secrets.ts';
import { openLog } from '../../../src/adapters/log/log.ts';
import type { LogOrder } from '../../../src/adapters/log/log.ts';

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), 'tmops-log-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true });
  });
  return root;
}

function order(given: Partial<LogOrder> = {}): LogOrder {
  return { level: 'debug', console: false, bindings: { process: 'test' }, hide: hiding(['swordfish-9']), ...given };
}

function lines(file: string): Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>);
}

describe('lines in the file', () => {
  test('hold level, time, bindings of each child, facts and message', () => {
    const file = join(folder(), 'logs', 't.log');
    const log = openLog(order({ file }));
    const run = log.child({ feature: 'auth-api', run: 'initial' });
    run.child({ role: 'tester' }).warn('no %s here', { step: 'testing', ms: 3 });
    log.info('plain');
    log.close();
    expect(lines(file)).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        process: 'test',
        feature: 'auth-api',
        run: 'initial',
        role: 'tester',
        step: 'testing',
        ms: 3,
        msg: 'no %s here',
      },
      expect.objectContaining({ level: 'info', process: 'test', msg: 'plain' }),
    ]);
    expect(log.trouble()).toEqual([]);
  });

  test('are those of the level and above', () => {
    const file = join(folder(), 'logs', 't.log');
    const log = openLog(order({ file, level: 'warn' }));
    log.debug('d');
    log.info('i');
    log.child({}).warn('w');
    log.error('e');
    expect(lines(file).map(({ msg }) => msg)).toEqual(['w', 'e']);
    log.close();
  });

  test('hold no secret, be it in a message, a binding or a fact', () => {
    const file = join(folder(), 'logs', 't.log');
    const log = openLog(order({ file, bindings: { start: 'swordfish-9' } }));
    log
      .child({ argv: ['--key=swordfish-9'] })
      .error('got swordfish-9', { apiKey: 'x', error: new Error('swordfish-9') });
    log.close();
    expect(readFileSync(file, 'utf8')).not.toMatch(/swordfish|"x"/);
  });

  test('end with close, which may be called twice', () => {
    const file = join(folder(), 'logs', 't.log');
    const log = openLog(order({ file }));
    log.info('one');
    log.close();
    log.close();
    log.info('two');
    expect(lines(file)).toHaveLength(1);
  });
});

describe('in a program of its own, bundled', () => {
  async function bundle(body: string): Promise<string> {
    const root = folder();
    const entry = join(root, 'entry.ts');
    const source = new URL('../../../src/adapters/log/log.ts', import.meta.url).pathname;
    writeFileSync(entry, `import { openLog } from ${JSON.stringify(source)};\n${body}`);
    await build({
      entryPoints: [entry],
      outfile: join(root, 'entry.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
      banner: { js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);" },
    });
    return join(root, 'entry.mjs');
  }

  function start(script: string): ChildProcess & { readonly exited: Promise<number | null> } {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await exited;
    });
    return Object.assign(child, { exited });
  }

  test('it logs to stderr, never to stdout, from one thread, and lets the program end', async () => {
    const script = await bundle(`
      const log = openLog({ level: 'info', console: true, bindings: {}, hide: (text) => text });
      log.child({ feature: 'f' }).info('hello');
      log.close();
    `);
    const child = start(script);
    const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
    expect(await child.exited).toBe(0);
    expect(out).toBe('');
    expect(JSON.parse(err)).toMatchObject({ feature: 'f', msg: 'hello' });
  });

  test('nobody reading stderr stops neither the program nor its exit', async () => {
    const script = await bundle(`
      const log = openLog({ level: 'info', console: true, bindings: {}, hide: (text) => text });
      for (let line = 0; line < 20000; line += 1) log.info('x'.repeat(200));
      process.stdout.write(JSON.stringify(log.trouble()));
      setTimeout(() => { log.close(); process.exit(7); }, 50);
    `);
    const child = start(script);
    child.stderr!.pause();
    expect(await text(child.stdout!)).toBe('["lines on stderr were dropped: nobody reads it"]');
    expect(await child.exited).toBe(7);
  });

  test('a reader of stderr that went away does not end the program', async () => {
    const script = await bundle(`
      const log = openLog({ level: 'info', console: true, bindings: {}, hide: (text) => text });
      process.stdout.write('ready');
      const timer = setInterval(() => {
        log.info('x');
        if (log.trouble().length > 0) { clearInterval(timer); process.stdout.write(log.trouble()[0]); log.close(); }
      }, 5);
    `);
    const child = start(script);
    child.stderr!.destroy();
    expect(await text(child.stdout!)).toMatch(/^readya line on stderr was lost: .*EPIPE/);
    expect(await child.exited).toBe(0);
  });
});
