import * as z from 'zod';
import { comment, featureName, operation, roleName, stepName } from './operation.ts';
import {
  answerOutput,
  explainOutput,
  gateOutput,
  holdersOutput,
  messageOutput,
  pauseOutput,
  rollbackOutput,
  stepOutput,
} from './views.ts';
import { conflictOutput } from './views-conflict.ts';

/** The operations by which a run that is going is steered; part of the table. */
export const steeringOperations = {
  take: operation({
    name: 'take',
    tool: 'tmops_take_over',
    title: 'Take over a pane',
    description:
      "Makes one pane (or all, without a role) the human's: nothing is typed into it until it is handed back. Use it when the user wants to work in a pane undisturbed. Hand-offs wait in order; checkpoints still count.",
    effect: 'act',
    idempotent: true,
    input: z.strictObject({ feature: featureName, role: roleName.optional() }),
    output: holdersOutput,
  }),
  give: operation({
    name: 'give',
    tool: 'tmops_hand_back',
    title: 'Hand a pane back',
    description:
      'Gives one pane (or all, without a role) back to the automation when the user is done with it. It goes on from what is on disk now: a step whose checkpoint is there is done, one whose checkpoint is missing is reminded. A draft left in the composer stays and is waited for.',
    effect: 'act',
    idempotent: true,
    input: z.strictObject({ feature: featureName, role: roleName.optional() }),
    output: holdersOutput,
  }),
  pause: operation({
    name: 'pause',
    tool: 'tmops_pause',
    title: 'Pause a feature, or all',
    description:
      'Lets the present turn of each agent end and begins no new one, in one feature or, without one, in all that run. Undone by tmops_resume; tmops_stop ends the agents instead.',
    effect: 'act',
    idempotent: true,
    input: z.strictObject({ feature: featureName.optional() }),
    output: pauseOutput,
  }),
  resume: operation({
    name: 'resume',
    tool: 'tmops_resume',
    title: 'Resume a feature, or all',
    description: 'Goes on with a paused feature or, without one, with all that are paused.',
    effect: 'act',
    idempotent: true,
    input: z.strictObject({ feature: featureName.optional() }),
    output: pauseOutput,
  }),
  approve: operation({
    name: 'approve',
    tool: 'tmops_approve',
    title: 'Approve a checkpoint',
    description:
      'Says yes at a gate: to the present checkpoint that awaits a human, or to one whose check failed, which then counts all the same. It is the decision of the user: use it only when they have made it.',
    effect: 'act',
    idempotent: false,
    input: z.strictObject({ feature: featureName, comment: comment.optional() }),
    output: gateOutput,
  }),
  reject: operation({
    name: 'reject',
    tool: 'tmops_reject',
    title: 'Reject a checkpoint',
    description:
      'Sends the present checkpoint at a gate back to the role that wrote it, with the comment, which it reads word by word. Its next checkpoint is a new claim. It is the decision of the user.',
    effect: 'act',
    idempotent: false,
    input: z.strictObject({ feature: featureName, comment: comment.optional() }),
    output: gateOutput,
  }),
  skip: operation({
    name: 'skip',
    tool: 'tmops_skip_step',
    title: 'Skip the present step',
    description:
      'Takes the present step as done without its checkpoint and goes on with the next one. Use it only when the user wants to go on without that work.',
    effect: 'act',
    idempotent: false,
    input: z.strictObject({ feature: featureName, step: stepName.optional(), why: comment.optional() }),
    output: stepOutput,
  }),
  retry: operation({
    name: 'retry',
    tool: 'tmops_retry_step',
    title: 'Retry the present step',
    description:
      'Asks for the present step once more when it does not get on: a check or module that failed is forgotten, an agent that ended is started again, the role is prompted.',
    effect: 'act',
    idempotent: false,
    input: z.strictObject({ feature: featureName }),
    output: stepOutput,
  }),
  redo: operation({
    name: 'redo',
    tool: 'tmops_redo_step',
    title: 'Go back to a step',
    description:
      'Opens a step that was done (the last one, or the one named) and all after it anew, when earlier work turned out to be wrong. Files stay as they are; the checkpoints of these steps have to be written again.',
    effect: 'act',
    idempotent: false,
    input: z.strictObject({ feature: featureName, step: stepName.optional(), why: comment.optional() }),
    output: stepOutput,
  }),
  rollback: operation({
    name: 'rollback',
    tool: 'tmops_rollback',
    title: 'Roll work back to a step',
    description:
      'Takes the work of a step (or the first step of a role) and all after it back: files to how they were when it began (tests stay unless it is before the tester), checkpoints into an archive. Nothing is lost, and undo puts it back. Use it when that work is to be done anew, after showing the user a dryRun. Refused while an agent is at work.',
    effect: 'destroy',
    idempotent: false,
    input: z.strictObject({
      feature: featureName,
      to: stepName.optional().describe('A step, or a role for its first step'),
      undo: z.boolean().default(false).describe('Put back what the last rollback took; without "to"'),
      dryRun: z.boolean().default(false).describe('Only say what would go'),
      why: comment.optional(),
    }),
    output: rollbackOutput,
  }),
  conflict: operation({
    name: 'conflict',
    tool: 'tmops_resolve_conflict',
    title: 'Settle a branch conflict',
    description:
      "Says what becomes of a feature's branch that others changed (status: conflict). accept: go on from it as it is; stash: keep what they did under a ref, put branch and files back, go on; abort: stop the run, touch nothing. It is the decision of the user.",
    effect: 'destroy',
    idempotent: false,
    input: z.strictObject({
      feature: featureName,
      how: z.enum(['accept', 'stash', 'abort']),
    }),
    output: conflictOutput,
  }),
  message: operation({
    name: 'message',
    tool: 'tmops_send_message',
    title: 'Send a message to a role',
    description:
      'Types a message of the user to one role, or to all without one, and says what became of it: accepted, queued (the agent is at work and gets it once, at the end of its turn), or why it waits. It is typed in its turn after what is waiting already.',
    effect: 'act',
    idempotent: false,
    input: z.strictObject({
      feature: featureName,
      role: roleName.optional(),
      text: z.string().min(1).max(100_000).describe('The message; long text reaches the agent as a file'),
      waitMs: z.number().int().min(0).max(45_000).default(5_000).describe('How long to wait for the outcome, in ms'),
    }),
    output: messageOutput,
  }),
  answer: operation({
    name: 'answer',
    tool: 'tmops_answer',
    title: 'Answer a question of an agent',
    description:
      'Answers the dialog that an agent shows (status: attention needs-answer) by the label of a choice. Refused if the dialog has changed meanwhile or has no such choice. What is allowed to an agent is the decision of the user.',
    effect: 'act',
    idempotent: false,
    input: z.strictObject({
      feature: featureName,
      role: roleName,
      choice: z.string().min(1).max(300).describe('The label of the choice as the status shows it'),
      dialog: z
        .string()
        .max(40)
        .optional()
        .describe('The id of the question as the status shows it: refused when another one is asked by then'),
    }),
    output: answerOutput,
  }),
  explain: operation({
    name: 'why',
    tool: 'tmops_explain',
    title: 'Explain what a feature waits for',
    description:
      'Says in one answer what a feature waits for, since when, what was seen that keeps it there, and which commands would help. Use it when a feature does not go on.',
    effect: 'read',
    idempotent: true,
    input: z.strictObject({ feature: featureName }),
    output: explainOutput,
  }),
} as const;
