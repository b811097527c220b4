import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSpecState, renderTemplate } from '../../../src/adapters/project/spec.ts';
import { SPEC_TEMPLATE } from '../../rig/project.ts';

let folder: string;
let spec: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmops-spec-'));
  spec = join(folder, 'TASK_SPEC.md');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const TEMPLATE = '# auth-api\nCreated: 2025-01-02\n';

test.each([
  [TEMPLATE, 'template'],
  [TEMPLATE.replaceAll('\n', '\r\n'), 'template'],
  [`${TEMPLATE}\n\n  `, 'template'],
  [TEMPLATE.replace('2025-01-02', '2026-11-12'), 'template'],
  ['', 'template'],
  [' \n\n', 'template'],
  [`${TEMPLATE}x`, 'filled'],
  ['anything', 'filled'],
])('%j is %s', async (text, state) => {
  await writeFile(spec, text);
  expect(await readSpecState(spec, TEMPLATE)).toBe(state);
});

test('the template that the script wrote counts too', async () => {
  await writeFile(spec, '# Another\n');
  expect(await readSpecState(spec, TEMPLATE)).toBe('filled');
  await writeFile(join(folder, '.TASK_SPEC.template.md'), '# Another\n');
  expect(await readSpecState(spec, TEMPLATE)).toBe('template');
});

test('absent is missing, a link is refused', async () => {
  expect(await readSpecState(spec, TEMPLATE)).toBe('missing');
  await writeFile(join(folder, 'other.md'), 'x');
  await symlink('other.md', spec);
  await expect(readSpecState(spec, TEMPLATE)).rejects.toThrow(`${spec} is a link, which is not followed`);
});

test('the shipped template names the feature and leaves no placeholder', async () => {
  const text = renderTemplate(await readFile(SPEC_TEMPLATE, 'utf8'), 'auth-api');
  expect(text).toContain('# auth-api\n');
  expect(text).not.toContain('{');
});
