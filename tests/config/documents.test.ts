import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { readDocument } from '../../src/config/documents.ts';
import { layoutSchema } from '../../src/core/layout.ts';
import { workflowFile } from '../../src/core/workflow.ts';
import { brief, folder } from './workspace.ts';

function write(text: string): string {
  const file = join(folder(), 'd.yaml');
  writeFileSync(file, text);
  return file;
}

function faults(text: string, schema: z.ZodType): string[] {
  const result = readDocument(write(text), schema);
  if (result.ok) throw new Error(`expected faults, got ${JSON.stringify(result.value)}`);
  return result.faults.map((fault) => `${brief(fault)} | ${fault.expected}`);
}

test('a layout is read, frozen, with its defaults and the places of its parts', () => {
  const result = readDocument(write('name: quad\nwindows:\n  - roles: rest\n'), layoutSchema);
  if (!result.ok) throw new Error('expected a layout');
  expect(result.value).toEqual({
    name: 'quad',
    windows: [{ arrange: 'tiled', roles: 'rest', each: false, status: false }],
  });
  expect(Object.isFrozen(result.value.windows[0])).toBe(true);
  expect(result.locate(['windows', 0, 'roles'])).toMatchObject({ line: 3, column: 12, text: 'rest' });
  expect(brief(result.blame(['windows', 0, 'each'], 'something'))).toBe(
    'd.yaml:3:5 bad-value windows[0].each "roles: rest"',
  );
});

test('the shipped workflow is one', () => {
  const file = new URL('../../config/workflows/teamops.yaml', import.meta.url).pathname;
  expect(readDocument(file, workflowFile)).toMatchObject({ ok: true, value: { name: 'teamops' } });
});

test('what ${…} would be elsewhere is text', () => {
  const result = readDocument(write('a: x ${B} $${C}\n'), z.strictObject({ a: z.string() }));
  expect(result).toMatchObject({ ok: true, value: { a: 'x ${B} $${C}' } });
});

test('of several alternatives the one that was meant is blamed', () => {
  const step = '  - {id: a, role: tester, prompt: hello, chekpoint: a.md}\n';
  expect(faults(`name: w\nsteps:\n${step}`, workflowFile)).toEqual([
    'd.yaml:3:5 missing-key steps[0].checkpoint "{id: a, role: tester, prompt: hello, chekpoint: a.md}" | text',
    'd.yaml:3:42 unknown-key steps[0].chekpoint "chekpoint" | one of id, role, prompt, checkpoint, kind, sections, phase, for, gate, evidence, retries, moves_on, limit, after, module, with',
  ]);
  expect(faults('name: w\nsteps:\n  - {id: a, role: b, prompt: /x, checkpoint: a.md}\n', workflowFile)).toEqual([
    'd.yaml:3:30 bad-value steps[0].prompt "/x" | a prompt is one line that does not begin with / ! # ? @ or a space and has no control characters',
  ]);
  const tagged = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('a'), x: z.int() }),
    z.strictObject({ kind: z.literal('b') }),
  ]);
  expect(faults('kind: c\n', tagged)).toEqual(['d.yaml:1:7 bad-value kind "c" | a, or b']);
  expect(faults('kind: a\nx: y\n', tagged)).toEqual(['d.yaml:2:4 wrong-type x "y" | a whole number']);
});

test('a layout that is none', () => {
  expect(faults('name: quad\nwindows:\n  - {arrange: round, roles: rest}\n', layoutSchema)).toEqual([
    'd.yaml:3:15 bad-value windows[0].arrange "round" | one of tiled, main-vertical, main-horizontal, even-vertical, even-horizontal',
  ]);
  expect(faults('name: quad\n', layoutSchema)).toEqual([
    'd.yaml:1:1 missing-key windows "name: quad" | a list, each a map of name, arrange, roles, each, status',
  ]);
  expect(faults('', layoutSchema)).toHaveLength(2);
  expect(faults('name: [quad\n', layoutSchema)).toHaveLength(1);
});

test('no file, or no file to read', () => {
  const root = folder();
  expect(readDocument(join(root, 'gone.yaml'), layoutSchema)).toMatchObject({
    ok: false,
    faults: [{ kind: 'missing-file' }],
  });
  expect(readDocument(root, layoutSchema)).toMatchObject({ ok: false, faults: [{ kind: 'unreadable-file' }] });
});
