import { dirname } from 'node:path';
import type { Settings } from '../../src/core/event.ts';
import { makeFolder, writeAtomically } from '../../src/journal/atomic.ts';

/** What engines that run in a test's own process share. */
export const FILES = {
  async write(path: string, text: string): Promise<void> {
    await makeFolder(dirname(path));
    await writeAtomically(path, text);
  },
};

/** Of a run with rehearsal agents in which time alone asks for nothing. */
export const SETTINGS: Omit<Settings, 'session' | 'evidence'> = {
  layout: 'quad',
  provider: 'rehearsal',
  instructions: 'typed',
  silentAfterMs: 1_800_000,
  socket: null,
  handBackAfterMs: null,
  limitRetryMs: 1000,
  baseline: 'required',
};

/** A log that keeps what went wrong inside. */
export function logInto(errors: string[]) {
  const quiet = (): void => undefined;
  const keep = (message: string, facts: Readonly<Record<string, unknown>> = {}): void => {
    const { err } = facts;
    errors.push(`${message}: ${err instanceof Error ? (err.stack ?? err.message) : JSON.stringify(facts)}`);
  };
  return { debug: quiet, info: quiet, warn: quiet, error: keep };
}
