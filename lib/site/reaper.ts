import { ArnFormat, Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { notifyOfFunction } from '../notifications/failure-topic';
import type { Site } from '../planning/plan-document';
import { DRILL_TAG, DRILLS_PREFIXES, TOLD_TAG } from '../private/bucket-layout';
import { recoveryFunction } from '../private/recovery-function';

export interface ReaperOptions {
  readonly site: Site;
  /** Where drills of the site leave their reports. */
  readonly bucket: s3.IBucket;
  readonly restore: lambda.Function;
  readonly adopt: lambda.Function;
  readonly restoreRole: iam.IRole;
  /** Name of the subnet group of what is restored. */
  readonly subnetGroup: string;
  readonly topic: sns.ITopic;
  readonly drillTimeout: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/** Removes, on its own schedule, what drills left that died before their clean-up. */
export function reaper(scope: Construct, options: ReaperOptions): lambda.Function {
  const { site, bucket, restore, adopt, restoreRole, subnetGroup, topic, drillTimeout, removalPolicy } = options;
  const fn = recoveryFunction(scope, 'Reaper', {
    bundle: 'reaper',
    description: 'Removes what drills left that ended before their clean-up',
    removalPolicy,
    environment: {
      SITE: site,
      BUCKET: bucket.bucketName,
      RESTORE_FUNCTION: restore.functionName,
      ADOPT_FUNCTION: adopt.functionName,
      RESTORE_ROLE_ARN: restoreRole.roleArn,
      DB_SUBNET_GROUP: subnetGroup,
      TOPIC_ARN: topic.topicArn,
      TIMEOUT_SECONDS: String(drillTimeout.toSeconds()),
    },
  });
  const rdsArn = (resource: string, resourceName: string) =>
    Stack.of(scope).formatArn({
      service: 'rds',
      resource,
      resourceName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  const drilled = [rdsArn('db', 'drill-*'), rdsArn('cluster', 'drill-*')];
  for (const statement of [
    // RDS lists all or none.
    new iam.PolicyStatement({
      sid: 'FindInstances',
      actions: ['rds:DescribeDBInstances', 'rds:DescribeDBClusters'],
      resources: [rdsArn('db', '*'), rdsArn('cluster', '*')],
    }),
    new iam.PolicyStatement({ sid: 'SeeTags', actions: ['rds:ListTagsForResource'], resources: drilled }),
    // Jobs have no ARN that a policy could name.
    new iam.PolicyStatement({ sid: 'FindRestoreJobs', actions: ['backup:ListRestoreJobs'], resources: ['*'] }),
    new iam.PolicyStatement({
      sid: 'TagLeftovers',
      actions: ['rds:AddTagsToResource'],
      resources: drilled,
      conditions: {
        'ForAllValues:StringEquals': { 'aws:TagKeys': [DRILL_TAG, TOLD_TAG] },
        Null: { 'aws:TagKeys': 'false' },
      },
    }),
    // Whether a drill left a report, not what is in it.
    new iam.PolicyStatement({
      sid: 'FindReports',
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': `${DRILLS_PREFIXES[site]}*` } },
    }),
    new iam.PolicyStatement({
      sid: 'RemoveInstances',
      actions: [
        'rds:DeleteDBInstance',
        'rds:DeleteDBInstanceAutomatedBackup',
        'rds:DeleteDBCluster',
        'rds:DeleteDBClusterAutomatedBackup',
      ],
      resources: [...drilled, rdsArn('auto-backup', '*'), rdsArn('cluster-auto-backup', '*')],
      conditions: { Null: { [`aws:ResourceTag/${DRILL_TAG}`]: 'false' } },
    }),
  ]) {
    fn.addToRolePolicy(statement);
  }
  restore.grantInvoke(fn);
  adopt.grantInvoke(fn);
  topic.grantPublish(fn);
  notifyOfFunction(fn, topic, 1);
  new events.Rule(scope, 'ReaperSchedule', {
    description: 'Leftovers of drills',
    schedule: events.Schedule.rate(INTERVAL),
    targets: [new LambdaFunction(fn)],
  });
  return fn;
}

/** What is left costs by the hour. */
const INTERVAL = Duration.hours(1);
