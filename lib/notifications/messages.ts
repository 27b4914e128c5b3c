import { Aws, Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type * as backup from 'aws-cdk-lib/aws-backup';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { recoveryFunction } from '../private/recovery-function';
import { notifyOfFunction } from './failure-topic';

export interface MessagesOptions {
  readonly topic: sns.ITopic;
  readonly key: kms.IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** How a job of AWS Backup ends badly. EXPIRED: it did not start within its start window. */
const FAILED_JOB_STATES = ['FAILED', 'EXPIRED', 'ABORTED', 'PARTIAL'];

/** Recovery points that are less than they seem: continuous ones that stopped, parts, and those that AWS Backup cannot delete. */
const BAD_POINT_STATES = ['STOPPED', 'PARTIAL', 'EXPIRED'];

/** What takes away from the protection of a vault, or from what is in it. */
const CALLS = [
  'PutBackupVaultAccessPolicy',
  'DeleteBackupVaultAccessPolicy',
  'PutBackupVaultLockConfiguration',
  'DeleteBackupVaultLockConfiguration',
  'DeleteBackupVault',
  'DeleteRecoveryPoint',
  'UpdateRecoveryPointLifecycle',
  'DisassociateRecoveryPoint',
  'PutBackupVaultNotifications',
  'DeleteBackupVaultNotifications',
];

/** What takes a key away, or could: a lock of a vault does not guard the key of its points. */
const KEY_CALLS = ['ScheduleKeyDeletion', 'DisableKey', 'PutKeyPolicy', 'DisableKeyRotation'];

const API_CALL = 'AWS API Call via CloudTrail';

/**
 * Has a function turn what AWS sends as JSON into one readable message each, with what to do, to the failure topic of the
 * Region. What it cannot turn arrives as it was sent, by the function's failure destination.
 */
export class Messages extends Construct {
  private readonly teller: lambda.Function;

  public constructor(
    scope: Construct,
    id: string,
    private readonly options: MessagesOptions,
  ) {
    super(scope, id);
    const { topic, removalPolicy } = options;
    this.teller = recoveryFunction(this, 'Function', {
      bundle: 'tell',
      description: 'Says in a sentence what AWS sends as JSON',
      removalPolicy,
      memorySize: 256,
      timeout: Duration.minutes(1),
      environment: { TOPIC_ARN: topic.topicArn },
    });
    topic.grantPublish(this.teller);
    notifyOfFunction(this.teller, topic, 2);
  }

  /** Jobs of AWS Backup that fail, do not start in time, are stopped, or end in part. Of restore jobs drills tell by themselves. */
  public ofJobs(id: string, kind: 'Backup' | 'Copy', where: Readonly<Record<string, readonly string[]>>): void {
    const detailType = `${kind} Job State Change`;
    this.rule(id, `Failed jobs of AWS Backup: ${detailType}`, detailType, {
      state: FAILED_JOB_STATES,
      ...where,
    });
  }

  /** What becomes of a vault and its points: also by whom, where a trail of CloudTrail logs management events. */
  public ofVault(vault: backup.BackupVault): void {
    const backupVaultName = [vault.backupVaultName];
    this.rule('BackupIssues', 'Backup jobs that were completed with issues', 'Backup Job State Change', {
      state: ['COMPLETED'],
      statusMessage: [{ 'anything-but': '' }],
      backupVaultName,
    });
    this.rule('Points', 'Recovery points that are less than they seem', 'Recovery Point State Change', {
      status: BAD_POINT_STATES,
      backupVaultName,
    });
    this.rule('VaultChanges', 'Changes of the backup vault', 'Backup Vault State Change', {
      state: ['MODIFIED', 'DELETED'],
      backupVaultName,
    });
    this.rule('VaultCalls', 'Who changed the backup vault, or deleted from it', API_CALL, {
      eventSource: ['backup.amazonaws.com'],
      eventName: CALLS,
      requestParameters: { backupVaultName },
    });
    this.ofInterruptions(vault);
  }

  /**
   * Who is about to take the keys of this Region away, where a trail of CloudTrail logs management events. KMS waits for at least 7
   * days, in which it can be undone.
   */
  public ofKeys(arns: readonly string[]): void {
    this.rule(
      'KeyCalls',
      'Who changed a key of recovery points or of manifests',
      API_CALL,
      { eventSource: ['kms.amazonaws.com'], eventName: KEY_CALLS, resources: { ARN: arns } },
      'aws.kms',
    );
  }

  /** AWS Backup tells of them by the vault's notifications alone. The CDK's own list of events does not have it yet. */
  private ofInterruptions(vault: backup.BackupVault): void {
    const notices = new sns.Topic(this, 'VaultNotices', { masterKey: this.options.key, enforceSSL: true });
    notices.grantPublish(new iam.ServicePrincipal('backup.amazonaws.com'));
    notices.addSubscription(new LambdaSubscription(this.teller));
    const cfnVault = vault.node.defaultChild as backup.CfnBackupVault;
    cfnVault.notifications = {
      snsTopicArn: notices.topicArn,
      backupVaultEvents: ['CONTINUOUS_BACKUP_INTERRUPTED'],
    };
  }

  /**
   * Replication that failed or is late. S3 does not send these to EventBridge, so it calls the function. Written on the L1, whose
   * notifications need no function as a custom resource; S3 asks at once whether it may call.
   */
  public ofReplication(bucket: s3.Bucket): void {
    // By account, not by bucket, whose name is not known before it exists.
    this.teller.addPermission('S3', {
      principal: new iam.ServicePrincipal('s3.amazonaws.com'),
      sourceAccount: Aws.ACCOUNT_ID,
    });
    const cfnBucket = bucket.node.defaultChild as s3.CfnBucket;
    cfnBucket.notificationConfiguration = {
      lambdaConfigurations: [
        's3:Replication:OperationMissedThreshold',
        's3:Replication:OperationFailedReplication',
      ].map((event) => ({ event, function: this.teller.functionArn })),
    };
    cfnBucket.node.addDependency(this.teller.node.findChild('S3'));
  }

  private rule(
    id: string,
    description: string,
    detailType: string,
    detail: Record<string, unknown>,
    source = 'aws.backup',
  ): void {
    new events.Rule(this, id, {
      description,
      eventPattern: { source: [source], detailType: [detailType], detail },
      targets: [new LambdaFunction(this.teller)],
    });
  }
}
