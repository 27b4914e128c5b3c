import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as events from 'aws-cdk-lib/aws-events';
import type { RestoreTestingOptions } from '../../../lib';
import { auditPolicies, type Template as AuditedTemplate } from '../../policy-audit';
import { Fixture } from '../fixture';

const synthesized = (restoreTesting?: RestoreTestingOptions) =>
  Template.fromStack(new Fixture({ site: { siteName: 'prod-site', restoreTesting } }).siteStack);

describe('restore testing of AWS Backup', () => {
  test('is not made unless it is asked for', () => {
    const template = synthesized();
    template.resourceCountIs('AWS::Backup::RestoreTestingPlan', 0);
    template.resourceCountIs('AWS::Backup::RestoreTestingSelection', 0);
  });

  test('takes the newest snapshot of each instance in the vault of the site', () => {
    const template = synthesized({});
    const [vault] = Object.keys(template.findResources('AWS::Backup::BackupVault'));
    template.hasResourceProperties('AWS::Backup::RestoreTestingPlan', {
      RestoreTestingPlanName: 'prod_site',
      ScheduleExpression: 'cron(0 2 ? * WED *)',
      StartWindowHours: 1,
      RecoveryPointSelection: {
        Algorithm: 'LATEST_WITHIN_WINDOW',
        IncludeVaults: [{ 'Fn::GetAtt': [vault, 'BackupVaultArn'] }],
        RecoveryPointTypes: ['SNAPSHOT'],
        SelectionWindowDays: 7,
      },
    });
  });

  test('restores them into the network of the drills, where the check function alone reaches them', () => {
    const template = synthesized({});
    const [selection] = Object.values(template.findResources('AWS::Backup::RestoreTestingSelection'));
    const { RestoreMetadataOverrides, ...rest } = selection!['Properties'];
    assert.deepEqual(Object.keys(RestoreMetadataOverrides).sort(), [
      'dbSubnetGroupName',
      'publiclyAccessible',
      'vpcSecurityGroupIds',
    ]);
    const group = template.findResources('AWS::EC2::SecurityGroup', {
      Properties: { GroupDescription: 'Restored databases: reachable by the check function alone' },
    });
    assert.ok(JSON.stringify(RestoreMetadataOverrides.vpcSecurityGroupIds).includes(Object.keys(group)[0]!));
    assert.deepEqual(
      [rest.ProtectedResourceType, rest.ProtectedResourceArns, rest.ValidationWindowHours],
      ['RDS', ['*'], 1],
    );
  });

  test('its function hears of the jobs of this plan alone', () => {
    const template = synthesized({});
    const [plan] = Object.keys(template.findResources('AWS::Backup::RestoreTestingPlan'));
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.backup'],
        'detail-type': ['Restore Job State Change'],
        detail: {
          status: ['COMPLETED', 'FAILED', 'ABORTED'],
          restoreTestingPlanArn: [{ 'Fn::GetAtt': [plan, 'RestoreTestingPlanArn'] }],
        },
      },
      Targets: Match.anyValue(),
    });
  });

  test('times on both sides of what AWS Backup takes', () => {
    for (const [options, message] of [
      [
        { validationWindow: Duration.minutes(59) },
        /`restoreTesting\.validationWindow` must be 1 to 168 whole hours, got 59/,
      ],
      [{ validationWindow: Duration.minutes(90) }, /must be 1 to 168 whole hours/],
      [{ validationWindow: Duration.hours(169) }, /must be 1 to 168 whole hours/],
      [{ selectionWindow: Duration.hours(23) }, /`restoreTesting\.selectionWindow` must be 1 to 365 whole days/],
      [{ selectionWindow: Duration.days(366) }, /must be 1 to 365 whole days/],
      [
        { schedule: events.Schedule.rate(Duration.days(7)) },
        /`restoreTesting\.schedule` must be a cron expression, got rate\(7 days\): .* use events\.Schedule\.cron/,
      ],
    ] as const) {
      assert.throws(() => synthesized(options), message);
    }
    const template = synthesized({
      validationWindow: Duration.hours(168),
      selectionWindow: Duration.days(365),
      schedule: events.Schedule.cron({ day: '1', hour: '3', minute: '30' }),
    });
    template.hasResourceProperties('AWS::Backup::RestoreTestingSelection', { ValidationWindowHours: 168 });
    template.hasResourceProperties('AWS::Backup::RestoreTestingPlan', {
      ScheduleExpression: 'cron(30 3 1 * ? *)',
      RecoveryPointSelection: Match.objectLike({ SelectionWindowDays: 365 }),
    });
  });

  test('its policies keep to what they need', () => {
    assert.deepEqual(auditPolicies(synthesized({}).toJSON() as AuditedTemplate), []);
  });
});
