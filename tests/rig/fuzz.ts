import fc from 'fast-check';
import { createContext, Script } from 'node:vm';

/** TMOPS_SEED repeats a run, TMOPS_INPUTS makes a longer or a shorter one. */
const SEED = Number(process.env['TMOPS_SEED'] ?? 20_261_121);
export const INPUTS = Number(process.env['TMOPS_INPUTS'] ?? 100_000);

/** More than any single input may take, on a machine with much else to do. */
const SLOWEST_MS = 2_000;
/** An endless loop is ended after this many ms for all inputs of a batch; an idle machine needs a fraction of one second. */
const BATCH_WITHIN_MS = 60_000;
const BATCH = 2_000;

/** How long a test of `INPUTS` inputs may take before vitest calls it stuck. */
export const FUZZ_TIMEOUT_MS = 300_000;

/**
 * Tries a property with `count` inputs. It throws with the input (and the seed that leads to it) where the property does,
 * where one input takes too long three times in a row, and where one never ends.
 */
export function fuzz<T>(what: string, inputs: fc.Arbitrary<T>, holds: (input: T) => void, count = INPUTS): void {
  process.stdout.write(`seed ${SEED}, ${count} inputs: ${what}\n`);
  const pristine = prototypes();
  for (let done = 0; done < count; done += BATCH) {
    const numRuns = Math.min(BATCH, count - done);
    // Each batch begins with small inputs again.
    batch(what, inputs, holds, { seed: SEED + done, numRuns });
  }
  if (prototypes() !== pristine) throw new Error(`${what}: the prototypes of the language were changed (seed ${SEED})`);
}

/** The same with each of a list, word by word. */
export function each<T>(what: string, inputs: readonly T[], holds: (input: T) => void): void {
  const pristine = prototypes();
  let present: T | undefined;
  const all = (): void => {
    for (const input of inputs) timed(holds, (present = input));
  };
  bounded(what, () => fc.stringify(present), all);
  if (prototypes() !== pristine) throw new Error(`${what}: the prototypes of the language were changed`);
}

function batch<T>(
  what: string,
  inputs: fc.Arbitrary<T>,
  holds: (input: T) => void,
  given: { readonly seed: number; readonly numRuns: number },
): void {
  let present: T | undefined;
  const property = fc.property(inputs, (input) => {
    present = input;
    timed(holds, input);
  });
  bounded(
    what,
    () => `${fc.stringify(present)} (seed ${given.seed})`,
    () => {
      fc.assert(property, given);
    },
  );
}

/** One slow time says something of the machine, three say something of the input. */
function timed<T>(holds: (input: T) => void, input: T): void {
  for (let tries = 3; tries > 0; tries -= 1) {
    const started = performance.now();
    holds(input);
    if (performance.now() - started < SLOWEST_MS) return;
  }
  throw new Error(`three times it took more than ${SLOWEST_MS} ms`);
}

const script = new Script('work()');

/** A loop without an end leaves no chance to look at a clock: the engine of the language is told to break it off. */
function bounded(what: string, present: () => string, work: () => void): void {
  try {
    script.runInContext(createContext({ work }), { timeout: BATCH_WITHIN_MS });
  } catch (error) {
    // It may come out of the other context, whose Error is not ours.
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
    if (code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new Error(`${what}: no end within ${BATCH_WITHIN_MS} ms at ${present()}`, { cause: error });
  }
}

/** What hangs on the prototypes that every object has. */
function prototypes(): string {
  const all = [Object.prototype, Array.prototype, String.prototype, Function.prototype, Map.prototype];
  return JSON.stringify(all.map((prototype) => Object.getOwnPropertyNames(prototype).sort()));
}

/** One of the texts with a stretch of it replaced. */
export function damaged(whole: readonly string[], pieces: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...whole), fc.nat(), fc.nat(40), pieces).map(([text, at, gone, piece]) => {
    const cut = at % (text.length + 1);
    return text.slice(0, cut) + piece + text.slice(cut + gone);
  });
}

/** Pieces put one after the other. */
export function strung(pieces: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> {
  return fc.array(pieces, { maxLength }).map((all) => all.join(''));
}

/** Characters that a terminal acts upon, line feed and tab left out. */
export const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f]/;
