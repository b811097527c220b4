import type { Config, Provider } from '../config/schema.ts';
import { adoptedBy } from '../core/adopt.ts';
import type { Settings } from '../core/event.ts';
import type { Workflow } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { AppPorts } from './ports.ts';
import type { ProblemView } from './views.ts';

/** What is to be set going. */
export interface FitnessOrder {
  readonly live: LiveRun;
  readonly config: Config;
  readonly workflow: Workflow;
  readonly settings: Settings;
  readonly provider: Provider;
  /** That of the agents. */
  readonly env: Readonly<Record<string, string>>;
  /** That of whoever asked. */
  readonly callerEnv: Readonly<Record<string, string>>;
  /** Whether the folder may be recorded as trusted. */
  readonly trust: boolean;
}

/** What stands in the way of a start, as far as that can be seen beforehand; null when nothing does. */
export async function unfit(ports: AppPorts, order: FitnessOrder): Promise<ProblemView | null> {
  return (
    (await filesMissing(ports, order)) ??
    (await otherBranch(ports, order)) ??
    (await providerProblem(ports, order)) ??
    (await openElsewhere(ports, order)) ??
    (await sessionProblem(ports, order))
  );
}

async function filesMissing(ports: AppPorts, { live }: FitnessOrder): Promise<ProblemView | null> {
  const { feature = '', worktree = '' } = live.loop.run().identity ?? {};
  if ((await ports.specState(feature, live.place.runDir)) === 'missing') {
    return {
      code: 'no-spec',
      sentence: `.tmops/${feature}/current/TASK_SPEC.md is missing.`,
      hint: `tmops init ${feature} makes a new one from the template.`,
    };
  }
  if (await ports.isThere(worktree)) return null;
  return {
    code: 'no-worktree',
    sentence: `The worktree ${worktree} is missing.`,
    hint: `tmops init ${feature} makes it again from its branch.`,
  };
}

/** The root serves one feature after the other: by the time it is this one's turn it may be another's. */
async function otherBranch(ports: AppPorts, { live }: FitnessOrder): Promise<ProblemView | null> {
  const { feature = '', worktree = '', branch = '' } = live.loop.run().identity ?? {};
  if (worktree !== ports.root || live.loop.run().life.kind === 'running') return null;
  const { branch: found } = await ports.headOf(worktree);
  if (found === branch) return null;
  const sentence = `${worktree} is on ${found ?? 'no branch'}, and ${feature} is worked on there on ${branch}.`;
  return {
    code: 'wrong-branch',
    sentence,
    hint: `git -C '${worktree}' switch ${branch}, then: tmops start ${feature}`,
  };
}

async function providerProblem(ports: AppPorts, order: FitnessOrder): Promise<ProblemView | null> {
  const { config, provider, env, trust, callerEnv } = order;
  if (provider !== 'client' && !config.providers[provider].enabled) {
    const hint = `Set providers.${provider}.enabled to true in tmops.config.yaml, or start with another provider.`;
    return { code: 'provider', sentence: `The provider ${provider} is switched off.`, hint };
  }
  return (await ports.providerFault(provider, config, env)) ?? (await ports.trust(provider, trust, callerEnv));
}

/** A conversation that is still led by hand is not carried on: two programs would both write into it. */
async function openElsewhere(
  ports: AppPorts,
  { live, workflow, settings, env }: FitnessOrder,
): Promise<ProblemView | null> {
  const run = live.loop.run();
  for (const role of Object.keys(workflow.roles)) {
    const adopted = adoptedBy(run, role, settings.provider);
    const pid = adopted ? await ports.holderOfConversation(adopted.sessionId, env) : null;
    if (pid === null) continue;
    const sentence = `The ${role}'s conversation is still open in process ${pid}; two programs would both write into it.`;
    const hint = `End it there with /exit, then: tmops start ${run.identity?.feature ?? ''}`;
    return { code: 'conversation-open', sentence, hint };
  }
  return null;
}

async function sessionProblem(ports: AppPorts, { settings }: FitnessOrder): Promise<ProblemView | null> {
  const survey = await ports.terminal(settings.socket).survey(settings.session);
  if (survey.kind === 'foreign') {
    return {
      code: 'session-taken',
      sentence: `A tmux session called ${settings.session} belongs to ${survey.owner}.`,
      hint: 'End that session, or set session_prefix in tmops.config.yaml.',
    };
  }
  return survey.kind === 'unknown'
    ? { code: 'tmux', sentence: `tmux did not answer: ${survey.why}.`, hint: 'tmops doctor' }
    : null;
}
