import type { DatabaseEntry, RecoveryPlanDocument } from '../../lib/planning/plan-document';

/** The secret that holds the credentials of a database in the Region of a drill. */
export const secretAt = (
  { secretArn, drSiteSecretArn }: Pick<DatabaseEntry, 'secretArn' | 'drSiteSecretArn'>,
  region: string,
  { drRegion }: Pick<RecoveryPlanDocument, 'drRegion'>,
): string => (region === drRegion && drSiteSecretArn !== undefined ? drSiteSecretArn : inRegion(secretArn, region));

/** A replica of a secret has the ARN of its source but for the Region. */
function inRegion(arn: string, region: string): string {
  const parts = arn.split(':');
  parts[3] = region;
  return parts.join(':');
}
