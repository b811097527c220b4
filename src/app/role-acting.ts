import { presentStep, type Run } from '../core/run.ts';
import { AUTO_ROLE, PLAYED_BY_CLIENT, type RoleToolName } from '../core/role-tool-names.ts';
import { roleTools, type RoleTool } from '../core/role-tools.ts';
import { isAgentStep, type AgentStep, type Workflow } from '../core/workflow.ts';
import type { LiveRun } from '../engine/live-run.ts';
import type { AppPorts } from './ports.ts';
import type { Asker } from './principal.ts';
import { unknownFeature } from './tell.ts';
import type { ProblemView } from './views.ts';
import { waitsFor } from './waits-for.ts';

/** Somebody who acts in a role of a run. */
export interface Acting {
  readonly live: LiveRun;
  readonly feature: string;
  readonly run: string;
  readonly worktree: string;
  readonly workflow: Workflow;
  readonly role: string;
  readonly tools: readonly RoleTool[];
  /** Plays all roles in turn: `role` is that of the present step. */
  readonly auto: boolean;
  /** The present step where it is this role's, or null. */
  readonly step: AgentStep | null;
}

export type Acted =
  { readonly ok: true; readonly acting: Acting } | { readonly ok: false; readonly problem: ProblemView };

interface Order {
  readonly feature: string;
  readonly role: string;
  /** The tool that is called; null where none has to be had. */
  readonly tool: RoleToolName | null;
  /** It changes something. */
  readonly acts: boolean;
}

/**
 * Who acts, once it is sure that they may: an agent in its own role, by its pane's token (see access.ts), or a client that plays
 * all roles in turn, in a run that was started for that.
 */
export async function actingIn(ports: AppPorts, order: Order, asker: Asker): Promise<Acted> {
  const { feature, role: asked, tool } = order;
  const live = await ports.workspace.live(feature);
  const run = live?.loop.run();
  if (!live || !run?.identity) return refused(unknownFeature(feature));
  if (run.life.kind === 'queued' || !run.workflow) return refused(notStarted(feature));
  const { workflow, identity } = run;
  const outside = outsider(run, asked, asker);
  if (outside) return refused(outside);
  const present = presentAgentStep(run);
  const auto = asked === AUTO_ROLE;
  const role = auto ? (present?.role ?? AUTO_ROLE) : asked;
  const tools = role === AUTO_ROLE ? BETWEEN : roleTools(workflow, role);
  const step = present?.role === role ? present : null;
  const acting: Acting = {
    ...{ live, feature, run: identity.run, worktree: identity.worktree },
    ...{ workflow, role, tools, auto, step },
  };
  if (order.acts && run.life.kind !== 'running') return refused(notRunning(feature, run.life.kind));
  if (tool !== null && !tools.some(({ does }) => does === tool)) return refused(notTheirs(acting, tool));
  const early = order.acts && tool !== 'report' ? tooEarly(run, acting) : null;
  return early ? refused(early) : { ok: true, acting };
}

/** What whoever plays all roles has while none of them has its turn. */
const BETWEEN: readonly RoleTool[] = [{ name: 'check_status', does: 'check_status', hands: null }];

const refused = (problem: ProblemView): Acted => ({ ok: false, problem });

/** A pane's agent is in its role. Nobody else is in any, but in runs that are played from outside. */
function outsider({ settings }: Run, role: string, { agent }: Asker): ProblemView | null {
  if (role === AUTO_ROLE) return settings?.provider === PLAYED_BY_CLIENT ? null : notForClients();
  if (agent) return null;
  return {
    code: 'role-needs-its-pane',
    sentence: `The tools of the ${role} are for its own agent, and this call comes from outside of its pane.`,
    hint: 'tmops gives them to each pane by itself. To see and steer the feature from here use tmops mcp without --role.',
  };
}

function notForClients(): ProblemView {
  return {
    code: 'role-auto-not-here',
    sentence: 'Each role of this feature has an agent of its own, so that nobody plays them all in turn.',
    hint: 'tmops start FEATURE --provider client begins a run whose roles are played through tmops mcp --role auto.',
  };
}

/** The step that the feature is at, where it is an agent's. */
export function presentAgentStep(run: Run): AgentStep | null {
  const step = presentStep(run)?.step;
  return step && isAgentStep(step) ? step : null;
}

/** What the role may call now, by name: of what hands over, only that which ends its present step. */
export const toolNames = ({ tools, auto, step }: Pick<Acting, 'tools' | 'auto' | 'step'>): string[] => [
  ...(auto ? ['switch_role'] : []),
  ...tools.filter(({ hands }) => hands === null || hands.step === step?.id).map(({ name }) => name),
];

function notTheirs(acting: Acting, tool: string): ProblemView {
  const { role, auto } = acting;
  const named = tool === 'start_step' ? 'that begins another step' : tool;
  const whose = auto ? `It is the turn of the ${role}` : `This is the server of the ${role}`;
  return {
    code: 'role-tool-refused',
    sentence:
      role === AUTO_ROLE
        ? `It is no role's turn now, so that there is no tool ${named}.`
        : `${whose}, which has no tool ${named}.`,
    hint: allowedNow(acting),
  };
}

const allowedNow = (acting: Acting): string => `Allowed now: ${toolNames(acting).join(', ')}.`;

/** Why the step is not handed over as it was asked for; null where it is. */
export function notHanded(acting: Acting, step: string, next: string): ProblemView | null {
  const present = acting.step;
  if (!present) return notYourStep(acting);
  if (acting.tools.some(({ hands }) => hands?.step === step && hands.next === next) && present.id === step) return null;
  return {
    code: 'role-tool-refused',
    sentence: `${acting.feature} is at ${present.id}, which that tool does not end.`,
    hint: allowedNow(acting),
  };
}

/** Nothing is done while the files are being taken back, and nobody plays a step before it has begun. */
function tooEarly(run: Run, { auto, feature, step }: Acting): ProblemView | null {
  if (run.rollback)
    return {
      code: 'rolling-back',
      sentence: `The files of ${feature} are being taken back or put back, so that nothing is written or run for it now.`,
      hint: 'Call check_status in a while: it says how it stands.',
    };
  if (!auto || !step || hasBegun(run)) return null;
  return {
    code: 'step-not-begun',
    sentence: `${step.id} has not begun yet. ${waitsFor(run)}`,
    hint: 'Call switch_role: it waits for that a while and says how it stands.',
  };
}

/** Whether the present step was begun: what it begins from was looked at, and nobody has paused the run before. */
export const hasBegun = ({ life }: Run): boolean => life.kind === 'running' && life.stepBeganAt !== null;

const notStarted = (feature: string): ProblemView => ({
  code: 'not-started',
  sentence: `${feature} was not started, so that no role has anything to do yet.`,
  hint: `The user can start it: tmops start ${feature}`,
});

const notRunning = (feature: string, kind: string): ProblemView => ({
  code: 'not-running',
  sentence: `${feature} is not running (${kind}), so that nothing is written or run for it now.`,
  hint: kind === 'completed' ? 'Nothing is left to do for it.' : `The user can go on with it: tmops start ${feature}`,
});

/** A tool that ends or serves the present step is called by another role. */
export function notYourStep({ live, role, feature }: Acting): ProblemView {
  const present = presentAgentStep(live.loop.run());
  const at = present ? `it is at ${present.id}, which is the ${present.role}'s` : 'no step is open';
  return {
    code: 'not-your-step',
    sentence: `${feature} is at no step of the ${role}: ${at}.`,
    hint: 'End your turn: you are asked when it is your turn again. check_status says how it stands.',
  };
}
