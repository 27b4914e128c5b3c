import { ArnFormat, Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { notifyOfFunction } from '../notifications/failure-topic';
import { PLANS_PREFIX } from '../private/bucket-layout';
import { invalid } from '../private/errors';
import { recoveryFunction } from '../private/recovery-function';

/**
 * Restore testing of AWS Backup, beside the drills: AWS itself picks the newest recovery point of each RDS instance, restores it into the
 * network of the drills, and deletes what it made when the validation is done. The verdict is that of our checks over the database: it
 * connects with its own credentials, and has its tables and rows.
 *
 * Costs: what AWS Backup charges for each restore test, RDS for the instance as long as it is there, at most `validationWindow` after the
 * restore (it has the class of production's), and the function's seconds.
 */
export interface RestoreTestingOptions {
  /**
   * When restore tests begin: `cron(...)`, in UTC. AWS begins each at a random moment of the hour after it.
   *
   * @default - Wednesdays at 02:00
   */
  readonly schedule?: events.Schedule;

  /**
   * For how long AWS Backup waits for the verdict of our checks. Then the test ends TIMED_OUT, which is no success. Whole hours, 1 to 168
   * (AWS Backup API, `ValidationWindowHours`).
   *
   * @default Duration.hours(1)
   */
  readonly validationWindow?: Duration;

  /**
   * How old the recovery point may be at most. Whole days, 1 to 365 (`SelectionWindowDays`). Where there is none, AWS tests nothing and says nothing:
   * the alarms over the age of points do.
   *
   * @default Duration.days(7)
   */
  readonly selectionWindow?: Duration;
}

/** Where restore tests take place. */
export interface RestoreTestingProps {
  readonly siteName: string;
  readonly vault: backup.IBackupVault;
  readonly bucket: s3.IBucket;
  readonly topic: sns.ITopic;
  readonly check: lambda.IFunction;
  /** Name of the subnet group of what is restored. */
  readonly subnetGroup: string;
  readonly securityGroupId: string;
  readonly removalPolicy: RemovalPolicy;
}

/** Of jobs that restored nothing people are told as well. */
const ENDED = ['COMPLETED', 'FAILED', 'ABORTED'];

/** AWS Backup calls what it restores in tests so ("Restore testing inferred metadata"). */
const RESTORED = 'awsbackup-restore-test-*';

/** Makes the plan with its selection, and the function that validates. */
export function restoreTesting(parent: Construct, options: RestoreTestingOptions, props: RestoreTestingProps): void {
  const scope = new Construct(parent, 'RestoreTesting');
  const { siteName, vault, subnetGroup, securityGroupId } = props;
  const role = new iam.Role(scope, 'Role', {
    description: 'AWS Backup restores with it in restore tests',
    assumedBy: new iam.ServicePrincipal('backup.amazonaws.com'),
    managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSBackupServiceRolePolicyForRestores')],
  });
  const plan = new backup.CfnRestoreTestingPlan(scope, 'Plan', {
    // Letters, digits and underscores.
    restoreTestingPlanName: siteName.replaceAll('-', '_'),
    scheduleExpression: cronOf(parent, options.schedule),
    startWindowHours: 1,
    recoveryPointSelection: {
      algorithm: 'LATEST_WITHIN_WINDOW',
      includeVaults: [vault.backupVaultArn],
      recoveryPointTypes: ['SNAPSHOT'],
      selectionWindowDays: whole(parent, 'selectionWindow', options.selectionWindow ?? Duration.days(7), DAYS),
    },
  });
  const selection = new backup.CfnRestoreTestingSelection(scope, 'Instances', {
    restoreTestingPlanName: plan.restoreTestingPlanName,
    restoreTestingSelectionName: 'rds_instances',
    iamRoleArn: role.roleArn,
    protectedResourceType: 'RDS',
    // Whatever the vault has: deployments of the site are known to their own stacks, which depend on this one.
    protectedResourceArns: ['*'],
    restoreMetadataOverrides: {
      dbSubnetGroupName: subnetGroup,
      vpcSecurityGroupIds: Stack.of(scope).toJsonString([securityGroupId]),
      publiclyAccessible: 'false',
    },
    validationWindowHours: whole(parent, 'validationWindow', options.validationWindow ?? Duration.hours(1), HOURS),
  });
  selection.node.addDependency(plan);
  new events.Rule(scope, 'Restored', {
    description: 'Restore tests whose restore ended',
    eventPattern: {
      source: ['aws.backup'],
      detailType: ['Restore Job State Change'],
      detail: { status: ENDED, restoreTestingPlanArn: [plan.attrRestoreTestingPlanArn] },
    },
    targets: [new LambdaFunction(validator(scope, props))],
  });
}

function validator(scope: Construct, { bucket, topic, check, removalPolicy }: RestoreTestingProps): lambda.Function {
  const fn = recoveryFunction(scope, 'Validate', {
    bundle: 'restore-testing',
    description: 'Says of what a restore test made whether it works',
    removalPolicy,
    memorySize: 512,
    environment: { BUCKET: bucket.bucketName, CHECK_FUNCTION: check.functionName, TOPIC_ARN: topic.topicArn },
  });
  for (const [actions, resources] of [
    [['s3:ListBucket'], [bucket.bucketArn]],
    [['s3:GetObject'], [bucket.arnForObjects(`${PLANS_PREFIX}*`)]],
    [
      ['rds:DescribeDBInstances'],
      [
        Stack.of(scope).formatArn({
          service: 'rds',
          resource: 'db',
          resourceName: RESTORED,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
    ],
    // Restore jobs have no ARN that a policy could name.
    [['backup:DescribeRestoreJob', 'backup:PutRestoreValidationResult'], ['*']],
  ] as const) {
    fn.addToRolePolicy(new iam.PolicyStatement({ actions: [...actions], resources: [...resources] }));
  }
  check.grantInvoke(fn);
  topic.grantPublish(fn);
  notifyOfFunction(fn, topic, 2);
  return fn;
}

function cronOf(scope: Construct, schedule = events.Schedule.cron({ weekDay: 'WED', hour: '2', minute: '0' })): string {
  const { expressionString } = schedule;
  if (expressionString.startsWith('cron(')) return expressionString;
  throw invalid(
    scope,
    `\`restoreTesting.schedule\` must be a cron expression, got ${expressionString}: AWS Backup takes no other for restore tests; ` +
      'use events.Schedule.cron',
  );
}

interface Unit {
  readonly name: string;
  readonly seconds: number;
  readonly most: number;
}

const HOURS: Unit = { name: 'hours', seconds: 3600, most: 168 };
const DAYS: Unit = { name: 'days', seconds: 86_400, most: 365 };

function whole(scope: Construct, name: string, duration: Duration, { name: unit, seconds, most }: Unit): number {
  const count = duration.toSeconds() / seconds;
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw invalid(
    scope,
    `\`restoreTesting.${name}\` must be 1 to ${most} whole ${unit}, got ${duration.toHumanString()}: AWS Backup takes no other`,
  );
}
