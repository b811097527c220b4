import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { operations } from '../../src/app/table.ts';

/** The plugin for Claude Code: what its files say, and the script that starts its server. */

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const pluginRoot = join(packageRoot, 'config', 'plugin');

const manifest = z.object({ name: z.string(), version: z.string().optional() });
const jsonOf = async (...path: string[]): Promise<unknown> => JSON.parse(await readFile(join(...path), 'utf8'));

test('the plugin has the version of the package, and the marketplace leads to it and says none of its own', async () => {
  const { version } = manifest.parse(await jsonOf(packageRoot, 'package.json'));
  expect(manifest.parse(await jsonOf(pluginRoot, '.claude-plugin', 'plugin.json'))).toEqual({ name: 'tmops', version });
  const marketplace = z
    .object({ plugins: z.tuple([manifest.extend({ source: z.string() })]) })
    .parse(await jsonOf(packageRoot, '.claude-plugin', 'marketplace.json'));
  expect(marketplace.plugins[0]).toEqual({ name: 'tmops', source: './config/plugin' });
});

describe('commands', async () => {
  const files = (await readdir(join(pluginRoot, 'commands'))).sort();
  const tools = Object.values(operations).map(({ tool }) => tool);

  it('are these', () => {
    expect(files.map((file) => basename(file, '.md'))).toEqual(
      'doctor hand-back message pause resume review start status stop take unblock watch'.split(' '),
    );
  });

  it.each(files)('%s names tools that there are, by both names, and is only run by the user', async (file) => {
    const text = await readFile(join(pluginRoot, 'commands', file), 'utf8');
    const [, head = '', body = ''] = /^---\n(.*?)\n---\n(.*)$/s.exec(text) ?? [];
    const front = z
      .strictObject({
        description: z.string().min(10).max(80),
        'argument-hint': z.string().optional(),
        'allowed-tools': z.string(),
        'disable-model-invocation': z.literal(true),
      })
      .parse(parse(head));
    expect(body.includes('$ARGUMENTS')).toBe(front['argument-hint'] !== undefined);
    const allowed = front['allowed-tools'].split(', ');
    const short = allowed.map((name) => name.replace(/^mcp__(plugin_tmops_)?tmops__/, ''));
    expect(allowed.sort()).toEqual(
      [...new Set(short)].flatMap((name) => [`mcp__plugin_tmops_tmops__${name}`, `mcp__tmops__${name}`]).sort(),
    );
    expect([...short, ...named(body)].filter((name) => !tools.includes(name))).toEqual([]);
    // What only the user decides asks once more before it is called.
    const decided = /_(approve|reject|answer|skip_step|retry_step|redo_step|rollback|resolve_conflict|cleanup)$/;
    expect(short.filter((name) => decided.test(name))).toEqual([]);
  });

  it('and the skill names no tool that there is not', async () => {
    const skill = await readFile(join(pluginRoot, 'skills', 'tmops', 'SKILL.md'), 'utf8');
    expect(named(skill).filter((name) => !tools.includes(name))).toEqual([]);
  });
});

const named = (text: string): string[] =>
  [...text.matchAll(/`(?:mcp__\w+__)?(tmops_\w+)`/g)].map(([, name = '']) => name);

describe('serve.sh', () => {
  let base: string;
  let bin: string;
  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'tmops-plugin-')));
    bin = join(base, 'bin');
    await mkdir(join(base, 'tree', 'config', 'plugin'), { recursive: true });
    await mkdir(bin);
    await copyFile(join(pluginRoot, 'serve.sh'), join(base, 'tree', 'config', 'plugin', 'serve.sh'));
    for (const name of ['sh', 'sed', 'dirname'])
      await symlink((await execa('sh', ['-c', `command -v ${name}`])).stdout, join(bin, name));
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  async function program(path: string, says: string): Promise<void> {
    await writeFile(path, `#!/bin/sh\necho "${says} $*"\n`);
    await chmod(path, 0o755);
  }

  const serve = (options: { path?: string; input?: string } = {}) =>
    execa('/bin/sh', [join(base, 'tree', 'config', 'plugin', 'serve.sh')], {
      cwd: base,
      env: { PATH: options.path ?? bin },
      extendEnv: false,
      input: options.input ?? '',
    }).then(({ stdout }) => stdout);

  const built = async (): Promise<void> => {
    await mkdir(join(base, 'tree', 'dist'));
    await writeFile(join(base, 'tree', 'dist', 'tmops.js'), "console.log('built', process.argv.slice(2).join(' '))");
  };

  it('runs the tmops of the PATH, else the one it lies in', async () => {
    await symlink(process.execPath, join(bin, 'node'));
    await built();
    expect(await serve()).toBe('built mcp');
    await program(join(bin, 'tmops'), 'own');
    expect(await serve()).toBe('own mcp');
  });

  it('does not run what stands under that name in the working directory', async () => {
    await symlink(process.execPath, join(bin, 'node'));
    await program(join(base, 'tmops'), 'planted');
    for (const path of [`.:${bin}`, `:${bin}`, `${bin}:`]) expect(await serve({ path }), path).toBe('');
  });

  it.each([
    ['node is not on the PATH', false],
    ['the program tmops is not on the PATH', true],
  ])('answers each request with what to do where %s', async (why, hasNode) => {
    if (hasNode) await symlink(process.execPath, join(bin, 'node'));
    else await program(join(bin, 'tmops'), 'own');
    const input = [
      '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"clientInfo":{"name":"$(touch planted) `id`"}}}',
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      '{"method":"tools/list","id":"a-1","jsonrpc":"2.0"}',
    ].join('\n');
    const answers = (await serve({ input: `${input}\n` })).split('\n').map((line): unknown => JSON.parse(line));
    const error = { code: -32603, message: expect.stringContaining(why) as string };
    expect(answers).toMatchObject([
      { jsonrpc: '2.0', id: 0, error },
      { jsonrpc: '2.0', id: 'a-1', error },
    ]);
    expect(await readdir(base)).toEqual(['bin', 'tree']);
  });
});
