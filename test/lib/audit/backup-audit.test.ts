import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import { auditPolicies, type Template as AuditedTemplate } from '../../policy-audit';
import { Fixture } from '../fixture';

const synthesized = (...[changed]: Parameters<Fixture['addRecovery']>) => {
  const fixture = new Fixture();
  fixture.addRecovery(changed);
  return Template.fromStack(fixture.stack);
};

test('nothing of it is made unless it is asked for', () => {
  const template = synthesized();
  template.resourceCountIs('AWS::Backup::Framework', 0);
  template.resourceCountIs('AWS::Backup::ReportPlan', 0);
});

test('frameworks for databases, volumes and the vault; only the plans that are held to a frequency carry the tag', () => {
  const template = synthesized({ audit: {} });
  const names = Object.values(template.findResources('AWS::Backup::Framework')).map(
    ({ Properties }) => Properties.FrameworkName as string,
  );
  assert.deepEqual(names, [
    'wso2is_recovery_production_RDS',
    'wso2is_recovery_production_EFS',
    'wso2is_recovery_production_Vault',
  ]);
  const plans = Object.values(template.findResources('AWS::Backup::BackupPlan')).map(({ Properties }) => [
    Properties.BackupPlan.BackupPlanName,
    Properties.BackupPlanTags,
  ]);
  assert.deepEqual(plans, [
    ['production-database', { 'wso2is-recovery:audit': 'production-RDS' }],
    ['production-database-pitr', undefined],
    ['production-repository', { 'wso2is-recovery:audit': 'production-EFS' }],
  ]);
  template.resourceCountIs('AWS::Backup::ReportPlan', 0);
});

test('a tag of resources and that of the plans are scopes', () => {
  const template = synthesized({ audit: { resourceTag: { key: 'app', value: 'is' } } });
  const [framework] = Object.values(template.findResources('AWS::Backup::Framework'));
  assert.deepEqual(
    framework!['Properties'].FrameworkControls.slice(0, 2).map(
      ({ ControlScope }: Record<string, unknown>) => ControlScope,
    ),
    [{ Tags: [{ Key: 'app', Value: 'is' }] }, { Tags: [{ Key: 'wso2is-recovery:audit', Value: 'production-RDS' }] }],
  );
});

test('the time of restores is held to the RTO in the Region, in minutes', () => {
  const [framework] = Object.values(
    synthesized({ audit: { restoreTime: true } }).findResources('AWS::Backup::Framework'),
  );
  assert.deepEqual(framework!['Properties'].FrameworkControls.at(-1), {
    ControlName: 'RESTORE_TIME_FOR_RESOURCES_MEET_TARGET',
    ControlInputParameters: [{ ParameterName: 'maxRestoreTime', ParameterValue: '240' }],
    ControlScope: { ComplianceResourceTypes: ['RDS'] },
  });
});

test('reports go into a bucket that takes them from AWS Backup alone', () => {
  const template = synthesized({ audit: { reports: true } });
  const plans = Object.values(template.findResources('AWS::Backup::ReportPlan')).map(
    ({ Properties }) =>
      [Properties.ReportSetting.ReportTemplate, Properties.ReportSetting.FrameworkArns?.length ?? 0] as const,
  );
  assert.deepEqual(plans, [
    ['RESOURCE_COMPLIANCE_REPORT', 3],
    ['CONTROL_COMPLIANCE_REPORT', 3],
    ['BACKUP_JOB_REPORT', 0],
    ['COPY_JOB_REPORT', 0],
  ]);
  const statements = Object.entries(template.findResources('AWS::S3::BucketPolicy'))
    .filter(([id]) => id.includes('BackupAudit'))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as Record<string, unknown>[]);
  const allowed = statements.filter(({ Effect }) => Effect === 'Allow');
  assert.equal(allowed.length, 1);
  assert.equal(allowed[0]!['Action'], 's3:PutObject');
  assert.deepEqual(allowed[0]!['Condition'], {
    ArnEquals: {
      'aws:PrincipalArn': {
        'Fn::Join': [
          '',
          [
            'arn:',
            { Ref: 'AWS::Partition' },
            ':iam::111122223333:role/aws-service-role/reports.backup.amazonaws.com/AWSServiceRoleForBackupReports',
          ],
        ],
      },
    },
    StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' },
  });
  assert.deepEqual(auditPolicies(template.toJSON() as AuditedTemplate), []);
});

test('more roles than the control takes are refused', () => {
  const roles = Array.from({ length: 6 }, (_, index) => `arn:aws:iam::111122223333:role/BreakGlass${index}`);
  const protection = (count: number) => ({ deletionProtection: { breakGlassRoleArns: roles.slice(0, count) } });
  synthesized({ audit: {}, ...protection(5) });
  assert.throws(() => synthesized({ audit: {}, ...protection(6) }), {
    message:
      'Is/Recovery: `deletionProtection.breakGlassRoleArns` must be at most 5 with `audit`, got 6: ' +
      'AWS Backup Audit Manager takes no more; take roles out, or leave `audit` out',
  });
});
