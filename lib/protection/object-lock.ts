import type { Duration } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { IConstruct } from 'constructs';
import { invalid } from '../private/errors';
import { type ComplianceAcknowledgement, requireAcknowledgement } from './compliance';

/**
 * S3 Object Lock of a bucket for archives: for so long after it was written no version of an object can be deleted or
 * overwritten. To be chosen before the bucket is made: CloudFormation replaces a bucket that is given it later.
 */
export interface ObjectLockOptions {
  /** How long a version is locked from when it was written. Whole days, from 1. */
  readonly retention: Duration;

  /**
   * Compliance mode. Irreversible for what is locked.
   *
   * @default - governance mode: who may `s3:BypassGovernanceRetention` may delete
   */
  readonly compliance?: ComplianceAcknowledgement;
}

/** As the bucket takes it. */
export function objectLockRetention(
  scope: IConstruct,
  options: ObjectLockOptions | undefined,
): s3.ObjectLockRetention | undefined {
  if (options === undefined) return undefined;
  const days = options.retention.toDays({ integral: false });
  if (!Number.isInteger(days) || days < 1) {
    throw invalid(
      scope,
      `\`objectLock.retention\` must be at least one whole day, got ${options.retention.toHumanString()}: S3 locks by days`,
    );
  }
  requireAcknowledgement(scope, 'objectLock.compliance', options.compliance);
  return options.compliance
    ? s3.ObjectLockRetention.compliance(options.retention)
    : s3.ObjectLockRetention.governance(options.retention);
}
