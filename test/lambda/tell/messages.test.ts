// The shapes are those of AWS's documents: "Monitoring AWS Backup events using Amazon EventBridge" and "Notification options"
// (AWS Backup developer guide), "Event message structure" (S3 user guide), "CloudTrail record contents" (CloudTrail user guide).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { messagesOf } from '../../../lambda/tell/messages';

const DB = 'arn:aws:rds:eu-central-1:111122223333:db:identity';
const EFS = 'arn:aws:elasticfilesystem:eu-central-1:111122223333:file-system/fs-0123';
const VAULT = 'arn:aws:backup:eu-central-1:111122223333:backup-vault:primary';
const POINT = 'arn:aws:backup:eu-west-1:111122223333:recovery-point:1EB3B5E7';
const ROLE = 'arn:aws:sts::111122223333:assumed-role/Admin/mallory';

const event = (detailType: string, detail: object, resources: string[] = []) => ({
  version: '0',
  id: '710b0398-d48e-f3c3-afca-cfeb2fdaa656',
  'detail-type': detailType,
  source: 'aws.backup',
  account: '111122223333',
  time: '2026-11-25T20:15:26Z',
  region: 'eu-central-1',
  resources,
  detail,
});

const backupJob = (detail: object) =>
  event('Backup Job State Change', {
    backupJobId: '34176239-e96d-4e1d-9fad-529dbb3c3556',
    backupVaultArn: VAULT,
    backupVaultName: 'primary',
    bytesTransferred: '0',
    creationDate: '2026-11-25T20:13:07.392Z',
    iamRoleArn: 'arn:aws:iam::111122223333:role/Backup',
    resourceArn: DB,
    resourceType: 'RDS',
    startBy: '2026-11-26T04:13:07.392Z',
    percentDone: 0,
    retryCount: 3,
    ...detail,
  });

const copyJob = (detail: object) =>
  event('Copy Job State Change', {
    copyJobId: '47C8EF56-74D8-059D-1301-C5BE1D5C926E',
    backupSizeInBytes: 22548578304,
    resourceArn: DB,
    resourceType: 'RDS',
    sourceBackupVaultArn: VAULT,
    destinationBackupVaultArn: 'arn:aws:backup:eu-west-1:111122223333:backup-vault:site',
    destinationRecoveryPointArn: {},
    ...detail,
  });

const apiCall = (eventName: string, detail: object = {}) =>
  event('AWS API Call via CloudTrail', {
    eventVersion: '1.08',
    userIdentity: { type: 'AssumedRole', arn: ROLE, accountId: '111122223333' },
    eventTime: '2026-11-25T20:15:20Z',
    eventSource: 'backup.amazonaws.com',
    eventName,
    awsRegion: 'eu-central-1',
    sourceIPAddress: '203.0.113.7',
    requestParameters: { backupVaultName: 'primary' },
    responseElements: null,
    eventID: 'a1b2',
    ...detail,
  });

const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d';
const keyCall = (eventName: string, detail: object = {}) =>
  apiCall(eventName, {
    eventSource: 'kms.amazonaws.com',
    requestParameters: { keyId: KEY },
    resources: [{ accountId: '111122223333', type: 'AWS::KMS::Key', ARN: KEY }],
    ...detail,
  });

const replication = (eventName: string, replicationEventData?: object) => ({
  Records: [
    {
      eventVersion: '2.2',
      eventSource: 'aws:s3',
      awsRegion: 'eu-central-1',
      eventTime: '2026-11-25T20:15:26.000Z',
      eventName,
      s3: {
        s3SchemaVersion: '1.0',
        bucket: { name: 'artifacts', arn: 'arn:aws:s3:::artifacts' },
        object: { key: 'archives/prod/repository/packs/a+b%3D.tar.zst', size: 5, sequencer: '0055' },
      },
      ...(replicationEventData && { replicationEventData }),
    },
  ],
});

