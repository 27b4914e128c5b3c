import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';

export interface FileSystemReplicationOptions {
  readonly fileSystemId: string;
  readonly fileSystemArn: string;
  readonly drRegion: string;
}

/**
 * EFS replication to a new file system in the DR Region, encrypted with the EFS key of the account there. A custom resource,
 * since CloudFormation has it as a property of the file system, which is the user's. Removing it stops the replication; the
 * replica stays, writable then. A file system is replicated once: the deployment fails where it is already.
 */
export function fileSystemReplication(
  scope: Construct,
  id: string,
  { fileSystemId, fileSystemArn, drRegion }: FileSystemReplicationOptions,
): AwsCustomResource {
  const stack = Stack.of(scope);
  return new AwsCustomResource(scope, id, {
    resourceType: 'Custom::EfsReplication',
    installLatestAwsSdk: false,
    onCreate: {
      service: 'EFS',
      action: 'createReplicationConfiguration',
      parameters: { SourceFileSystemId: fileSystemId, Destinations: [{ Region: drRegion }] },
      physicalResourceId: PhysicalResourceId.of(`${id}-${drRegion}`),
      outputPaths: ['Destinations.0.FileSystemId'],
    },
    onDelete: {
      service: 'EFS',
      action: 'deleteReplicationConfiguration',
      parameters: { SourceFileSystemId: fileSystemId },
      ignoreErrorCodesMatching: 'ReplicationNotFound|FileSystemNotFound',
    },
    policy: AwsCustomResourcePolicy.fromStatements([
      new iam.PolicyStatement({
        actions: [
          'elasticfilesystem:CreateReplicationConfiguration',
          'elasticfilesystem:DeleteReplicationConfiguration',
          'elasticfilesystem:DescribeReplicationConfigurations',
          'elasticfilesystem:DescribeFileSystems',
        ],
        resources: [fileSystemArn],
      }),
      // The replica has no name before it is made.
      new iam.PolicyStatement({
        actions: [
          'elasticfilesystem:CreateFileSystem',
          'elasticfilesystem:CreateReplicationConfiguration',
          'elasticfilesystem:DeleteReplicationConfiguration',
          'elasticfilesystem:DescribeFileSystems',
        ],
        resources: [
          stack.formatArn({
            service: 'elasticfilesystem',
            region: drRegion,
            resource: 'file-system',
            resourceName: '*',
          }),
        ],
      }),
      new iam.PolicyStatement({
        actions: ['iam:CreateServiceLinkedRole'],
        resources: [
          stack.formatArn({
            service: 'iam',
            region: '',
            resource: 'role',
            resourceName: 'aws-service-role/elasticfilesystem.amazonaws.com/AWSServiceRoleForAmazonElasticFileSystem',
          }),
        ],
        conditions: { StringEquals: { 'iam:AWSServiceName': 'elasticfilesystem.amazonaws.com' } },
      }),
    ]),
  });
}
