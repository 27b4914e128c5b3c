import type { Duration } from 'aws-cdk-lib';
import type { PlanAssumptions } from '../planning/assumptions';

/**
 * What the arithmetic of the plan needs and AWS does not publish. Durations must be more than zero. A drill reports what
 * they really were.
 */
export interface PlanningAssumptions {
  /**
   * A backup job of AWS Backup, from its start to a completed recovery point. At most a day.
   *
   * @default Duration.hours(1)
   */
  readonly backupJob?: Duration;

  /**
   * A copy job of AWS Backup to another Region, from its start to its end. At most a day.
   *
   * @default Duration.hours(1)
   */
  readonly copyJob?: Duration;

  /**
   * One artifact export, from its start to its manifest.
   *
   * @default Duration.minutes(15), after which Lambda ends the function
   */
  readonly artifactExport?: Duration;

  /**
   * How long RDS takes to replicate a transaction log to the DR Region.
   *
   * @default Duration.hours(1)
   */
  readonly automatedBackupReplication?: Duration;

  /**
   * How far the secondary cluster of an Aurora Global Database may lag. AWS: typically under a second, which is no limit.
   *
   * @default Duration.minutes(1)
   */
  readonly globalDatabaseLag?: Duration;

  /**
   * RDS making a new instance, before it fills it. For the estimate of the time to recover.
   *
   * @default Duration.minutes(30)
   */
  readonly databaseCreation?: Duration;

  /**
   * Failing over to the secondary cluster of an Aurora Global Database. For the estimate of the time to recover.
   *
   * @default Duration.minutes(15)
   */
  readonly globalDatabaseFailover?: Duration;

  /**
   * Choosing what to restore, and the checks of what was. For the estimate of the time to recover.
   *
   * @default Duration.minutes(5)
   */
  readonly checks?: Duration;
}

/** The same in seconds, for the planner. */
export function assumptionsInSeconds(assumptions: PlanningAssumptions = {}): Partial<PlanAssumptions> {
  const seconds = (duration: Duration | undefined) => duration?.toSeconds({ integral: false });
  return {
    backupJobSeconds: seconds(assumptions.backupJob),
    copyJobSeconds: seconds(assumptions.copyJob),
    exportSeconds: seconds(assumptions.artifactExport),
    automatedBackupReplicationSeconds: seconds(assumptions.automatedBackupReplication),
    globalDatabaseLagSeconds: seconds(assumptions.globalDatabaseLag),
    globalDatabaseFailoverSeconds: seconds(assumptions.globalDatabaseFailover),
    databaseCreationSeconds: seconds(assumptions.databaseCreation),
    checksSeconds: seconds(assumptions.checks),
  };
}
