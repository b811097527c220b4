import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { ConfigResult } from '../../src/config/load.ts';
import type { ConfigFault } from '../../src/config/faults.ts';

export const SHIPPED = new URL('../../config/tmops-mcp.config.yaml', import.meta.url).pathname;

export interface Given {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, unknown>>;
  readonly shippedFile?: string;
}

/** A folder that goes with the test. */
export function folder(): string {
  const root = mkdtempSync(join(tmpdir(), 'tmops-config-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true });
  });
  return root;
}

export function load(given: Given, root: string = folder()): ConfigResult {
  for (const [name, text] of Object.entries(given.files ?? {})) writeFileSync(join(root, name), text);
  const { env = {}, overrides = {}, shippedFile = SHIPPED } = given;
  return loadConfig({ workspaceRoot: root, shippedFile, env, overrides });
}

export function loaded(given: Given, root?: string): Extract<ConfigResult, { ok: true }> {
  const result = load(given, root);
  if (!result.ok) throw new Error(`expected a configuration, got ${JSON.stringify(result.faults, null, 1)}`);
  return result;
}

export function faultsOf(result: ConfigResult): readonly ConfigFault[] {
  if (result.ok) throw new Error('expected faults, got a configuration');
  return result.faults;
}

/** `file:line:column kind key "text"`, with the file's base name. */
export function brief(fault: ConfigFault): string {
  const file = fault.file.replace(/^.*\//, '');
  return `${file}:${fault.line}:${fault.column} ${fault.kind} ${fault.key} ${JSON.stringify(fault.text)}`;
}
