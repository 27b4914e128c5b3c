/**
 * Event contract of the function that validates restore tests of AWS Backup (DR Region): the event "Restore Job State Change" of
 * a job that a restore testing plan started.
 *
 * Environment: `BUCKET` (replica bucket, with the recovery plans), `CHECK_FUNCTION` (name), `TOPIC_ARN`.
 */
export interface RestoreTestEvent {
  readonly region: string;
  readonly detail: RestoreJobDetail;
}

/** What this function reads of it. */
export interface RestoreJobDetail {
  readonly restoreJobId: string;
  readonly restoreTestingPlanArn: string;
  readonly status: string;
  readonly statusMessage?: string;
  /** ARN of the resource in production. */
  readonly sourceResourceArn?: string;
  readonly recoveryPointArn?: string;
  /** Once `COMPLETED`. */
  readonly createdResourceArn?: string;
}

/** What becomes of the restore job's `ValidationStatus`. */
export interface RestoreTestVerdict {
  readonly status: 'SUCCESSFUL' | 'FAILED';
  /** One sentence for people. */
  readonly reason: string;
}

export interface RestoreTestResult extends RestoreTestVerdict {
  readonly restoreJobId: string;
}
