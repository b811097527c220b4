import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFileOutput } from '../../../src/adapters/log/output.ts';
import type { Output } from '../../../src/adapters/log/output.ts';

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), 'tmops-log-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true });
  });
  return root;
}

function open(file: string, maxBytes?: number): Output {
  const output = openFileOutput(file, maxBytes);
  onTestFinished(() => {
    output.close();
  });
  return output;
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test('file and folder are for their owner alone, and lines are there at once', () => {
  const file = join(folder(), 'a', 'logs', 'tmops.log');
  open(file).write('one\n');
  expect([mode(file), mode(dirname(file))]).toEqual(['600', '700']);
  open(file).write('two\n');
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
});

test('a file that others could read is closed to them', () => {
  const file = join(folder(), 'logs', 'tmops.log');
  mkdirSync(dirname(file));
  writeFileSync(file, 'old\n');
  chmodSync(file, 0o644);
  open(file);
  expect(mode(file)).toBe('600');
});

test('a link, a pipe and a folder are refused with the path', () => {
  const root = folder();
  writeFileSync(join(root, 'target'), 'keep');
  symlinkSync(join(root, 'target'), join(root, 'link'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  for (const name of ['link', 'pipe', '.']) {
    expect(() => openFileOutput(join(root, name))).toThrow(`cannot open the log file ${join(root, name)}`);
  }
  expect(readFileSync(join(root, 'target'), 'utf8')).toBe('keep');
});

test('a file that has grown enough is put aside, once', () => {
  const file = join(folder(), 'logs', 'tmops.log');
  const output = open(file, 20);
  for (const line of ['first line\n', 'second line\n', 'third line\n', 'fourth line\n', 'fifth line\n'])
    output.write(line);
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('third line\nfourth line\n');
  expect(readFileSync(file, 'utf8')).toBe('fifth line\n');
  expect(mode(file)).toBe('600');
  expect(output.trouble()).toBeNull();
});

test('a file that was taken away is made again when it would be put aside', () => {
  const file = join(folder(), 'logs', 'tmops.log');
  const output = open(file, 5);
  output.write('a line\n');
  rmSync(file);
  output.write('another\n');
  expect(readFileSync(file, 'utf8')).toBe('another\n');
});

test('a line that cannot be written is lost alone, and said', () => {
  const file = join(folder(), 'logs', 'tmops.log');
  const output = open(file, 5);
  output.write('a line\n');
  mkdirSync(join(`${file}.1`, 'in the way'), { recursive: true });
  output.write('lost\n');
  expect(output.trouble()).toMatch(/^a line of the log was lost: /);
  rmSync(`${file}.1`, { recursive: true });
  output.write('kept\n');
  expect(readFileSync(file, 'utf8')).toBe('\nkept\n');
});
