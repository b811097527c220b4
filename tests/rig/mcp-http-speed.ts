import { Agent, request } from 'node:http';

/** A client of MCP over HTTP that does as little as it can: it costs the same for every server. */
export interface RawClient {
  /** One tools/call, in ms, up to the end of its answer. Rejects when the result is an error. */
  call(name: string, args: Record<string, unknown>): Promise<number>;
  /** Ends the session and the connection. */
  close(): Promise<void>;
}

interface Answered {
  readonly status: number;
  readonly session: string;
  readonly text: string;
}

/** Over one connection that is kept. */
export async function rawClient(url: string, token: string | null): Promise<RawClient> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(token !== null && { authorization: `Bearer ${token}` }),
  };
  const ask = (method: string, message?: object): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const body = message === undefined ? '' : JSON.stringify(message);
      const length = { 'content-length': Buffer.byteLength(body) };
      const asked = request(url, { method, agent, headers: { ...headers, ...length } }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () => {
          const session = response.headers['mcp-session-id'];
          resolve({ status: response.statusCode ?? 0, session: typeof session === 'string' ? session : '', text });
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'speed', version: '1.0.0' } };
  const greeted = await ask('POST', { jsonrpc: '2.0', id: 0, method: 'initialize', params });
  if (greeted.status !== 200) throw new Error(`The greeting failed: ${greeted.text}`);
  headers['mcp-session-id'] = greeted.session;
  headers['mcp-protocol-version'] = '2025-11-25';
  await ask('POST', { jsonrpc: '2.0', method: 'notifications/initialized' });
  let id = 0;
  return {
    async call(name, args) {
      id += 1;
      const from = performance.now();
      const { status, text } = await ask('POST', {
        ...{ jsonrpc: '2.0', id, method: 'tools/call' },
        params: { name, arguments: args },
      });
      const ms = performance.now() - from;
      if (status !== 200 || !text.includes('"result"') || text.includes('"isError":true'))
        throw new Error(`The call failed (${status}): ${text}`);
      return ms;
    },
    async close() {
      await ask('DELETE');
      agent.destroy();
    },
  };
}
