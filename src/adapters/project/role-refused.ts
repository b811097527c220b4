import { codeOf } from '../../files/refused.ts';
import type { FileRefusal, FileRefusalCode } from '../../engine/role-ports.ts';

/** Thrown within the adapter, where the way out is long; it leaves the adapter as a value. */
export class RoleRefused extends Error {
  override readonly name = 'RoleRefused';
  readonly refusal: FileRefusal;

  constructor(code: FileRefusalCode, sentence: string, hint: string) {
    super(sentence);
    this.refusal = { ok: false, code, sentence, hint };
  }
}

/** What the system says where it does not let us. */
const NOT_LET = ['EACCES', 'EPERM', 'EROFS', 'ETXTBSY'];
/** What it says of a path that is not any more what it was when it was looked at. */
const CHANGED = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR', 'EEXIST'];

/** Runs `act` and gives its refusal as a value; a full or broken disk still rejects. `path` is fit to be shown. */
export async function orRefusal<T>(path: string, act: () => Promise<T>): Promise<T | FileRefusal> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof RoleRefused) return error.refusal;
    const code = codeOf(error);
    if (NOT_LET.includes(code))
      return new RoleRefused('file-not-allowed', `The system does not allow this with ${path} (${code}).`, ASK).refusal;
    if (CHANGED.includes(code)) return changed(path).refusal;
    throw error;
  }
}

const ASK = 'Leave it, or tell the orchestrator that it is in the way.';

export const changed = (path: string): RoleRefused =>
  new RoleRefused('file-changed', `${path} was changed by somebody else in this moment.`, 'Read it and call again.');
