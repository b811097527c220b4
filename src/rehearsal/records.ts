import { appendFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeWhole } from './files.ts';
import type { Entry } from './transcript.ts';

/** One thing a human or tmops got the agent to take, as kept in `prompts.jsonl`. */
export interface TakenInput {
  /** ms since the epoch. */
  readonly at: number;
  readonly text: string;
  /** It came by bracketed paste, at least in part. */
  readonly pasted: boolean;
  /** The agent was busy and put it into its queue. */
  readonly queued: boolean;
  /** What it was taken for: text that lands in a dialog or a shell is no prompt. */
  readonly as: 'prompt' | 'approved' | 'refused' | 'answer' | 'shell' | 'command';
  /** How long the question had been open, in ms; absent of what answers none. */
  readonly openMs?: number;
}

export interface Status {
  readonly pid: number;
  readonly status: 'idle' | 'busy' | 'waiting';
  readonly waitingFor?: string;
  readonly sessionId: string;
}

/** The files of an agent in `<agentDir>/rehearsal`. */
export interface Records {
  readonly folder: string;
  /** Appends what arrived on stdin to `bytes.log`, byte for byte. */
  bytes(chunk: Uint8Array): void;
  input(input: TakenInput): void;
  /** Writes `status.json` when it differs from what it says. */
  status(status: Status): void;
  removeStatus(): void;
  historyPath(sessionId: string): string;
  hasHistory(sessionId: string): boolean;
  /** Keeps an entry. A conversation is kept from its first prompt on, as Claude Code keeps it. */
  addHistory(sessionId: string, entry: Entry): void;
  readHistory(sessionId: string): Entry[];
}

const entrySchema = z.union([
  z.object({ kind: z.literal('prompt'), text: z.string() }),
  z.object({ kind: z.literal('say'), text: z.string() }),
  z.object({ kind: z.literal('tool'), title: z.string(), output: z.string(), failed: z.boolean() }),
  z.object({ kind: z.literal('note'), text: z.string() }),
]);

/** Opens the agent's folder, making it when it is not there. */
export function openRecords(agentDir: string): Records {
  const folder = join(agentDir, 'rehearsal');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const bytesLog = openSync(join(folder, 'bytes.log'), 'a', 0o600);
  const statusPath = join(folder, 'status.json');
  const historyPath = (sessionId: string): string => join(folder, `${sessionId}.jsonl`);
  let written = '';

  return {
    folder,
    bytes(chunk) {
      writeSync(bytesLog, chunk);
    },
    input(input) {
      appendFileSync(join(folder, 'prompts.jsonl'), `${JSON.stringify(input)}\n`, { mode: 0o600 });
    },
    status(status) {
      const text = `${JSON.stringify(status)}\n`;
      if (text === written) return;
      written = text;
      writeWhole(statusPath, text);
    },
    removeStatus() {
      rmSync(statusPath, { force: true });
    },
    historyPath,
    hasHistory(sessionId) {
      return existsSync(historyPath(sessionId));
    },
    addHistory(sessionId, entry) {
      const path = historyPath(sessionId);
      if (entry.kind !== 'prompt' && !existsSync(path)) return;
      // The line break in front ends a line that a crash cut short.
      appendFileSync(path, `\n${JSON.stringify({ at: Date.now(), ...entry })}`, { mode: 0o600 });
    },
    readHistory(sessionId) {
      return readFileSync(historyPath(sessionId), 'utf8').split('\n').flatMap(parseEntry);
    },
  };
}

/** A line of history as an entry; none for a line that a crash cut short. */
function parseEntry(line: string): Entry[] {
  if (line === '') return [];
  try {
    const parsed = entrySchema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
