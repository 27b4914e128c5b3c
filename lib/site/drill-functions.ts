/**
 * The functions that restore, check and decide, and what they work with. Made at each site alike: at the DR site and, for
 * failures inside it, in the primary Region.
 */
import { ArnFormat, Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as backup from 'aws-cdk-lib/aws-backup';
import type * as efs from 'aws-cdk-lib/aws-efs';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { CfnDBSubnetGroup } from 'aws-cdk-lib/aws-rds';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { alarmOnDroppedEvents } from '../notifications/failure-topic';
import type { Site } from '../planning/plan-document';
import { recoveryFunction } from '../private/recovery-function';
import { type ManifestKeys, verifiesManifests } from '../protection/manifest-keys';
import { lockMinDays, type VaultLockOptions } from '../protection/vault-lock';
import { drillPermissions } from './drill-permissions';
import { reaper } from './reaper';
import { MOUNT_PATH, RESTORE_OWNER, RESTORE_ROOT, restoreVolume } from './restore-volume';
import { SITE_TAG } from './site-names';
import type { SiteNetwork } from './site-network';

export interface DrillFunctionsOptions {
  readonly site: Site;
  /** Physical name of the drill function, by which people and the command invoke it. */
  readonly functionName: string;
  /** Name of the DR site: the value of the tag on the secrets that may be read. */
  readonly siteName: string;
  readonly bucket: s3.IBucket;
  readonly vault: backup.IBackupVault;
  readonly vaultLock?: VaultLockOptions;
  /** Whether the bucket has object lock. */
  readonly objectLock: boolean;
  readonly key: kms.IKey;
  readonly topic: sns.ITopic;
  /** Absent: manifests are not signed. */
  readonly manifestKeys?: ManifestKeys;
  readonly network: SiteNetwork;
  readonly drillTimeout: Duration;
  /** JSON: ARN by name of each check of the user's own; a token that is undefined where there is none. */
  readonly ownChecks?: string;
  /** JSON: the copy of Identity Server that drills boot; a token that is undefined where there is none. */
  readonly boot?: string;
  /** In the primary Region: instances and clusters of production, whose automated backups RDS restores. */
  readonly databaseArns?: readonly string[];
  readonly removalPolicy: RemovalPolicy;
}

export interface DrillFunctions {
  /** The durable function; what it may do is granted to it. */
  readonly drill: lambda.Function;
  /** By which it is invoked. A durable function takes qualified names only: a running drill stays on its version. */
  readonly alias: lambda.Alias;
  readonly check: lambda.Function;
  /** Removes what dead drills left. */
  readonly reap: lambda.Function;
  readonly accessPoint: efs.AccessPoint;
  /** Name of the subnet group of restored databases. */
  readonly subnetGroup: string;
}

export function drillFunctions(scope: Construct, options: DrillFunctionsOptions): DrillFunctions {
  const { site, functionName, bucket, vault, key, topic, network, drillTimeout, removalPolicy } = options;
  const { drills: accessPoint, root } = restoreVolume(scope, network, removalPolicy);
  const inNetwork = {
    removalPolicy,
    vpc: network.vpc,
    vpcSubnets: network.subnets,
    filesystem: lambda.FileSystem.fromEfsAccessPoint(accessPoint, MOUNT_PATH),
    environment: { BUCKET: bucket.bucketName, MOUNT_PATH },
  };
  const restore = recoveryFunction(scope, 'Restore', {
    ...inNetwork,
    bundle: 'restore',
    description: 'Puts an exported point of the artifacts onto the restore volume',
    securityGroups: [network.restore],
  });
  const check = recoveryFunction(scope, 'Check', {
    ...inNetwork,
    bundle: 'check',
    description: 'Checks what a drill restored',
    securityGroups: [network.check],
  });
  const adopt = recoveryFunction(scope, 'Adopt', {
    ...inNetwork,
    filesystem: lambda.FileSystem.fromEfsAccessPoint(root, MOUNT_PATH),
    bundle: 'restore',
    description: 'Moves what AWS Backup restored to the restore volume to where drills have it',
    securityGroups: [network.restore],
  });
  for (const fn of [restore, check]) {
    fn.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['s3:GetObject'],
        resources: [bucket.arnForObjects('archives/*')],
      }),
    );
    // Without it S3 answers a missing pack with "access denied".
    fn.addToRolePolicy(new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  }
  check.addToRolePolicy(mayReadTaggedSecrets(scope, options.siteName));
  check.addToRolePolicy(
    new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [bucket.arnForObjects('counts/*')] }),
  );

  const restoreRole = new iam.Role(scope, 'RestoreRole', {
    description: 'AWS Backup restores recovery points of the site with it',
    assumedBy: new iam.ServicePrincipal('backup.amazonaws.com'),
    managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSBackupServiceRolePolicyForRestores')],
  });
  const subnetGroup = new CfnDBSubnetGroup(scope, 'DatabaseSubnets', {
    dbSubnetGroupDescription: 'Restored databases: without it RDS looks for a default VPC',
    subnetIds: network.vpc.selectSubnets(network.subnets).subnetIds,
  });
  const drill = recoveryFunction(scope, 'Drill', {
    functionName,
    bundle: 'drill',
    description: 'Restores a recovery set, checks it, measures, reports, cleans up',
    removalPolicy,
    durableConfig: { executionTimeout: drillTimeout, retentionPeriod: DRILL_HISTORY },
    environment: {
      SITE: site,
      BUCKET: bucket.bucketName,
      VAULT_NAME: vault.backupVaultName,
      ...(options.vaultLock === undefined ? {} : { LOCK_MIN_DAYS: String(lockMinDays(options.vaultLock)) }),
      ...(options.objectLock ? { OBJECT_LOCK: 'true' } : {}),
      RESTORE_ROLE_ARN: restoreRole.roleArn,
      DB_SUBNET_GROUP: subnetGroup.ref,
      DB_SECURITY_GROUP_ID: network.database.securityGroupId,
      RESTORE_FUNCTION: restore.functionName,
      CHECK_FUNCTION: check.functionName,
      ADOPT_FUNCTION: adopt.functionName,
      RESTORE_UID: RESTORE_OWNER.uid,
      RESTORE_GID: RESTORE_OWNER.gid,
      RESTORE_FILE_SYSTEM_ID: accessPoint.fileSystem.fileSystemId,
      RESTORE_ROOT,
      TOPIC_ARN: topic.topicArn,
      TIMEOUT_SECONDS: String(drillTimeout.toSeconds()),
      ...(options.ownChecks === undefined ? {} : { OWN_CHECKS: options.ownChecks }),
      ...(options.boot === undefined ? {} : { BOOT: options.boot }),
    },
  });
  const permissions = drillPermissions(scope, {
    site,
    functionName,
    bucket,
    objectLock: options.objectLock,
    vault,
    restoreRole,
    subnetGroup: subnetGroup.ref,
    key,
    databaseArns: options.databaseArns ?? [],
  });
  for (const statement of permissions) drill.addToRolePolicy(statement);
  verifiesManifests(drill, options.manifestKeys);
  restore.grantInvoke(drill);
  check.grantInvoke(drill);
  adopt.grantInvoke(drill);
  topic.grantPublish(drill);
  notifyOfDrillsWithoutVerdict(scope, drill, topic);
  alarmOnDroppedEvents(drill);
  const reap = reaper(scope, { ...options, restore, adopt, restoreRole, subnetGroup: subnetGroup.ref });
  const alias = new lambda.Alias(scope, 'DrillAlias', { aliasName: 'live', version: drill.currentVersion });
  return { drill, alias, check, reap, accessPoint, subnetGroup: subnetGroup.ref };
}

