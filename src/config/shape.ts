import * as z from 'zod';
import type { KeyPath } from './faults.ts';

/** What a schema takes in, as JSON Schema: the one description that faults, variables and the documentation read. */
export type Shape = z.core.JSONSchema.BaseSchema;

export type TypeName = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object';

export function shapeOf(schema: z.ZodType): Shape {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', cycles: 'ref' });
}

/** The shape under a key or an index; where several alternatives have it, all of them. */
export function childOf(shape: Shape | null, step: string | number): Shape | null {
  const children = branches(shape).flatMap((branch) => {
    const child = typeof step === 'number' ? branch.items : (property(branch, step) ?? branch.additionalProperties);
    return typeof child === 'object' && !Array.isArray(child) ? [child] : [];
  });
  return children.length > 1 ? { anyOf: children } : (children[0] ?? null);
}

export function shapeAt(shape: Shape, path: KeyPath): Shape | null {
  return path.reduce<Shape | null>((here, step) => childOf(here, step), shape);
}

export function accepts(shape: Shape | null, type: TypeName): boolean {
  return branches(shape).some((branch) => typesOf(branch).includes(type));
}

/** Names of the keys a map may have; empty for a map of free names. */
export function keysOf(shape: Shape | null): string[] {
  return [...new Set(branches(shape).flatMap((branch) => Object.keys(branch.properties ?? {})))];
}

export interface Leaf {
  readonly path: readonly string[];
  readonly shape: Shape;
}

/** Every key that holds a value of its own, in the order of the schema. A map of free names counts as one value. */
export function leavesOf(shape: Shape, path: readonly string[] = []): Leaf[] {
  return keysOf(shape).flatMap((key) => {
    const child = childOf(shape, key) ?? {};
    const here = [...path, key];
    return keysOf(child).length > 0 ? leavesOf(child, here) : [{ path: here, shape: child }];
  });
}

/** What is allowed, as the end of "expected …". A schema may say it itself in its metadata as `expects`. */
export function expectation(shape: Shape | null): string {
  if (shape === null) return 'a value';
  if (typeof shape['expects'] === 'string') return shape['expects'];
  const parts = shape.anyOf ?? shape.oneOf;
  if (!parts) return expectationOf(shape);
  const said = parts.map((part) => (typeof part === 'object' ? expectation(part) : 'a value'));
  return [...new Set(said)].join(', or ');
}

function expectationOf(shape: Shape): string {
  if (shape.enum) return `one of ${shape.enum.map(String).join(', ')}`;
  if (shape.const !== undefined) return String(shape.const);
  const type = typesOf(shape)[0];
  switch (type) {
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'number':
      return expectedNumber(shape);
    case 'string':
      return (shape.minLength ?? 0) > 0 ? 'text that is not empty' : 'text';
    case 'array':
      return `a list, each ${expectation(childOf(shape, 0))}`;
    case 'object':
      return expectedMap(shape);
    default:
      return 'a value';
  }
}

function expectedNumber(shape: Shape): string {
  const noun = shape.type === 'integer' ? 'a whole number' : 'a number';
  const low = bound(shape.minimum);
  const high = bound(shape.maximum);
  if (low !== null && high !== null) return `${noun} from ${low} to ${high}`;
  if (low !== null) return `${noun} from ${low}`;
  return high !== null ? `${noun} up to ${high}` : noun;
}

function expectedMap(shape: Shape): string {
  const keys = keysOf(shape);
  if (keys.length > 0) return `a map of ${keys.join(', ')}`;
  return `a map of names, each with ${expectation(childOf(shape, ''))}`;
}

/** The limits of safe integers are no bounds that anybody set. */
function bound(limit: number | undefined): number | null {
  return limit === undefined || Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? null : limit;
}

function branches(shape: Shape | null): Shape[] {
  if (shape === null) return [];
  const alternatives = shape.anyOf ?? shape.oneOf;
  return alternatives ? alternatives.flatMap((each) => (typeof each === 'object' ? branches(each) : [])) : [shape];
}

function property(shape: Shape, key: string): Shape | boolean | undefined {
  return shape.properties && Object.hasOwn(shape.properties, key) ? shape.properties[key] : undefined;
}

function typesOf(shape: Shape): TypeName[] {
  if (shape.type !== undefined) {
    return [shape.type].flat().map((type) => (type === 'integer' ? 'number' : type));
  }
  const values: unknown[] = shape.enum ?? (shape.const !== undefined ? [shape.const] : []);
  return values.map(typeName);
}

export function typeName(value: unknown): TypeName {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  const type = typeof value;
  return type === 'number' || type === 'boolean' || type === 'string' ? type : 'object';
}
