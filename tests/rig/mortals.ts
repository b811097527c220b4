/**
 * Ports that can die, all at once, as the things of a killed process do: what is asked afterwards is never done, and what
 * was under way is done but never answered. So a test ends an engine between any two of its steps, in its own process.
 */
export interface Mortals {
  /** The same port, until death. */
  wrap<T extends object>(port: T): T;
  /** Also ends every watch that a port has begun, since a dead process watches nothing. */
  die(): Promise<void>;
}

type Stop = (...given: unknown[]) => unknown;

export function mortals(): Mortals {
  let dead = false;
  const stops = new Set<Stop>();
  const never = new Promise<never>(() => undefined);

  const answered = async (asked: Promise<unknown>): Promise<unknown> => {
    const answer: unknown = await asked.catch((error: unknown) => {
      if (dead) return never;
      throw error;
    });
    if (isFunction(answer)) stops.add(answer);
    if (!dead) return answer;
    // Begun in the last moment.
    if (isFunction(answer)) await answer();
    return never;
  };

  const asked = (port: object, method: (...given: unknown[]) => unknown, given: unknown[]): unknown => {
    if (dead) return never;
    const answer = Reflect.apply(method, port, given.map(deafInDeath));
    if (answer instanceof Promise) return answered(answer);
    if (isFunction(answer)) stops.add(answer);
    return answer;
  };

  /** A callback handed to a port hears nothing any more. */
  const deafInDeath = (value: unknown): unknown =>
    isFunction(value)
      ? (...given: unknown[]): void => {
          if (!dead) Reflect.apply(value, undefined, given);
        }
      : value;

  return {
    wrap: (port) =>
      new Proxy(port, {
        get(target, key): unknown {
          const value: unknown = Reflect.get(target, key);
          return isFunction(value) ? (...given: unknown[]) => asked(target, value, given) : value;
        },
      }),
    async die() {
      dead = true;
      for (const stop of stops) await stop();
    },
  };
}

function isFunction(value: unknown): value is Stop {
  return typeof value === 'function';
}
