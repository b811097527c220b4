import { missing, ok, warning, type Verdict } from './check.ts';

/** Judgement of what others found out about the workspace. */

export interface Trouble {
  readonly sentence: string;
  readonly hint: string;
}

export type Found<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly failure: Trouble };

export const judgeWorkspace = (found: Found<{ readonly root: string }>): Verdict =>
  found.ok ? ok(found.root) : missing(found.failure.sentence, found.failure.hint);

export const judgeSocket = (found: Found<{ readonly socketPath: string }>): Verdict =>
  found.ok
    ? ok(`${found.socketPath} (${Buffer.byteLength(found.socketPath)} bytes)`)
    : missing(found.failure.sentence, found.failure.hint);

/** `faults` tells what is wrong in the configuration, one paragraph each; `unsafe` what in it leaves agents unguarded. */
export function judgeConfiguration(faults: readonly string[], unsafe: readonly string[] = []): Verdict {
  if (faults.length === 0 && unsafe.length > 0)
    return warning(
      `UNSAFE: ${unsafe.join(' ')}`,
      'Take the keys below unsafe out of tmops.config.yaml unless this is meant.',
    );
  if (faults.length === 0) return ok('valid');
  return missing(faults.length === 1 ? 'a fault in it' : `${faults.length} faults in it`, faults.join('\n'));
}

export interface TrustFacts {
  readonly state: 'trusted' | 'untrusted' | 'unknown';
  /** Whether agents are Claude Code unless something else is asked for. */
  readonly isDefault: boolean;
  /** Whether the configuration lets start record the trust. */
  readonly startRecords: boolean;
}

export function judgeTrust({ state, isDefault, startRecords }: TrustFacts): Verdict {
  if (state === 'trusted') return ok('Claude Code trusts this folder');
  if (!isDefault) return ok('not needed: agents are not Claude Code');
  if (startRecords) return ok('recorded by start, as providers.claude_code.trust_workspace says');
  const found =
    state === 'unknown' ? 'its configuration could not be read' : 'Claude Code does not trust this folder yet';
  return warning(found, 'tmops start <feature> --trust\nor run claude once in this folder and accept');
}

/** `pid` is that of the supervisor of this workspace. */
export const judgeSupervisor = (pid: number | null): Verdict =>
  ok(pid === null ? 'none runs; the first command that needs one starts it' : `process ${pid}`);

/** The first of the variables that is set decides, as for every program. */
export function judgeEncoding(env: Readonly<Record<string, string>>): Verdict {
  const name = ['LC_ALL', 'LC_CTYPE', 'LANG'].find((variable) => (env[variable] ?? '') !== '');
  const value = name === undefined ? '' : (env[name] ?? '');
  if (/utf-?8/i.test(value)) return ok(`${name}=${value}`);
  const found = name === undefined ? 'no locale is set' : `${name}=${value}`;
  return warning(`${found}: not UTF-8, so that borders and text may look wrong`, `export ${name ?? 'LANG'}=C.UTF-8`);
}
