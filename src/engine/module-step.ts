import { isAgentStep } from '../core/workflow.ts';
import type { CrewParts } from './crew.ts';
import type { Modules } from './ports.ts';

/** Carries out a step that a module of the project does: validate, execute, and rollback when that fails. */
export async function executeModule({ loop, place }: CrewParts, modules: Modules, id: string): Promise<void> {
  const { identity, workflow } = loop.run();
  const step = workflow?.steps.find((each) => each.id === id);
  if (!identity || !step || isAgentStep(step)) throw new Error(`Internal error: step ${id} has no module`);
  const context = {
    feature: identity.feature,
    run: identity.run,
    step: id,
    worktree: identity.worktree,
    runDir: place.runDir,
    with: step.with,
  };
  const failed = async (stage: 'validate' | 'execute', error: unknown): Promise<void> => {
    const rolledBack = stage === 'execute' && (await rollBack(modules, step.module, context));
    await loop.submit({
      kind: 'module-failed',
      step: id,
      stage,
      why: error instanceof Error ? error.message : String(error),
      rolledBack,
    });
  };
  try {
    await modules.call(step.module, 'validate', context);
  } catch (error) {
    return failed('validate', error);
  }
  try {
    await modules.call(step.module, 'execute', context);
  } catch (error) {
    return failed('execute', error);
  }
  await loop.submit({ kind: 'module-done', step: id });
}

/** Whether what the module had begun was taken back. */
async function rollBack(modules: Modules, module: string, context: Parameters<Modules['call']>[2]): Promise<boolean> {
  return modules.call(module, 'rollback', context).then(
    () => true,
    () => false,
  );
}