/** Event; subject; what the sentence says; what is to do. */
const CASES: readonly (readonly [string, object, string, string, RegExp])[] = [
  [
    'a backup that failed',
    backupJob({ state: 'FAILED', statusMessage: '"Backup job failed because backup vault primary does not exist."' }),
    'Backup FAILED: identity',
    `The backup of ${DB} into the vault primary failed: Backup job failed because backup vault primary does not exist.`,
    /Remove the reason above; then see .* wso2is-recovery backup/,
  ],
  [
    'one that expired',
    backupJob({
      state: 'EXPIRED',
      statusMessage: '"Backup job failed because there was a running job for the same resource."',
    }),
    'Backup EXPIRED: identity',
    `The backup of ${DB} into the vault primary did not start within its start window (EXPIRED): Backup job failed because there was a running job for the same resource.`,
    /Look for another backup of the same resource at that time/,
  ],
  [
    'one that somebody stopped',
    backupJob({ state: 'ABORTED', statusMessage: '"Backup job was stopped by user."', resourceArn: EFS }),
    'Backup ABORTED: fs-0123',
    `The backup of ${EFS} into the vault primary was stopped (ABORTED): Backup job was stopped by user.`,
    /StopBackupJob/,
  ],
  [
    'one without a reason',
    backupJob({ state: 'PARTIAL', statusMessage: '' }),
    'Backup PARTIAL: identity',
    `The backup of ${DB} into the vault primary ended in part only (PARTIAL).`,
    /wso2is-recovery backup/,
  ],
  [
    'one that was completed with issues',
    backupJob({ state: 'COMPLETED', statusMessage: 'Unable to perform VSS backup' }),
    'Backup COMPLETED: identity',
    `The backup of ${DB} into the vault primary was completed with issues: Unable to perform VSS backup.`,
    /The next drill tells/,
  ],
  [
    'a copy that failed',
    copyJob({ state: 'FAILED', statusMessage: 'Access denied exception while trying to list tags' }),
    'Copy to the DR site FAILED: identity',
    `The copy of a recovery point of ${DB} to arn:aws:backup:eu-west-1:111122223333:backup-vault:site failed: Access denied exception while trying to list tags.`,
    /policy of the vault at the DR site/,
  ],
  [
    'a copy in part',
    copyJob({ state: 'PARTIAL' }),
    'Copy to the DR site PARTIAL: identity',
    `The copy of a recovery point of ${DB} to arn:aws:backup:eu-west-1:111122223333:backup-vault:site ended in part only (PARTIAL).`,
    /policy of the vault at the DR site/,
  ],
  [
    'a continuous backup that stopped',
    event('Recovery Point State Change', { status: 'STOPPED', resourceArn: DB, backupVaultName: 'primary' }, [POINT]),
    'Recovery point STOPPED: identity',
    `The continuous backup of ${DB} stopped: it cannot be restored to moments from now on.`,
    /automated backups of the database are on/,
  ],
  [
    'a recovery point in part',
    event('Recovery Point State Change', { status: 'PARTIAL', resourceArn: EFS, backupVaultName: 'primary' }, [POINT]),
    'Recovery point PARTIAL: fs-0123',
    `A recovery point of ${EFS} is there in part only, and is not used.`,
    /list-backup-jobs/,
  ],
  [
    'a recovery point that cannot be deleted',
    event('Recovery Point State Change', { status: 'EXPIRED', resourceArn: DB, backupVaultName: 'primary' }, [POINT]),
    'Recovery point EXPIRED: identity',
    `A recovery point of ${DB} is past its retention, and AWS Backup could not delete it.`,
    /by hand/,
  ],
  [
    'a vault that was changed, with its lock',
    event('Backup Vault State Change', { backupVaultName: 'primary', state: 'MODIFIED', isLocked: 'true' }, [VAULT]),
    'Backup vault MODIFIED: primary',
    'The backup vault primary was changed. Its lock is on now.',
    /If you are deploying.*take it for an attack/,
  ],
  [
    'a vault whose lock is gone',
    event('Backup Vault State Change', { backupVaultName: 'primary', state: 'MODIFIED', isLocked: 'false' }, [VAULT]),
    'Backup vault MODIFIED: primary',
    'The backup vault primary was changed. Its lock is off now.',
    /deploying again/,
  ],
  [
    'a vault that was deleted',
    event('Backup Vault State Change', { backupVaultName: 'primary', state: 'DELETED' }, [VAULT]),
    'Backup vault DELETED: primary',
    'The backup vault primary was deleted.',
    /take it for an attack/,
  ],
  [
    'its policy',
    apiCall('DeleteBackupVaultAccessPolicy'),
    'Done: DeleteBackupVaultAccessPolicy on primary',
    `${ROLE} removed the access policy of the backup vault primary (DeleteBackupVaultAccessPolicy).`,
    /take the access of .*mallory away first/,
  ],
  [
    'its lock, refused',
    apiCall('DeleteBackupVaultLockConfiguration', { errorCode: 'AccessDenied', errorMessage: 'explicit deny' }),
    'Refused: DeleteBackupVaultLockConfiguration on primary',
    `${ROLE} tried what would have removed the lock of the backup vault primary (DeleteBackupVaultLockConfiguration), and was refused: AccessDenied.`,
    /take the access of/,
  ],
  [
    'a recovery point that somebody deleted',
    apiCall('DeleteRecoveryPoint', { requestParameters: { backupVaultName: 'primary', recoveryPointArn: POINT } }),
    'Done: DeleteRecoveryPoint on primary',
    `${ROLE} deleted a recovery point of the backup vault primary (DeleteRecoveryPoint).`,
    /wso2is-recovery status/,
  ],
  [
    'a key that is to be deleted',
    keyCall('ScheduleKeyDeletion', { responseElements: { keyId: KEY, deletionDate: 'Dec 3, 2026, 12:00:00 AM' } }),
    'Done: ScheduleKeyDeletion on 0a1b2c3d',
    `${ROLE} scheduled the deletion of the key ${KEY} (ScheduleKeyDeletion), on which recovery points or the manifests of archives depend.`,
    /aws kms cancel-key-deletion, then aws kms enable-key\. After it nothing/,
  ],
  [
    'a key that is disabled, refused',
    keyCall('DisableKey', { errorCode: 'AccessDenied' }),
    'Refused: DisableKey on 0a1b2c3d',
    `${ROLE} tried what would have disabled the key ${KEY} (DisableKey), and was refused: AccessDenied.`,
    /The key is as it was\./,
  ],
  [
    'a key whose policy is another',
    keyCall('PutKeyPolicy'),
    'Done: PutKeyPolicy on 0a1b2c3d',
    `${ROLE} changed the policy of the key ${KEY} (PutKeyPolicy), on which recovery points or the manifests of archives depend.`,
    /Put it back by deploying again/,
  ],
  [
    'replication that is late',
    replication('Replication:OperationMissedThreshold', {
      replicationRuleId: 'ToDrSite',
      destinationBucket: 'arn:aws:s3:::replica',
      s3Operation: 'OBJECT_PUT',
      requestTime: '2026-11-25T20:00:20.000Z',
      threshold: 900,
    }),
    'Replication is late: artifacts',
    'archives/prod/repository/packs/a b=.tar.zst of artifacts did not arrive in replica within the 15 minutes of S3 Replication Time Control.',
    /S3 goes on by itself/,
  ],
  [
    'replication that failed',
    replication('Replication:OperationFailedReplication', {
      replicationRuleId: 'ToDrSite',
      destinationBucket: 'arn:aws:s3:::replica',
      failureReason: 'DstPutObjectNotPermitted',
    }),
    'Replication failed: artifacts',
    'archives/prod/repository/packs/a b=.tar.zst of artifacts could not be replicated to replica: DstPutObjectNotPermitted.',
    /S3 Batch Replication/,
  ],
  [
    'replication that failed, without a reason',
    replication('Replication:OperationFailedReplication'),
    'Replication failed: artifacts',
    'archives/prod/repository/packs/a b=.tar.zst of artifacts could not be replicated to its replica.',
    /S3 does not try again/,
  ],
  [
    'continuous backup that was interrupted',
    {
      Records: [
        {
          EventSource: 'aws:sns',
          EventVersion: '1.0',
          Sns: {
            Type: 'Notification',
            TopicArn: 'arn:aws:sns:eu-central-1:111122223333:notices',
            Subject: 'Notification from AWS Backup',
            Message: `Continuous backup was interrupted. Resource ARN : ${DB}. `,
            Timestamp: '2026-11-25T18:46:02.788Z',
            MessageAttributes: { EventType: { Type: 'String', Value: 'CONTINUOUS_BACKUP' } },
          },
        },
      ],
    },
    'Continuous backup was interrupted',
    `AWS Backup says: Continuous backup was interrupted. Resource ARN : ${DB}.`,
    /automated backups of the database are on/,
  ],
];

