import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { currentRun } from '../../../src/adapters/project/current-run.ts';

let root: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'tmops-current-')));
  await mkdir(join(root, '.tmops', 'auth-api', 'runs'), { recursive: true });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const at = (...parts: string[]): string => join(root, '.tmops', 'auth-api', ...parts);

it('is where `current` leads, be it there or not', async () => {
  await symlink('runs/retry-2', at('current'));
  await symlink('initial', at('runs', 'current'));
  expect(currentRun(root, 'auth-api')).toBe('retry-2');
});

it('is where `runs/current` leads when there is no other', async () => {
  await symlink('initial', at('runs', 'current'));
  expect(currentRun(root, 'auth-api')).toBe('initial');
});

it.each([
  ['a feature without runs', 'auth-api'],
  ['a feature that is not there', 'other'],
])('is null for %s', (_what, feature) => {
  expect(currentRun(root, feature)).toBeNull();
});

it('is null for folders and files that stand where the links belong', async () => {
  await mkdir(at('current'));
  await writeFile(at('runs', 'current'), 'initial');
  await writeFile(join(root, '.tmops', 'a-file'), '');
  expect(currentRun(root, 'auth-api')).toBeNull();
  expect(currentRun(root, 'a-file')).toBeNull();
});
