import { BackupClient } from '@aws-sdk/client-backup';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { KMSClient } from '@aws-sdk/client-kms';
import { SNSClient } from '@aws-sdk/client-sns';
import { createS3Client } from '../archive/s3-store';
import { requireEnvironment } from '../shared/environment';
import { authenticatorOf } from '../shared/kms-authenticator';
import type { DriftEvent, DriftResult } from './contract';
import { findDrift } from './find-drift';

const aws = {
  s3: createS3Client(),
  backup: new BackupClient({}),
  cloudWatch: new CloudWatchClient({}),
  sns: new SNSClient({}),
  authenticator: authenticatorOf(process.env, () => new KMSClient({})),
};

export function handler(event: DriftEvent): Promise<DriftResult> {
  const { BUCKET, TOPIC_ARN } = requireEnvironment(['BUCKET', 'TOPIC_ARN']);
  return findDrift(event, { ...aws, bucket: BUCKET, topicArn: TOPIC_ARN, now: () => new Date() });
}
