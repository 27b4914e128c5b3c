import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { notifyOfFunction } from '../notifications/failure-topic';
import { archivePrefix, driftNoteKey, planDocumentKey } from '../private/bucket-layout';
import { recoveryFunction } from '../private/recovery-function';
import { type ManifestKeys, verifiesManifests } from '../protection/manifest-keys';
import type { DeployedBackup } from '../vaults/component-backup';
import { Alarms } from './alarms';
import { driftMetric } from './drift-metric';
import { mayPutMetrics } from './may-put-metrics';

export interface DriftWatchOptions {
  readonly deployment: string;
  readonly bucket: s3.IBucket;
  readonly topic: sns.ITopic;
  readonly backups: readonly DeployedBackup[];
  /** Name of the volume with `deployment.toml`; undefined: none has it, and it is not compared. */
  readonly volume?: string;
  /** Absent: manifests are not signed. */
  readonly manifestKeys?: ManifestKeys;
  readonly removalPolicy: RemovalPolicy;
}

/** What people change by hand is found within this time; AWS Backup and the exports are no faster. */
const INTERVAL = Duration.hours(1);

/**
 * Looks every hour whether what recovery protects is still what was deployed: databases that `deployment.toml` on the volume
 * declares, the versions of the backup plans, and what they select.
 */
export class DriftWatch extends Construct {
  public constructor(scope: Construct, id: string, options: DriftWatchOptions) {
    super(scope, id);
    const { deployment, bucket, topic, backups, volume, removalPolicy } = options;
    const fn = recoveryFunction(this, 'Function', {
      bundle: 'drift',
      description: 'Looks whether what recovery protects is still what was deployed',
      removalPolicy,
      memorySize: 512,
      timeout: Duration.minutes(5),
      environment: { BUCKET: bucket.bucketName, TOPIC_ARN: topic.topicArn },
    });
    for (const [actions, resources] of [
      // The archive of one volume, of which one file is read: where its content is in the archive is not known before.
      [
        ['s3:GetObject'],
        [
          bucket.arnForObjects(planDocumentKey(deployment)),
          ...(volume === undefined ? [] : [bucket.arnForObjects(`${archivePrefix(deployment, volume)}*`)]),
        ],
      ],
      [['s3:GetObject', 's3:PutObject'], [bucket.arnForObjects(driftNoteKey(deployment))]],
      // Without it S3 answers a note that is missing with "access denied".
      [['s3:ListBucket'], [bucket.bucketArn]],
      [
        ['backup:GetBackupPlan', 'backup:ListBackupSelections', 'backup:GetBackupSelection'],
        backups.map(({ plan }) => plan.backupPlanArn),
      ],
    ] as const) {
      fn.addToRolePolicy(new iam.PolicyStatement({ actions: [...actions], resources: [...resources] }));
    }
    fn.addToRolePolicy(mayPutMetrics());
    if (volume !== undefined) verifiesManifests(fn, options.manifestKeys);
    topic.grantPublish(fn);
    notifyOfFunction(fn, topic, 1);
    new events.Rule(this, 'Schedule', {
      description: `Looks whether what protects ${deployment} is as it was deployed`,
      schedule: events.Schedule.rate(INTERVAL),
      targets: [
        new LambdaFunction(fn, {
          event: events.RuleTargetInput.fromObject({
            deployment,
            plans: backups.map(({ component, resourceArn, plan }) => ({
              component,
              planId: plan.backupPlanId,
              versionId: plan.versionId,
              resourceArn,
            })),
          }),
        }),
      ],
    });
    Alarms.make(this, 'Drift', driftMetric(deployment, { period: INTERVAL }), {
      alarmDescription:
        `What recovery protects of ${deployment} is not what was deployed: a message to the topic says what. Deploy again, or change ` +
        'the stack (docs/operations.md).',
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // A look that failed raises the alarm over the function's errors; what was found last holds.
      treatMissingData: cloudwatch.TreatMissingData.IGNORE,
      told: { tellsWhenClear: true },
    });
  }
}
