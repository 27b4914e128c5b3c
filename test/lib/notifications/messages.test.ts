import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Fixture } from '../fixture';

const fixture = new Fixture();
const recovery = fixture.addRecovery({ inRegionRecovery: {} });

for (const [place, stack, failureTopic] of [
  ['the primary Region', fixture.stack, recovery.failureTopic],
  ['the DR site', fixture.siteStack, fixture.site.failureTopic],
] as const) {
  describe(`what AWS tells: ${place}`, () => {
    const template = Template.fromStack(stack);
    const topic = stack.resolve(failureTopic.topicArn) as unknown;
    const teller = { 'Fn::GetAtt': [Match.stringLikeRegexp('MessagesFunction'), 'Arn'] };
    const vaults = Object.keys(template.findResources('AWS::Backup::BackupVault'));
    const vaultName = { 'Fn::GetAtt': [vaults[0], 'BackupVaultName'] };
    const rule = (detailType: string, detail: object) =>
      template.hasResourceProperties('AWS::Events::Rule', {
        EventPattern: { source: ['aws.backup'], 'detail-type': [detailType], detail },
        Targets: [Match.objectLike({ Arn: teller })],
      });

    test('issues of backups, changes of its vault, and by whom, become sentences', () => {
      rule('Backup Job State Change', {
        state: ['COMPLETED'],
        statusMessage: [{ 'anything-but': '' }],
        backupVaultName: [vaultName],
      });
      rule('Recovery Point State Change', { status: ['STOPPED', 'PARTIAL', 'EXPIRED'], backupVaultName: [vaultName] });
      rule('Backup Vault State Change', { state: ['MODIFIED', 'DELETED'], backupVaultName: [vaultName] });
      rule('AWS API Call via CloudTrail', {
        eventSource: ['backup.amazonaws.com'],
        eventName: Match.arrayWith([
          'DeleteBackupVaultAccessPolicy',
          'DeleteBackupVaultLockConfiguration',
          'DeleteRecoveryPoint',
        ]),
        requestParameters: { backupVaultName: [vaultName] },
      });
    });

    test('who is about to take away a key of recovery points or of manifests', () => {
      const rules = Object.values(
        template.findResources('AWS::Events::Rule', {
          Properties: { EventPattern: { source: ['aws.kms'] } },
        }),
      ) as { readonly Properties: { readonly EventPattern: { readonly detail: Record<string, unknown> } } }[];
      assert.equal(rules.length, 1);
      const { detail } = rules[0]!.Properties.EventPattern;
      assert.deepEqual(detail['eventName'], [
        'ScheduleKeyDeletion',
        'DisableKey',
        'PutKeyPolicy',
        'DisableKeyRotation',
      ]);
      const { ARN } = detail['resources'] as { readonly ARN: readonly unknown[] };
      assert.equal(ARN.length, 2);
      const [own] = Object.keys(template.findResources('AWS::Backup::BackupVault')).map(
        (id) =>
          (template.toJSON() as { Resources: Record<string, { Properties: { EncryptionKeyArn: unknown } }> }).Resources[
            id
          ]!.Properties.EncryptionKeyArn,
      );
      assert.deepEqual(ARN[0], own);
    });

    test('the vault tells of continuous backup that was interrupted, by a topic that only the function hears', () => {
      const [notices] = Object.entries(template.findResources('AWS::SNS::Topic')).filter(([id]) =>
        /VaultNotices/.test(id),
      );
      template.hasResourceProperties('AWS::Backup::BackupVault', {
        Notifications: { SNSTopicArn: { Ref: notices![0] }, BackupVaultEvents: ['CONTINUOUS_BACKUP_INTERRUPTED'] },
      });
      template.hasResourceProperties('AWS::SNS::Subscription', {
        Protocol: 'lambda',
        TopicArn: { Ref: notices![0] },
        Endpoint: teller,
      });
      // Both topics have the one key: without these the notices would vanish unseen.
      template.hasResourceProperties('AWS::KMS::Key', {
        KeyPolicy: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Principal: { Service: 'cloudwatch.amazonaws.com' },
              Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            }),
            Match.objectLike({
              Principal: { Service: 'backup.amazonaws.com' },
              Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            }),
          ]),
        },
      });
      template.hasResourceProperties('AWS::SNS::TopicPolicy', {
        Topics: [{ Ref: notices![0] }],
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({ Principal: { Service: 'backup.amazonaws.com' }, Action: 'sns:Publish' }),
          ]),
        },
      });
    });

    test('the function may publish to the failure topic, and what it cannot tell arrives there as it was', () => {
      const [policy] = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) => /Messages/.test(id));
      const { Statement } = policy![1]['Properties'].PolicyDocument as {
        Statement: { Action: unknown; Resource: unknown }[];
      };
      assert.deepEqual(
        Statement.filter(({ Action }) => Action === 'sns:Publish').map(({ Resource }) => Resource),
        [topic],
      );
      template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
        FunctionName: { Ref: Match.stringLikeRegexp('MessagesFunction') },
        DestinationConfig: { OnFailure: { Destination: topic } },
        MaximumRetryAttempts: 2,
      });
    });
  });
}

test('S3 may call the function of the primary Region, from this account alone', () => {
  Template.fromStack(fixture.stack).hasResourceProperties('AWS::Lambda::Permission', {
    Principal: 's3.amazonaws.com',
    SourceAccount: { Ref: 'AWS::AccountId' },
    FunctionName: { 'Fn::GetAtt': [Match.stringLikeRegexp('MessagesFunction'), 'Arn'] },
  });
});
