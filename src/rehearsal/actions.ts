import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runChild } from './children.ts';
import { writeSlowly, writeWhole } from './files.ts';
import { askWriteHook, fireHook } from './hooks.ts';
import { fill, type Action } from './play.ts';
import { ask } from './questions.ts';
import { changed, tell, type Stage, type Turn } from './stage.ts';

/** How an action ended: the turn goes on, or stops for a reason. */
export type Step =
  | { readonly kind: 'next' }
  /** The part cannot be played on: something did not come out as it should. */
  | { readonly kind: 'broken'; readonly why: string }
  /** A human said no. */
  | { readonly kind: 'refused' }
  /** The turn breaks as an API failure breaks it. */
  | { readonly kind: 'failed'; readonly error: string };

const NEXT: Step = { kind: 'next' };

/** What a play says about one kind of action. */
type OrderOf<Kind extends string> = Extract<Action, Record<Kind, unknown>>[Kind];

/** Does one action of a play, with real files and processes, and reports it to the hooks as a tool call. */
export async function perform(stage: Stage, turn: Turn, action: Action): Promise<Step> {
  const text = (template: string): string => fill(template, valuesOf(stage));
  if ('say' in action) return say(stage, turn, text(action.say));
  if ('think' in action) return thinkFor(turn, action.think.ms);
  if ('read' in action) return read(stage, turn, text(action.read.path));
  if ('write' in action) {
    const { path, content } = action.write;
    return write(stage, turn, text(path), text(content), writeWhole);
  }
  if ('run' in action) return run(stage, turn, { ...action.run, argv: action.run.argv.map(text) });
  if ('commit' in action) return commit(stage, turn, text(action.commit.message), action.commit.paths.map(text));
  if ('checkpoint' in action) return checkpoint(stage, turn, action.checkpoint, text);
  if ('await_checkpoint' in action) return awaitCheckpoint(stage, turn, action.await_checkpoint.look_every_ms);
  if ('ask' in action) return question(stage, turn, action.ask, text);
  return { kind: 'failed', error: action.fail.error };
}

/** Says something and remembers it as the turn's last words. */
export function say(stage: Stage, turn: Turn, words: string): Step {
  turn.spoke = true;
  turn.last = words;
  tell(stage, { kind: 'say', text: words });
  return NEXT;
}

/** Waits for `ms`, or until the turn is interrupted or hurried. */
export async function thinkFor(turn: Turn, ms: number): Promise<Step> {
  const signal = AbortSignal.any([turn.interruption.signal, turn.hurry.signal]);
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return NEXT;
}

interface ToolCall {
  readonly name: 'Read' | 'Write' | 'Bash';
  readonly input: Readonly<Record<string, string>>;
  readonly title: string;
  readonly work: () => ToolResult | Promise<ToolResult>;
}

interface ToolResult {
  readonly output: string;
  /** What is wrong with how it came out; absent when it is as wished. */
  readonly wrong?: string;
}

async function useTool(stage: Stage, turn: Turn, call: ToolCall): Promise<Step> {
  turn.spoke = true;
  turn.activity = call.title;
  changed(stage);
  const fields = { tool_name: call.name, tool_input: call.input };
  await fireHook(stage, 'PreToolUse', fields);
  const refusal = call.name === 'Write' ? await askWriteHook(stage, fields) : null;
  if (wasInterrupted(turn)) return NEXT;
  const { output, wrong } = refusal === null ? await tryWork(call.work) : { output: refusal, wrong: refusal };
  if (wasInterrupted(turn)) return NEXT;
  turn.activity = 'Rehearsing…';
  tell(stage, { kind: 'tool', title: call.title, output, failed: wrong !== undefined });
  if (wrong === undefined) {
    await fireHook(stage, 'PostToolUse', { ...fields, tool_response: { output: output.slice(0, 4000) } });
    return NEXT;
  }
  await fireHook(stage, 'PostToolUseFailure', { ...fields, error: output.slice(0, 4000) });
  return { kind: 'broken', why: wrong };
}

function wasInterrupted(turn: Turn): boolean {
  return turn.interruption.signal.aborted;
}

/** A file that is not there or may not be written is a result, as it is for a tool. */
async function tryWork(work: ToolCall['work']): Promise<ToolResult> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { output: error.message, wrong: error.message };
    throw error;
  }
}

function read(stage: Stage, turn: Turn, path: string): Promise<Step> {
  return useTool(stage, turn, {
    name: 'Read',
    input: { file_path: resolve(stage.cwd, path) },
    title: `Read(${path})`,
    work: () => ({ output: lineCount(readFileSync(resolve(stage.cwd, path), 'utf8')) }),
  });
}

function write(
  stage: Stage,
  turn: Turn,
  path: string,
  content: string,
  put: (file: string, content: string) => void | Promise<void>,
): Promise<Step> {
  const file = resolve(stage.cwd, path);
  return useTool(stage, turn, {
    name: 'Write',
    input: { file_path: file, content },
    title: `Write(${path})`,
    work: async () => {
      await put(file, content);
      return { output: lineCount(content) };
    },
  });
}

