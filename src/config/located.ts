import type { ConfigFault, KeyPath, Position } from './faults.ts';
import { faultAt, positionOf } from './source.ts';
import { find } from './tree.ts';
import type { Tree } from './tree.ts';

/** Points at what was read: for checks that come after loading and need more than the file, such as a workflow's roles. */
export interface Located {
  /** Where a value was given; for a path that leads nowhere, the place around it. */
  locate(path: KeyPath): Position;
  /** A fault at the place of a value. */
  blame(path: KeyPath, expected: string): ConfigFault;
}

export function locatedIn(tree: Tree): Located {
  return {
    locate: (path) => positionOf(find(tree, path).place),
    blame: (path, expected) => faultAt('bad-value', find(tree, path).place, path, { expected }),
  };
}
