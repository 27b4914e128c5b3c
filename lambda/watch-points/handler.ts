import { BackupClient } from '@aws-sdk/client-backup';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { EFSClient } from '@aws-sdk/client-efs';
import { KMSClient } from '@aws-sdk/client-kms';
import { RDSClient } from '@aws-sdk/client-rds';
import type { Site } from '../../lib/planning/plan-document';
import { createS3Client } from '../archive/s3-store';
import { requireEnvironment } from '../shared/environment';
import { authenticatorOf } from '../shared/kms-authenticator';
import { createLogger } from '../shared/log';
import type { WatchPointsEvent, WatchPointsResult } from './contract';
import { watchPoints } from './watch-points';

const aws = {
  backup: new BackupClient({}),
  rds: new RDSClient({}),
  efs: new EFSClient({}),
  s3: createS3Client(),
  cloudWatch: new CloudWatchClient({}),
  authenticator: authenticatorOf(process.env, () => new KMSClient({})),
};

export function handler(event: WatchPointsEvent): Promise<WatchPointsResult> {
  const { SITE, BUCKET, VAULT_NAME } = requireEnvironment(['SITE', 'BUCKET', 'VAULT_NAME']);
  // The construct writes one of the two.
  const where = { site: SITE as Site, bucket: BUCKET, vaultName: VAULT_NAME };
  const log = createLogger({ function: 'watch-points', deployment: event.deployment });
  return watchPoints(event, { ...aws, ...where, log, now: () => new Date() });
}
