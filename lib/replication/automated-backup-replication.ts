import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';

export interface AutomatedBackupReplicationOptions {
  /** `arn:PARTITION:rds:REGION:ACCOUNT:db:IDENTIFIER` */
  readonly instanceArn: string;
  readonly drRegion: string;
  /** Alias of the key that the replicas are encrypted with, in the DR Region. */
  readonly drKeyAlias: string;
  readonly retentionDays: number;
}

/**
 * RDS's own cross-Region automated backups of an instance, called in the DR Region as RDS wants it. A custom resource, since
 * the L1 property for it belongs to the instance, which is the user's and may not be in any stack of CDK. Removing it stops
 * the replication; what was replicated stays until its retention ends.
 */
export function automatedBackupReplication(
  scope: Construct,
  id: string,
  options: AutomatedBackupReplicationOptions,
): AwsCustomResource {
  const stack = Stack.of(scope);
  const { instanceArn, drRegion, drKeyAlias } = options;
  const keyArn = (resourceName: string, resource: string) =>
    stack.formatArn({ service: 'kms', region: drRegion, resource, resourceName });
  const start = {
    service: 'RDS',
    action: 'startDBInstanceAutomatedBackupsReplication',
    region: drRegion,
    parameters: {
      SourceDBInstanceArn: instanceArn,
      BackupRetentionPeriod: options.retentionDays,
      KmsKeyId: keyArn(drKeyAlias.replace('alias/', ''), 'alias'),
    },
    physicalResourceId: PhysicalResourceId.of(`${id}-${drRegion}`),
    outputPaths: ['DBInstanceAutomatedBackup.DBInstanceAutomatedBackupsArn'],
  };
  return new AwsCustomResource(scope, id, {
    resourceType: 'Custom::RdsAutomatedBackupReplication',
    installLatestAwsSdk: false,
    // RDS takes a second start of the same replication for an update of its retention.
    onUpdate: start,
    onDelete: {
      service: 'RDS',
      action: 'stopDBInstanceAutomatedBackupsReplication',
      region: drRegion,
      parameters: { SourceDBInstanceArn: instanceArn },
      // Stopped already, or gone with its instance.
      ignoreErrorCodesMatching: 'DBInstanceNotFound|DBInstanceAutomatedBackupNotFound',
    },
    policy: AwsCustomResourcePolicy.fromStatements([
      new iam.PolicyStatement({
        actions: ['rds:StartDBInstanceAutomatedBackupsReplication', 'rds:StopDBInstanceAutomatedBackupsReplication'],
        resources: [
          instanceArn,
          // Its name is made by RDS when the replication starts.
          stack.formatArn({
            service: 'rds',
            region: drRegion,
            resource: 'auto-backup',
            resourceName: '*',
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      }),
      // By its alias, since the key comes into being in the site's stack, which this one knows by names alone.
      new iam.PolicyStatement({
        actions: ['kms:CreateGrant', 'kms:DescribeKey'],
        resources: [keyArn('*', 'key')],
        conditions: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': drKeyAlias } },
      }),
    ]),
  });
}
