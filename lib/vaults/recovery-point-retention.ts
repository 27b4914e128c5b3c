import type { Duration } from 'aws-cdk-lib';
import type { RetentionInput } from '../planning/retention';

/**
 * How long recovery points of AWS Backup are kept, in whole days. The tiers `daily` to `yearly` keep one point of each
 * period longer, at both sites; each must be longer than the one before it.
 */
export interface RecoveryPointRetention {
  /**
   * Every point that the objectives need. Continuous backup keeps at most 35 days of it (AWS Backup's limit). Longer than
   * the time between two drills.
   *
   * @default Duration.days(35)
   */
  readonly all?: Duration;

  /**
   * The copies of those at the DR site. Longer than the time between two drills.
   *
   * @default - as `all`
   */
  readonly copies?: Duration;

  /**
   * One point a day.
   *
   * @default - none beside `all`
   */
  readonly daily?: Duration;

  /**
   * The point of each Sunday.
   *
   * @default - none
   */
  readonly weekly?: Duration;

  /**
   * The point of the first of each month.
   *
   * @default - none
   */
  readonly monthly?: Duration;

  /**
   * The point of each January the first.
   *
   * @default - none
   */
  readonly yearly?: Duration;

  /**
   * When EFS points move to cold storage that are kept at least 90 days longer (AWS Backup's limit). RDS has none.
   *
   * @default - never
   */
  readonly efsColdStorageAfter?: Duration;
}

/** The same in days, for the planner, which refuses what is not whole. */
export function retentionInDays(retention: RecoveryPointRetention = {}): RetentionInput {
  const days = (duration: Duration | undefined) => duration?.toDays({ integral: false });
  return {
    allDays: days(retention.all),
    copyDays: days(retention.copies),
    dailyDays: days(retention.daily),
    weeklyDays: days(retention.weekly),
    monthlyDays: days(retention.monthly),
    yearlyDays: days(retention.yearly),
    efsColdAfterDays: days(retention.efsColdStorageAfter),
  };
}
