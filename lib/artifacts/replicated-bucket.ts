import type { RemovalPolicy, Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { ObjectLockOptions } from '../protection/object-lock';
import { archiveBucket } from './archive-bucket';

export interface ReplicatedBucketOptions {
  readonly replica: s3.IBucket;
  readonly noncurrentVersionRetention?: Duration;
  readonly objectLock?: ObjectLockOptions;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The artifact bucket, replicated to the DR site within 15 minutes (S3 Replication Time Control). Delete markers are not
 * replicated: what is deleted here, by whomever, stays there.
 */
export function replicatedBucket(scope: Construct, id: string, options: ReplicatedBucketOptions): s3.Bucket {
  const { replica, ...rest } = options;
  const role = new iam.Role(scope, 'ReplicationRole', {
    description: 'S3 replicates the artifact archives with it',
    assumedBy: new iam.ServicePrincipal('s3.amazonaws.com'),
  });
  const bucket = archiveBucket(scope, id, {
    ...rest,
    replicationRole: role,
    replicationRules: [
      {
        id: 'ToDrSite',
        destination: replica,
        replicationTimeControl: s3.ReplicationTimeValue.FIFTEEN_MINUTES,
        metrics: s3.ReplicationTimeValue.FIFTEEN_MINUTES,
        deleteMarkerReplication: false,
        priority: 0,
      },
    ],
  });
  role.addToPolicy(
    new iam.PolicyStatement({
      actions: ['s3:GetReplicationConfiguration', 's3:ListBucket'],
      resources: [bucket.bucketArn],
    }),
  );
  role.addToPolicy(
    new iam.PolicyStatement({
      actions: [
        's3:GetObjectVersionForReplication',
        's3:GetObjectVersionAcl',
        's3:GetObjectVersionTagging',
        ...(options.objectLock ? ['s3:GetObjectRetention', 's3:GetObjectLegalHold'] : []),
      ],
      resources: [bucket.arnForObjects('*')],
    }),
  );
  role.addToPolicy(
    new iam.PolicyStatement({
      actions: ['s3:ReplicateObject', 's3:ReplicateTags'],
      resources: [replica.arnForObjects('*')],
    }),
  );
  return bucket;
}
