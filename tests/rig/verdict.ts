import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseHookEvent } from '../../src/adapters/agents/hook-event.ts';
import type { Event } from '../../src/core/event.ts';
import { isTypable } from '../../src/core/message.ts';
import { typedLine, type Prompt } from '../../src/core/run.ts';
import { ROLES, type EngineRig, type Role } from './engine.ts';
import { parseLines } from './json-lines.ts';

/** A trouble that was made, with when it began and ended. Role null: it concerns all. */
export interface Made {
  readonly name: string;
  readonly role: Role | null;
  readonly from: number;
  readonly to: number;
}

export interface Verdict {
  /** Everything that is not as it should be, in words; empty when all is well. */
  readonly faults: readonly string[];
  /** What happened, counted. */
  readonly counts: Readonly<Record<string, number>>;
}

/** What an agent of a role has on disk, over all its processes. */
export interface Records {
  readonly taken: readonly {
    readonly at: number;
    readonly text: string;
    readonly as: string;
    readonly queued: boolean;
    readonly openMs?: number;
  }[];
  /** Every byte that arrived, one character each. */
  readonly bytes: string;
  /** What it reported to have taken, and when the report was begun, in ms since the epoch. */
  readonly reported: readonly { readonly at: number; readonly text: string }[];
  /** When it reported the end of a turn. */
  readonly turnEnds: readonly number[];
}

