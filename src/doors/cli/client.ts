import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { BAD_ARGUMENTS } from '../../app/arguments.ts';
import type { NotOffered, Reached, Remote, RemoteAnswer, Target } from '../mcp/remote.ts';
import { fail, lookOf, print, printJson } from './cli.ts';
import type { Cli } from './cli.ts';
import { argumentsOf, isPairs } from './client-words.ts';
import type { Look } from './look.ts';
import type { Does } from './operation-command.ts';
import * as render from './render-remote.ts';

/** A server that goes on giving pages is left after these. */
const MAX_PAGES = 100;

interface Flags {
  readonly http?: string;
  readonly tokenFile?: string;
  readonly socket?: boolean;
  readonly timeout: number;
}

/** `tmops client …`; `command` is what stands behind --stdio, null without it. */
export function addClientCommand(program: Command, does: Does, command: readonly string[] | null): void {
  const client = program
    .command('client')
    .summary('Speak to a running MCP server')
    .description(
      'Lists and calls tools, reads resources and renders prompts of an MCP server, for scripts and for trying things out. Without an option it is the one that tmops mcp is in this folder.',
    )
    .option('--stdio <command...>', 'the rest of the line is a program that serves over its stdin and stdout')
    .option('--http <url>', 'address of a server that serves Streamable HTTP')
    .option('--token-file <file>', 'with --http: file with the bearer token')
    .option('--socket', "this repository's supervisor itself: tools only")
    .option('--timeout <seconds>', 'how long a request may take', seconds, 60);
  const talks = (talk: (cli: Cli, remote: Remote) => Promise<number>): Promise<void> =>
    does((cli) => withRemote(cli, targetOf(client.opts<Flags>(), command), client.opts<Flags>(), talk));
  client
    .command('tools')
    .description('Lists the tools.')
    .action(() => talks((cli, remote) => showAll(cli, remote, TOOLS)));
  client
    .command('call <tool> [arguments...]')
    .description('Calls a tool. Its arguments are one JSON object, or key=value for each.')
    .action((tool: string, words: string[]) => talks((cli, remote) => call(cli, remote, tool, words)));
  client
    .command('resources')
    .description('Lists the resources, and the templates of their addresses.')
    .action(() => talks((cli, remote) => showAll(cli, remote, RESOURCES)));
  client
    .command('read <uri>')
    .description('Reads a resource.')
    .action((uri: string) =>
      talks((cli, remote) =>
        show(cli, remote, { offer: 'resources', method: 'resources/read', params: { uri } }, render.renderContents),
      ),
    );
  client
    .command('prompts')
    .description('Lists the prompts.')
    .action(() => talks((cli, remote) => showAll(cli, remote, PROMPTS)));
  client
    .command('prompt <name> [arguments...]')
    .description('Renders a prompt. Its arguments are one JSON object, or key=value for each.')
    .action((name: string, words: string[]) => talks((cli, remote) => prompt(cli, remote, name, words)));
  client
    .command('ping')
    .description('Says which server answers, and how fast.')
    .action(() => talks(ping));
}

type Chosen = { readonly ok: true; readonly target: Target } | { readonly ok: false; readonly why: string };

function targetOf({ http, tokenFile, socket }: Flags, command: readonly string[] | null): Chosen {
  const named = [command && '--stdio', http !== undefined && '--http', socket && '--socket'].filter(Boolean);
  if (named.length > 1) return { ok: false, why: `${named.join(' and ')} name different servers` };
  if (tokenFile !== undefined && http === undefined) return { ok: false, why: '--token-file is given without --http' };
  if (command?.length === 0) return { ok: false, why: '--stdio is given without a command behind it' };
  if (command) return { ok: true, target: { kind: 'stdio', command } };
  if (socket) return { ok: true, target: { kind: 'socket' } };
  if (http === undefined) return { ok: true, target: { kind: 'own' } };
  return { ok: true, target: { kind: 'http', url: http, ...(tokenFile !== undefined && { tokenFile }) } };
}

async function withRemote(
  cli: Cli,
  chosen: Chosen,
  { timeout }: Flags,
  talk: (cli: Cli, remote: Remote) => Promise<number>,
): Promise<number> {
  if (!chosen.ok)
    return fail(cli, { code: BAD_ARGUMENTS, sentence: `tmops client cannot run: ${chosen.why}.`, hint: HINT });
  const reached: Reached = await cli.ports.client(chosen.target, { timeoutMs: timeout * 1000, stop: cli.stop });
  if (!reached.ok) return fail(cli, reached.failure);
  try {
    return await talk(cli, reached.remote);
  } finally {
    const left = await reached.remote.close();
    if (left) fail(cli, left);
  }
}

const HINT = 'Give one of --stdio <command…> (last on the line), --http <url> and --socket, or none for tmops mcp.';

