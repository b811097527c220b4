import type { Fact } from './event.ts';
import type { MemoryLevel } from './resources.ts';
import type { Request } from './request.ts';
import type { Run } from './run.ts';
import { sizeWord } from './size.ts';

/** In bytes; null: never. */
export interface MemoryLimits {
  readonly warnAbove: number | null;
  readonly pauseAbove: number | null;
}

/** What the process tree of one agent takes. */
export interface MemoryLook {
  readonly feature: string;
  readonly role: string;
  readonly bytes: number;
  readonly before: MemoryLevel;
}

export interface MemoryFinding extends MemoryLook {
  readonly level: MemoryLevel;
  /** The bound that it is over; null where it is over none. */
  readonly above: number | null;
}

/** A level that was reached is left only well below it: what goes up and down around a bound is told once. */
const EASES_AT = 0.9;

/**
 * The level of each agent. Of several that have newly come over the limit in one look, only the hungriest is said to be:
 * what it gives back may be what the others need.
 */
export function memoryLevels(looks: readonly MemoryLook[], limits: MemoryLimits): MemoryFinding[] {
  const found = looks.map((look) => findingOf(look, levelOf(look, limits), limits));
  const newcomers = found.filter(({ level, before }) => level === 'limit' && before !== 'limit');
  const hungriest = newcomers.reduce<MemoryFinding | null>(
    (most, each) => (most === null || each.bytes > most.bytes ? each : most),
    null,
  );
  return found.map((each) =>
    newcomers.includes(each) && each !== hungriest ? findingOf(each, withoutLimit(each, limits), limits) : each,
  );
}

const isOver = (bytes: number, bound: number | null, isAlready: boolean): boolean =>
  bound !== null && bytes > (isAlready ? bound * EASES_AT : bound);

function levelOf(look: MemoryLook, limits: MemoryLimits): MemoryLevel {
  return isOver(look.bytes, limits.pauseAbove, look.before === 'limit') ? 'limit' : withoutLimit(look, limits);
}

const withoutLimit = ({ bytes, before }: MemoryLook, { warnAbove }: MemoryLimits): MemoryLevel =>
  isOver(bytes, warnAbove, before !== 'ok') ? 'warning' : 'ok';

function findingOf(look: MemoryLook, level: MemoryLevel, { warnAbove, pauseAbove }: MemoryLimits): MemoryFinding {
  const { feature, role, bytes, before } = look;
  return { feature, role, bytes, before, level, above: ABOVE[level]({ warnAbove, pauseAbove }) };
}

const ABOVE: Readonly<Record<MemoryLevel, (limits: MemoryLimits) => number | null>> = {
  ok: () => null,
  warning: ({ warnAbove }) => warnAbove,
  limit: ({ pauseAbove }) => pauseAbove,
};

/** A change of level is noted; one that comes over the limit pauses the run, so that no new turn begins in it. */
export function memorySeen(run: Run, request: Extract<Request, { kind: 'memory-seen' }>): Fact[] {
  const { role, level, bytes, above } = request;
  if (!run.agents[role] || (run.memory[role]?.level ?? 'ok') === level) return [];
  const noted: Fact = { kind: 'memory.noted', role, level, bytes, above };
  if (level !== 'limit' || run.paused) return [noted];
  const why = `the ${role}'s agent takes ${sizeWord(bytes)}, more than the limit of ${sizeWord(above ?? 0)}`;
  return [noted, { kind: 'run.paused', by: 'tmops', why }];
}
