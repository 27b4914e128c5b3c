import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditFrameworks, type AuditControl, type AuditInput } from '../../../lib/audit/audit-controls';
import type { BackupRule } from '../../../lib/planning/plan-types';

const rule = (more: Partial<BackupRule> = {}): BackupRule => ({
  name: 'snapshot',
  intervalHours: 2,
  scheduleExpression: 'cron(0 0/2 * * ? *)',
  startWindowMinutes: 60,
  completionWindowMinutes: 120,
  continuous: false,
  retentionDays: 35,
  ...more,
});

const input = (more: Partial<AuditInput> = {}): AuditInput => ({
  components: [{ type: 'RDS', rules: [rule()] }],
  vaultName: 'vault',
  drRegion: 'eu-west-1',
  planTag: (type) => ({ key: 'plan', value: type }),
  ...more,
});

const controls = (more: Partial<AuditInput>, subject = 'RDS') =>
  auditFrameworks(input(more)).find((framework) => framework.subject === subject)!.controls;
const parameters = (name: string, more: Partial<AuditInput>, subject?: string) =>
  controls(more, subject).find((control: AuditControl) => control.name === name)?.parameters;

test('without locks, copies and roles: what every deployment is held to', () => {
  assert.deepEqual(auditFrameworks(input()), [
    {
      subject: 'RDS',
      controls: [
        { name: 'BACKUP_RESOURCES_PROTECTED_BY_BACKUP_PLAN', scope: { types: ['RDS'] } },
        {
          name: 'BACKUP_PLAN_MIN_FREQUENCY_AND_MIN_RETENTION_CHECK',
          parameters: { requiredFrequencyUnit: 'hours', requiredFrequencyValue: '2', requiredRetentionDays: '35' },
          scope: { tag: { key: 'plan', value: 'RDS' } },
        },
        {
          name: 'BACKUP_LAST_RECOVERY_POINT_CREATED',
          parameters: { recoveryPointAgeUnit: 'hours', recoveryPointAgeValue: '5' },
          scope: { types: ['RDS'] },
        },
      ],
    },
    { subject: 'Vault', controls: [{ name: 'BACKUP_RECOVERY_POINT_ENCRYPTED' }] },
  ]);
});

describe('the plan is held to', () => {
  const check = 'BACKUP_PLAN_MIN_FREQUENCY_AND_MIN_RETENTION_CHECK';
  const of = (hours: number) =>
    parameters(check, { components: [{ type: 'RDS', rules: [rule({ intervalHours: hours })] }] });

  test('hours up to 24, days above, and 31 of them at most', () => {
    assert.equal(of(24)?.['requiredFrequencyValue'], '24');
    assert.equal(of(24)?.['requiredFrequencyUnit'], 'hours');
    assert.equal(of(25)?.['requiredFrequencyValue'], '2');
    assert.equal(of(25)?.['requiredFrequencyUnit'], 'days');
    assert.equal(of(24 * 40)?.['requiredFrequencyValue'], '31');
  });

  test('the rule that carries the objective, not the tiers beside it', () => {
    const rules = [
      rule({ name: 'monthly', intervalHours: undefined, retentionDays: 365 }),
      rule({ retentionDays: 14 }),
    ];
    assert.deepEqual(parameters(check, { components: [{ type: 'RDS', rules }] }), {
      requiredFrequencyUnit: 'hours',
      requiredFrequencyValue: '2',
      requiredRetentionDays: '14',
    });
  });

  test('what all of a type fulfil, each type by itself', () => {
    const components = [
      { type: 'RDS', rules: [rule()] },
      { type: 'RDS', rules: [rule({ intervalHours: 6, retentionDays: 7 })] },
      { type: 'EFS', rules: [rule({ intervalHours: 24 })] },
    ] as const;
    assert.deepEqual(parameters(check, { components }), {
      requiredFrequencyUnit: 'hours',
      requiredFrequencyValue: '6',
      requiredRetentionDays: '7',
    });
    assert.equal(parameters(check, { components }, 'EFS')?.['requiredFrequencyValue'], '24');
    assert.equal(parameters('BACKUP_LAST_RECOVERY_POINT_CREATED', { components })?.['recoveryPointAgeValue'], '9');
  });
});

test('the age of the newest point is at most 744 hours, and rounded up', () => {
  const of = (more: Partial<BackupRule>) =>
    parameters('BACKUP_LAST_RECOVERY_POINT_CREATED', { components: [{ type: 'RDS', rules: [rule(more)] }] });
  assert.equal(of({ completionWindowMinutes: 121 })?.['recoveryPointAgeValue'], '6');
  assert.equal(of({ intervalHours: 741 })?.['recoveryPointAgeValue'], '744');
  assert.equal(of({ intervalHours: 742 })?.['recoveryPointAgeValue'], '744');
});

test('copies are asked for where every component of the type has them, and in the account of the site', () => {
  const copied = { type: 'RDS', rules: [rule({ copyRetentionDays: 35 })] } as const;
  const region = 'BACKUP_RESOURCES_PROTECTED_BY_CROSS_REGION';
  const account = 'BACKUP_RESOURCES_PROTECTED_BY_CROSS_ACCOUNT';
  assert.deepEqual(parameters(region, { components: [copied] }), { crossRegionList: 'eu-west-1' });
  assert.equal(parameters(region, { components: [copied, { type: 'RDS', rules: [rule()] }] }), undefined);
  assert.equal(parameters(account, { components: [copied] }), undefined);
  const drAccount = '444455556666';
  assert.deepEqual(parameters(account, { components: [copied], drAccount }), { crossAccountList: drAccount });
  assert.equal(parameters(account, { drAccount }), undefined);
});

test('a lock, its limits, the roles that may delete, and the time of restores, where they are there', () => {
  const lock = 'BACKUP_RESOURCES_PROTECTED_BY_BACKUP_VAULT_LOCK';
  assert.deepEqual(parameters(lock, { vaultLock: { minDays: 1 } }), { minRetentionDays: '1' });
  assert.deepEqual(parameters(lock, { vaultLock: { minDays: 7, maxDays: 60 } }), {
    minRetentionDays: '7',
    maxRetentionDays: '60',
  });
  assert.deepEqual(controls({ breakGlassRoleArns: ['a', 'b'] }, 'Vault')[1], {
    name: 'BACKUP_RECOVERY_POINT_MANUAL_DELETION_DISABLED',
    parameters: { principalArnList: 'a,b' },
    scope: { ids: ['vault'], types: ['AWS::Backup::BackupVault'] },
  });
  assert.deepEqual(parameters('RESTORE_TIME_FOR_RESOURCES_MEET_TARGET', { maxRestoreMinutes: 240.9 }), {
    maxRestoreTime: '240',
  });
});

test('a tag narrows what looks at resources, and nothing else', () => {
  const resourceTag = { key: 'app', value: 'is' };
  assert.deepEqual(
    controls({ resourceTag }).map(({ scope }) => scope),
    [{ tag: resourceTag }, { tag: { key: 'plan', value: 'RDS' } }, { tag: resourceTag }],
  );
});
