import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { Alarms } from '../monitoring/alarms';
import { exportMetric } from '../monitoring/export-metrics';
import { mayPutMetrics } from '../monitoring/may-put-metrics';
import { alarmOnErrors, alarmOnFailedExecutions, alarmOnLogged } from '../notifications/failure-topic';
import { archivePrefix } from '../private/bucket-layout';
import { NOT_EXPORTED } from '../private/log-messages';
import { EXPORT_METRICS } from '../private/metrics';
import { recoveryFunction } from '../private/recovery-function';
import { type ManifestKeys, signsManifests } from '../protection/manifest-keys';
import type { Volume } from '../volumes/volume';

/** Where the function sees the volume. */
const MOUNT_PATH = '/mnt/volume';

export interface ArtifactExportOptions {
  readonly deployment: string;
  readonly volume: Volume;
  readonly bucket: s3.IBucket;
  /** Absent: manifests are not signed. */
  readonly manifestKeys?: ManifestKeys;
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** `cron(...)` as the planner says. */
  readonly scheduleExpression: string;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * How long one export may take. Less than half of the 7 days for which prune leaves alone what no point names, and for which
 * the bucket keeps the states of exports: so nothing that a running export needs is ever taken from it.
 */
const MAX_EXPORT = Duration.days(2);
/** How long Lambda keeps the steps of an export that ended; its logs and its manifest say more, for longer. */
const EXPORT_HISTORY = Duration.days(7);

/**
 * Exports the artifacts of one volume on a schedule: a durable function, which needs no network, and the function that it
 * calls for each turn, which mounts the volume. A checkpoint is a call of Lambda's API, for which a function in a network
 * without a way out would need an endpoint of its own.
 *
 * No concurrency is reserved: an account of 10 has none to reserve, and two exports at once do no harm. The durable function
 * bounds how many turns run beside each other, and a run ends when it finds an older one.
 *
 * @param id of the function that mounts the volume
 * @returns the durable function, by the alias through which it is invoked
 */
export function artifactExport(scope: Construct, id: string, options: ArtifactExportOptions): lambda.IFunction {
  const { deployment, volume, removalPolicy } = options;
  const turns = turnFunction(scope, id, options);
  const fn = recoveryFunction(scope, `${id}Run`, {
    bundle: 'export',
    description: `Exports ${volume.mountedAt} of ${deployment} to S3`,
    removalPolicy,
    durableConfig: { executionTimeout: MAX_EXPORT, retentionPeriod: EXPORT_HISTORY },
    environment: { DEPLOYMENT: deployment, VOLUME: volume.name, TURN_FUNCTION: turns.functionName },
  });
  turns.grantInvoke(fn);
  signsManifests(fn, options.manifestKeys);
  fn.addToRolePolicy(mayPutMetrics());
  // A policy of its own: in the role's default policy, which the function waits for, its own ARN would be a circle.
  new iam.Policy(scope, `${id}Runs`, {
    roles: [fn.role!],
    statements: [
      new iam.PolicyStatement({ actions: ['lambda:ListDurableExecutionsByFunction'], resources: [fn.functionArn] }),
    ],
  });
  alarmOnErrors(fn);
  alarmOnFailedExecutions(fn);
  alarmOnSuspicion(scope, deployment, volume);
  // A durable function takes qualified names only: a running export stays on the version that it began with.
  const alias = new lambda.Alias(scope, `${id}Alias`, { aliasName: 'live', version: fn.currentVersion });
  alias.configureAsyncInvoke({ maxEventAge: Duration.hours(1) });
  new events.Rule(scope, `${id}Schedule`, {
    description: `Exports of ${volume.mountedAt} of ${deployment}`,
    schedule: events.Schedule.expression(options.scheduleExpression),
    targets: [new LambdaFunction(alias)],
  });
  return alias;
}

/** It stays on between two exports, whose data are hours apart, and clears with the first that is not suspicious. */
function alarmOnSuspicion(scope: Construct, deployment: string, { name }: Volume): void {
  const metric = exportMetric(EXPORT_METRICS.suspicious, deployment, name, { period: Duration.minutes(5) });
  Alarms.make(scope, `Suspicious-${name}`, metric, {
    alarmDescription:
      `The newest export of ${name} of ${deployment} is suspicious: far more files changed or vanished than usual, or they turned to ` +
      'noise, as if they were encrypted. It is not restored; the point before is. Look at it before you trust it: ' +
      '`wso2is-recovery trust` lists why (docs/operations.md).',
    threshold: 1,
    evaluationPeriods: 1,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: cloudwatch.TreatMissingData.IGNORE,
    told: { tellsWhenClear: true },
  });
}

/**
 * Reads the volume and writes its archive; may delete nothing. Its failures are those of the export that calls it. A file that it
 * may not read is no failure, since all others are exported: an alarm says that the point is without it.
 */
function turnFunction(scope: Construct, id: string, options: ArtifactExportOptions): lambda.Function {
  const { deployment, volume, bucket } = options;
  const securityGroup = new ec2.SecurityGroup(scope, `${id}SecurityGroup`, {
    vpc: options.vpc,
    description: 'Artifact export: S3 and the volume',
    allowAllOutbound: false,
  });
  securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'S3');
  const fn = recoveryFunction(scope, id, {
    bundle: 'export-turn',
    description: `Reads ${volume.mountedAt} of ${deployment} for its export`,
    removalPolicy: options.removalPolicy,
    vpc: options.vpc,
    vpcSubnets: options.vpcSubnets,
    securityGroups: [securityGroup],
    filesystem: lambda.FileSystem.fromEfsAccessPoint(volume.accessPoint, MOUNT_PATH),
    environment: {
      BUCKET: bucket.bucketName,
      DEPLOYMENT: deployment,
      VOLUME: volume.name,
      MOUNTED_AT: volume.mountedAt,
      MOUNT_PATH,
    },
  });
  const inArchive = (keys: string) => bucket.arnForObjects(`${archivePrefix(deployment, volume.name)}${keys}`);
  fn.addToRolePolicy(new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [inArchive('*')] }));
  fn.addToRolePolicy(
    new iam.PolicyStatement({
      actions: ['s3:PutObject'],
      // Not `trusted/`: whoever takes over what reads the volume must not say that what it did to the files is good.
      resources: WRITTEN_BY_EXPORTS.map((folder) => inArchive(`${folder}*`)),
    }),
  );
  // What serves an export between its invocations carries the tag by which the lifecycle of the bucket deletes it.
  fn.addToRolePolicy(
    new iam.PolicyStatement({ actions: ['s3:PutObjectTagging'], resources: [inArchive(`${BETWEEN_INVOCATIONS}*`)] }),
  );
  fn.addToRolePolicy(new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  const metricName = `NotExported-${deployment}-${volume.name}`;
  alarmOnLogged(fn, 'NotExported', { text: NOT_EXPORTED, metricName });
  return fn;
}

/** Folders of an archive, as `lambda/archive` has them; a test compares. */
const BETWEEN_INVOCATIONS = 'turns/';
const WRITTEN_BY_EXPORTS = ['packs/', 'pages/', 'manifests/', BETWEEN_INVOCATIONS];
