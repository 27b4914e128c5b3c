import type { BackupClient } from '@aws-sdk/client-backup';
import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { RDSClient } from '@aws-sdk/client-rds';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { ArchiveReader } from './find-points';
import type { Settings } from './settings';
import type { Clock } from './steps';

/** What leaves the process; a test puts its own in place. */
export interface Aws {
  readonly backup: BackupClient;
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
  readonly drillId: string;
}