function run(stage: Stage, turn: Turn, { argv, expect, keep }: OrderOf<'run'>): Promise<Step> {
  const command = argv.join(' ');
  return useTool(stage, turn, {
    name: 'Bash',
    input: { command },
    title: `Bash(${command})`,
    work: async () => {
      const { code, output } = await runChild(argv, stage.cwd, turn.interruption.signal);
      for (const [name, pattern] of Object.entries(keep)) {
        stage.kept[name] = new RegExp(pattern, 'm').exec(output)?.[1] ?? '?';
      }
      stage.kept.exit = String(code);
      const asWished = expect === 'any' || (code === 0) === (expect === 'pass');
      return { output, ...(asWished ? {} : { wrong: `${command} was to ${expect} and ended with ${String(code)}` }) };
    },
  });
}

function commit(stage: Stage, turn: Turn, message: string, paths: readonly string[]): Promise<Step> {
  const git = (...argv: readonly string[]) => runChild(['git', ...argv], stage.cwd, turn.interruption.signal);
  const head = async (): Promise<string> => {
    stage.kept.commit = (await git('rev-parse', '--short', 'HEAD')).output.trim();
    return stage.kept.commit;
  };
  const author = ['-c', `user.name=Rehearsal ${stage.given.role}`, '-c', 'user.email=rehearsal@localhost'];
  return useTool(stage, turn, {
    name: 'Bash',
    input: { command: `git add ${paths.join(' ')} && git commit -m '${message}'` },
    title: `Bash(git commit ${paths.join(' ')})`,
    work: async () => {
      const added = await git('add', '--', ...paths);
      if (added.code !== 0) return { output: added.output, wrong: 'git add failed' };
      // A step that is played again finds its work committed.
      const unchanged = (await git('diff', '--cached', '--quiet', '--', ...paths)).code === 0;
      if (unchanged) return { output: `Nothing new in commit ${await head()}` };
      const made = await git(...author, '-c', 'commit.gpgsign=false', 'commit', '-m', message, '--', ...paths);
      if (made.code !== 0) return { output: made.output, wrong: 'git commit failed' };
      await head();
      return { output: made.output };
    },
  });
}

function checkpoint(
  stage: Stage,
  turn: Turn,
  order: OrderOf<'checkpoint'>,
  text: (template: string) => string,
): Promise<Step> {
  const run = join('.tmops', stage.given.feature, 'current');
  const path = join(run, order.folder === 'run' ? '' : order.folder, order.file);
  const { slow } = order;
  if (slow === undefined) return write(stage, turn, path, text(order.content), writeWhole);
  const pause = async (): Promise<void> => {
    await thinkFor(turn, slow.ms);
  };
  return write(stage, turn, path, text(order.content), (file, content) =>
    writeSlowly(file, content, slow.halves, pause),
  );
}

async function awaitCheckpoint(stage: Stage, turn: Turn, everyMs: number): Promise<Step> {
  const run = resolve(stage.cwd, '.tmops', stage.given.feature, 'current');
  const before = checkpointsIn(run);
  while (!wasInterrupted(turn) && !turn.hurry.signal.aborted && checkpointsIn(run) === before)
    await thinkFor(turn, everyMs);
  return NEXT;
}

/** Which checkpoints a run has, and when each was written. */
function checkpointsIn(run: string): string {
  const folder = join(run, 'checkpoints');
  const names = tried(() => readdirSync(folder)) ?? [];
  const files = [...names.map((name) => join(folder, name)), join(run, 'SUMMARY.md')];
  return files.map((file) => `${file} ${tried(() => statSync(file).mtimeMs) ?? ''}`).join('\n');
}

/** Null where it is not there. */
function tried<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

async function question(
  stage: Stage,
  turn: Turn,
  order: OrderOf<'ask'>,
  text: (template: string) => string,
): Promise<Step> {
  turn.spoke = true;
  if (stage.surface.kind === 'dialog') return { kind: 'broken', why: 'another question is open' };
  const verdict = await ask(stage, order.dialog, order.lines?.map(text));
  if (wasInterrupted(turn)) return NEXT;
  if (verdict.approved) {
    stage.kept.answer = verdict.words;
    tell(stage, { kind: 'note', text: `Answered: ${verdict.words}` });
    return NEXT;
  }
  return order.dialog === 'limit' ? { kind: 'failed', error: 'rate_limit' } : { kind: 'refused' };
}

function valuesOf(stage: Stage): Record<string, string> {
  const { role, feature, run } = stage.given;
  return { ...stage.kept, role, ROLE: role.toUpperCase(), feature, run, cwd: stage.cwd, date: localTime(new Date()) };
}

/** `2026-11-20 17:40:03`: the form of the framework's own checkpoints, local time without a zone. */
function localTime(date: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

function lineCount(text: string): string {
  const count = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return count === 1 ? '1 line' : `${count} lines`;
}
