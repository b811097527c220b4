import type { Readable } from 'node:stream';
import { BAD_ARGUMENTS } from '../../app/arguments.ts';
import type { ProblemView } from '../../app/views.ts';
import { EXIT, ask, fail, lookOf, print, printJson } from './cli.ts';
import type { Cli } from './cli.ts';
import { renderMessage } from './render-steering.ts';

/** Outcomes that need nobody: the agent has the message, or gets it at the end of its turn. */
const WELL: ReadonlySet<string> = new Set(['accepted', 'queued']);
/** More than the longest message can take: what is left is not read. */
const MAX_INPUT_BYTES = 500_000;

/**
 * `tmops message <feature> [role|all] <text…>`. With several words the first says who it is for; a single one is a text
 * for all. `-` stands for standard input. 0 when each is accepted or queued, 1 while one is not.
 */
export async function message(
  cli: Cli,
  feature: string,
  words: readonly string[],
  waitSeconds: number | undefined,
): Promise<number> {
  const [first = '', ...rest] = words;
  const isForAll = rest.length === 0;
  if (isForAll && (await isRecipient(cli, feature, first))) return fail(cli, noText(first));
  const read = await textOf(isForAll ? [first] : rest, cli.stdin);
  if (!read.ok) return fail(cli, read.failure);
  const asked = await ask(cli, 'message', {
    feature,
    ...(isForAll || first === 'all' ? {} : { role: first }),
    text: read.text,
    ...(waitSeconds === undefined ? {} : { waitMs: Math.round(waitSeconds * 1000) }),
  });
  if (!asked.ok) return fail(cli, asked.failure);
  if (cli.json) printJson(cli, asked.output);
  else print(cli, renderMessage(asked.output, lookOf(cli)));
  return asked.output.deliveries.every(({ outcome }) => WELL.has(outcome)) ? EXIT.ok : EXIT.refused;
}

/** A single word that is a role is a message whose text was forgotten, not one that says "tester" to everybody. */
async function isRecipient(cli: Cli, feature: string, word: string): Promise<boolean> {
  if (word === 'all') return true;
  if (!/^[a-z][a-z0-9-]*$/.test(word)) return false;
  const asked = await ask(cli, 'status', { feature });
  return asked.ok && asked.output.panes.some(({ role }) => role === word);
}

type TextRead = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly failure: ProblemView };

async function textOf(words: readonly string[], stdin: Readable): Promise<TextRead> {
  if (words.length !== 1 || words[0] !== '-') return { ok: true, text: words.join(' ') };
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const piece = Buffer.from(chunk as Uint8Array);
    bytes += piece.length;
    if (bytes > MAX_INPUT_BYTES) return refused('the text on standard input is too long', 'Put it into a file.');
    chunks.push(piece);
  }
  try {
    // A byte order mark is the text's own, and what is no text is not to arrive as something else.
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { ok: true, text: decoder.decode(Buffer.concat(chunks)) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refused('standard input is no text in UTF-8', 'Put it into a file and send a message that names the file.');
  }
}

const refused = (why: string, hint: string): TextRead => ({
  ok: false,
  failure: { code: BAD_ARGUMENTS, sentence: `tmops message cannot run: ${why}.`, hint },
});

const noText = (recipient: string): ProblemView => ({
  code: BAD_ARGUMENTS,
  sentence: `tmops message cannot run: there is no text for ${recipient}.`,
  hint: "tmops message <feature> [role|all] <text…>, e.g. tmops message auth-api tester 'Go on.'",
});
