import { Stack, Tags } from 'aws-cdk-lib';
import { Secret, type CfnSecret, type ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { SITE_TAG } from '../site/site-names';

/**
 * Makes the secret readable at the DR site: a replica there, and the tag by which the check function may read it. Nothing
 * is done to an imported secret, whose owner has to (see `ProtectedDatabaseProps.credentials`).
 */
export function shareCredentials(credentials: ISecret, drRegion: string, siteName: string): void {
  // RDS hands out the attachment of its secret, whose scope is the secret itself.
  const owned = credentials.node.scopes.findLast((scope) => scope instanceof Secret);
  if (!(owned instanceof Secret)) return;
  Tags.of(owned).add(SITE_TAG, siteName);
  const { replicaRegions } = owned.node.defaultChild as CfnSecret;
  const existing = (Stack.of(owned).resolve(replicaRegions) ?? []) as CfnSecret.ReplicaRegionProperty[];
  if (!existing.some(({ region }) => region === drRegion)) owned.addReplicaRegion(drRegion);
}
