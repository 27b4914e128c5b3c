import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RULES, type TemplateResource } from '../../../lib/rules/findings';

const ACCOUNT = '111122223333';
const resource = (type: string, properties: Record<string, unknown>): TemplateResource => ({
  type: `AWS::${type}`,
  properties,
  account: ACCOUNT,
});

const holds = (name: string, subject: TemplateResource, others: readonly TemplateResource[] = []) => {
  const rule = RULES.find((candidate) => candidate.name === name);
  assert.ok(rule, name);
  return rule.holds(subject, () => [subject, ...others]);
};

const vault = (action: unknown, effect = 'Deny') =>
  resource('Backup::BackupVault', { AccessPolicy: { Statement: [{ Effect: effect, Action: action }] } });
const FOUR = [
  'backup:DeleteRecoveryPoint',
  'backup:UpdateRecoveryPointLifecycle',
  'backup:PutBackupVaultAccessPolicy',
  'backup:DeleteBackupVaultAccessPolicy',
];
const policy = (...statements: object[]) =>
  resource('IAM::Policy', { PolicyDocument: { Statement: statements.map((each) => ({ Effect: 'Allow', ...each })) } });
const key = { 'Fn::GetAtt': ['Key', 'Arn'] };
const copyTo = (arn: unknown) =>
  resource('Backup::BackupPlan', {
    BackupPlan: { BackupPlanRule: [{ CopyActions: [{ DestinationBackupVaultArn: arn }] }] },
  });
