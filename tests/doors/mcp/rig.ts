import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';

/** An MCP client of the SDK over a process started from `file`; stderr is collected. */
export interface ClientRig {
  readonly client: Client;
  stderr(): string;
  close(): Promise<void>;
}

export async function connectClient(file: string, env: Record<string, string> = {}): Promise<ClientRig> {
  const transport = new StdioClientTransport({ command: process.execPath, args: [file], env, stderr: 'pipe' });
  let said = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(transport);
  return { client, stderr: () => said, close: () => client.close() };
}

/** The same process spoken to line by line, as the transport is seen from outside. */
export interface RawServer {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: Record<string, unknown>[];
  stdout(): string;
  stderr(): string;
  send(...messages: unknown[]): void;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
}

export function startRaw(file: string, env: Record<string, string> = {}): RawServer {
  const child = spawn(process.execPath, [file], { env, stdio: 'pipe' });
  let out = '';
  let rest = '';
  let err = '';
  const lines: Record<string, unknown>[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    const whole = (rest + chunk.toString()).split('\n');
    rest = whole.pop() ?? '';
    lines.push(...whole.map((line) => JSON.parse(line) as Record<string, unknown>));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return {
    child,
    lines,
    stdout: () => out,
    stderr: () => err,
    send: (...messages) => {
      child.stdin.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
    },
    exited: new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        resolve({ code, signal });
      });
    }),
  };
}

export const initialize = (id: number, protocolVersion = '2025-11-25'): unknown => ({
  jsonrpc: '2.0',
  id,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1.0.0' } },
});

export const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };

export const toolCall = (id: number | string, name: string, args: unknown): unknown => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});
