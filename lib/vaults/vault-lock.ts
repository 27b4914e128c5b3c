import { Duration } from 'aws-cdk-lib';
import type * as backup from 'aws-cdk-lib/aws-backup';
import type { VaultLock } from '../planning/retention';

/**
 * Limits of a backup vault (AWS Backup Vault Lock, governance mode). A job whose retention is outside of them fails, so the
 * synth stops where a rule of the plan is.
 */
export interface VaultLockOptions {
  /**
   * Shortest retention that a job may ask for. Whole days, from 1. Above 35 days there is no continuous backup.
   *
   * @default Duration.days(1)
   */
  readonly minRetention?: Duration;

  /**
   * Longest retention that a job may ask for. Whole days, to 36,500.
   *
   * @default - AWS Backup's own, 36,500 days
   */
  readonly maxRetention?: Duration;
}

/** The same in days, for the planner. */
export const lockInDays = (lock: VaultLockOptions | undefined): VaultLock | undefined =>
  lock && {
    minDays: lock.minRetention?.toDays({ integral: false }),
    maxDays: lock.maxRetention?.toDays({ integral: false }),
  };

/** No date from which it could not be changed any more: that would be compliance mode. */
export const lockConfiguration = (lock: VaultLockOptions | undefined): backup.LockConfiguration | undefined =>
  lock && { minRetention: lock.minRetention ?? Duration.days(1), maxRetention: lock.maxRetention };
