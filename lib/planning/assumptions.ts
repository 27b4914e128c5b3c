import type { PlanTerm } from './plan-document';

/**
 * What the arithmetic needs and AWS does not publish. A drill reports what it really was; put that in here. Durations are
 * cautious defaults.
 */
export interface PlanAssumptions {
  /** A backup job of AWS Backup, from its start to a completed recovery point. At most a day. Default: 3600. */
  readonly backupJobSeconds: number;
  /** A copy job of AWS Backup to another Region, from its start to its end. At most a day. Default: 3600. */
  readonly copyJobSeconds: number;
  /** One artifact export, from its start to its manifest. Default: 900, after which Lambda ends the function. */
  readonly exportSeconds: number;
  /** From a transaction log being shipped to its replica in the other Region. Default: 3600. */
  readonly automatedBackupReplicationSeconds: number;
  /** How far the secondary cluster of an Aurora Global Database may lag. Default: 60. */
  readonly globalDatabaseLagSeconds: number;
  /** Failing over to the secondary cluster of an Aurora Global Database. Default: 900. */
  readonly globalDatabaseFailoverSeconds: number;
  /** RDS making a new, empty instance or cluster. Default: 1800. */
  readonly databaseCreationSeconds: number;
  /** RDS filling it. Default: 10, about 100 MiB a second. */
  readonly databaseRestoreSecondsPerGib: number;
  /** Files written in a restore, of a size that does not count. Default: 250, half of what AWS publishes for EFS. */
  readonly filesRestoredPerSecond: number;
  /** Bytes written in a restore of files. Default: 50, half of what AWS publishes for EFS. */
  readonly mebibytesRestoredPerSecond: number;
  /** Choosing what to restore, and the checks of what was. Default: 300. */
  readonly checksSeconds: number;
}

type Key = keyof PlanAssumptions;

export const DEFAULT_ASSUMPTIONS: PlanAssumptions = {
  // IS databases are gigabytes, not terabytes; snapshots after the first are incremental. An hour has room to spare.
  backupJobSeconds: 3600,
  copyJobSeconds: 3600,
  // FACTS: Lambda, 900 s. An export that runs longer has failed, so no usable one took longer.
  exportSeconds: 900,
  // FACTS: RDS cross-Region automated backups, lag not published.
  automatedBackupReplicationSeconds: 3600,
  // FACTS: Aurora Global Database, lag typically under 1 s: typical is no limit.
  globalDatabaseLagSeconds: 60,
  globalDatabaseFailoverSeconds: 900,
  databaseCreationSeconds: 1800,
  databaseRestoreSecondsPerGib: 10,
  // FACTS: EFS backup speed about 100 MB/s for large files, 500 files/s for small ones.
  filesRestoredPerSecond: 250,
  mebibytesRestoredPerSecond: 50,
  checksSeconds: 300,
};

const UNPUBLISHED = 'default: AWS publishes no duration, drills measure it';

const DEFAULT_SOURCES: Record<Key, string> = {
  backupJobSeconds: UNPUBLISHED,
  copyJobSeconds: UNPUBLISHED,
  exportSeconds: 'AWS limit: Lambda ends a function after 900 s',
  automatedBackupReplicationSeconds: UNPUBLISHED,
  globalDatabaseLagSeconds: 'default: AWS says typically under 1 s, which is no limit',
  globalDatabaseFailoverSeconds: UNPUBLISHED,
  databaseCreationSeconds: UNPUBLISHED,
  databaseRestoreSecondsPerGib: UNPUBLISHED,
  filesRestoredPerSecond: 'default: half of the 500 files/s that AWS publishes for EFS',
  mebibytesRestoredPerSecond: 'default: half of the 100 MB/s that AWS publishes for EFS',
  checksSeconds: 'default: drills measure it',
};

/** FACTS: a job that takes longer than its interval meets the next one; the longest interval is a day. */
const MOST: Partial<Record<Key, number>> = { backupJobSeconds: 86_400, copyJobSeconds: 86_400 };

/** Where the number comes from: the user's input or the default. */
export const sourceOf = (key: Key, assumptions: PlanAssumptions): string =>
  assumptions[key] === DEFAULT_ASSUMPTIONS[key] ? DEFAULT_SOURCES[key] : `input: ${key}`;

/** A term out of an assumption. */
export const assumedTerm = (
  name: string,
  key: Key,
  assumptions: PlanAssumptions,
  seconds = assumptions[key],
): PlanTerm => ({ name, seconds, source: sourceOf(key, assumptions) });

/** Sum of the terms: the worst case. */
export const sumSeconds = (terms: readonly PlanTerm[]) => terms.reduce((sum, term) => sum + term.seconds, 0);

/** What is given, and the defaults for what is left out. */
export function resolveAssumptions(given: Partial<PlanAssumptions> = {}): PlanAssumptions {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_ASSUMPTIONS, ...Object.fromEntries(entries) };
}

/** What is wrong with them; nothing is. */
export function assumptionProblems(assumptions: PlanAssumptions): string[] {
  return (Object.keys(assumptions) as Key[]).flatMap((key) => {
    const value = assumptions[key];
    const most = MOST[key];
    if (!(key in DEFAULT_ASSUMPTIONS)) {
      return [
        `\`assumptions\` must be of ${Object.keys(DEFAULT_ASSUMPTIONS).join(', ')}, got '${key}': correct its name`,
      ];
    }
    if (Number.isFinite(value) && value > 0 && value <= (most ?? Infinity)) return [];
    const allowed = most === undefined ? 'more than 0' : `more than 0 and at most ${most}`;
    return [`\`assumptions.${key}\` must be ${allowed}, got ${value}: measure it, or leave it out`];
  });
}
