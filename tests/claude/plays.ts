import { posix } from 'node:path';
import * as z from 'zod';
import type { Conversation, Prompt, ToolResult } from './conversation.ts';
import type { Play } from './fake-api.ts';
import type { Call, Reply } from './reply.ts';

/** One part of a team's play: what the agent does in whose pane `words` are typed, and the checkpoint it leaves. */
export interface Act {
  readonly words: string;
  readonly from: string;
  readonly to: string;
  /** Name of the checkpoint, from the run's folder of checkpoints. */
  readonly file: string;
  /** Before it writes the checkpoint. */
  readonly work?: (scene: Scene) => readonly Deed[];
  /** How the checkpoint is written; absent: with the Write tool. */
  readonly end?: (scene: Scene, act: Act) => Deed;
}

/** A call that has to end as expected; else the agent reports an error and writes no checkpoint. */
export interface Deed extends Call {
  readonly mustFail?: boolean;
}

export interface Scene {
  readonly cwd: string;
  readonly feature: string;
}

const [ORCHESTRATOR, TESTER, IMPLEMENTER, VERIFIER] = ['Orchestrator', 'Tester', 'Implementer', 'Verifier'] as const;

/** The four roles of TeamOps, on a project whose `npm test` runs what is in `tests/`. */
export const fourRoles: readonly Act[] = [
  { words: '[BEGIN]: Start orchestration for', from: ORCHESTRATOR, to: TESTER, file: '001-discovery-trigger.md' },
  { words: '[BEGIN]: Start test writing', from: TESTER, to: ORCHESTRATOR, file: '003-tests-complete.md', work: test },
  { words: '[CONFIRMED]: Tester has', from: ORCHESTRATOR, to: IMPLEMENTER, file: '004-impl-trigger.md' },
  { words: '[BEGIN]: Start impl', from: IMPLEMENTER, to: ORCHESTRATOR, file: '005-impl-complete.md', work: implement },
  { words: '[CONFIRMED]: Implementer has', from: ORCHESTRATOR, to: VERIFIER, file: '006-verify-trigger.md' },
  { words: '[BEGIN]: Start verif', from: VERIFIER, to: ORCHESTRATOR, file: '007-verify-complete.md', work: verify },
  { words: '[CONFIRMED]: Verifier has', from: ORCHESTRATOR, to: 'Human', file: '../SUMMARY.md' },
];

/** One agent that plays all roles in turn, in the repository at `scene`; null for conversations without these words. */
export function soloPlay(words: string, prefix: string, scene: Scene): (conversation: Conversation) => Reply | null {
  const named = (deed: Deed): Call => ({ ...deed, name: deed.name.replace('mcp__tmops__', prefix) });
  const deeds = fourRolesByTools.flatMap((act) => [
    ...(act.work?.(scene) ?? []),
    act.end?.(scene, act) ?? write(act.file, checkpointText(act, scene)),
  ]);
  const calls = [{ name: `${prefix}switch_role`, input: {} }, ...deeds.map(named)];
  return ({ prompts }) => {
    const prompt = prompts.find(({ text }) => text.startsWith(words));
    if (prompt === undefined) return null;
    const failure = prompt.results.find(({ failed }) => failed);
    if (failure !== undefined) return { text: `It failed: ${failure.text}` };
    const call = calls[prompt.steps];
    return call === undefined ? { text: prompt.results.at(-1)?.text ?? '' } : { calls: [call] };
  };
}

/** The same team, each with the tools of its role and nothing else that writes. */
export const fourRolesByTools: readonly Act[] = fourRoles.map((act) => ({ ...act, ...byTools(act) }));

