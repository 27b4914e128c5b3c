import { Duration } from 'aws-cdk-lib';
import type * as backup from 'aws-cdk-lib/aws-backup';
import type { IConstruct } from 'constructs';
import type { VaultLock } from '../planning/retention';
import { invalid } from '../private/errors';
import { type ComplianceAcknowledgement, requireAcknowledgement } from './compliance';

/**
 * Limits of a backup vault (AWS Backup Vault Lock). A job whose retention is outside of them fails, so the
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

  /**
   * Compliance mode. Irreversible once `changeableFor` has passed.
   *
   * @default - governance mode: who may change the vault may lift the lock
   */
  readonly compliance?: ComplianceAcknowledgement;

  /**
   * How long a lock in compliance mode can still be changed or lifted after it was deployed. Whole days, from 3 (AWS Backup's
   * limit).
   *
   * @default Duration.days(3)
   */
  readonly changeableFor?: Duration;
}

/** The same in days, for the planner. */
export const lockInDays = (lock: VaultLockOptions | undefined): VaultLock | undefined =>
  lock && {
    minDays: lock.minRetention?.toDays({ integral: false }),
    maxDays: lock.maxRetention?.toDays({ integral: false }),
  };

/** Shortest retention that it allows, with its default. */
export const lockMinDays = (lock: VaultLockOptions): number => minRetentionOf(lock).toDays({ integral: false });

const minRetentionOf = ({ minRetention = Duration.days(1) }: VaultLockOptions): Duration => minRetention;

/** FACTS: AWS Backup makes a lock immutable after at least three days; one without that time is in governance mode. */
const LEAST_CHANGEABLE_DAYS = 3;

/** As the vault takes it. */
export function lockConfiguration(
  scope: IConstruct,
  lock: VaultLockOptions | undefined,
): backup.LockConfiguration | undefined {
  if (lock === undefined) return undefined;
  const { compliance, changeableFor = Duration.days(LEAST_CHANGEABLE_DAYS) } = lock;
  if (!compliance && lock.changeableFor) {
    throw invalid(
      scope,
      '`vaultLock.changeableFor` must come with `vaultLock.compliance`, got it alone: in governance mode the lock stays changeable',
    );
  }
  requireAcknowledgement(scope, 'vaultLock.compliance', compliance);
  const days = changeableFor.toDays({ integral: false });
  if (!Number.isInteger(days) || days < LEAST_CHANGEABLE_DAYS) {
    throw invalid(
      scope,
      `\`vaultLock.changeableFor\` must be at least ${LEAST_CHANGEABLE_DAYS} whole days, got ${changeableFor.toHumanString()}: ` +
        'AWS Backup takes no shorter time',
    );
  }
  return {
    minRetention: minRetentionOf(lock),
    maxRetention: lock.maxRetention,
    ...(compliance ? { changeableFor } : {}),
  };
}