const joined = (account: unknown) => ({
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':backup:eu-west-1:', account, ':backup-vault:dr']],
});
const replicating = (rule: object) => resource('S3::Bucket', { ReplicationConfiguration: { Rules: [rule] } });
const toReplica = replicating({
  Destination: {
    Bucket: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3:::replica-', { Ref: 'AWS::AccountId' }]] },
  },
});
const toReplicaOf = (account: string) =>
  replicating({
    Destination: { Bucket: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:s3:::replica-${account}`]] } },
  });
const replicaName = { 'Fn::Join': ['', ['replica-', { Ref: 'AWS::AccountId' }]] };

const cases: [string, string, boolean | undefined, TemplateResource, TemplateResource[]?][] = [
  ['VaultDeniesDeletion', 'all four are denied', true, vault(FOUR)],
  ['VaultDeniesDeletion', 'one each is missing', false, vault(FOUR.slice(0, 3))],
  ['VaultDeniesDeletion', 'the policy can be removed first', false, vault(FOUR.slice(0, 2))],
  ['VaultDeniesDeletion', 'they are allowed', false, vault(FOUR, 'Allow')],
  ['VaultDeniesDeletion', 'there is no policy', false, resource('Backup::BackupVault', {})],
  ['VaultDeniesDeletion', 'no vault', undefined, resource('S3::Bucket', {})],
  [
    'VaultKeyOfItsOwn',
    'a database has the same key',
    false,
    resource('Backup::BackupVault', { EncryptionKeyArn: key }),
    [resource('RDS::DBInstance', { KmsKeyId: key })],
  ],
  [
    'VaultKeyOfItsOwn',
    'the database has another',
    true,
    resource('Backup::BackupVault', { EncryptionKeyArn: key }),
    [resource('RDS::DBInstance', { KmsKeyId: 'other' }), resource('EFS::FileSystem', {})],
  ],
  ['VaultKeyOfItsOwn', 'the vault has the default key', undefined, resource('Backup::BackupVault', {})],
  [
    'BucketObjectLock',
    'the replica is in another account, by its number there and by a reference here',
    false,
    resource('S3::Bucket', { BucketName: replicaName }),
    [{ ...toReplicaOf(ACCOUNT), account: '444455556666' }],
  ],
  [
    'BucketObjectLock',
    'what is replicated to is a bucket of that name in a third account',
    undefined,
    resource('S3::Bucket', { BucketName: replicaName }),
    [toReplicaOf('777788889999')],
  ],
  ['CopyInAnotherAccount', 'the same account', false, copyTo(joined(ACCOUNT))],
  [
    'CopyInAnotherAccount',
    'the same account, as one text',
    false,
    copyTo(`arn:aws:backup:eu-west-1:${ACCOUNT}:backup-vault:dr`),
  ],
  ['CopyInAnotherAccount', 'another account', true, copyTo(joined('444455556666'))],
  [
    'CopyInAnotherAccount',
    'accounts that are known when it is deployed',
    false,
    { ...copyTo(joined({ Ref: 'AWS::AccountId' })), account: { Ref: 'AWS::AccountId' } },
  ],
  [
    'CopyInAnotherAccount',
    'no copy',
    undefined,
    resource('Backup::BackupPlan', { BackupPlan: { BackupPlanRule: [{}] } }),
  ],
  ['BucketObjectLock', 'replicates without a lock', false, toReplica],
  [
    'BucketObjectLock',
    'replicates with one',
    true,
    { ...toReplica, properties: { ...toReplica.properties, ObjectLockEnabled: true } },
  ],
  [
    'BucketObjectLock',
    'is replicated to without one',
    false,
    resource('S3::Bucket', { BucketName: replicaName }),
    [toReplica],
  ],
  ['BucketObjectLock', 'another bucket', undefined, resource('S3::Bucket', { BucketName: 'logs' }), [toReplica]],
  ['ReplicationWatched', 'with metrics', true, replicating({ Destination: { Metrics: { Status: 'Enabled' } } })],
  ['ReplicationWatched', 'without', false, replicating({ Destination: {} })],
  ['ReplicationWatched', 'no replication', undefined, resource('S3::Bucket', {})],
  [
    'ReplicationWithoutDeleteMarkers',
    'without',
    true,
    replicating({ DeleteMarkerReplication: { Status: 'Disabled' } }),
  ],
  ['ReplicationWithoutDeleteMarkers', 'with', false, replicating({ DeleteMarkerReplication: { Status: 'Enabled' } })],
  ['WriterDoesNotDelete', 'writes', true, policy({ Action: ['s3:PutObject', 's3:GetObject'] })],
  ['WriterDoesNotDelete', 'deletes', true, policy({ Action: 's3:DeleteObject' })],
  ['WriterDoesNotDelete', 'does both', false, policy({ Action: 's3:PutObject' }, { Action: 's3:DeleteObject*' })],
  ['WriterDoesNotDelete', 'may do anything in S3', false, policy({ Action: 'S3:*' })],
  [
    'WriterDoesNotDelete',
    'is denied the one',
    true,
    policy({ Action: 's3:PutObject' }, { Effect: 'Deny', Action: 's3:*' }),
  ],
  [
    'WriterDoesNotDelete',
    'a role that copies and deletes points',
    false,
    resource('IAM::Role', {
      Policies: [
        {
          PolicyDocument: {
            Statement: { Effect: 'Allow', Action: ['backup:StartCopyJob', 'backup:DeleteRecoveryPoint'] },
          },
        },
      ],
    }),
  ],
  ['WriterDoesNotDelete', 'no policy', undefined, resource('S3::Bucket', {})],
  [
    'DeletesOnlyWhatIsTagged',
    'with the tag',
    true,
    policy({ Action: 'rds:DeleteDBInstance', Condition: { Null: { 'aws:ResourceTag/drill': 'false' } } }),
  ],
  ['DeletesOnlyWhatIsTagged', 'without a condition', false, policy({ Action: 'rds:Delete*' })],
  [
    'DeletesOnlyWhatIsTagged',
    'with a condition on another thing',
    false,
    policy({ Action: 'elasticfilesystem:DeleteFileSystem', Condition: { Bool: { 'aws:SecureTransport': 'true' } } }),
  ],
  ['DeletesOnlyWhatIsTagged', 'deletes nothing', undefined, policy({ Action: 'rds:DescribeDBInstances' })],
];

for (const { name } of RULES) {
  describe(name, () => {
    for (const [, what, expected, subject, others] of cases.filter(([rule]) => rule === name)) {
      test(what, () => assert.equal(holds(name, subject, others), expected));
    }
  });
}
