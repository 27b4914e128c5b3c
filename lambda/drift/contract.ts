/**
 * Event contract of the drift function (primary Region), which an hourly rule calls for its deployment: it looks whether what is
 * deployed is still what the recovery plan was made for, and puts the metric `RecoveryDrift`: how many things are not.
 *
 * Environment: `BUCKET` (artifact bucket), `TOPIC_ARN`;
 * where manifests are signed, `MAC_KEYS` and `ACCEPT_UNSIGNED` (`../shared/kms-authenticator.ts`).
 */
export interface DriftEvent {
  readonly deployment: string;
  /** Every backup plan that the deployment made. */
  readonly plans: readonly DeployedPlan[];
}

export interface DeployedPlan {
  /** Name of the database or volume that it backs up. */
  readonly component: string;
  readonly planId: string;
  /** As it was deployed. */
  readonly versionId: string;
  readonly resourceArn: string;
}

export interface DriftResult {
  /** A sentence each; empty: all is as it was deployed. */
  readonly findings: readonly string[];
  /** People were told, since it is not what they were told before. */
  readonly told: boolean;
}
