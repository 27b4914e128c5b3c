import type { BackupClient } from '@aws-sdk/client-backup';
import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { ECSClient } from '@aws-sdk/client-ecs';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { RDSClient } from '@aws-sdk/client-rds';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { ArchiveReader } from './find-points';
import { DRILL_TAG, RECOVERY_TAG } from '../../lib/private/bucket-layout';
import type { DrillMode } from './contract';
import type { Settings } from './settings';
import type { Clock } from './steps';

/** What leaves the process; a test puts its own in place. */
export interface Aws {
  readonly backup: BackupClient;
  readonly ecs: ECSClient;
  readonly lambda: LambdaClient;
  readonly rds: RDSClient;
  readonly s3: S3Client;
  readonly cloudWatch: CloudWatchClient;
  readonly eventBridge: EventBridgeClient;
  readonly sns: SNSClient;
  readonly archive: ArchiveReader;
  readonly clock: Clock;
}

/** What every part of one drill needs to know of it. */
export interface Surroundings {
  readonly aws: Aws;
  readonly settings: Settings;
  readonly deployment: string;
  readonly mode: DrillMode;
  readonly drillId: string;
}

/** On everything that is made; what a recovery keeps carries another tag than what a drill's clean-up may delete. */
export const tagOf = ({ mode, drillId }: Pick<Surroundings, 'mode' | 'drillId'>) => ({
  Key: mode === 'drill' ? DRILL_TAG : RECOVERY_TAG,
  Value: drillId,
});
