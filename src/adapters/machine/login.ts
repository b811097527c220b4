import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ok, warning, type Verdict } from './check.ts';

/** Variables that let Claude Code in without an account of its own: keys, tokens, cloud providers. Only whether they are set counts. */
export const LOGIN_VARIABLES = [
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
] as const;

export interface LoginFacts {
  /** Names of variables that are set. */
  readonly variables: readonly string[];
  /** Names of variables that reach the agents. */
  readonly passedOn: readonly string[];
  /** Whether Claude Code's folder holds a file with credentials. */
  readonly hasCredentials: boolean;
  /** Whether its configuration names an account. */
  readonly namesAccount: boolean;
  readonly isMac: boolean;
  /** Whether agents are Claude Code unless something else is asked for. */
  readonly isDefault: boolean;
}

export function judgeLogin(facts: LoginFacts): Verdict {
  const reaching = facts.variables.filter((name) => facts.passedOn.includes(name));
  if (reaching.length > 0) return ok(`${reaching.join(' and ')} set`);
  if (facts.hasCredentials) return ok('credentials are stored');
  if (facts.namesAccount) return ok('its configuration names an account');
  if (!facts.isDefault) return ok('not needed: agents are not Claude Code');
  const [kept] = facts.variables;
  if (kept !== undefined) {
    return warning(
      `${kept} is set, but not passed on to agents`,
      `Add ${kept} to providers.claude_code.env in tmops.config.yaml.`,
    );
  }
  const keychain = facts.isMac ? '; the keychain, where macOS may hold it, cannot be seen from here' : '';
  return warning(`no sign of a login${keychain}`, 'claude\nand in it: /login');
}

export interface LoginPlace {
  readonly env: Readonly<Record<string, string>>;
  readonly passedOn: readonly string[];
  /** Claude Code's folder and its configuration file; neither has to exist. */
  readonly configDir: string;
  readonly configFile: string;
  readonly platform: NodeJS.Platform;
  readonly isDefault: boolean;
}

/** Gathers the facts. Of secrets only the existence is looked at. */
export async function lookForLogin(place: LoginPlace): Promise<LoginFacts> {
  return {
    variables: LOGIN_VARIABLES.filter((name) => (place.env[name] ?? '') !== ''),
    passedOn: place.passedOn,
    hasCredentials: await isFile(join(place.configDir, '.credentials.json')),
    namesAccount: await namesAccount(place.configFile),
    isMac: place.platform === 'darwin',
    isDefault: place.isDefault,
  };
}

const WITH_ACCOUNT = z.object({ oauthAccount: z.looseObject({}) });

async function namesAccount(configFile: string): Promise<boolean> {
  if (!(await isFile(configFile))) return false;
  const text = await readFile(configFile, 'utf8');
  try {
    const { oauthAccount } = WITH_ACCOUNT.parse(JSON.parse(text));
    return Object.keys(oauthAccount).length > 0;
  } catch (error) {
    // Claude Code may be writing it at this moment, or it names no account.
    if (error instanceof SyntaxError || error instanceof z.ZodError) return false;
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
