import { FileRefused } from '../files/refused.ts';

/** Something could not be written, read or locked. `code` is that of the operating system (`ENOSPC`, `EACCES`, …). */
export class JournalError extends Error {
  readonly code: string;
  readonly path: string;

  constructor(doing: string, path: string, code: string, cause?: unknown) {
    const reason = cause instanceof Error ? cause.message : code;
    super(`Could not ${doing} ${path}: ${reason}`, { cause });
    this.name = 'JournalError';
    this.code = code;
    this.path = path;
  }
}

/** Runs `work`; what it throws becomes a JournalError that says what was being done to which path. */
export async function during<T>(doing: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof JournalError) throw error;
    // What is in the way may be a folder above.
    throw new JournalError(doing, error instanceof FileRefused ? error.path : path, codeOf(error), error);
  }
}

/** The error code of a failed system call, `UNKNOWN` for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}
