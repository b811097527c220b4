import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mustBeTrusted } from '../../files/trust.ts';

type Stage = 'validate' | 'execute' | 'rollback' | 'before' | 'after';

/** What `modules:` of the configuration names, by name: a file of the project. */
export type ModuleFiles = () => Readonly<Record<string, string>>;

/**
 * Calls the functions of modules. One for a step is an ES module that exports `execute(context)` and, if it has them,
 * `validate(context)` and `rollback(context)`; one for calls exports `before(call)` or `after(call)` or both. Each may be async
 * and rejects to say that it failed.
 */
export function stepModules(root: string, files: ModuleFiles) {
  return {
    /** Whether the module has a function for the stage. */
    async call(name: string, stage: Stage, context: object): Promise<boolean> {
      const file = files()[name];
      if (file === undefined) throw new Error(`no module ${name} is registered under modules: in the configuration`);
      const path = isAbsolute(file) ? file : join(root, file);
      mustBeTrusted(path, `module ${name}`);
      // A repaired module has another time, and so another address: node keeps what it has imported once.
      const { mtimeMs } = await stat(path);
      const loaded = (await import(`${pathToFileURL(path).href}?${mtimeMs}`)) as Readonly<Record<string, unknown>>;
      const act = loaded[stage];
      if (typeof act === 'function') await (act as (context: object) => unknown)(context);
      else if (stage === 'execute') throw new Error(`${path} exports no function execute`);
      return typeof act === 'function';
    },
  };
}
