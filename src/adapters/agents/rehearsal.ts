import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import * as z from 'zod';
import type { Activity, AgentHandle, AgentOrder, DeliveryTiming, Evidence, Exit, Launch } from '../../core/agent.ts';
import type { Screen } from '../../core/screen.ts';
import { makePrivateFolder } from '../../files/in-place.ts';
import { readTextOrNull } from '../../files/regular.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { AGENT_TOKEN } from './agent-token.ts';
import { watchEvidence, type EvidenceWatch } from './evidence.ts';
import { parseHookEvent } from './hook-event.ts';
import { withLimitShown } from './limit-end.ts';
import { writeLaunch } from './launch.ts';
import { livenessLook } from './liveness.ts';
import { checkFolder } from './order-check.ts';
import { packagedFile } from './packaged-file.ts';
import { hasWriteRules, placeWriteHook } from './place-write-hook.ts';
import { destroyTree } from './destroy-tree.ts';
import { alive, recordedExit, recordedProcess } from './process.ts';
import type { Process } from './process-table.ts';
import { withoutSecrets } from './hidden-dialog.ts';
import { ProviderError } from './provider-error.ts';
import { classifyRehearsal } from './rehearsal-screen.ts';

export interface RehearsalOptions {
  /** As which provider it is known (default `rehearsal`). */
  readonly name?: 'rehearsal' | 'client';
  /** The program as one file that node runs; absent: the one that belongs to this installation. */
  readonly program?: string;
  /** What is played: the name of a shipped play (`demo`, `instant`) or an absolute path; absent: `demo`. */
  readonly play?: string;
  /** Nothing is accepted before this. */
  readonly slowStartMs?: number;
  /** A JSON file of steering verbs done at the start (see src/rehearsal/steering.ts). */
  readonly steerFile?: string;
  /** Lets the hook start the supervisor again: a file with its process id, and an executable that starts it. */
  readonly hook?: { readonly pidFile?: string; readonly wake?: string };
  /** Told of each event file that cannot be read, and of each variable that cannot be passed. */
  readonly onProblem?: NonNullable<EvidenceWatch['onProblem']>;
  /** Takes secrets out of what agents show and report. */
  readonly hide?: (text: string) => string;
}

type Folder = Pick<AgentHandle, 'agentDir'>;

export type RehearsalProvider = ReturnType<typeof rehearsalProvider>;

/**
 * The agent that plays a written part: interactive like the others, but it needs no account and no network. Nothing is
 * read before the first call.
 */
export function rehearsalProvider(options: RehearsalOptions = {}) {
  return {
    name: options.name ?? 'rehearsal',
    timing: { ...TIMING, readyWithinMs: TIMING.readyWithinMs + (options.slowStartMs ?? 0) },
    async create(order: AgentOrder): Promise<Launch> {
      if (hasConversation(order)) throw conversationFault(order, 'order', 'exists already', 'resume it');
      return launch(order, '--session-id', options);
    },
    async resume(order: AgentOrder): Promise<Launch> {
      if (!hasConversation(order)) throw conversationFault(order, 'no-conversation', 'does not exist', 'begin anew');
      return launch(order, '--resume', options);
    },
    destroy: (agent: AgentHandle, graceMs: number): Promise<void> => destroyTree(agent, graceMs),
    process: (agent: Folder): Promise<Process | null> => recordedProcess(agent),
    alive: livenessLook(),
    exit: (agent: Folder): Promise<Exit> => recordedExit(agent),
    activity: (agent: AgentHandle): Promise<Activity> => activityOf(agent),
    classify: (capture: string): Screen =>
      withoutSecrets(withLimitShown(classifyRehearsal(capture), Date.now()), options.hide),
    evidence: (agent: Folder, after: string, take: (evidence: Evidence) => void): Promise<() => Promise<void>> =>
      watchEvidence({
        agentDir: agent.agentDir,
        after,
        take,
        parse: parseHookEvent,
        ...(options.onProblem === undefined ? {} : { onProblem: options.onProblem }),
        ...(options.hide === undefined ? {} : { hide: options.hide }),
      }),
  };
}

/** The box takes each key as it comes: nothing has to settle. */
const TIMING: DeliveryTiming = {
  settleMs: 5,
  enterAgainAfterMs: [300, 1_000, 3_000],
  echoWithinMs: 3_000,
  evidenceWithinMs: 5_000,
  readyWithinMs: 10_000,
};

