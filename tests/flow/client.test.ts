import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { bundled } from '../rig/mcp-bundle.ts';
import { startHttpServer, type HttpServer } from '../rig/bare-http.ts';
import { openProduct, program, type Product } from '../rig/product.ts';
import { until } from '../rig/wait.ts';

/** `tmops client` as it is built, against servers over each way in. */

const TOKEN = 'let-me-in-0123456789';

let product: Product;
let http: HttpServer;
let guarded: HttpServer;
let offers: string;
let tokenFile: string;

beforeAll(async () => {
  product = await openProduct({ play: 'wait' });
  [http, guarded, offers] = await Promise.all([
    startHttpServer(),
    startHttpServer({ token: TOKEN }),
    bundled('mcp-offers-entry'),
  ]);
  tokenFile = join(product.repo.base, 'token');
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  await product.json('init', 'auth-api');
});
afterAll(async () => {
  await http.close();
  await guarded.close();
  await product.dispose();
  await rm(offers, { force: true });
});

const client = (...words: string[]) => product.cli('client', ...words);
const said = async (...words: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await client(...words);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
};

describe('tmops itself', () => {
  it('lists its tools and calls one, with values of the types that its schema names', async () => {
    expect(await said('tools')).toMatch(/^ {2}tmops_get_status +feature +Status of a feature$/m);
    expect(JSON.parse(await said('call', 'tmops_get_status', 'feature=auth-api'))).toMatchObject({
      phase: 'initialised',
    });
    expect(await said('call', 'tmops_get_events', 'feature=auth-api', 'limit=1')).toContain('"seq": 1');
    const json = JSON.parse(await said('call', 'tmops_get_status', '{"feature":"auth-api"}', '--json')) as object;
    expect(json).toMatchObject({ structuredContent: { feature: 'auth-api' }, content: [{ type: 'text' }] });
    expect(await said('ping')).toMatch(/^tmops 0\.1\.0 answered in [\d.]+ ms\. It offers: .*tools/);
  });

  it('gives what the server says of a wrong call', async () => {
    const wrong = await client('call', 'tmops_get_events', 'feature=auth-api', 'limit=many');
    expect(wrong).toMatchObject({ exitCode: 1, stdout: '' });
    expect(wrong.stderr).toContain('limit is "many", not of type number');
    const unknown = await client('call', 'tmops_fly', '--json');
    expect(unknown.exitCode).toBe(1);
    expect(JSON.parse(unknown.stderr)).toMatchObject({
      code: 'server-refused',
      sentence: expect.stringContaining('Unknown tool: "tmops_fly"') as string,
    });
  });

  it('speaks to the supervisor by its socket, with all that there is', async () => {
    expect(await said('tools', '--socket')).toContain('tmops_settle_prompt');
    const text = await said('call', 'tmops_get_status', 'feature=auth-api', '--socket');
    expect(JSON.parse(text)).toMatchObject({ feature: 'auth-api' });
    expect(await said('--socket', 'ping')).toContain('supervisor of tmops');
    const none = await client('call', 'tmops_get_status', 'feature=no-such', '--socket');
    expect(none.exitCode).toBe(1);
    expect(none.stderr).toContain('no-such');
    expect(await said('resources', '--socket')).toContain('tmops://features/auth-api/status');
    expect(await said('read', 'tmops://features/auth-api/spec', '--socket')).toContain('auth-api');
    expect(await said('prompts', '--socket')).toContain('unblock');
    expect(await said('prompt', 'unblock', 'feature=auth-api', '--socket')).toContain('why auth-api does not go on');
    const absent = await client('read', 'tmops://features/auth-api/nothing', '--socket');
    expect(absent).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('The supervisor refused') as string });
  });
});

describe.each(['--stdio', '--http'])('a server of others, by %s', (way) => {
  const by = (...words: string[]): string[] =>
    way === '--http' ? [...words, '--http', http.url] : [...words, '--stdio', process.execPath, offers];

  it('lists, calls, reads and renders', async () => {
    expect(await said(...by('tools'))).toContain('numbers [label]');
    expect(await said(...by('call', 'add', 'numbers=[1,2.5]', 'label=7'))).toBe('7: 3.5');
    expect(await said(...by('resources'))).toMatch(/notes:\/\/all +text\/plain +notes\n +notes:\/\/\{id\} +note/);
    expect(await said(...by('read', 'notes://7'))).toBe('Note 7.');
    expect(await said(...by('read', 'notes://all'))).toBe('All notes.');
    expect(await said(...by('prompts'))).toMatch(/greet +name +Greet/);
    expect(await said(...by('prompt', 'greet', 'name=Ada'))).toBe('[user]\nGreet Ada.');
    expect(JSON.parse(await said(...by('--json', 'resources')))).toMatchObject({
      resources: [{ uri: 'notes://all' }],
      resourceTemplates: [{ uriTemplate: 'notes://{id}' }],
    });
    expect(http.sessions()).toBe(0);
  });

  it('a tool that fails is exit code 1, and acts on no terminal', async () => {
    expect(await client(...by('call', 'fail'))).toMatchObject({ exitCode: 1, stdout: '', stderr: 'It broke.' });
    const missing = await client(...by('prompt', 'greet'));
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain('refused: ');
  });
});

