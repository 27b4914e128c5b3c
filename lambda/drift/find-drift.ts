import type { BackupClient } from '@aws-sdk/client-backup';
import { type CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { driftNoteKey } from '../../lib/private/bucket-layout';
import { METRIC_NAMESPACE, RECOVERY_DRIFT } from '../../lib/private/metrics';
import type { Authenticator } from '../archive/authenticity';
import { readPlan } from '../drill/read-plan';
import { driftOfPlan } from './backup-plans';
import type { DriftEvent, DriftResult } from './contract';
import { driftOfToml } from './deployment-toml';

export interface Surroundings {
  readonly s3: S3Client;
  readonly backup: BackupClient;
  readonly cloudWatch: CloudWatchClient;
  readonly sns: SNSClient;
  readonly bucket: string;
  readonly topicArn: string;
  /** Asked whether the export is one of ours. Absent: nobody is. */
  readonly authenticator?: Authenticator | undefined;
  readonly now: () => Date;
}

/**
 * People are told once of what is found, and once when all is well again: what they know is noted in the bucket.
 *
 * @throws what AWS throws: then no metric is put, and the alarm over the function's errors says so
 */
export async function findDrift(event: DriftEvent, surroundings: Surroundings): Promise<DriftResult> {
  const { s3, backup, cloudWatch, sns, bucket, topicArn, authenticator, now } = surroundings;
  const { deployment, plans } = event;
  if (typeof deployment !== 'string' || !Array.isArray(plans)) {
    throw new Error(`the event must be as the rule of IdentityServerRecovery sends it, got ${JSON.stringify(event)}`);
  }
  const findings = await driftOfToml(await readPlan(deployment, bucket, s3), s3, bucket, authenticator);
  for (const plan of plans) findings.push(...(await driftOfPlan(plan, backup)));

  await cloudWatch.send(
    new PutMetricDataCommand({
      Namespace: METRIC_NAMESPACE,
      MetricData: [
        {
          MetricName: RECOVERY_DRIFT,
          Value: findings.length,
          Unit: 'Count',
          Timestamp: now(),
          Dimensions: [{ Name: 'Deployment', Value: deployment }],
        },
      ],
    }),
  );
  const note = { Bucket: bucket, Key: driftNoteKey(deployment) };
  const known = await readNote(s3, note);
  if (JSON.stringify(known) === JSON.stringify(findings)) return { findings, told: false };
  await sns.send(new PublishCommand({ TopicArn: topicArn, ...messageOf(deployment, findings) }));
  // After the message: one that is told twice is better than one that is not.
  const Body = `${JSON.stringify({ findings, toldAt: now().toISOString() })}\n`;
  await s3.send(new PutObjectCommand({ ...note, Body, ContentType: 'application/json' }));
  return { findings, told: true };
}

async function readNote(s3: S3Client, note: { readonly Bucket: string; readonly Key: string }): Promise<unknown> {
  try {
    const { Body } = await s3.send(new GetObjectCommand(note));
    return (JSON.parse((await Body?.transformToString()) ?? '') as { findings?: unknown }).findings;
  } catch (error) {
    if (error instanceof NoSuchKey) return [];
    // What nobody can read says nothing: people are told anew.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** One message, whatever their number. */
export function messageOf(deployment: string, findings: readonly string[]): { Subject: string; Message: string } {
  if (findings.length === 0) {
    return {
      Subject: `As deployed again: ${deployment}`.slice(0, 100),
      Message: `What recovery protects of ${deployment} is what was deployed, again.\n`,
    };
  }
  return {
    Subject: `Not as deployed: ${deployment}`.slice(0, 100),
    Message: [
      `What recovery protects of ${deployment} is not what was deployed any more:`,
      ...findings.map((finding) => `- ${finding}.`),
      '',
      'What to do: as each line says. The alarm Drift clears at the next look, within an hour, when all is as deployed.',
      '',
    ].join('\n'),
  };
}
