/** What a run found, for machines: `out/bench/results.json`. Raised when a reader of the version before would stumble. */
import type { Operation } from '../operations/names';
import type { Spread } from '../measure/ratios';

export const RESULTS_VERSION = 1;

export interface Results {
  readonly formatVersion: typeof RESULTS_VERSION;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly machine: {
    readonly cpu: string;
    readonly cpus: number;
    readonly memoryBytes: number;
    readonly kernel: string;
    readonly scratchOnMemory: boolean;
  };
  readonly tree: {
    readonly name: string;
    readonly seed: string;
    readonly files: number;
    readonly bytes: number;
    readonly tenants: number;
  };
  readonly server: string;
  /** Name to version. */
  readonly contenders: Readonly<Record<string, string>>;
  readonly baseline: string;
  readonly rows: readonly Row[];
  /** What was not measured, and why. */
  readonly leftOut: readonly string[];
}

/** One contender in one operation. */
export interface Row {
  readonly operation: Operation;
  /** What of the operation, where it has several parts (`cold start, export`). */
  readonly part?: string;
  readonly contender: string;
  readonly unit: 'seconds' | 'milliseconds' | 'bytes' | 'requests';
  /** As measured, in order. */
  readonly values: readonly number[];
  readonly value: Spread;
  /** To the baseline, pair by pair; absent where there is nothing to compare with, and for the baseline itself. */
  readonly ratio?: Spread;
  /** The same of the processor time. */
  readonly cpuRatio?: Spread;
  readonly target?: { readonly of: 'ratio' | 'value'; readonly atMost: number; readonly met: boolean };
}
