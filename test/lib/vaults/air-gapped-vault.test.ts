import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type AirGappedVaultOptions, RecoverySite } from '../../../lib';
import { componentBackup } from '../../../lib/vaults/component-backup';
import { Fixture } from '../fixture';

const compliance = {
  acknowledgement: 'nobody can delete it before its retention ends, and I pay for it until then',
};

const fixtureWith = (options: Partial<AirGappedVaultOptions> = {}) =>
  new Fixture({ site: { siteName: 'prod', airGappedVault: { compliance, ...options } } });

interface CopyAction {
  readonly DestinationBackupVaultArn: { readonly 'Fn::Join': [string, unknown[]] };
  readonly Lifecycle: object;
}

const copyActions = (template: Template): CopyAction[][] =>
  Object.values(template.findResources('AWS::Backup::BackupPlan')).flatMap(({ Properties }) =>
    (Properties as { BackupPlan: { BackupPlanRule: { CopyActions?: CopyAction[] }[] } }).BackupPlan.BackupPlanRule.map(
      ({ CopyActions = [] }) => CopyActions,
    ),
  );

describe('an air-gapped vault', () => {
  test('is not made unless it is asked for, and nothing is copied there', () => {
    const fixture = new Fixture();
    fixture.addRecovery();
    Template.fromStack(fixture.siteStack).resourceCountIs('AWS::Backup::LogicallyAirGappedBackupVault', 0);
    for (const actions of copyActions(Template.fromStack(fixture.stack))) assert.ok(actions.length <= 1);
  });

  test('gets whatever the vault of the site gets, for as long', () => {
    const fixture = fixtureWith({ maxRetention: Duration.days(400) });
    fixture.addRecovery();
    Template.fromStack(fixture.siteStack).hasResourceProperties('AWS::Backup::LogicallyAirGappedBackupVault', {
      BackupVaultName: 'prod-air-gapped',
      MinRetentionDays: 7,
      MaxRetentionDays: 400,
    });
    const copied = copyActions(Template.fromStack(fixture.stack)).filter(({ length }) => length > 0);
    assert.equal(copied.length, 1);
    for (const [site, airGapped, ...more] of copied) {
      assert.deepEqual(more, []);
      assert.match(
        JSON.stringify(site!.DestinationBackupVaultArn),
        /:backup:eu-west-1:111122223333:backup-vault:prod"/,
      );
      assert.match(JSON.stringify(airGapped!.DestinationBackupVaultArn), /backup-vault:prod-air-gapped"/);
      assert.deepEqual(airGapped!.Lifecycle, { DeleteAfterDays: 35 });
    }
  });

  test('asks for the words that say what it means', () => {
    assert.throws(
      () => fixtureWith({ compliance: { acknowledgement: 'yes' } }),
      /`airGappedVault\.compliance\.acknowledgement` must be 'nobody can delete it .*', got 'yes'/,
    );
  });

  test('limits on both sides of what AWS Backup takes', () => {
    for (const options of [
      { minRetention: Duration.days(6) },
      { minRetention: Duration.hours(180) },
      { minRetention: Duration.days(30), maxRetention: Duration.days(29) },
      { maxRetention: Duration.days(36_501) },
    ]) {
      assert.throws(() => fixtureWith(options), /`airGappedVault` must have whole days, 7 <= `minRetention` <= /);
    }
    fixtureWith({ minRetention: Duration.days(7), maxRetention: Duration.days(7) });
    fixtureWith({ maxRetention: Duration.days(36_500) });
  });

  test('copies that it would not take stop the synth; on its limits they do not', () => {
    const withCopies = (days: number, options: Partial<AirGappedVaultOptions>) =>
      fixtureWith(options).addRecovery({ backupRetention: { all: Duration.days(35), copies: Duration.days(days) } });
    assert.throws(
      () => withCopies(29, { minRetention: Duration.days(30) }),
      /retention of the copies of database \(rule \S+\) must be from 30 to 36500 days, what the air-gapped vault takes, got 29/,
    );
    assert.throws(() => withCopies(61, { maxRetention: Duration.days(60) }), /must be from 7 to 60 days, .* got 61/);
    withCopies(30, { minRetention: Duration.days(30) });
    withCopies(60, { maxRetention: Duration.days(60) });
  });

  test('cold storage is for the vault of the site alone', () => {
    const stack = new Stack();
    const vault = (name: string) => backup.BackupVault.fromBackupVaultName(stack, name, name);
    componentBackup(stack, 'Plan', {
      planName: 'files',
      resourceArn: 'arn:aws:elasticfilesystem:eu-central-1:111122223333:file-system/fs-1',
      rules: [
        {
          name: 'daily',
          scheduleExpression: 'cron(0 3 * * ? *)',
          startWindowMinutes: 60,
          completionWindowMinutes: 120,
          continuous: false,
          retentionDays: 200,
          copyRetentionDays: 200,
          coldAfterDays: 30,
        },
      ],
      vault: vault('primary'),
      drVault: vault('dr'),
      airGappedVault: vault('dr-air-gapped'),
      role: iam.Role.fromRoleName(stack, 'Role', 'backup'),
    });
    assert.deepEqual(
      copyActions(Template.fromStack(stack))[0]!.map(({ Lifecycle }) => Lifecycle),
      [{ DeleteAfterDays: 200, MoveToColdStorageAfterDays: 30 }, { DeleteAfterDays: 200 }],
    );
  });

  test('another account may copy into it, once it is admitted', () => {
    const app = new App();
    const stack = new Stack(app, 'Site', { env: { account: '444455556666', region: 'eu-west-1' } });
    const site = new RecoverySite(stack, 'RecoverySite', { airGappedVault: { compliance } });
    site._admit('111122223333', 'prod');
    Template.fromStack(stack).hasResourceProperties('AWS::Backup::LogicallyAirGappedBackupVault', {
      AccessPolicy: {
        Statement: [
          {
            Action: 'backup:CopyIntoBackupVault',
            Effect: 'Allow',
            Principal: { AWS: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::111122223333:root']] } },
            Resource: '*',
            Sid: 'CopiesFrom111122223333',
          },
        ],
      },
    });
  });
});
