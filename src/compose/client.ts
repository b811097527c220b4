import { readFile } from 'node:fs/promises';
import { BAD_ARGUMENTS } from '../app/arguments.ts';
import type { ProblemView } from '../app/views.ts';
import type { ReachOptions, Reached, Target } from '../doors/mcp/remote.ts';
import type { LinkPort, TextPort } from '../link/port.ts';
import { version } from './package.ts';
import { program } from './program.ts';

export interface ReachPorts extends ReachOptions {
  readonly env: Readonly<Record<string, string>>;
  /** The way to the supervisor of the workspace. */
  readonly link: LinkPort;
  readonly ask: TextPort;
  readonly listen: TextPort;
}

/** Connects to what `target` names, loading only what that takes. */
export async function reach(target: Target, options: ReachPorts): Promise<Reached> {
  if (target.kind === 'socket') {
    const { socketRemote } = await import('../doors/mcp/socket-client.ts');
    const listPrompts = () => import('./prompt-list.ts').then(({ promptsFor }) => promptsFor(process.cwd()));
    return { ok: true, remote: socketRemote({ ...options, version, listPrompts }) };
  }
  const { reachServer } = await import('../doors/mcp/client.ts');
  const cwd = process.cwd();
  const { env } = options;
  if (target.kind === 'stdio') return reachServer({ ...target, cwd, env }, { ...options, version });
  if (target.kind === 'own')
    return reachServer(
      { kind: 'stdio', command: [...program, 'mcp'], cwd, env: ofThisFolder(env) },
      { ...options, version },
    );
  const address = addressOf(target.url);
  if ('failure' in address) return { ok: false, failure: address.failure };
  const { url } = address;
  if (target.tokenFile === undefined) return reachServer({ kind: 'http', url }, { ...options, version });
  const token = await tokenIn(target.tokenFile, url);
  if ('failure' in token) return { ok: false, failure: token.failure };
  return reachServer({ kind: 'http', url, ...token }, { ...options, version });
}

/** As all commands, it is for the folder that it is called in, also where Claude Code has named another one. */
function ofThisFolder(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'CLAUDE_PROJECT_DIR'));
}

type Failed = { readonly failure: ProblemView };

function addressOf(text: string): { readonly url: URL } | Failed {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return badWords(
      `--http is ${JSON.stringify(text.slice(0, 200))}, which is no http or https address`,
      'Give the whole address with its path, such as http://127.0.0.1:8765/mcp.',
    );
  if (url.username !== '' || url.password !== '')
    return badWords(
      '--http holds a user or a password, which everybody on this machine can read in the list of processes',
      'Put the token into a file of yours and name it with --token-file.',
    );
  return { url };
}

async function tokenIn(file: string, url: URL): Promise<{ readonly token: string } | Failed> {
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname))
    return badWords(
      `a token is not sent to ${url.host} over http, where others can read it on the way`,
      'Use https, or an address of this machine: 127.0.0.1, [::1] or localhost.',
    );
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return badWords(`--token-file cannot be read (${why})`, 'Name a file that holds the token and nothing else.');
  }
  if (/^[\x21-\x7e]{1,4096}$/.test(text)) return { token: text };
  return badWords(
    `--token-file ${JSON.stringify(file)} holds no token`,
    'A token is one line of visible ASCII characters, at most 4,096.',
  );
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/;

const badWords = (why: string, hint: string): Failed => ({
  failure: { code: BAD_ARGUMENTS, sentence: `tmops client cannot run: ${why}.`, hint },
});
