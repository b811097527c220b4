import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { operations } from '../../src/app/table.ts';
import { say } from '../../src/config/say.ts';
import type { DataName } from '../../src/prompts/front-matter.ts';
import { readSamples, runTests } from '../../src/prompts/expectations.ts';
import { readLibrary } from '../../src/prompts/library.ts';
import { readPrompt } from '../../src/prompts/read-prompt.ts';
import { openTemplates } from '../../src/prompts/templates.ts';

const shipped = fileURLToPath(new URL('../../config/prompts', import.meta.url));
const library = readLibrary({ shipped, workspace: null });
const samples = (() => {
  const read = readSamples(`${shipped}/samples.yaml`);
  if (!read.ok) throw new Error(read.faults.map(say).join('\n'));
  return read.samples;
})();

describe('the shipped prompts', () => {
  test('are the five, and nothing is wrong with their files', () => {
    expect(library.faults.map(say)).toEqual([]);
    expect(library.prompts.map(({ name }) => name)).toEqual([
      'hand-over',
      'review-checkpoint',
      'start-feature',
      'summarize-run',
      'unblock',
    ]);
  });

  test('are templates that use only what they are given', () => {
    const templates = openTemplates(library);
    expect(
      [...library.prompts.flatMap((prompt) => templates.faultsOf(prompt)), ...templates.partFaults()].map(say),
    ).toEqual([]);
  });

  test('each has tests, which pass', () => {
    const results = runTests(library, samples);
    expect(results.filter(({ failures }) => failures.length > 0)).toEqual([]);
    expect(new Set(results.map(({ prompt }) => prompt)).size).toBe(library.prompts.length);
  });

  test('name only tools that there are, without the prefix of a client', () => {
    const tools = Object.values(operations).map(({ tool }) => tool);
    const named = [...library.prompts, ...library.parts].flatMap(({ body }) => body.match(/\w*tmops_\w+/g) ?? []);
    expect(named.filter((name) => name !== 'tmops_' && !tools.some((tool) => tool === name))).toEqual([]);
  });
});

test('the samples are outputs of the operations they stand for', () => {
  const outputs: Record<DataName, keyof typeof operations> = {
    status: 'status',
    explain: 'explain',
    events: 'events',
    checkpoint: 'readCheckpoint',
    features: 'list',
  };
  for (const [name, key] of Object.entries(outputs) as [DataName, keyof typeof operations][])
    for (const [sample, value] of Object.entries(samples[name] ?? {}))
      expect(operations[key].output.safeParse(value).error?.issues ?? [], `${name} ${sample}`).toEqual([]);
});

test('the example of docs/prompts.md is a prompt whose tests pass', () => {
  const page = readFileSync(new URL('../../docs/prompts.md', import.meta.url), 'utf8');
  const text = /```markdown\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const read = readPrompt({ name: '/w/stand-up.md', text }, 'workspace');
  if (!read.ok) throw new Error(read.faults.map(say).join('\n'));
  const own = { ...library, prompts: [read.prompt] };
  expect(openTemplates(own).faultsOf(read.prompt).map(say)).toEqual([]);
  expect(runTests(own, samples).map(({ failures }) => failures)).toEqual([[], []]);
});
