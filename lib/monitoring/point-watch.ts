import { Annotations, ArnFormat, Duration, type RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import type * as backup from 'aws-cdk-lib/aws-backup';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { formatDuration } from '../planning/duration';
import type { DatabaseKind, Site, Technique } from '../planning/plan-document';
import { archivePrefix, planDocumentKey, suspicionPrefix } from '../private/bucket-layout';
import { recoveryFunction } from '../private/recovery-function';
import { type ManifestKeys, verifiesManifests } from '../protection/manifest-keys';
import { Alarms } from './alarms';
import { mayPutMetrics } from './may-put-metrics';
import { componentsSeen, recoveryPointAge, watchIntervalMinutes } from './recovery-point-age';

export interface PointWatchOptions {
  readonly site: Site;
  /** With the archives and the recovery plans: the artifact bucket, or its replica. */
  readonly bucket: s3.IBucket;
  readonly vault: backup.IBackupVault;
  /** Absent: manifests are not signed. */
  readonly manifestKeys?: ManifestKeys;
  readonly removalPolicy: RemovalPolicy;
}

/** At the DR site plain values only: its stack depends on no other. */
export interface WatchedDeployment {
  readonly deployment: string;
  /** Names of the components. */
  readonly databases: readonly string[];
  readonly volumes: readonly string[];
  /** Of them, those whose promise at the site rests on what the watch cannot measure. */
  readonly notMeasured: readonly string[];
  /** Objective of the site. */
  readonly rpoSeconds: number;
  /** Objective of the site. */
  readonly rtoSeconds: number;
  /** What the plan uses at the site. */
  readonly techniques: readonly Technique[];
  /** In the primary Region: whose latest restorable time RDS is asked for. */
  readonly rdsResources?: readonly { readonly kind: DatabaseKind; readonly arn: string }[];
}

/** Looks that may be missing, or not see everything, one after another: an alarm about one would be about a throttled call. */
const LOOKS_WITHOUT_ALARM = 2;

/** That all is well again is worth a message as well. */
const TOLD = { tellsWhenClear: true };

/** It waits for AWS most of the time. */
const MEMORY = Size.mebibytes(512);

/**
 * Measures how old the newest state is that each component can be restored to at a site, and raises an alarm where that is
 * more than the objective of the site. It looks at what is there, not at jobs that should have made it, and asks nothing of
 * the other Region.
 */
export class PointWatch extends Construct {
  private watcher?: lambda.Function;

  public constructor(
    scope: Construct,
    id: string,
    private readonly options: PointWatchOptions,
  ) {
    super(scope, id);
  }

  /** Watches the components of a deployment. */
  public add(watched: WatchedDeployment): void {
    const { deployment, databases, volumes, notMeasured, rpoSeconds } = watched;
    const { site } = this.options;
    const interval = Duration.minutes(watchIntervalMinutes(rpoSeconds));
    const fn = (this.watcher ??= this.watchFunction());
    for (const statement of this.permissions(watched)) fn.addToRolePolicy(statement);
    const schedule = new events.Rule(this, `Schedule-${deployment}`, {
      description: `Looks how old the recovery points of ${deployment} are`,
      schedule: events.Schedule.rate(interval),
      targets: [new LambdaFunction(fn, { event: events.RuleTargetInput.fromObject({ deployment }) })],
    });
    const components = [...databases, ...volumes];
    for (const component of notMeasured) {
      Annotations.of(this).addWarningV2(
        `cdk-wso2is-recovery:ageNotWatched-${component}`,
        `how far the Aurora Global Database of ${component} of ${deployment} has come is not measured: no alarm is raised over ` +
          'the age of its recovery points; make one over AuroraGlobalDBReplicationLag of its secondary cluster',
      );
    }
    const measured = components.filter((component) => !notMeasured.includes(component));
    for (const component of measured) {
      const age = recoveryPointAge(deployment, site, component, { period: interval });
      Alarms.make(this, `Age-${deployment}-${component}`, age, {
        alarmDescription:
          `The newest state that ${component} of ${deployment} can be restored to ${PLACES[site]} is older than the objective, ` +
          `${formatDuration(rpoSeconds)}: more would be lost now than is allowed. Look at \`wso2is-recovery status\`, then ` +
          'at the jobs of AWS Backup, the replication and the exports of this component (docs/operations.md).',
        threshold: rpoSeconds,
        evaluationPeriods: 1,
        comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        // That nobody looks is the other alarm; until then what was seen last holds.
        treatMissingData: cloudwatch.TreatMissingData.IGNORE,
        told: TOLD,
      });
    }
    Alarms.make(this, `Silent-${deployment}`, componentsSeen(deployment, site, interval), {
      alarmDescription:
        `Nobody sees how old the recovery points of ${deployment} ${PLACES[site]} are, or not those of every component: the ` +
        `alarms about their age tell nothing now. The log group of ${fn.node.path} holds the reason; where it has no new ` +
        `lines, look at the rule ${schedule.node.path} (docs/operations.md).`,
      threshold: components.length,
      evaluationPeriods: LOOKS_WITHOUT_ALARM + 1,
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
      told: TOLD,
    });
  }

  private watchFunction(): lambda.Function {
    const { site, bucket, vault, removalPolicy } = this.options;
    const fn = recoveryFunction(this, 'Function', {
      bundle: 'watch-points',
      description: 'Measures how old the newest recovery points are',
      removalPolicy,
      memorySize: MEMORY.toMebibytes(),
      timeout: Duration.minutes(5),
      // The next look comes soon; one that is late would say nothing new.
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
      environment: { SITE: site, BUCKET: bucket.bucketName, VAULT_NAME: vault.backupVaultName },
    });
    fn.addToRolePolicy(
      new iam.PolicyStatement({
        // Versions tell since when there is a plan.
        actions: ['s3:ListBucket', 's3:ListBucketVersions'],
        resources: [bucket.bucketArn],
      }),
    );
    fn.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['backup:ListRecoveryPointsByBackupVault'],
        resources: [vault.backupVaultArn],
      }),
    );
    fn.addToRolePolicy(mayPutMetrics());
    verifiesManifests(fn, this.options.manifestKeys);
    return fn;
  }

  private permissions({
    deployment,
    volumes,
    techniques,
    rdsResources = [],
  }: WatchedDeployment): iam.PolicyStatement[] {
    const { bucket, site } = this.options;
    const stack = Stack.of(this);
    const rdsArn = (resource: string) =>
      stack.formatArn({ service: 'rds', resource, resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    const uses = (technique: Technique) => site === 'dr-site' && techniques.includes(technique);
    const instances = rdsResources.filter(({ kind }) => kind === 'rds-instance');
    const clusters = rdsResources.filter(({ kind }) => kind !== 'rds-instance');
    const statement = (action: string, resources: readonly string[]) =>
      resources.length === 0 ? [] : [new iam.PolicyStatement({ actions: [action], resources: [...resources] })];
    return [
      ...statement('s3:GetObject', [
        bucket.arnForObjects(planDocumentKey(deployment)),
        bucket.arnForObjects(`${suspicionPrefix(deployment)}*`),
        // A complete point is known by its manifest and a list; packs are not read.
        ...volumes.flatMap((volume) =>
          ['manifests', 'trusted'].map((folder) =>
            bucket.arnForObjects(`${archivePrefix(deployment, volume)}${folder}/*`),
          ),
        ),
      ]),
      ...statement(
        'rds:DescribeDBInstances',
        instances.map(({ arn }) => arn),
      ),
      ...statement(
        'rds:DescribeDBClusters',
        clusters.map(({ arn }) => arn),
      ),
      // Both are listed for the Region: what they are called here is RDS's and EFS's choice.
      ...statement(
        'rds:DescribeDBInstanceAutomatedBackups',
        uses('rds-automated-backup-replication') ? [rdsArn('auto-backup'), rdsArn('db')] : [],
      ),
      ...statement(
        'elasticfilesystem:DescribeReplicationConfigurations',
        uses('efs-replication')
          ? [stack.formatArn({ service: 'elasticfilesystem', resource: 'file-system', resourceName: '*' })]
          : [],
      ),
    ];
  }
}

const PLACES = { 'in-region': 'in this Region', 'dr-site': 'at the DR site' } as const;