describe('a way that leads nowhere', () => {
  test.each<[string, string[], number, string]>([
    ['a program that is not there', ['ping', '--stdio', '/no/such'], 1, 'cannot be started: spawn /no/such ENOENT'],
    ['a program that is no server', ['ping', '--stdio', 'true'], 1, 'went away before it answered'],
    ['a program that says nothing', ['--timeout', '0.5', 'ping', '--stdio', 'sleep', '60'], 1, 'within 0.5 s'],
    ['no port', ['ping', '--http', 'http://127.0.0.1:1/mcp'], 1, 'does not answer as an MCP server'],
    ['no address', ['ping', '--http', 'nowhere'], 2, '--http is "nowhere", which is no http or https address'],
    ['a password', ['ping', '--http', 'http://a:b@127.0.0.1/mcp'], 2, '--http holds a user or a password'],
    ['two ways', ['ping', '--socket', '--http', 'http://127.0.0.1/'], 2, 'name different servers'],
    ['nothing behind --stdio', ['ping', '--stdio'], 2, '--stdio is given without a command'],
    ['a token for nobody', ['ping', '--token-file', '/dev/null'], 2, '--token-file is given without --http'],
    ['words that are none', ['call', 'tmops_wait', 'feature'], 2, 'the word "feature" is neither JSON nor key=value'],
    ['no command', ['fly'], 2, "unknown command 'fly'"],
  ])('%s', async (_what, words, code, sentence) => {
    const { exitCode, stdout, stderr } = await client(...words);
    expect({ exitCode, stdout }, stderr).toEqual({ exitCode: code, stdout: '' });
    expect(stderr).toContain(sentence);
  });

  test('a server that does not come to an end is left when it is interrupted', async () => {
    const script = [
      "process.stdin.once('data', (line) => {",
      '  const { id, params: { protocolVersion } } = JSON.parse(line);',
      "  const result = { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'slow', version: '1' } };",
      "  console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));",
      "  console.error('greeted');",
      '});',
    ].join('\n');
    const { env, repo } = product;
    const argv = [program, 'client', 'call', 'x', '--stdio', process.execPath, '-e', script];
    const run = execa(process.execPath, argv, { cwd: repo.root, env, extendEnv: false, reject: false });
    let told = '';
    run.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await until('it is connected', () => told.includes('greeted'));
    run.kill('SIGINT');
    expect((await run).exitCode).toBe(130);
    expect(told).toContain('The call was cancelled.');
  });

  test('a path where no server is', async () => {
    const { exitCode, stderr } = await client('ping', '--http', http.url.replace('/mcp', '/other'));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('is no address of an MCP server (HTTP 404)');
  });

  test('a server that sends its callers elsewhere is not followed', async () => {
    let elsewhere = 0;
    const other = createServer((_request, response) => {
      elsewhere += 1;
      response.end();
    });
    const otherUrl = await listening(other);
    const sender = createServer((_request, response) => {
      response.writeHead(307, { location: `${otherUrl}/mcp` }).end();
    });
    const url = `${await listening(sender)}/mcp`;
    const { exitCode, stderr } = await client('ping', '--http', url, '--token-file', tokenFile);
    for (const server of [other, sender]) await new Promise((resolve) => server.close(resolve));
    expect({ exitCode, elsewhere }).toEqual({ exitCode: 1, elsewhere: 0 });
    expect(stderr).toContain('does not answer as an MCP server');
    expect(stderr).not.toContain(TOKEN);
  });

  test('a server that wants a token: with it, without it, with a wrong one, and never on the way to others', async () => {
    expect(await said('ping', '--http', guarded.url, '--token-file', tokenFile)).toContain('offers 2.0.0 answered');
    const without = await client('ping', '--http', guarded.url);
    expect(without.exitCode).toBe(1);
    expect(without.stderr).toContain('asks for a token (HTTP 401)');
    const wrong = join(product.repo.base, 'wrong');
    await writeFile(wrong, 'wrong');
    expect((await client('ping', '--http', guarded.url, '--token-file', wrong)).stderr).toContain(
      'does not take the token',
    );
    const faulty: [string, string, string][] = [
      ['http://192.0.2.1/mcp', tokenFile, 'is not sent to 192.0.2.1 over http'],
      [guarded.url, '/no/such', '--token-file cannot be read'],
      [guarded.url, '/dev/null', 'holds no token'],
    ];
    for (const [url, file, sentence] of faulty) {
      const { exitCode, stderr } = await client('ping', '--http', url, '--token-file', file);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(sentence);
      expect(stderr).not.toContain(TOKEN);
    }
  });
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Internal error: the server has no port');
  return `http://127.0.0.1:${address.port}`;
}
