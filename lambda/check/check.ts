import type { ArchivedVolume, CheckEvent, CheckOutcome, RestoredDatabase } from './contract';
import type { DatasourceEntry } from '../../lib/planning/plan-document';
import type { DatasourceCounts } from '../count/contract';
import type { RestoredConnection } from './databases/database';
import type { RestoredKeys } from './encryption/restored-keys';
import type { RestoredTree } from './restored-tree';

/** One check of the drill. It looks at each of its targets alone, so that one that fails hides nothing of the others. */
export interface Check {
  /** As in `CheckOutcome.check`. */
  readonly name: string;
  targets(surroundings: Surroundings): readonly Target[];
}

export interface Target {
  /** As in `CheckOutcome.component`. */
  readonly component: string;
  /** What it throws becomes FAILED with the message. */
  run(): Promise<Finding>;
}

export type Finding = Pick<CheckOutcome, 'status' | 'reason' | 'compared'>;

/** What checks may look at; everything that leaves the process is behind it. */
export interface Surroundings {
  readonly event: CheckEvent;
  readonly tree: RestoredTree;
  /** What the restored `deployment.toml` and keystores can decrypt. */
  readonly keys: RestoredKeys;
  /** Connects as IS would, with the credentials of the database's secret; hands the connection to `use` and closes it. */
  withConnection<Result>(
    database: RestoredDatabase,
    datasource: DatasourceEntry,
    use: (connection: RestoredConnection) => Promise<Result>,
  ): Promise<Result>;
  /** What was noted of production around a moment, in the order of time. */
  readCounts(moment: string): Promise<CountsAround>;
  /** Rows that the checks found, by `COMPONENT, DATASOURCE`: counting a large table twice would count as recovery time. */
  readonly counted: Map<string, Readonly<Record<string, number>>>;
  /** What the export wrote down of a volume. */
  readManifest(volume: ArchivedVolume): Promise<ExpectedTree>;
}

export interface CountsAround {
  readonly near: readonly DatasourceCounts[];
  /** Whether anything was ever noted of the deployment. */
  readonly any: boolean;
}

export interface ExpectedTree {
  readonly entries: readonly ExpectedEntry[];
  /** Paths that the export could not read, or that never held still, each with the reason. */
  readonly problems: readonly string[];
}

export interface ExpectedEntry {
  /** Path relative to the volume's root, `/` between the names; bytes that are no UTF-8 as in the archive's `byte-path`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly size: number;
  /** Lower-case hexadecimal; files only. */
  readonly sha256?: string;
  /** Where it leads; symbolic links only. */
  readonly linkTarget?: string;
}

export const passed = (reason: string, compared: Finding['compared']): Finding => ({
  status: 'PASSED',
  reason,
  compared,
});
export const warning = (reason: string, compared: Finding['compared']): Finding => ({
  status: 'WARNING',
  reason,
  compared,
});
export const failed = (reason: string, compared: Finding['compared']): Finding => ({
  status: 'FAILED',
  reason,
  compared,
});
export const skipped = (reason: string, compared: Finding['compared'] = {}): Finding => ({
  status: 'SKIPPED',
  reason,
  compared,
});

/** How many of a list a reason names before it counts the rest: a sentence must stay a sentence. */
const NAMED = 10;

export function someOf(names: readonly (string | number)[]): string {
  const rest = names.length - NAMED;
  return names.slice(0, NAMED).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