function byTools({ words, work }: Act): Pick<Act, 'work' | 'end'> {
  const own = (name: string, input: Call['input'] = {}): Deed => ({ name: `mcp__tmops__${name}`, input });
  const starts: Readonly<Record<string, string>> = {
    '[BEGIN]: Start orchestration for': 'start_testing',
    '[CONFIRMED]: Tester has': 'start_implementation',
    '[CONFIRMED]: Implementer has': 'start_verification',
  };
  const start = starts[words];
  const end = (scene: Scene, act: Act): Deed =>
    start === undefined
      ? own('write_checkpoint', { text: checkpointText(act, scene) })
      : own(start, { message: `- Go on with ${scene.feature}.` });
  if (work === verify) return { end, work: () => [own('read_all'), own('run_tests'), own('analyze_quality')] };
  if (work === undefined) return { end };
  const tool = work === test ? 'write_test' : 'write_source';
  const check = work === test ? [own('run_tests'), own('validate_tests')] : [own('run_tests')];
  return {
    end,
    // The same files, by paths that are relative to the worktree.
    work: (scene) => [
      ...work(scene)
        .filter(({ name }) => name === 'Write')
        .map(({ input }) => own(tool, { ...input, path: posix.relative(scene.cwd, String(input['file_path'])) }))
        .map((deed) => ({ ...deed, input: { path: deed.input['path'], content: deed.input['content'] } })),
      ...check,
      own('commit', { message: `Work on ${scene.feature}` }),
    ],
  };
}

/** Each agent reads its instructions when told to, plays its acts, and answers "ok" to any other prompt. */
export function teamPlay(acts: readonly Act[]): Play {
  const actOf = (prompt: Prompt) => acts.find(({ words }) => prompt.text.includes(words));
  return (conversation) => {
    // What a human says during a turn does not end it, unless it begins an act.
    const prompt = conversation.prompts.findLast((said) => !said.interjected || actOf(said) !== undefined);
    if (prompt === undefined) return { text: 'ok' };
    const act = actOf(prompt);
    return act === undefined ? instructed(prompt, conversation) : perform(act, prompt, sceneOf(conversation));
  };
}

/** The same team without its work: each act only writes its checkpoint, with one call. */
export function instantPlay(acts: readonly Act[]): Play {
  return teamPlay(acts.map(({ words, from, to, file }) => ({ words, from, to, file })));
}

/**
 * A user's own Claude Code that leads a feature through the tools of tmops: prepares it, writes the specification, starts
 * it, waits until it is completed or needs somebody, and says how it stands. Null for conversations of others; `words` is what
 * its prompt begins with, `prefix` that of the tools' names.
 */
export function leadPlay(options: {
  readonly words: string;
  readonly prefix: string;
  readonly feature: string;
}): (conversation: Conversation) => Reply | null {
  const { words, prefix, feature } = options;
  return ({ prompts }) => {
    const prompt = prompts.find(({ text }) => text.startsWith(words));
    if (prompt === undefined) return null;
    const failure = prompt.results.find(({ failed }) => failed);
    if (failure !== undefined) return { text: `It failed: ${failure.text}` };
    const call = (tool: string, input: Call['input'] = {}): Reply => ({
      calls: [{ name: `${prefix}tmops_${tool}`, input: { feature, ...input } }],
    });
    const [init] = prompt.results;
    const last = prompt.results.at(-1);
    if (init === undefined || last === undefined) return call('init_feature');
    const { specFile: spec } = initAnswer.parse(JSON.parse(init.text));
    if (prompt.steps === 1) return { calls: [{ name: 'Read', input: { file_path: spec } }] };
    if (prompt.steps === 2) return { calls: [write(spec, `# ${feature}\n\ngreet(name) gives a greeting.\n`)] };
    if (prompt.steps === 3) return call('start_orchestration');
    if (prompt.steps === 4) return call('wait');
    const { done, cursor, phase, branch } = waitAnswer.parse(JSON.parse(last.text));
    if (branch !== undefined) return { text: `${feature} is ${phase} on ${branch}.` };
    return done === true ? call('get_status') : call('wait', { cursor });
  };
}

const initAnswer = z.object({ specFile: z.string() });
/** What waiting and the status have in common, and what only one of them has. */
const waitAnswer = z.object({
  done: z.boolean().optional(),
  cursor: z.number(),
  phase: z.string(),
  branch: z.string().optional(),
});

