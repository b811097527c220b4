#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readArguments, type Arguments } from './arguments.ts';
import { beginConversation, endConversation } from './conversation.ts';
import { createInput } from './input.ts';
import { createPainter } from './painter.ts';
import { emptyPlay, loadPlay, type Play } from './play.ts';
import { ask } from './questions.ts';
import { openRecords, type Records } from './records.ts';
import { redraw, setStage, tell, type Stage } from './stage.ts';
import { listenForSteering } from './steer-socket.ts';
import { steer, steerFileSchema, type Verb } from './steering.ts';

// An interactive agent that plays a written part: the same terminal, hooks and files as a real one, no account.

const HUNG_UP = 129;
/** The signal comes once more when the pane's first process ends of it, and would hit a hook that is just starting. */
const HANG_UP_SETTLES_MS = 50;

let closeSteering: () => void = () => undefined;

try {
  const given = readArguments(process.argv.slice(2));
  const play = given.play === undefined ? emptyPlay : loadPlay(given.play);
  const verbs = given['steer-file'] === undefined ? [] : readSteerFile(given['steer-file']);
  const records = openRecords(given['agent-dir']);
  const sessionId = findSession(given, records);
  if (!process.stdin.isTTY) throw new Error('The rehearsal agent needs a terminal.');
  await start(openStage(given, play, records, sessionId), verbs);
} catch (error) {
  process.stderr.write(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

function readSteerFile(path: string): Verb[] {
  return steerFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

/** The conversation's id. Throws when a new one exists already or an old one does not. */
function findSession(given: Arguments, records: Records): string {
  const { resume, 'session-id': fresh } = given;
  if (resume !== undefined) {
    if (records.hasHistory(resume)) return resume;
    throw new Error(`No conversation found with session ID: ${resume}`);
  }
  if (fresh === undefined) throw new Error('Internal error: the arguments were not checked');
  if (records.hasHistory(fresh)) throw new Error(`Session ID ${fresh} is already in use.`);
  return fresh;
}

function openStage(given: Arguments, play: Play, records: Records, sessionId: string): Stage {
  process.stdin.setRawMode(true);
  const painter = createPainter((bytes) => process.stdout.write(bytes));
  process.stdout.write(`\x1b]2;${given.name}\x07`);
  const stage = setStage({
    given,
    cwd: process.cwd(),
    play,
    records,
    painter,
    sessionId,
    size: () => ({ columns: Math.max(10, process.stdout.columns), rows: Math.max(3, process.stdout.rows) }),
    quit: (code, words) => {
      stage.turn?.interruption.abort();
      painter.leave();
      process.stdout.write(`${words}\r\n`);
      records.removeStatus();
      closeSteering();
      endProcess(code);
    },
  });
  return stage;
}

/** Without its terminal node aborts on a normal exit, because it cannot give the terminal its settings back. */
function endProcess(code: number): void {
  if (code !== HUNG_UP) process.exit(code);
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

async function start(stage: Stage, verbs: readonly Verb[]): Promise<void> {
  process.stdin.on('data', createInput(stage));
  const hangUp = (): void => void setTimeout(() => void endConversation(stage, 'other', HUNG_UP), HANG_UP_SETTLES_MS);
  process.stdin.once('end', hangUp);
  // A terminal that is gone fails reads and writes; that may be noticed before the signal.
  process.stdin.on('error', hangUp);
  process.stdout.on('error', hangUp);
  process.on('SIGHUP', hangUp);
  process.on('SIGTERM', () => void endConversation(stage, 'other', 143));
  process.stdout.on('resize', () => {
    redraw(stage);
  });
  redraw(stage);
  await Promise.all([openSteering(stage), sleep(stage.given['slow-start'])]);
  for (const verb of verbs) if (verb.do !== 'dialog') steer(stage, verb);
  for (const verb of verbs) if (isTrust(verb)) await ask(stage, 'trust', verb.lines);
  beginConversation(stage, stage.given.resume === undefined ? 'startup' : 'resume');
  for (const verb of verbs) if (verb.do === 'dialog' && !isTrust(verb)) steer(stage, verb);
}

function isTrust(verb: Verb): verb is Verb & { do: 'dialog' } {
  return verb.do === 'dialog' && verb.name === 'trust';
}

/** Without its socket the agent works all the same, so that is only said. */
async function openSteering(stage: Stage): Promise<void> {
  try {
    closeSteering = await listenForSteering(stage);
  } catch (error) {
    tell(stage, { kind: 'note', text: `Steering is off: ${error instanceof Error ? error.message : String(error)}` });
  }
}