/**
 * A drill tells by itself how it ended, and why: whatever fails in it, in its functions or in its restore jobs is a cause in its one
 * message. So there is no alarm over any of them; this is for the drill that could not tell. Lambda's metrics would say it
 * too, but not which drill it was.
 */
function notifyOfDrillsWithoutVerdict(scope: Construct, drill: lambda.IFunction, topic: sns.ITopic): void {
  new events.Rule(scope, 'FailedExecutions', {
    description: 'Drills that ended without a verdict',
    eventPattern: {
      source: ['aws.lambda'],
      detailType: ['Durable Execution Status Change'],
      detail: { functionArn: [{ prefix: drill.functionArn }], status: ['FAILED', 'TIMED_OUT', 'STOPPED'] },
    },
    targets: [
      new SnsTopic(topic, {
        message: events.RuleTargetInput.fromText(
          `A recovery drill ended ${events.EventField.fromPath('$.detail.status')} without a whole report: nothing is ` +
            'proven, and what it restored may be left. Its steps: durable execution ' +
            events.EventField.fromPath('$.detail.durableExecutionArn'),
        ),
      }),
    ],
  });
}

/**
 * By tag, since a site cannot name the secrets: their ARNs come into being in the primary stacks, which depend on it.
 * Replicas carry the tags of their secret.
 */
export function mayReadTaggedSecrets(scope: Construct, siteName: string): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ['secretsmanager:GetSecretValue'],
    resources: [
      Stack.of(scope).formatArn({
        service: 'secretsmanager',
        resource: 'secret',
        resourceName: '*',
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    ],
    conditions: { StringEquals: { [`aws:ResourceTag/${SITE_TAG}`]: siteName } },
  });
}

/** Drills of a deployment on a schedule. */
export function scheduleDrills(
  scope: Construct,
  id: string,
  options: { readonly deployment: string; readonly schedule: events.Schedule; readonly drill: lambda.IFunction },
): void {
  const { deployment, schedule, drill } = options;
  new events.Rule(scope, id, {
    description: `Drills of ${deployment}`,
    schedule,
    targets: [new LambdaFunction(drill, { event: events.RuleTargetInput.fromObject({ deployment }) })],
  });
}

/** How long Lambda keeps the steps of a drill that ended; the report is kept in the bucket. */
const DRILL_HISTORY = Duration.days(30);
