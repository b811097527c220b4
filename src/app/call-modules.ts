import type { Failure } from '../link/protocol.ts';
import type { CallRecord } from './call-facts.ts';

/** What the modules under `call_modules` of the configuration say of calls, in their order. */
export interface CallModules {
  none(): boolean;
  /** Why a call is not carried out; null: nobody minds. */
  before(record: CallRecord): Promise<Failure | null>;
  /** Tells how a call ended. */
  after(record: CallRecord): Promise<void>;
}

export interface CallModulePorts {
  /** Their names, as the configuration says now. */
  readonly names: () => readonly string[];
  /** Calls a module's function of that name; rejects where it does, or where there is no such module. */
  readonly call: (name: string, stage: 'before' | 'after', record: CallRecord) => Promise<unknown>;
  /** Told of a module that failed after a call. */
  readonly onFault: (name: string, error: unknown) => void;
}

/** A call waits for each of them: one that hangs would hang tmops. */
const WITHIN_MS = 5_000;
/** It says what is wrong with a module. */
const ALWAYS: ReadonlySet<string> = new Set(['doctor']);

export function callModules({ names, call, onFault }: CallModulePorts): CallModules {
  return {
    none: () => names().length === 0,
    async before(record) {
      if (ALWAYS.has(record.operation)) return null;
      for (const name of names()) {
        const why = await failureOf(() => call(name, 'before', record));
        if (why !== null) return refusedBy(name, record.operation, why);
      }
      return null;
    },
    async after(record) {
      for (const name of names()) {
        const why = await failureOf(() => call(name, 'after', record));
        if (why !== null) onFault(name, why);
      }
    },
  };
}

async function failureOf(act: () => Promise<unknown>): Promise<Error | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => {
      resolve(new Error(`it did not end within ${WITHIN_MS / 1000} s`));
    }, WITHIN_MS);
  });
  try {
    return await Promise.race([act().then(() => null), late]);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** A module that fails refuses, too: whoever put it there relies on it. */
const refusedBy = (name: string, operation: string, { message }: Error): Failure => ({
  code: 'refused-by-module',
  sentence: `The module ${name} refuses ${operation}: ${message.slice(0, 500)}`,
  hint: 'The module is named under call_modules in the configuration, its file under modules.',
});
