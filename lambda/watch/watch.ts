import { PutMetricDataCommand, type CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { DRILL_AGE, DRILL_OVERDUE, METRIC_NAMESPACE, watchDimensions } from '../../lib/private/metrics';
import { drillsPrefix } from '../../lib/private/bucket-layout';
import { readPastDrills } from '../drill/report/history';
import type { WatchEvent, WatchResult } from './contract';

export interface Surroundings {
  readonly s3: S3Client;
  readonly cloudWatch: CloudWatchClient;
  readonly bucket: string;
  readonly now: () => Date;
}

/**
 * Looks at what is in the bucket rather than at metrics: a CloudWatch alarm looks back seven days at most, and drills may be
 * a month apart.
 *
 * @throws what S3 and CloudWatch throw: then no metric is put, and the alarm says that it lacks data.
 */
export async function watch(event: WatchEvent, { s3, cloudWatch, bucket, now }: Surroundings): Promise<WatchResult> {
  const { deployment, site = 'dr-site', longestGapSeconds, drillTimeoutSeconds } = event;
  if (!(longestGapSeconds > 0) || !(drillTimeoutSeconds > 0) || typeof deployment !== 'string') {
    throw new Error(`the event must be as the recovery site's rule sends it, got ${JSON.stringify(event)}`);
  }
  const time = now();
  const [last] = (await readPastDrills(s3, bucket, deployment, { atMost: 1, site })).earlier;
  const since =
    last?.startedAt ?? (await watchedSince(s3, bucket, `${drillsPrefix(deployment, site)}watched-since.json`, time));
  const ageSeconds = (time.getTime() - Date.parse(since)) / 1000;
  const overdue = ageSeconds > longestGapSeconds + drillTimeoutSeconds;
  const Dimensions = Object.entries(watchDimensions(deployment, site)).map(([Name, Value]) => ({ Name, Value }));
  const common = { Dimensions, Timestamp: time };
  await cloudWatch.send(
    new PutMetricDataCommand({
      Namespace: METRIC_NAMESPACE,
      MetricData: [
        { MetricName: DRILL_OVERDUE, Value: overdue ? 1 : 0, Unit: 'Count', ...common },
        { MetricName: DRILL_AGE, Value: ageSeconds, Unit: 'Seconds', ...common },
      ],
    }),
  );
  return { overdue, ageSeconds, ...(last === undefined ? {} : { lastDrill: last.drillId }) };
}

/** When the watch began, for a deployment that has not drilled yet: noted once, and never changed. */
async function watchedSince(s3: S3Client, bucket: string, key: string, now: Date): Promise<string> {
  const object = { Bucket: bucket, Key: key };
  try {
    await s3.send(
      new PutObjectCommand({
        ...object,
        Body: `${JSON.stringify({ watchedSince: now.toISOString() })}\n`,
        ContentType: 'application/json',
        IfNoneMatch: '*',
      }),
    );
    return now.toISOString();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'PreconditionFailed') throw error;
  }
  const { Body } = await s3.send(new GetObjectCommand(object));
  const noted = (JSON.parse((await Body?.transformToString()) ?? '') as { watchedSince?: unknown }).watchedSince;
  if (typeof noted !== 'string' || Number.isNaN(Date.parse(noted))) {
    throw new Error(
      `s3://${bucket}/${object.Key} must say \`watchedSince\`, a time: remove it, and the watch begins anew`,
    );
  }
  return noted;
}
