import { resolve } from 'node:path';
import { httpRequest } from '../app/table.ts';
import type { ProblemView } from '../app/views.ts';
import { readEnvironment } from '../config/environment.ts';
import type { Config } from '../config/schema.ts';
import { chosenTools } from '../core/toolset.ts';
import type { HttpServer } from '../doors/mcp/http.ts';
import type { Log } from '../engine/ports.ts';
import { codeOf, quoted } from '../files/refused.ts';
import { readTextOrNull } from '../files/regular.ts';
import { writeWhole } from '../files/write-whole.ts';
import type { Attendance } from '../link/connection.ts';
import type { TextPort } from '../link/port.ts';
import type { LinkRequest } from '../link/protocol.ts';
import { stopper } from '../link/stopper.ts';
import { version } from './package.ts';
import type { SupervisorPlace } from './places.ts';
import type { Secrets } from './secrets.ts';
import { TELL_ENVIRONMENT } from './tell-environment.ts';

type Handle = Attendance['handle'];

export interface HttpDoorParts {
  readonly root: string;
  readonly place: SupervisorPlace;
  /** As it was when the supervisor began. */
  readonly config: Config;
  /** What is wrong with the configuration now, if anything is. */
  readonly fileFault: () => ProblemView | null;
  /** Answers the operations. */
  readonly handle: Handle;
  readonly log: Log;
  readonly secrets: Secrets;
}

/** MCP over HTTP as the supervisor has it, which also where it cannot be had goes on without. */
export interface HttpDoor {
  /** Answers where it is; all else goes to the operations. */
  readonly handle: Handle;
  /** Clients that have a session. */
  sessions(): number;
  /** Ends them and frees the port. */
  close(): Promise<void>;
}

/** How often whoever listens gets a sign of life, in ms: well within what proxies and clients wait. */
const KEEP_ALIVE_MS = 15_000;
/** How long a client may take to send a request. */
const REQUEST_WITHIN_MS = 30_000;
/** What of an error's text, which may hold what a client sent, is logged. */
const MOST_LOGGED = 300;

/** Opens it where the configuration says so; nothing of it is loaded otherwise. */
export async function openHttpDoor(parts: HttpDoorParts): Promise<HttpDoor> {
  const opened = await opening(parts);
  if ('problem' in opened) {
    if (parts.config.server.http.enabled) parts.log.error('MCP over HTTP cannot be served', { ...opened.problem });
    return {
      handle: answering(parts.handle, () => ({ failure: parts.fileFault() ?? opened.problem })),
      sessions: () => 0,
      close: () => Promise.resolve(),
    };
  }
  const { server, url, tokenFile, register } = opened;
  parts.log.info('MCP is served over HTTP', { url });
  return {
    handle: answering(parts.handle, () => ({ output: { url, tokenFile, sessions: server.sessions(), register } })),
    sessions: () => server.sessions(),
    close: () => server.close(),
  };
}

interface Opened {
  readonly server: HttpServer;
  readonly url: string;
  readonly tokenFile: string | null;
  readonly register: string;
}

async function opening(parts: HttpDoorParts): Promise<Opened | { readonly problem: ProblemView }> {
  const { root, place, config, log, secrets } = parts;
  const { http, name } = config.server;
  if (!http.enabled) return { problem: NOT_ENABLED };
  const [{ serveHttp, MCP_PATH }, { tmopsServer }, { listedTools }, { keysIn }] = await Promise.all([
    import('../doors/mcp/http.ts'),
    import('../doors/mcp/tmops-server.ts'),
    import('../doors/mcp/listed.ts'),
    import('./http-keys.ts'),
  ]);
  const chosen = chosenTools(await listedTools(), { ...config.server, readOnly: config.server.read_only });
  if (!chosen.ok) return { problem: unservable(chosen.why) };
  const file = http.token_file === null ? place.httpTokenFile : resolve(root, http.token_file);
  const read = http.token === 'none' ? null : await keysIn(file, http.token_file === null);
  if (read?.ok === false) return read;
  secrets.learn(Object.fromEntries((read?.tokens ?? []).map((token, index) => [`HTTP_TOKEN_${index}`, token])));
  const onFault = (error: unknown): void => {
    log.warn('MCP over HTTP', { why: String(error).slice(0, MOST_LOGGED) });
  };
  const served = {
    ...{ name, version: config.server.version ?? version, tools: chosen.tools, onFault },
    // For the words in which a tool that writes is refused; the supervisor sees to it in any case (see portOf).
    extras: config.server.read_only ? { readOnly: true } : {},
    listPrompts: () => import('./prompt-list.ts').then(({ promptsFor }) => promptsFor(root)),
  };
  const serve = (port: number): Promise<HttpServer> =>
    serveHttp({
      ...{ host: http.host, port, onFault },
      rules: {
        hosts: [...http.allowed_hosts, hostIn(http.host).toLowerCase()],
        origins: http.allowed_origins,
        keys: read?.keys ?? null,
      },
      keepAliveMs: KEEP_ALIVE_MS,
      requestWithinMs: REQUEST_WITHIN_MS,
      limit: http.sessions_limit,
      idleMs: http.session_idle,
      serverFor: (client, signal) => {
        const port = portOf(parts, client);
        return tmopsServer({ ...served, link: port, listen: port, signal });
      },
    });
  try {
    const server = await onSamePort(place.httpPortFile, http.port, serve);
    const url = `http://${hostIn(ANY[http.host] ?? http.host)}:${server.port}${MCP_PATH}`;
    const tokenFile = read ? file : null;
    return { server, url, tokenFile, register: registerCommand(name, url, tokenFile, http.token_file === null) };
  } catch (error) {
    if (codeOf(error) === '') throw error;
    return { problem: unservable(`${http.host}, port ${http.port}: ${codeOf(error)}.`) };
  }
}

