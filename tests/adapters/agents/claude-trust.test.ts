import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { trustFolder, trustState } from '../../../src/adapters/agents/claude-trust.ts';

let dir: string;
let root: string;
let file: string;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'tmops-trust-')));
  root = join(dir, 'a', 'project');
  file = join(dir, '.claude.json');
  await mkdir(root, { recursive: true });
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const config = (projects: Record<string, object>): Promise<void> => writeFile(file, JSON.stringify({ projects }));
const TRUSTED = { hasTrustDialogAccepted: true };

describe('a folder is trusted', () => {
  test('by itself, by a folder above, through a link', async () => {
    await config({ [root]: TRUSTED });
    expect(await trustState(root, file)).toBe('trusted');
    await config({ [dir]: TRUSTED });
    expect(await trustState(root, file)).toBe('trusted');
    await symlink(root, join(dir, 'link'));
    expect(await trustState(join(dir, 'link'), file)).toBe('trusted');
  });

  test('through the main worktree of its repository', async () => {
    const git = (...args: string[]): Promise<unknown> =>
      execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...args], { cwd: root });
    await git('init', '-q');
    await git('commit', '-q', '--allow-empty', '-m', 'x');
    const linked = join(dir, 'elsewhere', 'tree');
    await git('worktree', 'add', '-q', linked);
    await config({ [root]: TRUSTED });
    expect(await trustState(linked, file)).toBe('trusted');
    await config({ [join(dir, 'elsewhere')]: { hasTrustDialogAccepted: false } });
    expect(await trustState(linked, file)).toBe('untrusted');
  });
});

describe('a folder is not trusted', () => {
  test.each([
    ['when another one is', (): Record<string, object> => ({ [`${root}-2`]: TRUSTED, [join(root, 'src')]: TRUSTED })],
    ['when it was refused', (): Record<string, object> => ({ [root]: { hasTrustDialogAccepted: false } })],
    ['when it is only known', (): Record<string, object> => ({ [root]: { allowedTools: [] } })],
  ])('%s', async (_name, projects) => {
    await config(projects());
    expect(await trustState(root, file)).toBe('untrusted');
  });

  test('when there is no file, or none with projects', async () => {
    expect(await trustState(root, file)).toBe('untrusted');
    await writeFile(file, '{}');
    expect(await trustState(root, file)).toBe('untrusted');
  });
});

test.each(['not json', '[]', '{"projects":[]}', '{"projects":{"/x":7}}'])('nobody knows with %s', async (text) => {
  await writeFile(file, text);
  expect(await trustState(root, file)).toBe('unknown');
});

describe('trusting a folder', () => {
  const before = (): string =>
    JSON.stringify(
      {
        numStartups: 7,
        tips: { 'new-user': 1 },
        projects: {
          '/other': { allowedTools: ['x'] },
          [root]: { lastCost: 0.1, hasTrustDialogAccepted: false, mcp: [] },
        },
        oauth: { id: '日本\u2028', big: 1795197516063 },
      },
      null,
      4,
    );

  test('changes that and nothing else', async () => {
    await writeFile(file, before());
    await chmod(file, 0o640);
    await trustFolder(root, file);
    expect(await readFile(file, 'utf8')).toBe(before().replace(': false', ': true'));
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readdir(dir)).toEqual(['.claude.json', 'a']);
    expect(await trustState(root, file)).toBe('trusted');
  });

  test.each([
    ['two blanks and a last line end', '{\n  "a": 1\n}\n'],
    ['tabs', '{\n\t"a": 1\n}'],
    ['one line', '{"a":1}'],
  ])('keeps the form of the file: %s', async (_name, text) => {
    await writeFile(file, text);
    await trustFolder(root, file);
    const after = await readFile(file, 'utf8');
    const { projects, ...rest } = JSON.parse(after) as { projects: unknown };
    expect([rest, projects]).toEqual([{ a: 1 }, { [root]: TRUSTED }]);
    expect(after.startsWith(text.replace(/\n?\}\n?$/, ''))).toBe(true);
    expect(after.endsWith('\n')).toBe(text.endsWith('\n'));
  });

  test('begins a file where there is none', async () => {
    const fresh = join(dir, 'config', '.claude.json');
    await trustFolder(root, fresh);
    expect(JSON.parse(await readFile(fresh, 'utf8'))).toEqual({ projects: { [root]: TRUSTED } });
    expect((await stat(fresh)).mode & 0o777).toBe(0o600);
  });

  test('writes through a link', async () => {
    await writeFile(join(dir, 'kept.json'), '{}');
    await symlink('kept.json', file);
    await trustFolder(root, file);
    expect(await readlink(file)).toBe('kept.json');
    expect(await trustState(root, join(dir, 'kept.json'))).toBe('trusted');
  });

  test.each([
    ['it is not JSON', '{"a":'],
    ['an object belongs', '{"projects":[]}'],
    ['a number too large', '{"id":12345678901234567890}'],
  ])('leaves a file alone when %s', async (why, text) => {
    await writeFile(file, text);
    await expect(trustFolder(root, file)).rejects.toMatchObject({
      name: 'ProviderError',
      sentence: expect.stringContaining(why) as string,
    });
    expect(await readFile(file, 'utf8')).toBe(text);
  });
});
