import type { Frozen } from './schema.ts';

/** Freezes a plain value all the way down and returns it. */
export function freeze<T>(value: T): Frozen<T> {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) freeze(child);
  }
  return value as Frozen<T>;
}
