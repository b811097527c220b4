/**
 * Ports that can die, all at once, as the things of a killed process do: what is asked afterwards is never done, and what
 * was under way is done but never answered. So a test ends an engine between any two of its steps, in its own process.
 */
export interface Mortals {
  /**
   * The same port, until death. `effects` names methods that change the world, and those that call back: before and after
   * each of them fate is asked. `name` stands for the port in what fate is told.
   */
  wrap<T extends object>(port: T, name?: string, effects?: readonly (keyof T & string)[]): T;
  /** Also ends every watch that a port has begun, since a dead process watches nothing. */
  die(): Promise<void>;
  /** Resolves when fate has struck. */
  readonly struck: Promise<string>;
}

/** Asked at each point between two effects, e.g. `before terminal.paste`: whether everything ends here. */
export type Fate = (point: string) => boolean;

type Stop = (...given: unknown[]) => unknown;

const SPARES: Fate = () => false;

export function mortals(fate: Fate = SPARES): Mortals {
  let dead = false;
  let tellStruck: (point: string) => void;
  const struck = new Promise<string>((resolve) => (tellStruck = resolve));
  const stops = new Set<Stop>();
  const never = new Promise<never>(() => undefined);

  const isStruck = (point: string | null): boolean => {
    if (!dead && point !== null && fate(point)) {
      dead = true;
      tellStruck(point);
    }
    return dead;
  };

  const answered = async (asked: Promise<unknown>, point: string | null): Promise<unknown> => {
    const answer: unknown = await asked.catch((error: unknown) => {
      if (isStruck(after(point))) return never;
      throw error;
    });
    if (isFunction(answer)) stops.add(answer);
    if (!isStruck(after(point))) return answer;
    // Begun in the last moment.
    if (isFunction(answer)) await answer();
    return never;
  };

  const asked = (
    port: object,
    method: (...given: unknown[]) => unknown,
    given: unknown[],
    point: string | null,
  ): unknown => {
    if (isStruck(before(point))) return never;
    const heard = given.map((each) => deafInDeath(each, point));
    const answer = Reflect.apply(method, port, heard);
    if (answer instanceof Promise) return answered(answer, point);
    if (isFunction(answer)) stops.add(answer);
    return answer;
  };

  /** A callback handed to a port hears nothing any more. */
  const deafInDeath = (value: unknown, point: string | null): unknown =>
    isFunction(value)
      ? (...given: unknown[]): void => {
          const told = point === null ? null : `${point} tells`;
          if (isStruck(before(told))) return;
          Reflect.apply(value, undefined, given);
          isStruck(after(told));
        }
      : value;

  return {
    struck,
    wrap: (port, name = '', effects = []) =>
      new Proxy(port, {
        get(target, key): unknown {
          const value: unknown = Reflect.get(target, key);
          if (PURE.has(key)) return value;
          const point = effects.some((effect) => effect === key) ? `${name}.${String(key)}` : null;
          return isFunction(value) ? (...given: unknown[]) => asked(target, value, given, point) : value;
        },
      }),
    async die() {
      dead = true;
      for (const stop of stops) await stop();
    },
  };
}

/** They answer at once and change nothing; a dead process' last thoughts may go on until they ask for anything else. */
const PURE: ReadonlySet<string | symbol> = new Set(['now', 'classify']);

const before = (point: string | null): string | null => (point === null ? null : `before ${point}`);
const after = (point: string | null): string | null => (point === null ? null : `after ${point}`);

function isFunction(value: unknown): value is Stop {
  return typeof value === 'function';
}
