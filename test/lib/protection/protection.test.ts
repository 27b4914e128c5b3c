import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Fixture } from '../fixture';

const WORDS = 'nobody can delete it before its retention ends, and I pay for it until then';
const breakGlass = 'arn:aws:iam::111122223333:role/BreakGlass';

describe('deletion protection', () => {
  const fixture = new Fixture({ site: { deletionProtection: { breakGlassRoleArns: [breakGlass] } } });
  fixture.addRecovery({ deletionProtection: { breakGlassRoleArns: [breakGlass] } });
  for (const [where, stack] of [
    ['in the Region', fixture.stack],
    ['at the DR site', fixture.siteStack],
  ] as const) {
    test(`${where}, deletion and every way to allow it are denied to all but the break-glass role`, () => {
      const [vault] = Object.values(Template.fromStack(stack).findResources('AWS::Backup::BackupVault'));
      assert.deepEqual(vault!['Properties'].AccessPolicy.Statement, [
        {
          Sid: 'DenyDeletion',
          Effect: 'Deny',
          Principal: { AWS: '*' },
          Action: [
            'backup:DeleteRecoveryPoint',
            'backup:UpdateRecoveryPointLifecycle',
            'backup:DisassociateRecoveryPoint',
            'backup:DeleteBackupVault',
            'backup:DeleteBackupVaultLockConfiguration',
            'backup:PutBackupVaultLockConfiguration',
            'backup:PutBackupVaultAccessPolicy',
            'backup:DeleteBackupVaultAccessPolicy',
          ],
          Resource: '*',
          Condition: { ArnNotEquals: { 'aws:PrincipalArn': [breakGlass] } },
        },
      ]);
    });
  }

  test('without a break-glass role it is refused', () => {
    assert.throws(() => new Fixture({ site: { deletionProtection: { breakGlassRoleArns: [] } } }), {
      message:
        'Site/RecoverySite: `deletionProtection.breakGlassRoleArns` must hold at least one, got none: ' +
        'without any nobody could ever change the vault again',
    });
  });
});

describe('object lock', () => {
  const lock = { retention: Duration.days(35) };
  const rule = (mode: string, days: number) => ({
    ObjectLockEnabled: true,
    ObjectLockConfiguration: {
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: mode, Days: days } },
    },
  });

  test('in governance mode on both sides, and replication may read the locks', () => {
    const fixture = new Fixture({ site: { objectLock: lock } });
    fixture.addRecovery({ objectLock: { retention: Duration.days(14) } });
    const template = Template.fromStack(fixture.stack);
    template.hasResourceProperties('AWS::S3::Bucket', rule('GOVERNANCE', 14));
    Template.fromStack(fixture.siteStack).hasResourceProperties('AWS::S3::Bucket', rule('GOVERNANCE', 35));
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: Match.arrayWith(['s3:GetObjectRetention', 's3:GetObjectLegalHold']) }),
        ]),
      },
    });
  });

  test('in compliance mode where the words are written', () => {
    const fixture = new Fixture({ site: { objectLock: { ...lock, compliance: { acknowledgement: WORDS } } } });
    Template.fromStack(fixture.siteStack).hasResourceProperties('AWS::S3::Bucket', rule('COMPLIANCE', 35));
  });

  test('without a lock the bucket has none', () => {
    const fixture = new Fixture();
    fixture.addRecovery();
    for (const stack of [fixture.stack, fixture.siteStack]) {
      Template.fromStack(stack).hasResourceProperties('AWS::S3::Bucket', { ObjectLockEnabled: Match.absent() });
    }
  });

  for (const [what, run, message] of [
    [
      'another word',
      () => new Fixture({ site: { objectLock: { ...lock, compliance: { acknowledgement: 'yes' } } } }),
      /^Site\/RecoverySite: `objectLock\.compliance\.acknowledgement` must be 'nobody can delete it .*', got 'yes': compliance mode is irreversible/,
    ],
    [
      'part of a day',
      () => new Fixture({ site: { objectLock: { retention: Duration.hours(36) } } }),
      /`objectLock\.retention` must be at least one whole day, got .*: S3 locks by days/,
    ],
    [
      'a site without it',
      () => new Fixture().addRecovery({ objectLock: lock }),
      /^Is\/Recovery: `objectLock` must come with that of its site, got none there: add `objectLock` to the RecoverySite/,
    ],
  ] as const) {
    test(`${what} stops the synth`, () => assert.throws(run, { message }));
  }
});

describe('vault lock', () => {
  const locked = (vaultLock: NonNullable<ConstructorParameters<typeof Fixture>[0]>['site']) =>
    Template.fromStack(new Fixture({ site: vaultLock }).siteStack);

  test('in governance mode it stays changeable; the drill knows what it wants', () => {
    const template = locked({ vaultLock: { minRetention: Duration.days(7) } });
    template.hasResourceProperties('AWS::Backup::BackupVault', {
      LockConfiguration: { MinRetentionDays: 7, ChangeableForDays: Match.absent() },
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: { SITE: 'dr-site', LOCK_MIN_DAYS: '7' } },
    });
  });

  test('in compliance mode, with the words, it is immutable after three days or as many as wished', () => {
    const compliance = { acknowledgement: WORDS };
    for (const [changeableFor, days] of [
      [undefined, 3],
      [Duration.days(3), 3],
      [Duration.days(30), 30],
    ] as const) {
      locked({ vaultLock: { compliance, changeableFor } }).hasResourceProperties('AWS::Backup::BackupVault', {
        LockConfiguration: { MinRetentionDays: 1, ChangeableForDays: days },
      });
    }
    assert.throws(() => locked({ vaultLock: { compliance, changeableFor: Duration.days(2) } }), {
      message: /`vaultLock\.changeableFor` must be at least 3 whole days, got 2 days: AWS Backup takes no shorter time/,
    });
  });

  test('compliance mode without the words, or its time without it, stops the synth', () => {
    assert.throws(() => locked({ vaultLock: { compliance: { acknowledgement: '' } } }), {
      message: /`vaultLock\.compliance\.acknowledgement` must be 'nobody can delete it/,
    });
    assert.throws(() => locked({ vaultLock: { changeableFor: Duration.days(3) } }), {
      message: /`vaultLock\.changeableFor` must come with `vaultLock\.compliance`, got it alone/,
    });
  });
});
