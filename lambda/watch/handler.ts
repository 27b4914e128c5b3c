import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { createS3Client } from '../archive/s3-store';
import { requireEnvironment } from '../shared/environment';
import type { WatchEvent, WatchResult } from './contract';
import { watch } from './watch';

const s3 = createS3Client();
const cloudWatch = new CloudWatchClient({});

export function handler(event: WatchEvent): Promise<WatchResult> {
  const { BUCKET } = requireEnvironment(['BUCKET']);
  return watch(event, { s3, cloudWatch, bucket: BUCKET, now: () => new Date() });
}
