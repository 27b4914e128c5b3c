/** What has to be reached. Pure. */
import type { Operation } from '../operations/names';
import type { TreeSizeName } from '../tree/layout';

export interface Target {
  readonly of: 'ratio' | 'value';
  readonly atMost: number;
}

/** Ratios are to restic on the same tree and server; bytes and milliseconds are absolute. */
const TARGETS: Readonly<Partial<Record<string, Target>>> = {
  full: { of: 'ratio', atMost: 0.4 },
  unchanged: { of: 'ratio', atMost: 0.15 },
  changed: { of: 'ratio', atMost: 0.2 },
  restore: { of: 'ratio', atMost: 0.45 },
  verify: { of: 'ratio', atMost: 0.3 },
  stored: { of: 'ratio', atMost: 0.93 },
  requests: { of: 'ratio', atMost: 1 },
  memory: { of: 'value', atMost: 350e6 },
  'memory-large': { of: 'value', atMost: 350e6 },
  'slow-volume': { of: 'ratio', atMost: 0.25 },
  'command/--help': { of: 'value', atMost: 300 },
  'planning/plan()': { of: 'value', atMost: 50 },
  'planning/added to a synth by planning': { of: 'value', atMost: 100 },
};

/** What of the archive is to be reached is said for tree M; on a small tree the start of the process is most of it. */
const NEEDS_NO_TREE: ReadonlySet<Operation> = new Set(['memory-large', 'command', 'planning']);

export const targetOf = (operation: Operation, part: string | undefined, tree: TreeSizeName): Target | undefined =>
  tree === 'M' || NEEDS_NO_TREE.has(operation)
    ? TARGETS[part === undefined ? operation : `${operation}/${part}`]
    : undefined;
