import { afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentNews } from '../../src/core/agent.ts';
import { until } from '../rig/wait.ts';
import { fetchClaude } from './claude.ts';
import { claudeLead, type Lead } from './lead.ts';

let command: string;
beforeAll(async () => {
  command = await fetchClaude();
});

let lead: Lead;
afterEach(() => lead.end());

const taken = (): Extract<AgentNews, { kind: 'prompt-taken' }>[] =>
  lead.news.filter((news) => news.kind === 'prompt-taken');

test('the end of a background task is no prompt of a human', async () => {
  const script = "node -e 'setTimeout(() => {}, 1500)'";
  const input = { command: script, description: 'Wait', run_in_background: true };
  lead = await claudeLead({
    command,
    mode: 'acceptEdits',
    calls: [{ name: 'Bash', input }],
    allow: ['Bash(node -e:*)'],
  });
  await lead.goOn();
  await until('it is told of the end', () => taken().length === 2, { withinMs: 30_000 });
  const [typed, injected] = taken();
  expect(typed).toEqual({ kind: 'prompt-taken', text: 'Go on.' });
  expect(injected).toMatchObject({ injected: true, text: expect.stringContaining('<task-notification>') as string });
});
