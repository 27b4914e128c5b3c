import { BackupClient } from '@aws-sdk/client-backup';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { RDSClient } from '@aws-sdk/client-rds';
import { SNSClient } from '@aws-sdk/client-sns';
import { createS3Client } from '../archive/s3-store';
import { requireEnvironment } from '../shared/environment';
import { createLogger } from '../shared/log';
import type { RestoreTestEvent, RestoreTestResult } from './contract';
import { validate } from './validate';

const aws = {
  backup: new BackupClient({}),
  lambda: new LambdaClient({}),
  rds: new RDSClient({}),
  s3: createS3Client(),
  sns: new SNSClient({}),
};

export function handler(
  event: RestoreTestEvent,
  context: { getRemainingTimeInMillis(): number },
): Promise<RestoreTestResult> {
  const { BUCKET, CHECK_FUNCTION, TOPIC_ARN } = requireEnvironment(['BUCKET', 'CHECK_FUNCTION', 'TOPIC_ARN']);
  const log = createLogger({ function: 'restore-testing' });
  return validate(event, {
    ...aws,
    bucket: BUCKET,
    checkFunction: CHECK_FUNCTION,
    topicArn: TOPIC_ARN,
    remainingMs: () => context.getRemainingTimeInMillis(),
    log,
  });
}
