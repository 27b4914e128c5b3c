import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { TRANSIENT_TAG } from '../private/bucket-layout';
import { invalid } from '../private/errors';
import { type ObjectLockOptions, objectLockRetention } from '../protection/object-lock';

export interface ArchiveBucketOptions {
  readonly bucketName?: string;
  readonly noncurrentVersionRetention?: Duration;
  readonly objectLock?: ObjectLockOptions;
  readonly removalPolicy: RemovalPolicy;
  readonly replicationRole?: s3.BucketProps['replicationRole'];
  readonly replicationRules?: s3.ReplicationRule[];
}

/** A bucket for archives, on either side of the replication: versioned, encrypted by S3, over TLS only. */
export function archiveBucket(scope: Construct, id: string, options: ArchiveBucketOptions): s3.Bucket {
  const { noncurrentVersionRetention = Duration.days(90), objectLock, ...rest } = options;
  if (
    noncurrentVersionRetention.toDays({ integral: false }) < 1 ||
    !Number.isInteger(noncurrentVersionRetention.toDays({ integral: false }))
  ) {
    throw invalid(
      scope,
      '`noncurrentVersionRetention` must be at least one whole day, ' +
        `got ${noncurrentVersionRetention.toHumanString()}: S3 counts the age of versions in days`,
    );
  }
  return new s3.Bucket(scope, id, {
    ...rest,
    versioned: true,
    ...(objectLock && { objectLockEnabled: true, objectLockDefaultRetention: objectLockRetention(scope, objectLock) }),
    encryption: s3.BucketEncryption.S3_MANAGED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    lifecycleRules: [
      {
        id: 'KeepWhatWasOverwrittenForAWhile',
        noncurrentVersionExpiration: noncurrentVersionRetention,
        expiredObjectDeleteMarker: true,
        abortIncompleteMultipartUploadAfter: Duration.days(1),
      },
      {
        // On both sides: replication brings the tag along, and no deletion. See MAX_EXPORT in artifact-export.ts.
        id: 'StatesOfExportsThatAreOver',
        tagFilters: { [TRANSIENT_TAG.key]: TRANSIENT_TAG.value },
        expiration: Duration.days(7),
        noncurrentVersionExpiration: Duration.days(1),
      },
    ],
  });
}
