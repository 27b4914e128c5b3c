import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import { RecoverySite } from '../../../lib';
import { shareWithSite } from '../../../lib/vaults/recovery-key';
import { Fixture } from '../fixture';

const ACCOUNT = '111122223333';
const arn = (region: string, account = ACCOUNT) =>
  `arn:aws:kms:${region}:${account}:key/01234567-89ab-cdef-0123-456789abcdef`;

interface Statement {
  readonly Principal: { readonly Service?: string };
  readonly Action: string | string[];
  readonly Condition?: object;
}

const statementsOf = (template: Template): Statement[] =>
  Object.values(template.findResources('AWS::KMS::Key')).flatMap(
    ({ Properties }) => (Properties as { KeyPolicy: { Statement: Statement[] } }).KeyPolicy.Statement,
  );
const publishersOf = (template: Template) =>
  statementsOf(template)
    .filter(({ Principal }) => Principal.Service)
    .map(({ Principal, Action, Condition }) => ({ service: Principal.Service!, actions: [Action].flat(), Condition }));

const warningsOf = (stack: Stack) =>
  Annotations.fromStack(stack)
    .findWarning('*', Match.stringLikeRegexp('the policy of the key'))
    .map(({ entry }) => String(entry.data));

const siteWith = (key: (stack: Stack) => kms.IKey, env = { account: ACCOUNT, region: 'eu-west-1' }) => {
  const stack = new Stack(undefined, 'Site', { env });
  const site = new RecoverySite(stack, 'RecoverySite', { encryptionKey: key(stack) });
  return { stack, site };
};

describe('the key of recovery points and messages', () => {
  test('is made, rotates, and lets publish what publishes', () => {
    const { siteStack } = new Fixture();
    const template = Template.fromStack(siteStack);
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true, KeySpec: Match.absent() });
    const publishers = publishersOf(template);
    for (const service of ['cloudwatch.amazonaws.com', 'backup.amazonaws.com', 'events.amazonaws.com']) {
      const found = publishers.filter((each) => each.service === service);
      assert.ok(found.length > 0, service);
      assert.ok(found[0]!.actions.includes('kms:Decrypt'), service);
    }
    assert.deepEqual(publishers.find(({ service }) => service === 'cloudwatch.amazonaws.com')!.Condition, {
      StringEquals: { 'aws:SourceAccount': ACCOUNT },
    });
    assert.deepEqual(warningsOf(siteStack), []);
  });

  test('given in the app: the vault and the topics have it, its policy lets publish, none is made', () => {
    const { stack } = siteWith((scope) => new kms.Key(scope, 'Mine', { alias: 'mine' }));
    const template = Template.fromStack(stack);
    // The other is for MACs.
    const keys = Object.entries(template.findResources('AWS::KMS::Key', { Properties: { KeySpec: Match.absent() } }));
    assert.equal(keys.length, 1);
    const reference = { 'Fn::GetAtt': [keys[0]![0], 'Arn'] };
    template.hasResourceProperties('AWS::Backup::BackupVault', { EncryptionKeyArn: reference });
    for (const { Properties } of Object.values(template.findResources('AWS::SNS::Topic'))) {
      assert.deepEqual((Properties as { KmsMasterKeyId: unknown }).KmsMasterKeyId, reference);
    }
    assert.deepEqual([...new Set(publishersOf(template).map(({ service }) => service))].sort(), [
      'backup.amazonaws.com',
      'cloudwatch.amazonaws.com',
      'events.amazonaws.com',
    ]);
    template.hasResourceProperties('AWS::KMS::Alias', { AliasName: 'alias/wso2is-recovery/wso2is-recovery' });
    assert.deepEqual(warningsOf(stack), []);
  });

  test('given from outside: one warning with the statements that its policy must have, as JSON', () => {
    const { stack } = siteWith((scope) => kms.Key.fromKeyArn(scope, 'Mine', arn('eu-west-1')));
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::Backup::BackupVault', { EncryptionKeyArn: arn('eu-west-1') });
    template.resourceCountIs('AWS::KMS::Key', 1);
    const [warning, ...more] = warningsOf(stack);
    assert.deepEqual(more, []);
    assert.ok(warning!.includes(`the policy of the key ${arn('eu-west-1')} is not in this app`), warning);
    const listed = /copies fail: (.*?)(?: \[ack:.*)?$/.exec(warning!)![1]!;
    assert.deepEqual(
      (JSON.parse(`[${listed}]`) as Statement[]).map(({ Principal, Action, Condition }) => [
        Principal.Service,
        Action,
        Condition,
      ]),
      [
        [
          'cloudwatch.amazonaws.com',
          ['kms:Decrypt', 'kms:GenerateDataKey'],
          { StringEquals: { 'aws:SourceAccount': ACCOUNT } },
        ],
        ['backup.amazonaws.com', ['kms:Decrypt', 'kms:GenerateDataKey'], undefined],
        ['events.amazonaws.com', ['kms:Decrypt', 'kms:GenerateDataKey'], undefined],
      ],
    );
  });

  test('in the primary Region: the vault there has it', () => {
    const fixture = new Fixture();
    fixture.addRecovery({ encryptionKey: kms.Key.fromKeyArn(fixture.stack, 'Mine', arn('eu-central-1')) });
    Template.fromStack(fixture.stack).hasResourceProperties('AWS::Backup::BackupVault', {
      EncryptionKeyArn: arn('eu-central-1'),
    });
    assert.equal(warningsOf(fixture.stack).length, 1);
    // The site has its own.
    assert.deepEqual(warningsOf(fixture.siteStack), []);
  });

  test('a key of the other Region, or of another account, is refused', () => {
    const refused = (key: string) => () => siteWith((scope) => kms.Key.fromKeyArn(scope, 'Mine', key));
    assert.throws(
      refused(arn('eu-central-1')),
      /`encryptionKey` must be a key of the Region of its stack, eu-west-1, got one of eu-central-1: give a key of each Region/,
    );
    assert.throws(
      refused(arn('eu-west-1', '444455556666')),
      /`encryptionKey` must be a key of the account of its stack, 111122223333, got one of 444455556666/,
    );
    const fixture = new Fixture();
    assert.throws(
      () => fixture.addRecovery({ encryptionKey: kms.Key.fromKeyArn(fixture.stack, 'Mine', arn('eu-west-1')) }),
      /must be a key of the Region of its stack, eu-central-1, got one of eu-west-1/,
    );
  });

  test('shared with a site in another account: what a key from outside lacks is warned of as well', () => {
    const stack = new Stack(undefined, 'Is', { env: { account: ACCOUNT, region: 'eu-central-1' } });
    shareWithSite(stack, kms.Key.fromKeyArn(stack, 'Mine', arn('eu-central-1')), '444455556666');
    const [warning] = warningsOf(stack);
    assert.match(warning!, /"Sid":"CopiedByTheSite"/);
    assert.match(warning!, /"Sid":"GrantedToItsServices"/);
  });
});
