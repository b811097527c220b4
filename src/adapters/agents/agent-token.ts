import { timingSafeEqual } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextOrNull } from '../../files/regular.ts';
import { writeWhole } from '../../files/write-whole.ts';

/** The variable by which whatever runs in an agent's pane shows tmops whose pane that is. */
export const AGENT_TOKEN = 'TMOPS_AGENT_TOKEN';

/** Keeps the token of the agent's present process in its folder; without one, that of an earlier process goes. */
export async function placeToken(agentDir: string, token: string | undefined): Promise<void> {
  if (token === undefined) await rm(tokenFile(agentDir), { force: true });
  else await writeWhole(tokenFile(agentDir), `${token}\n`);
}

/** Whether the agent of that folder has this token now. */
export async function hasToken(agentDir: string, token: string): Promise<boolean> {
  const kept = Buffer.from(((await readTextOrNull(tokenFile(agentDir))) ?? '').trim());
  const shown = Buffer.from(token);
  return kept.length > 0 && kept.length === shown.length && timingSafeEqual(kept, shown);
}

const tokenFile = (agentDir: string): string => join(agentDir, 'token');
