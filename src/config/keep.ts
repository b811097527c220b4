import { statSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, WORKSPACE_FILES, type ConfigResult, type LoadRequest } from './load.ts';
import { namedFiles } from './named-files.ts';

/**
 * Gives the configuration as it is on disk at each call. It is read again when one of its files, or of those that it names,
 * has changed: reading takes some milliseconds, and looking at them none. One that is faulty is read each time.
 */
export function keptConfig(request: LoadRequest): () => ConfigResult {
  let kept: { readonly result: ConfigResult; readonly files: readonly string[]; readonly stamp: string } | null = null;
  return () => {
    if (kept && stampOf(kept.files) === kept.stamp) return kept.result;
    const own = ownFiles(request);
    // Before it is read: what changes meanwhile is found by the next call.
    const before = stampOf(own);
    const result = loadConfig(request);
    const named = result.ok && request.workspaceRoot !== null ? namedFiles(result.config, request.workspaceRoot) : [];
    const others = named.map(([, file]) => file);
    kept = result.ok ? { result, files: [...own, ...others], stamp: `${before}${stampOf(others)}` } : null;
    return result;
  };
}

/** Every file that the configuration is looked for in. */
function ownFiles({ workspaceRoot: root, shippedFile, env }: LoadRequest): string[] {
  if (root === null) return [shippedFile];
  const name = env['TMOPS_ENV'] ?? '';
  const named = name === '' ? [] : [`tmops.config.${name}.yaml`];
  const inRoot = [...WORKSPACE_FILES, ...WORKSPACE_FILES.map((file) => file.replace(/yaml$/, 'yml')), ...named];
  return [shippedFile, ...inRoot.map((file) => join(root, file))];
}

const stampOf = (files: readonly string[]): string => files.map((file) => `${one(file)}\n`).join('');

function one(file: string): string {
  try {
    const seen = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (!seen) return 'absent';
    const { dev, ino, size, mtimeNs, ctimeNs, mode, uid } = seen;
    return [dev, ino, size, mtimeNs, ctimeNs, mode, uid].join('-');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
}