async function launch(
  order: AgentOrder,
  conversation: '--session-id' | '--resume',
  options: RehearsalOptions,
): Promise<Launch> {
  await checkFolder(order);
  await makePrivateFolder(order.agentDir);
  // Copied, so that agents outlive an update or a removal of this package.
  const hook = join(order.agentDir, 'hook.sh');
  await writeWhole(hook, await readFile(packagedFile('hook.sh')));
  const guard = await placeWriteHook(order, []);
  const argv = [
    process.execPath,
    programOf(options),
    ...[conversation, order.sessionId],
    ...['--agent-dir', order.agentDir],
    ...['--play', playFile(options.play ?? 'demo')],
    ...['--role', order.role],
    ...['--feature', order.feature],
    ...['--run', order.run],
    ...['--name', `${order.feature}/${order.role}`],
    ...['--hook', hook],
    ...(hasWriteRules(order.permissions) ? ['--write-hook', join(order.agentDir, 'write-hook.sh')] : []),
    ...(options.slowStartMs === undefined ? [] : ['--slow-start', String(options.slowStartMs)]),
    ...(options.steerFile === undefined ? [] : ['--steer-file', options.steerFile]),
  ];
  const env = { ...environment(options, order, hook), ...guard };
  const written = await writeLaunch(order.agentDir, { argv, env, cwd: order.cwd });
  for (const name of written.omitted) {
    options.onProblem?.({ file: join(order.agentDir, 'launch', 'env'), why: `${name} cannot be passed in one line` });
  }
  return { argv: written.argv, env: {}, cwd: order.cwd };
}

/** The order's variables, then ours, which win. */
function environment(options: RehearsalOptions, order: AgentOrder, hook: string): Record<string, string> {
  return {
    ...order.env,
    TMOPS_HOOK: hook,
    TMOPS_AGENT_DIR: order.agentDir,
    ...(order.token !== undefined && { [AGENT_TOKEN]: order.token }),
    ...(options.hook?.pidFile !== undefined && { TMOPS_SUPERVISOR_PID_FILE: options.hook.pidFile }),
    ...(options.hook?.wake !== undefined && { TMOPS_WAKE: options.hook.wake }),
  };
}

function hasConversation(order: AgentOrder): boolean {
  return existsSync(join(order.agentDir, 'rehearsal', `${order.sessionId}.jsonl`));
}

function conversationFault(
  order: AgentOrder,
  reason: 'order' | 'no-conversation',
  state: string,
  remedy: string,
): ProviderError {
  return new ProviderError({
    reason,
    sentence: `The conversation ${order.sessionId} of the ${order.role} ${state} in ${order.agentDir}.`,
    hint: `Let the ${order.role} ${remedy}.`,
  });
}

function programOf(options: RehearsalOptions): string {
  const program = options.program ?? join(dirname(dirname(packagedFile('hook.sh'))), 'dist', 'rehearsal.js');
  if (existsSync(program)) return program;
  throw new ProviderError({
    reason: 'command-missing',
    sentence: `The program of the rehearsal agent is not there: ${program}.`,
    hint: 'Build it with `npm run build`.',
  });
}

function playFile(play: string): string {
  const file = isAbsolute(play) ? play : shippedPlay(play);
  if (file !== null && existsSync(file)) return file;
  throw new ProviderError({
    reason: 'order',
    sentence: `There is no play ${JSON.stringify(play)} to rehearse.`,
    hint: 'Name a shipped one (demo, instant) or give the absolute path of a YAML file.',
  });
}

function shippedPlay(name: string): string | null {
  return /^[a-z0-9-]+$/.test(name) ? join(dirname(packagedFile('hook.sh')), 'rehearsal', `${name}.yaml`) : null;
}

const STATUS = z.object({
  pid: z.int(),
  status: z.enum(['idle', 'busy', 'waiting']),
  waitingFor: z.string().default(''),
});

/** What the program wrote about itself, unless another process wrote it: the file outlives a crash. */
async function activityOf(agent: Pick<AgentHandle, 'agentDir' | 'process'>): Promise<Activity> {
  const [text, process] = await Promise.all([readStatus(agent), agent.process ?? recordedProcess(agent)]);
  if (text === null || process === null) return { kind: 'unknown' };
  const read = STATUS.safeParse(JSON.parse(text));
  if (read.data?.pid !== process.pid || (await alive(process)) !== 'alive') return { kind: 'unknown' };
  const { status, waitingFor } = read.data;
  return status === 'waiting' ? { kind: 'waiting', waitingFor } : { kind: status };
}

const readStatus = (agent: Folder): Promise<string | null> =>
  readTextOrNull(join(agent.agentDir, 'rehearsal', 'status.json'));
