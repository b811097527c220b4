import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { socketPlace } from '../../src/link/place.ts';

let home: string;
let workspace: string;
const uid = process.getuid?.() ?? -1;

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tp-')));
  workspace = join(home, 'workspace');
  mkdirSync(workspace);
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

const digest = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 16);

test('the path is short, by user and by the real path of the workspace, in a 0700 folder', () => {
  const link = join(home, 'linked');
  symlinkSync(workspace, link);
  const place = socketPlace(link, { runtimeDir: home, tmpDir: '/nowhere', uid });
  const folder = join(home, `tmops-${uid}`);
  expect(place).toEqual({ ok: true, folder, socketPath: join(folder, `${digest(workspace)}.sock`) });
  expect(lstatSync(folder).mode & 0o777).toBe(0o700);
  expect(socketPlace(workspace, { runtimeDir: home, tmpDir: '/nowhere', uid })).toEqual(place);
});

test.each([
  ['without a runtime folder', undefined],
  ['when it is not there', '/nowhere/at/all'],
  ['when it makes the path too long', 'LONG'],
])('%s, the folder for temporary files is taken', (_, runtimeDir) => {
  const long = join(home, 'x'.repeat(90));
  mkdirSync(long);
  const choice = { tmpDir: home, uid, ...(runtimeDir !== undefined && { runtimeDir }) };
  const place = socketPlace(workspace, runtimeDir === 'LONG' ? { ...choice, runtimeDir: long } : choice);
  expect(place).toMatchObject({ ok: true, folder: join(home, `tmops-${uid}`) });
});

test.each<[string, (folder: string) => void, string]>([
  [
    'open to the group',
    (folder) => {
      mkdirSync(folder);
      chmodSync(folder, 0o750);
    },
    'open to others (mode 750)',
  ],
  [
    'a link',
    (folder) => {
      mkdirSync(`${folder}x`, { mode: 0o700 });
      symlinkSync(`${folder}x`, folder);
    },
    'symbolic link',
  ],
  [
    'a file',
    (folder) => {
      writeFileSync(folder, '');
    },
    'EEXIST',
  ],
])('a folder that is %s is refused, and the sentence says so', (_, make, says) => {
  const folder = join(home, `tmops-${uid}`);
  make(folder);
  const place = socketPlace(workspace, { tmpDir: home, uid });
  expect(place).toMatchObject({ ok: false, failure: { code: 'supervisor-place' } });
  expect(!place.ok && place.failure.sentence).toContain(says);
  expect(!place.ok && place.failure.sentence).toContain(folder);
});

test("another user's folder is refused", () => {
  mkdirSync(join(home, `tmops-${uid + 1}`), { mode: 0o700 });
  const place = socketPlace(workspace, { tmpDir: home, uid: uid + 1 });
  expect(!place.ok && place.failure.sentence).toContain(`belongs to user ${uid}, not to ${uid + 1}`);
});

test('no place at all is told with what was tried', () => {
  const place = socketPlace(workspace, { tmpDir: '/nowhere', uid });
  expect(place).toMatchObject({ ok: false, failure: { code: 'supervisor-place' } });
});