/** Compares what the journal says with what the agents have: nothing lost, doubled, altered, or told untruly. */
export async function verdictOn(
  engine: EngineRig,
  messages: ReadonlyMap<number, string>,
  made: readonly Made[],
): Promise<Verdict> {
  const events = await engine.events();
  const faults: string[] = [];
  let met = 0;
  const recordsBy = new Map<string, Records>();
  for (const role of ROLES) {
    const records = await recordsOf(engine, role);
    recordsBy.set(role, records);
    for (const prompt of engine.run().prompts.filter((each) => each.role === role)) {
      const said = (what: string): void => void faults.push(`prompt ${prompt.id} (${role}): ${what}`);
      const message = messages.get(prompt.id);
      if (message !== undefined) await checkText(engine, prompt, message, said);
      checkArrival(prompt, records, { events, made }, said);
    }
    met += records.taken.filter(({ as }) => isAnswer(as)).length;
    for (const { as, text, openMs = 0 } of records.taken)
      if ((isAnswer(as) && openMs > IN_FLIGHT_MS) || (as !== 'prompt' && /\[tmops#\d+\]$/.test(text)))
        faults.push(`${role} took ${JSON.stringify(text)} as ${as} of what was open for ${openMs} ms`);
  }
  faults.push(...untold(events, made, recordsBy));
  return { faults, counts: { ...countsOf(engine, events, messages, made), 'Enters that met an opening dialog': met } };
}

/** Nobody approves or answers anything in a storm: an Enter that did was meant for our line and met a dialog. */
const isAnswer = (as: string): boolean => as === 'approved' || as === 'answer';
/** A dialog that opens while the Enter is on its way meets it, and nobody can help that. */
const IN_FLIGHT_MS = 250;

export async function recordsOf(engine: EngineRig, role: Role): Promise<Records> {
  const folder = engine.place.agentDir(role);
  const lines = await textOf(join(folder, 'rehearsal', 'prompts.jsonl'));
  const names = (await readdir(join(folder, 'events'))).filter((name) => !name.startsWith('.'));
  const pieces = await Promise.all(
    names.map(async (name) => ({
      at: Number(name.slice(0, 13)),
      parsed: parseHookEvent(await readFile(join(folder, 'events', name), 'utf8')),
    })),
  );
  return {
    taken: parseLines(lines),
    bytes: (await readFile(join(folder, 'rehearsal', 'bytes.log'))).toString('latin1'),
    turnEnds: pieces.flatMap(({ at, parsed }) => ('news' in parsed && parsed.news.kind === 'turn-ended' ? [at] : [])),
    reported: pieces.flatMap(({ at, parsed }) =>
      'news' in parsed && parsed.news.kind === 'prompt-taken' ? [{ at, text: parsed.news.text }] : [],
    ),
  };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

type Say = (what: string) => void;

/** The line itself, or the file it names, is the message byte for byte. */
async function checkText(engine: EngineRig, prompt: Prompt, message: string, say: Say): Promise<void> {
  if (isTypable(message)) {
    if (prompt.line !== message) say(`${JSON.stringify(message)} became the line ${JSON.stringify(prompt.line)}`);
    return;
  }
  const path = /^Read (\S+) and do what it says\.$/.exec(prompt.line)?.[1];
  if (path === undefined) {
    say(`the line ${JSON.stringify(prompt.line)} names no file`);
    return;
  }
  const found = await readFile(join(engine.place.workspaceRoot, path));
  if (!found.equals(Buffer.from(message))) say(`the file ${path} is not the message`);
}

interface Story {
  readonly events: readonly Event[];
  readonly made: readonly Made[];
}

function checkArrival(prompt: Prompt, records: Records, { events, made }: Story, say: Say): void {
  const line = typedLine(prompt);
  // What a human types while the Enter is on its way goes along, and nobody can help that.
  const isHumansToo = (text: string, at: number): boolean =>
    text.startsWith(line) &&
    made.some((each) => each.name === 'draft' && each.role === prompt.role && each.from <= at && at <= each.to);
  const own = events.filter((event) => 'prompt' in event && event.prompt === prompt.id);
  const taken = records.taken.filter(
    (each) => each.as === 'prompt' && (each.text === line || isHumansToo(each.text, each.at)),
  );
  const reported = taken.filter((each, index) =>
    records.reported.some(
      ({ text, at }) => text === each.text && at >= each.at && at < (taken[index + 1]?.at ?? Infinity),
    ),
  );
  const ends = events.filter((event) => event.kind === 'agent.exited' && event.role === prompt.role);
  const livesOf = new Set(taken.map(({ at }) => ends.filter((end) => end.at <= at).length));
  if (prompt.stage.kind !== 'taken' && prompt.stage.kind !== 'delivered-by-hand') say(`ended as ${prompt.stage.kind}`);
  if (taken.length === 0) say('lost: no agent took it');
  if (prompt.stage.kind === 'taken' && reported.length === 0) say('told as taken without evidence');
  // A process that died with a prompt it had only just taken never worked on it; the next one gets it.
  if (reported.length > 1 || livesOf.size < taken.length)
    say(`doubled: ${JSON.stringify({ taken, reported, own, ends }, null, 1)}`);
  checkDoubts(own, taken, say);
  checkBytes(line, own, records, say);
  checkQueued(prompt, taken, { turnEnds: records.turnEnds, own, made }, say);
}

/** A picture may be that much older than what it shows: a slow drawing, and the look at it. */
const PICTURE_MS = 700;

/** What is said to stand in the composer was not taken before, unless it was typed anew since. */
function checkDoubts(own: readonly Event[], taken: Records['taken'], say: Say): void {
  for (const [index, event] of own.entries()) {
    if (event.kind !== 'prompt.stuck' || event.outcome !== 'typed_not_submitted') continue;
    const typedAt = own.slice(0, index).findLast(({ kind }) => kind === 'prompt.intended')?.at ?? 0;
    if (taken.some(({ at }) => at >= typedAt && at < event.at - PICTURE_MS))
      say(`told "${event.outcome}: ${event.reason}" after the agent had taken it`);
  }
}

function checkBytes(line: string, own: readonly Event[], { bytes }: Records, say: Say): void {
  const raw = Buffer.from(line).toString('latin1');
  const pastes = countOf(bytes, `\x1b[200~${raw}\x1b[201~`);
  if (pastes === 0) say('its bytes are not in the log of the agent');
  if (countOf(bytes, raw) !== pastes) say('part of it came outside of a paste');
  const intended = own.filter((event) => event.kind === 'prompt.intended').length;
  const again = own.filter((event) => event.kind === 'prompt.reopened' || event.kind === 'prompt.settled').length;
  if (pastes > intended) say(`pasted ${pastes} times, journaled ${intended} times before`);
  if (intended > again + 1) say(`typed ${intended} times, given up only ${again} times`);
}

const countOf = (all: string, part: string): number => all.split(part).length - 1;

interface Around {
  readonly turnEnds: readonly number[];
  readonly own: readonly Event[];
  readonly made: readonly Made[];
}

/** A turn that ended, or was cut off at a dialog, between the last look before Enter and the taking counts as either. */
function checkQueued(prompt: Prompt, taken: Records['taken'], { turnEnds, own, made }: Around, say: Say): void {
  const last = taken.at(-1);
  if (prompt.stage.kind !== 'taken' || last === undefined || prompt.stage.queued === last.queued) return;
  const enter = own.findLast(({ kind, at }) => kind === 'prompt.entered' && at <= last.at);
  const from = (enter?.at ?? last.at) - PICTURE_MS;
  const to = last.at + PICTURE_MS;
  if (turnEnds.some((at) => from < at && at < to)) return;
  if (made.some((each) => each.name === 'dialog' && each.role === prompt.role && from < each.to && each.from < to))
    return;
  say(`told as ${prompt.stage.queued ? 'queued' : 'accepted'}, but the agent was ${last.queued ? 'busy' : 'idle'}`);
}

/** Which troubles may be the reason that is told for a hold, besides those that concern every pane. */
const REASONS: readonly { readonly reason: RegExp; readonly of: RegExp }[] = [
  { reason: /copy mode/, of: /copy mode/ },
  { reason: /draft/, of: /draft|settled|evidence|swallowed/ },
  { reason: /added to our text/, of: /draft/ },
  { reason: /dialog|waits for an answer|permission:|question:|limit:/, of: /dialog/ },
  { reason: /too small/, of: /client/ },
  { reason: /is not running|has ended|is gone|ended before/, of: /killed|closed pane/ },
  { reason: /being opened|could not be looked at|could not be told/, of: /killed|closed pane|engine/ },
  { reason: /did not report the prompt/, of: /evidence|draft|killed/ },
  { reason: /composer cannot be seen/, of: /client|killed|closed pane|draft/ },
  { reason: /is not in the composer/, of: /draft|dialog|killed|slow drawing/ },
  { reason: /still stands/, of: /swallowed|slow drawing|copy mode/ },
  { reason: /menu|shell mode/, of: /draft/ },
  { reason: /is at work/, of: /busy agent|dialog/ },
  { reason: /cannot be found|has not reported/, of: /killed|closed pane|client/ },
];
/** A trouble shows for a while after it is over: a dead agent until the next one is up, a lost text until it is given up. */
const AFTER_MS = 12_000;
/** These lie in wait for the next prompts of the agent, for as long as it lives. */
const LYING_IN_WAIT = /evidence|swallowed/;

/** Whether the agent was in a turn that a prompt had begun, as nearly as its own records tell. */
const isInTurn = ({ taken, turnEnds }: Records, at: number): boolean =>
  taken.some((each) => {
    const end = turnEnds.find((ended) => ended > each.at) ?? Infinity;
    return each.at - PICTURE_MS < at && at < end + PICTURE_MS;
  });

/** Holds and doubts whose reason nobody made. */
function untold(events: readonly Event[], made: readonly Made[], recordsBy: ReadonlyMap<string, Records>): string[] {
  const roles = new Map(
    events.flatMap((event) => (event.kind === 'prompt.wanted' ? [[event.prompt, event.role]] : [])),
  );
  const endOf = ({ name, role, from, to }: Made): number =>
    LYING_IN_WAIT.test(name)
      ? (events.find((event) => event.kind === 'agent.exited' && event.role === role && event.at > from)?.at ??
        Infinity)
      : to;
  return events.flatMap((event) => {
    if (event.kind !== 'prompt.held' && event.kind !== 'prompt.stuck') return [];
    const role = roles.get(event.prompt);
    const causes = REASONS.filter(({ reason }) => reason.test(event.reason));
    const real = made.some(
      (each) =>
        (each.role === role || each.role === null || /client|watcher/.test(each.name)) &&
        each.from - 50 <= event.at &&
        event.at <= endOf(each) + AFTER_MS &&
        causes.some(({ of }) => of.test(each.name)),
    );
    const records = recordsBy.get(role ?? '');
    return real || (event.outcome === 'queued' && records !== undefined && isInTurn(records, event.at))
      ? []
      : [`prompt ${event.prompt} (${String(role)}): told "${event.outcome}: ${event.reason}", which nothing caused`];
  });
}

function countsOf(
  engine: EngineRig,
  events: readonly Event[],
  messages: ReadonlyMap<number, string>,
  made: readonly Made[],
): Record<string, number> {
  const counts: Record<string, number> = { messages: messages.size, prompts: engine.run().prompts.length };
  const count = (name: string): number => (counts[name] = (counts[name] ?? 0) + 1);
  for (const { name } of made) count(`trouble: ${name}`);
  for (const event of events) {
    if (event.kind === 'prompt.held' || event.kind === 'prompt.stuck') count(`told: ${event.outcome}`);
    else if (event.kind === 'prompt.taken') count(event.queued ? 'queued' : 'accepted');
    else if (event.kind.startsWith('prompt.')) count(event.kind);
    else if (event.kind === 'agent.exited' || event.kind === 'agent.failed') count(event.kind);
  }
  return counts;
}
