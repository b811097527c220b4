import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Activity, AgentHandle, AgentOrder, DeliveryTiming, Evidence, Exit, Launch } from '../../core/agent.ts';
import type { Screen } from '../../core/screen.ts';
import { makePrivateFolder } from '../../files/in-place.ts';
import { writeWhole } from '../../files/write-whole.ts';
import { refuseArgs } from './claude-args.ts';
import { claudeActivity } from './claude-activity.ts';
import { claudeConfigDir, conversationRecord } from './claude-files.ts';
import { holderOfConversation } from './claude-found.ts';
import { prepareClaude, type ClaudeLaunchOptions } from './claude-launch.ts';
import { classifyClaude } from './claude-screen.ts';
import type { ClaudeSignatures } from './claude-signatures.ts';
import { watchEvidence } from './evidence.ts';
import { parseHookEvent } from './hook-event.ts';
import { withLimitShown } from './limit-end.ts';
import { livenessLook } from './liveness.ts';
import { destroyTree } from './destroy-tree.ts';
import { recordedExit, recordedProcess } from './process.ts';
import type { Process } from './process-table.ts';
import { withoutSecrets } from './hidden-dialog.ts';
import { ProviderError } from './provider-error.ts';

export interface ClaudeCodeOptions extends ClaudeLaunchOptions {
  /** From config/claude-code.yaml, see loadSignatures. */
  readonly signatures: ClaudeSignatures;
  /** Told of each event file that cannot be read, and of each variable that cannot be passed. */
  readonly onProblem?: (problem: { readonly file: string; readonly why: string }) => void;
  /** Takes secrets out of what agents show and report. */
  readonly hide?: (text: string) => string;
}

type AgentFolder = Pick<AgentHandle, 'agentDir'>;
type Take = (evidence: Evidence) => void;

/** Claude Code, interactive. Throws a ProviderError when the options name an argument that cannot be given. */
export function claudeCodeProvider(options: ClaudeCodeOptions) {
  refuseFirst(options);
  return {
    name: 'claude_code',
    timing: TIMING,
    create: async (order: AgentOrder): Promise<Launch> => {
      await clearId(options, order);
      return prepare(options, order, ['--session-id', order.sessionId]);
    },
    resume: async (order: AgentOrder): Promise<Launch> => {
      await checkConversation(options, order);
      await checkHolder(options, order);
      return prepare(options, order, ['--resume', order.sessionId]);
    },
    destroy: (agent: AgentHandle, graceMs: number): Promise<void> => destroyTree(agent, graceMs),
    process: (agent: AgentFolder): Promise<Process | null> => recordedProcess(agent),
    alive: livenessLook(),
    exit: (agent: AgentFolder): Promise<Exit> => recordedExit(agent),
    activity: (agent: AgentHandle): Promise<Activity> => claudeActivity(agent),
    classify: (capture: string): Screen =>
      withoutSecrets(withLimitShown(classifyClaude(capture, options.signatures), Date.now()), options.hide),
    evidence: (agent: AgentHandle, after: string, take: Take): Promise<() => Promise<void>> =>
      watchEvidence({
        agentDir: agent.agentDir,
        after,
        take,
        parse: parseHookEvent,
        onProblem: problemOf(options),
        ...(options.hide === undefined ? {} : { hide: options.hide }),
      }),
  };
}

/**
 * Measured with 2.1.329 in tmux 3.3a on two cores: prompts of 40 characters, pasted, looked for in the input box each
 * 2 ms, then Enter 0, 20, 50 and 120 ms after they were seen; 40 tries each on an idle agent, on an idle one with four
 * busy loops on the two cores, and on one that waited for its model. Of these 480 Enters none was lost at any delay, so
 * seeing the text is what matters. It was seen after 20 to 430 ms (medians; at most 2.0 s, under load), and evidence
 * followed Enter after 45 to 440 ms (medians; at most 0.9 s, under load).
 */
const TIMING: DeliveryTiming = {
  settleMs: 20,
  enterAgainAfterMs: [1_000, 3_000, 10_000],
  echoWithinMs: 5_000,
  evidenceWithinMs: 10_000,
  readyWithinMs: 30_000,
};

function refuseFirst({ args = [], bypass = false }: ClaudeCodeOptions): void {
  const refused = refuseArgs(args, bypass)[0];
  if (refused === undefined) return;
  throw new ProviderError({
    reason: 'order',
    sentence: `The argument ${JSON.stringify(refused.arg)} cannot be given to Claude Code: ${refused.why}.`,
    hint: refused.instead,
  });
}

/**
 * Claude Code refuses an id it has a file of, even a blank one that it cannot resume either: an agent killed in the first
 * second of its first turn leaves such a file. It holds nothing but the id we chose, and goes into the agent's folder.
 */
async function clearId(options: ClaudeCodeOptions, order: AgentOrder): Promise<void> {
  const record = await conversationRecord(claudeConfigDir(order.env, options.configDir), order.sessionId);
  if (record === null || record.kind === 'unknown') return;
  if (record.kind === 'spoken') {
    throw new ProviderError({
      reason: 'order',
      sentence: `The conversation ${order.sessionId} of the ${order.role} exists already.`,
      hint: `Resume it, or begin one under another id; it is kept in ${record.file}.`,
    });
  }
  await makePrivateFolder(order.agentDir);
  await writeWhole(join(order.agentDir, 'blank-conversation.jsonl'), await readFile(record.file));
  await rm(record.file);
}

async function checkConversation(options: ClaudeCodeOptions, order: AgentOrder): Promise<void> {
  const configDir = claudeConfigDir(order.env, options.configDir);
  const record = await conversationRecord(configDir, order.sessionId);
  if (record?.kind === 'spoken' || record?.kind === 'unknown') return;
  throw new ProviderError({
    reason: 'no-conversation',
    sentence: `Claude Code keeps no conversation ${order.sessionId} of the ${order.role} in ${configDir}.`,
    hint: 'Begin a new one; a conversation is kept from the end of its first turn on.',
  });
}

/** Somebody carries it on by hand, say after a stop. */
async function checkHolder(options: ClaudeCodeOptions, order: AgentOrder): Promise<void> {
  const holder = await holderOfConversation(claudeConfigDir(order.env, options.configDir), order.sessionId);
  if (holder?.isSure !== true) return;
  throw new ProviderError({
    reason: 'in-use',
    sentence: `The ${order.role}'s conversation ${order.sessionId} is open in process ${holder.pid} already.`,
    hint: `End it there with /exit, then: tmops start ${order.feature}`,
  });
}

async function prepare(options: ClaudeCodeOptions, order: AgentOrder, session: readonly string[]): Promise<Launch> {
  const { launch, omitted } = await prepareClaude(options, order, { session, allow: options.signatures.allow });
  for (const name of omitted) {
    problemOf(options)({ file: join(order.agentDir, 'launch', 'env'), why: `${name} cannot be passed in one line` });
  }
  return launch;
}

function problemOf(options: ClaudeCodeOptions): NonNullable<ClaudeCodeOptions['onProblem']> {
  return options.onProblem ?? ((): void => undefined);
}