describe('what people are told', () => {
  for (const [name, given, subject, sentence, todo] of CASES) {
    test(name, () => {
      const [told, ...more] = messagesOf(given);
      assert.equal(more.length, 0);
      assert.equal(told?.subject, subject);
      const [first, , second] = told.message.split('\n');
      assert.equal(first, sentence);
      assert.match(second ?? '', /^What to do: /);
      assert.match(second ?? '', todo);
      assert.doesNotMatch(told.message, /[{}]|undefined|not said/);
      assert.match(told.message, /\nTime: 2026-11-25T/);
    });
  }

  test('the message in docs/operations.md is one', () => {
    const page = readFileSync(join(__dirname, '../../../docs/operations.md'), 'utf8');
    const block = /^```text\nSubject: (.+)\n\n([^`]+)\n```$/m.exec(page);
    const [told] = messagesOf(CASES.find(([name]) => name === 'one that expired')![1]);
    assert.equal(block?.[1], told?.subject);
    // There the lines are broken, and what is left out is between brackets.
    const spaces = (text: string) => text.replace(/\s+/g, ' ').trim();
    const parts = spaces(block![2]!).split(' [...] ');
    assert.equal(parts.length, 2);
    assert.ok(spaces(told!.message).startsWith(parts[0]!), told!.message);
    assert.ok(spaces(told!.message).endsWith(parts[1]!), told!.message);
  });

  test('several objects that are late: one message each', () => {
    const [record] = replication('Replication:OperationMissedThreshold').Records;
    assert.equal(messagesOf({ Records: [record, record] }).length, 2);
  });

  test('what nobody knows is told as it is, and not lost', () => {
    for (const odd of [
      { 'detail-type': 'Region Setting State Change', detail: { state: 'MODIFIED' } },
      {},
      null,
      'text',
    ]) {
      const [told] = messagesOf(odd);
      assert.equal(told?.subject, 'An event of AWS that has no sentence yet');
      assert.ok(told.message.includes(JSON.stringify(odd)));
    }
  });

  test('a subject is what SNS takes', () => {
    const [told] = messagesOf(backupJob({ state: 'FAILED', resourceArn: `arn:aws:rds:::db:${'ä'.repeat(200)}` }));
    assert.match(told?.subject ?? '', /^[\x20-\x7e]{100}$/);
  });
});