function instructed(prompt: Prompt, { cwd }: Conversation): Reply {
  const path = /^Read (\S+)/.exec(prompt.text)?.[1];
  if (path === undefined) return { text: 'ok' };
  const file = posix.resolve(cwd ?? '/', path);
  if (prompt.steps === 0) return { calls: [{ name: 'Read', input: { file_path: file } }] };
  const wrong = prompt.results.find(({ failed }) => failed);
  if (wrong !== undefined) return { text: `[AGENT] ERROR: ${wrong.text}` };
  const role = /(?:roles|instance_instructions)\/(?:\d+_)?([a-z-]+)\.md$/.exec(path)?.[1];
  return { text: role === undefined ? 'ok' : `[${role.toUpperCase()}] WAITING: Ready for instructions` };
}

function perform(act: Act, prompt: Prompt, scene: Scene): Reply {
  const role = act.from.toUpperCase();
  const checkpoint = posix.join(scene.cwd, '.tmops', scene.feature, 'current/checkpoints', act.file);
  const last = act.end?.(scene, act) ?? write(checkpoint, checkpointText(act, scene));
  const deeds = [...(act.work?.(scene) ?? []), last];
  const wrong = prompt.results.find((result, index) => !asExpected(result, deeds[index]));
  if (wrong !== undefined) return { text: `[${role}] ERROR: ${wrong.text.slice(0, 300)}` };
  const deed = deeds[prompt.steps];
  if (deed === undefined) return { text: `[${role}] COMPLETE: ${act.file}` };
  return { text: `[${role}] WORKING: ${deed.name}`, calls: [{ name: deed.name, input: deed.input }] };
}

// A command that was refused is no red test: only one that ran has an exit code.
function asExpected(result: ToolResult, deed: Deed | undefined): boolean {
  return deed?.mustFail === true ? result.failed && result.text.startsWith('Exit code') : !result.failed;
}

function sceneOf({ cwd, text }: Conversation): Scene {
  const feature = /\.tmops\/([a-z0-9-]{3,20})\/(?:current|runs)\//.exec(text)?.[1];
  if (cwd === null || feature === undefined)
    throw new Error('The conversation names no working directory or no feature');
  return { cwd, feature };
}

function test({ cwd, feature }: Scene): Deed[] {
  const content = `import assert from 'node:assert/strict';
import test from 'node:test';
import { greet } from '../src/${feature}.mjs';

test('greets by name', () => assert.equal(greet('Ada'), 'Hello, Ada'));
test('refuses a number', () => assert.throws(() => greet(7), TypeError));
`;
  const run = { ...bash('npm test'), mustFail: true };
  return [write(`${cwd}/tests/${feature}.test.mjs`, content), run, commit(`Add tests for ${feature}`)];
}

function implement({ cwd, feature }: Scene): Deed[] {
  const content = `export function greet(name) {
  if (typeof name !== 'string') throw new TypeError('name must be a string');
  return \`Hello, \${name}\`;
}
`;
  return [write(`${cwd}/src/${feature}.mjs`, content), bash('npm test'), commit(`Implement ${feature}`)];
}

function verify(): Deed[] {
  return [bash('npm test')];
}

function write(path: string, content: string): Deed {
  return { name: 'Write', input: { file_path: path, content } };
}

function commit(subject: string): Deed {
  return bash(`git add -A && git commit -m '${subject}'`);
}

function bash(command: string): Deed {
  return { name: 'Bash', input: { command, description: 'Part of the play' } };
}

function checkpointText(act: Act, { feature }: Scene): string {
  return `# ${posix.basename(act.file, '.md')}

**From:** ${act.from}
**To:** ${act.to}
**Timestamp:** ${new Date().toISOString().slice(0, 19)}
**Feature:** ${feature}

## Work Completed
- Step: ${act.file} for ${feature}

## Next Action
- ${act.to} continues
`;
}
