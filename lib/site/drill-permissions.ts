import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as backup from 'aws-cdk-lib/aws-backup';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Site } from '../planning/plan-document';
import { DRILL_TAG, DRILLS_PREFIXES, RECOVERY_TAG } from '../private/bucket-layout';
import { METRIC_NAMESPACE } from '../private/metrics';

export interface DrillPermissionsOptions {
  readonly site: Site;
  /** Of the drill itself. */
  readonly functionName: string;
  readonly bucket: s3.IBucket;
  readonly vault: backup.IBackupVault;
  /** Whether the bucket has object lock. */
  readonly objectLock: boolean;
  readonly restoreRole: iam.IRole;
  /** Name of the subnet group of what is restored. */
  readonly subnetGroup: string;
  /** Encrypts the automated backups that RDS replicates to a DR site. */
  readonly key: kms.IKey;
  /** Of production, in the primary Region alone. */
  readonly databaseArns: readonly string[];
}

/** What the drill may do; a statement a purpose. They are more than one inline policy holds: the CDK puts the last into a managed one. */
export function drillPermissions(
  scope: Construct,
  {
    site,
    functionName,
    bucket,
    objectLock,
    vault,
    restoreRole,
    subnetGroup,
    key,
    databaseArns,
  }: DrillPermissionsOptions,
): iam.PolicyStatement[] {
  const stack = Stack.of(scope);
  const rdsArn: RdsArn = (resource, resourceName) =>
    stack.formatArn({ service: 'rds', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  // AWS Backup names the recovery points of RDS by the snapshot; its own carry this prefix.
  const recoveryPoints = [
    rdsArn('snapshot', 'awsbackup:*'),
    rdsArn('cluster-snapshot', 'awsbackup:*'),
    stack.formatArn({
      service: 'backup',
      resource: 'recovery-point',
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  ];
  // The drill names what it restores `drill-TIME-...`; what a recovery keeps is `recovery-TIME-...`.
  const named = (names: string) => [rdsArn('db', names), rdsArn('cluster', names)];
  const drilled = named('drill-*');
  const drills = `${DRILLS_PREFIXES[site]}*`;
  return [
    ...(objectLock
      ? [
          new iam.PolicyStatement({
            sid: 'SeeLocks',
            actions: ['s3:GetObjectRetention'],
            resources: [bucket.arnForObjects('archives/*/manifests/*')],
          }),
        ]
      : []),
    new iam.PolicyStatement({
      sid: 'ReadPlansAndArchives',
      actions: ['s3:GetObject'],
      resources: [
        bucket.arnForObjects('plans/*'),
        bucket.arnForObjects('archives/*'),
        bucket.arnForObjects(drills),
        bucket.arnForObjects('locks/*'),
        bucket.arnForObjects('suspicious/*'),
      ],
    }),
    // Without it S3 answers a missing plan document with "access denied".
    new iam.PolicyStatement({ sid: 'List', actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }),
    new iam.PolicyStatement({
      sid: 'WriteReports',
      actions: ['s3:PutObject'],
      resources: [drills, 'recoveries/*', 'locks/*'].map((keys) => bucket.arnForObjects(keys)),
    }),
    // Whether the drill that holds the lock still runs.
    new iam.PolicyStatement({
      sid: 'SeeOtherDrills',
      actions: ['lambda:GetDurableExecution'],
      resources: [
        stack.formatArn({
          service: 'lambda',
          resource: 'function',
          resourceName: `${functionName}:*`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
    }),
    new iam.PolicyStatement({
      sid: 'ChooseRecoveryPoints',
      actions: ['backup:ListRecoveryPointsByBackupVault', 'backup:GetRecoveryPointRestoreMetadata'],
      resources: [vault.backupVaultArn, ...recoveryPoints],
    }),
    new iam.PolicyStatement({ sid: 'Restore', actions: ['backup:StartRestoreJob'], resources: recoveryPoints }),
    // A job has no ARN that a policy could name.
    new iam.PolicyStatement({ sid: 'FollowRestore', actions: ['backup:DescribeRestoreJob'], resources: ['*'] }),
    new iam.PolicyStatement({
      sid: 'PassRestoreRole',
      actions: ['iam:PassRole'],
      resources: [restoreRole.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'backup.amazonaws.com' } },
    }),
    ...automatedBackupPermissions({ stack, site, rdsArn, subnetGroup, key, sources: databaseArns }),
    new iam.PolicyStatement({
      sid: 'FollowInstances',
      actions: ['rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'rds:ListTagsForResource'],
      resources: [...drilled, ...named('recovery-*')],
    }),
    // AWS Backup restores an Aurora cluster without instances: one is created in it.
    ...[
      { sid: 'CreateDrillInstances', names: 'drill-*', tag: DRILL_TAG },
      { sid: 'CreateRecoveryInstances', names: 'recovery-*', tag: RECOVERY_TAG },
    ].map(({ sid, names, tag }) => makesInstances(sid, 'rds:CreateDBInstance', named(names), tag, rdsArn, subnetGroup)),
    // What is restored takes the tag of its drill or recovery, and no other tag.
    ...[
      { sid: 'TagInstances', names: 'drill-*', tag: DRILL_TAG },
      { sid: 'TagRecoveries', names: 'recovery-*', tag: RECOVERY_TAG },
    ].map(
      ({ sid, names, tag }) =>
        new iam.PolicyStatement({
          sid,
          actions: ['rds:AddTagsToResource'],
          resources: named(names),
          conditions: { 'ForAllValues:StringEquals': { 'aws:TagKeys': [tag] }, Null: { 'aws:TagKeys': 'false' } },
        }),
    ),
    // By name and by tag: what a recovery keeps has neither.
    new iam.PolicyStatement({
      sid: 'CleanUpDrillInstances',
      actions: [
        'rds:DeleteDBInstance',
        'rds:DeleteDBInstanceAutomatedBackup',
        'rds:DeleteDBCluster',
        'rds:DeleteDBClusterAutomatedBackup',
      ],
      resources: [...drilled, rdsArn('auto-backup', '*'), rdsArn('cluster-auto-backup', '*')],
      conditions: { Null: { [`aws:ResourceTag/${DRILL_TAG}`]: 'false' } },
    }),
    new iam.PolicyStatement({
      sid: 'SayVerdict',
      actions: ['events:PutEvents'],
      resources: [stack.formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' })],
    }),
    // CloudWatch knows no resource for metrics; the namespace narrows it.
    new iam.PolicyStatement({
      sid: 'MeasureDrills',
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringEquals: { 'cloudwatch:namespace': METRIC_NAMESPACE } },
    }),
  ];
}

type RdsArn = (resource: string, resourceName: string) => string;

/**
 * Into the site's subnets only, out of reach of the internet, and tagged from its first moment. Its parameter and option groups
 * are those that the recovery plan names, or the defaults of the engine: the site knows no deployment's.
 */
const makesInstances = (
  sid: string,
  action: string,
  resources: string[],
  tag: string,
  rdsArn: RdsArn,
  subnetGroup: string,
) =>
  new iam.PolicyStatement({
    sid,
    actions: [action],
    resources: [...resources, rdsArn('subgrp', subnetGroup), rdsArn('pg', '*'), rdsArn('og', '*')],
    conditions: { ...taggedAlone(tag), Bool: { 'rds:PubliclyAccessible': 'false' } },
  });

interface AutomatedBackupOptions {
  readonly stack: Stack;
  readonly site: Site;
  readonly rdsArn: RdsArn;
  readonly subnetGroup: string;
  readonly key: kms.IKey;
  readonly sources: readonly string[];
}

/** For restores to a moment: of the automated backups that RDS replicates to a DR site, and of its own in the primary Region. */
function automatedBackupPermissions({ stack, site, rdsArn, subnetGroup, key, sources }: AutomatedBackupOptions) {
  const atDrSite = site === 'dr-site';
  // The keys of databases there are production's: whoever keeps them decides, by their policies.
  const keys = atDrSite ? key.keyArn : stack.formatArn({ service: 'kms', resource: 'key', resourceName: '*' });
  const throughRds = { StringEquals: { 'kms:ViaService': `rds.${stack.region}.amazonaws.com` } };
  return [
    // Of the whole Region, as RDS lists them; it answers with times and names.
    new iam.PolicyStatement({
      sid: 'FindAutomatedBackups',
      actions: [
        'rds:DescribeDBInstanceAutomatedBackups',
        ...(atDrSite ? [] : ['rds:DescribeDBClusterAutomatedBackups']),
      ],
      resources: [
        rdsArn('auto-backup', '*'),
        rdsArn('db', '*'),
        ...(atDrSite ? [] : [rdsArn('cluster-auto-backup', '*'), rdsArn('cluster', '*')]),
      ],
    }),
    // The replicas' names are made by RDS.
    ...[
      { sid: 'RestoreAutomatedBackups', names: 'drill-*', tag: DRILL_TAG },
      { sid: 'RecoverAutomatedBackups', names: 'recovery-*', tag: RECOVERY_TAG },
    ].map(({ sid, names, tag }) =>
      makesInstances(
        sid,
        'rds:RestoreDBInstanceToPointInTime',
        // A source that is there is asked for by the same action as what is made of it; it is not changed.
        [rdsArn('db', names), rdsArn('auto-backup', '*'), ...sources],
        tag,
        rdsArn,
        subnetGroup,
      ),
    ),
    ...(atDrSite
      ? []
      : [
          { sid: 'RestoreClusters', names: 'drill-*', tag: DRILL_TAG },
          { sid: 'RecoverClusters', names: 'recovery-*', tag: RECOVERY_TAG },
        ].map(
          ({ sid, names, tag }) =>
            new iam.PolicyStatement({
              sid,
              actions: ['rds:RestoreDBClusterToPointInTime'],
              resources: [
                rdsArn('cluster', names),
                rdsArn('cluster-auto-backup', '*'),
                ...sources,
                rdsArn('subgrp', subnetGroup),
                rdsArn('cluster-pg', '*'),
                rdsArn('og', '*'),
              ],
              conditions: taggedAlone(tag),
            }),
        )),
    // RDS makes the restored storage with the caller's permission to use the key.
    new iam.PolicyStatement({
      sid: 'UseKeyThroughRds',
      actions: ['kms:DescribeKey', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext'],
      resources: [keys],
      conditions: throughRds,
    }),
    new iam.PolicyStatement({
      sid: 'GrantKeyToRds',
      actions: ['kms:CreateGrant'],
      resources: [keys],
      conditions: { ...throughRds, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
  ];
}

/** What is made carries the tag of a drill or recovery from its first moment, and no other. */
const taggedAlone = (tag: string) => ({
  Null: { [`aws:RequestTag/${tag}`]: 'false' },
  'ForAllValues:StringEquals': { 'aws:TagKeys': [tag] },
});
