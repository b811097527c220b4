import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { claudeConfigDir, conversationRecord, readOrNull } from './claude-files.ts';
import { jsonOrNull } from './json.ts';
import { processTable, startTimeOf, type Process, type ProcessRow } from './process-table.ts';

/** A conversation that somebody leads with a Claude Code of their own. */
export interface FoundConversation {
  readonly sessionId: string;
  readonly process: Process;
  /** Where it was started. */
  readonly cwd: string;
  /** Something was said in it, so that it can be carried on. */
  readonly spoken: boolean;
}

/**
 * The conversation of the Claude Code that runs as this process or below it; null when there is none that says so. It
 * says so in `sessions/<pid>.json` of its folder, which is not documented. `env`: whose folder to look in where the
 * system does not tell a process's own.
 */
export async function findConversation(
  pid: number,
  env: Readonly<Record<string, string>>,
): Promise<FoundConversation | null> {
  for (const row of below(await processTable(), pid)) {
    const configDir = claudeConfigDir((await environmentOf(row.pid)) ?? env);
    const session = await readSession(configDir, row.pid);
    if (!session || isAnothers(session, row)) continue;
    const record = await conversationRecord(configDir, session.sessionId);
    const { sessionId, cwd } = session;
    return { sessionId, cwd, process: { pid: row.pid, startTime: row.startTime }, spoken: record?.kind === 'spoken' };
  }
  return null;
}

/**
 * The process that has a conversation open now; null when none has. Two on one would both write into it, and nothing else
 * keeps them from it. `isSure`: it cannot be a later process with the same number.
 */
export async function holderOfConversation(
  configDir: string,
  sessionId: string,
): Promise<(Process & { readonly isSure: boolean }) | null> {
  for (const name of await sessionFiles(configDir)) {
    const session = await readSession(configDir, Number(name.replace(/\.json$/, '')));
    if (session?.sessionId !== sessionId) continue;
    const started = await startTimeOf(session.pid);
    if (started.kind !== 'alive') continue;
    const process = { pid: session.pid, startTime: started.startTime };
    if (!isAnothers(session, process)) return { ...process, isSure: session.procStart === started.startTime };
  }
  return null;
}

const SESSION = z.object({
  pid: z.number(),
  procStart: z.string().optional(),
  sessionId: z.uuid(),
  cwd: z.string(),
});

type Session = z.infer<typeof SESSION>;

/** The file stays behind after a kill, and the number may be another process's by now. */
function isAnothers(session: Session, { pid, startTime }: Process): boolean {
  if (session.pid !== pid) return true;
  const ticks = [session.procStart ?? '', startTime];
  return ticks.every((text) => /^[0-9]+$/.test(text)) && session.procStart !== startTime;
}

async function readSession(configDir: string, pid: number): Promise<Session | null> {
  const text = await readOrNull(join(configDir, 'sessions', `${pid}.json`));
  const read = text === null ? null : SESSION.safeParse(jsonOrNull(text));
  return read?.success === true ? read.data : null;
}

async function sessionFiles(configDir: string): Promise<readonly string[]> {
  try {
    return (await readdir(join(configDir, 'sessions'))).filter((name) => /^[0-9]+\.json$/.test(name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** The process and all that it started, those it started itself first. */
function below(table: readonly ProcessRow[], pid: number): ProcessRow[] {
  const found = table.filter((row) => row.pid === pid);
  for (const row of found) found.push(...table.filter(({ parent }) => parent === row.pid));
  return found;
}

/** What a process was started with; null where the system does not tell. */
async function environmentOf(pid: number): Promise<Readonly<Record<string, string>> | null> {
  try {
    const pairs = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter((pair) => pair.includes('='));
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
  } catch (error) {
    const codes: readonly unknown[] = ['ENOENT', 'EACCES', 'ESRCH', 'EPERM'];
    if (error instanceof Error && 'code' in error && codes.includes(error.code)) return null;
    throw error;
  }
}