/** Where any port will do, the one of the last time, so that clients find the server again. */
async function onSamePort(
  file: string,
  wanted: number,
  serve: (port: number) => Promise<HttpServer>,
): Promise<HttpServer> {
  if (wanted !== 0) return serve(wanted);
  const last = Number(await readTextOrNull(file, MOST_LOGGED));
  const isPort = Number.isInteger(last) && last > 0 && last < 65_536;
  const server = await (isPort ? serve(last).catch((error: unknown) => elsewhere(error, serve)) : serve(0));
  await writeWhole(file, `${server.port}\n`);
  return server;
}

function elsewhere(error: unknown, serve: (port: number) => Promise<HttpServer>): Promise<HttpServer> {
  if (codeOf(error) !== 'EADDRINUSE' && codeOf(error) !== 'EACCES') throw error;
  return serve(0);
}

/** The operations for one client, without a socket in between. */
function portOf({ root, config, handle }: HttpDoorParts, tokenName: string | null): TextPort {
  return async (op, input, extras, signal = stopper().signal) => {
    // What runs on this machine does not tell its variables here: those of the supervisor count.
    const env = TELL_ENVIRONMENT.has(op) ? { env: readEnvironment() } : {};
    const caller: LinkRequest['caller'] = {
      ...{ ...extras, door: 'http', cwd: root, ...env },
      ...(config.server.read_only && { readOnly: true }),
      ...(tokenName !== null && { tokenName }),
    };
    const reply = await handle({ id: 0, op, input, caller }, signal);
    if (!reply.ok || 'json' in reply) return reply;
    return { id: reply.id, ok: true, json: JSON.stringify(reply.output) };
  };
}

const answering =
  (handle: Handle, place: () => { readonly output: object } | { readonly failure: ProblemView }): Handle =>
  (request, signal) => {
    const { id, op, caller } = request;
    if (op !== httpRequest.name) return handle(request, signal);
    const told = caller.agentToken === undefined && caller.only === undefined ? place() : { failure: NOT_FOR_YOU };
    return Promise.resolve('failure' in told ? { id, ok: false, failure: told.failure } : { id, ok: true, ...told });
  };

/** Addresses that stand for all of a machine's, and the one that leads there. */
const ANY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

const hostIn = (host: string): string => (host.includes(':') ? `[${host}]` : host);

function registerCommand(name: string, url: string, tokenFile: string | null, isOurs: boolean): string {
  const command = `claude mcp add --transport http ${quoted(name)} ${url}`;
  if (tokenFile === null) return command;
  const token = isOurs ? `$(cat ${quoted(tokenFile)})` : 'TOKEN';
  return `${command} --header "Authorization: Bearer ${token}"`;
}

const NOT_ENABLED: ProblemView = {
  code: 'http-not-enabled',
  sentence: 'MCP over HTTP is not enabled in this supervisor.',
  hint: 'Set server.http.enabled: true in tmops.config.yaml and end the supervisor, which reads it when it starts: tmops doctor names its process.',
};

const NOT_FOR_YOU: ProblemView = {
  code: 'access-http',
  sentence: 'Where MCP is served over HTTP is not told to a client that is bound to one feature.',
  hint: 'The user can ask from a shell of their own.',
};

const unservable = (why: string): ProblemView => ({
  code: 'http-not-served',
  sentence: `MCP cannot be served over HTTP: ${why}`,
  hint: 'Repair server.http in tmops.config.yaml and end the supervisor, which reads it when it starts: tmops doctor names its process.',
});