interface Asking {
  /** What the server has to declare for it. */
  readonly offer: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

async function ask(remote: Remote, { offer, method, params }: Asking): Promise<RemoteAnswer> {
  if (remote.offers.includes(offer)) return remote.request(method, params);
  const offered = remote.offers.length === 0 ? 'nothing' : remote.offers.join(', ');
  const sentence = `${remote.server} offers no ${offer}.`;
  return { ok: false, failure: { code: `no-${offer}`, sentence, hint: `It offers: ${offered}.` } };
}

type Render = (result: unknown, look: Look) => readonly string[];

async function show(cli: Cli, remote: Remote, asking: Asking, lines: Render): Promise<number> {
  const answer = await ask(remote, asking);
  if (!answer.ok) return fail(cli, answer.failure);
  return cli.json ? printJson(cli, answer.result) : print(cli, lines(answer.result, lookOf(cli)));
}

interface Listing {
  readonly offer: string;
  readonly lists: readonly List[];
  readonly lines: Render;
}

interface List {
  readonly method: string;
  /** Under which a page has its items. */
  readonly key: string;
  /** A server may offer the rest without it. */
  readonly optional?: boolean;
}

const TOOLS: Listing = {
  offer: 'tools',
  lists: [{ method: 'tools/list', key: 'tools' }],
  lines: render.renderTools,
};
const PROMPTS: Listing = {
  offer: 'prompts',
  lists: [{ method: 'prompts/list', key: 'prompts' }],
  lines: render.renderPrompts,
};
const RESOURCES: Listing = {
  offer: 'resources',
  lists: [
    { method: 'resources/list', key: 'resources' },
    { method: 'resources/templates/list', key: 'resourceTemplates', optional: true },
  ],
  lines: render.renderResources,
};
const NOT_OFFERED: NotOffered = 'not-offered';

async function showAll(cli: Cli, remote: Remote, { offer, lists, lines }: Listing): Promise<number> {
  const whole: Record<string, unknown> = {};
  for (const { method, key, optional = false } of lists) {
    const listed = await allOf(remote, { offer, method, params: {} }, key);
    if (!listed.ok && !(optional && listed.failure.code === NOT_OFFERED)) return fail(cli, listed.failure);
    whole[key] = listed.ok ? listed.result[key] : [];
  }
  return cli.json ? printJson(cli, whole) : print(cli, lines(whole, lookOf(cli)));
}

/** All pages in one. */
async function allOf(remote: Remote, asking: Asking, key: string): Promise<RemoteAnswer> {
  const items: unknown[] = [];
  let cursor: unknown;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await ask(remote, { ...asking, params: cursor === undefined ? {} : { cursor } });
    if (!answer.ok) return answer;
    const found = answer.result[key];
    if (Array.isArray(found)) items.push(...(found as readonly unknown[]));
    cursor = answer.result['nextCursor'];
    if (cursor === undefined) break;
  }
  return { ok: true, result: { [key]: items } };
}

async function call(cli: Cli, remote: Remote, tool: string, words: readonly string[]): Promise<number> {
  const schema = isPairs(words) ? await schemaOf(remote, tool) : undefined;
  const given = argumentsOf(words, schema);
  if (!given.ok) return fail(cli, given.failure);
  const params = { name: tool, arguments: given.values };
  const answer = await ask(remote, { offer: 'tools', method: 'tools/call', params });
  if (!answer.ok) return fail(cli, answer.failure);
  const failure = render.failureOf(answer.result);
  if (failure !== null) return fail(cli, { code: 'tool-failed', sentence: failure, hint: '' });
  return cli.json ? printJson(cli, answer.result) : print(cli, render.renderCall(answer.result));
}

/** Of a tool that is not listed nothing is known: the server says what it thinks of the call. */
async function schemaOf(remote: Remote, tool: string): Promise<unknown> {
  const listed = await allOf(remote, { offer: 'tools', method: 'tools/list', params: {} }, 'tools');
  if (!listed.ok) return undefined;
  return render.toolsResult.parse(listed.result).tools.find(({ name }) => name === tool)?.inputSchema;
}

async function prompt(cli: Cli, remote: Remote, name: string, words: readonly string[]): Promise<number> {
  const given = argumentsOf(words);
  if (!given.ok) return fail(cli, given.failure);
  const params = { name, arguments: given.values };
  return show(cli, remote, { offer: 'prompts', method: 'prompts/get', params }, render.renderPrompt);
}

async function ping(cli: Cli, remote: Remote): Promise<number> {
  const begun = performance.now();
  const answer = await remote.request('ping', {});
  const ms = Math.round((performance.now() - begun) * 10) / 10;
  if (!answer.ok) return fail(cli, answer.failure);
  if (cli.json) return printJson(cli, { server: remote.server, offers: remote.offers, ms });
  return print(cli, render.renderPing(remote, ms));
}

function seconds(words: string): number {
  const value = Number(words);
  if (words.trim() !== '' && value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError('It is a number of seconds, up to 3600.');
}
