import { BackupClient } from '@aws-sdk/client-backup';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { RDSClient } from '@aws-sdk/client-rds';
import { SNSClient } from '@aws-sdk/client-sns';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { createS3Client } from '../archive/s3-store';
import { authenticatorOf } from '../shared/kms-authenticator';
import { archiveReader } from './archive-reader';
import { drill } from './drill';
import { settingsFrom } from './settings';
import type { Aws } from './surroundings';

const s3 = createS3Client();
const aws: Aws = {
  backup: new BackupClient({}),
  ecs: new ECSClient({}),
  lambda: new LambdaClient({}),
  rds: new RDSClient({}),
  s3,
  cloudWatch: new CloudWatchClient({}),
  eventBridge: new EventBridgeClient({}),
  sns: new SNSClient({}),
  archive: archiveReader(
    s3,
    process.env['BUCKET'] ?? '',
    authenticatorOf(process.env, () => new KMSClient({})),
    process.env['OBJECT_LOCK'] === 'true',
  ),
  clock: () => new Date().toISOString(),
};

export const handler = withDurableExecution((event: unknown, context) =>
  drill(event, context, aws, settingsFrom(process.env)),
);
