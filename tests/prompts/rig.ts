import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Config } from '../../src/config/schema.ts';
import { faultAt } from '../../src/config/source.ts';
import type { ConfigFault } from '../../src/config/faults.ts';
import { readLibrary, type Library } from '../../src/prompts/library.ts';
import type { Settings } from '../../src/prompts/serving.ts';
import { openShelf, type Shelf } from '../../src/prompts/shelf.ts';

export type Files = Readonly<Record<string, string>>;

/** Two folders of prompts that go with the test. */
export function folders(shipped: Files, workspace: Files = {}): { shipped: string; workspace: string } {
  const base = mkdtempSync(join(tmpdir(), 'tmops-prompts-'));
  onTestFinished(() => {
    rmSync(base, { recursive: true, force: true });
  });
  const placed = (name: string, files: Files): string => {
    mkdirSync(join(base, name), { mode: 0o755 });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(base, name, file), text, { mode: 0o644 });
    return join(base, name);
  };
  return { shipped: placed('shipped', shipped), workspace: placed('workspace', workspace) };
}

export const libraryOf = (shipped: Files, workspace: Files = {}): Library => readLibrary(folders(shipped, workspace));

/** A prompt's file. `more` are lines of its front matter. */
export const file = (name: string, body: string, more: readonly string[] = [], version = '1.0.0'): string =>
  [
    '---',
    `name: ${name}`,
    `version: ${version}`,
    'title: A title',
    'description: What it is.',
    ...more,
    '---',
    body,
  ].join('\n');

export const FEATURE = 'arguments: [{ name: feature, type: feature, required: true, description: The feature. }]';

export function settings(prompts: Partial<Config['prompts']> = {}): Settings {
  const source = { name: 'tmops.config.yaml', text: 'prompts:' };
  return {
    prompts: { use: {}, compare: {}, ...prompts },
    where: { blame: (path, expected) => faultAt('bad-value', { source, start: 0, end: 7 }, path, { expected }) },
  };
}

export const shelf = (shipped: Files, workspace: Files = {}, prompts: Partial<Config['prompts']> = {}): Shelf =>
  openShelf(folders(shipped, workspace), settings(prompts));

/** What a prompt comes to, or why it does not. */
export function rendered(
  on: Shelf,
  name: string,
  given: Readonly<Record<string, string>> = {},
  data: Parameters<Shelf['render']>[2]['data'] = {},
): string {
  const chosen = on.choose(name, undefined, () => 0);
  if (!chosen.ok) return chosen.problem.sentence;
  const { prompt } = chosen.choice;
  const checked = on.check(prompt, given);
  if (!checked.ok) return checked.why;
  const made = on.render(prompt, checked.values, { data, problems: {}, boundary: 'b0undary' });
  return made.ok ? made.text : made.problem.sentence;
}

/** `file:line:column kind key`, with the file's base name. */
export const brief = ({ file: path, line, column, kind, key }: ConfigFault): string =>
  `${path.replace(/^.*\//, '')}:${line}:${column} ${kind} ${key}`.trim();
