import { describe, expect, test } from 'vitest';
import { completePrompt, promptPage, promptText } from '../../../src/doors/mcp/prompt-answers.ts';
import type { PromptDoor } from '../../../src/doors/mcp/prompts.ts';
import type { TextReply } from '../../../src/link/protocol.ts';

const listing = (index: number) => ({ name: `p-${index}`, title: 'T', description: 'D', arguments: [] });
const signal = new AbortController().signal;

function door(more: Partial<PromptDoor> & { readonly reply?: TextReply } = {}): PromptDoor & { faults: unknown[] } {
  const faults: unknown[] = [];
  const { reply = { id: 1, ok: true, json: '{}' }, ...rest } = more;
  return {
    list: () => Promise.resolve(Array.from({ length: 120 }, (_, index) => listing(index))),
    link: () => Promise.resolve(reply),
    onFault: (error) => faults.push(error),
    ...rest,
    faults,
  };
}

const refused = (code: string): TextReply => ({ id: 1, ok: false, failure: { code, sentence: 'S.', hint: 'H.' } });

async function failure(asked: Promise<unknown>): Promise<{ code: unknown; message: string }> {
  const outcome: unknown = await asked.catch((error: unknown) => error);
  if (!(outcome instanceof Error) || !('code' in outcome))
    throw new Error(`expected a refusal, got ${String(outcome)}`);
  return { code: outcome.code, message: outcome.message };
}

describe('the list', () => {
  test('comes in pages, each prompt once', async () => {
    const names: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await promptPage(door(), cursor);
      names.push(...page.prompts.map(({ name }) => name));
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(pages).toBe(3);
    expect(names).toEqual(Array.from({ length: 120 }, (_, index) => `p-${index}`));
  });

  test('of exactly a page has no next one', async () => {
    const list = () => Promise.resolve(Array.from({ length: 50 }, (_, index) => listing(index)));
    expect((await promptPage(door({ list }))).nextCursor).toBeUndefined();
  });
});

describe('an error', () => {
  test.each([
    ['prompt-arguments', -32602],
    ['prompt-unusable', -32603],
    ['supervisor-lost', -32603],
    ['access-other-feature', -32603],
  ])('%s is told as %i, with what to do next', async (code, expected) => {
    const told = await failure(promptText(door({ reply: refused(code) }), 'a', {}, signal));
    expect(told).toEqual({ code: expected, message: `S.\nH.\n(code: ${code})` });
  });

  test.each<[string, Partial<PromptDoor> & { reply?: TextReply }]>([
    ['a list that cannot be read', { list: () => Promise.reject(new Error('secret at /root/x.ts:1')) }],
    ['an answer that is none', { reply: { id: 1, ok: true, json: '{"secret":1}' } }],
    ['an answer that is no JSON', { reply: { id: 1, ok: true, json: 'secret' } }],
  ])('nobody expected, such as %s, does not reach the client', async (what, more) => {
    const given = door(more);
    const asked = what.startsWith('a list')
      ? promptPage(given)
      : Promise.any([
          promptText(given, 'a', {}, signal),
          completePrompt(given, 'a', { name: 'b', value: '' }, {}, signal),
        ]).catch((error: unknown) => {
          throw error instanceof AggregateError ? error.errors[0] : error;
        });
    const told = await failure(asked);
    expect(told.code).toBe(-32603);
    expect(told.message).not.toContain('secret');
    expect(given.faults.length).toBeGreaterThan(0);
  });
});
