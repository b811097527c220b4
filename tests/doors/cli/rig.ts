import { PassThrough } from 'node:stream';
import { runCli } from '../../../src/doors/cli/run.ts';
import type { CliOptions, CliPorts, Input, Output } from '../../../src/doors/cli/cli.ts';
import type { LinkReply } from '../../../src/link/protocol.ts';
import type { StopSignal } from '../../../src/link/stopper.ts';
import { cannedReply } from '../../rig/canned.ts';

export interface Asked {
  readonly op: string;
  readonly input: Record<string, unknown>;
}

export interface CliRun {
  readonly code: Promise<number>;
  out(): string;
  err(): string;
  readonly asked: Asked[];
  readonly stdin: PassThrough & { isTTY?: boolean };
  readonly stdout: PassThrough & { columns?: number; rows?: number };
  stop(): void;
}

export interface CliSetting {
  /** Plays the supervisor; the canned one when absent. */
  readonly reply?: (asked: Asked, signal: StopSignal | undefined, count: number) => Promise<LinkReply> | LinkReply;
  readonly ports?: Partial<CliPorts>;
  /** Size of the terminal; absent, stdout is none. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
  readonly noColour?: boolean;
}

export const ok = (output: unknown): LinkReply => ({ id: 1, ok: true, output });
export const refused = (code: string, sentence: string, hint: string): LinkReply => ({
  id: 1,
  ok: false,
  failure: { code, sentence, hint },
});

/** Runs the CLI in this process against a played supervisor. */
export function cli(argv: readonly string[], setting: CliSetting = {}): CliRun {
  const asked: Asked[] = [];
  const stop = new AbortController();
  const stdin: Input & PassThrough = Object.assign(new PassThrough(), setting.terminal ? { isTTY: true } : {});
  const stdout: Output & PassThrough = Object.assign(new PassThrough(), setting.terminal ?? {});
  const [out, err] = [collected(stdout), new PassThrough()];
  const errors = collected(err);
  const never = (): Promise<never> => Promise.reject(new Error('This port is not for this test'));
  const options: CliOptions = {
    argv,
    version: '0.1.0',
    ports: {
      link: async (op, input, _extras, signal) => {
        const one = { op, input: { ...(input as Record<string, unknown>) } };
        asked.push(one);
        if (signal?.aborted) return refused('cancelled', 'The call was cancelled.', '');
        return setting.reply ? setting.reply(one, signal, asked.length) : cannedReply(op, input, signal);
      },
      attach: never,
      doctor: never,
      audit: { verify: never, show: never },
      mcp: never,
      roleMcp: never,
      client: never,
      demo: never,
      prompts: { list: never, validate: never, test: never },
      supervise: never,
      ...setting.ports,
    },
    stdin,
    stdout,
    stderr: err,
    isTty: setting.terminal !== undefined,
    noColour: setting.noColour ?? true,
    stop: stop.signal,
  };
  return {
    code: runCli(options),
    out,
    err: errors,
    asked,
    stdin,
    stdout,
    stop: () => {
      stop.abort();
    },
  };
}

function collected(stream: PassThrough): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}
