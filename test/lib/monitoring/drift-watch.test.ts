import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Volume } from '../../../lib';
import { Fixture } from '../fixture';

const fixture = new Fixture();
const recovery = fixture.addRecovery({ deploymentName: 'prod' });
const template = Template.fromStack(fixture.stack);

const statementsOf = (of: Template) => {
  const [policy] = Object.entries(of.findResources('AWS::IAM::Policy')).filter(([id]) => /DriftWatch/.test(id));
  return policy![1]['Properties'].PolicyDocument.Statement as { Action: string | string[]; Resource: unknown }[];
};

/** Of each backup plan that was made. */
const plans = Object.keys(template.findResources('AWS::Backup::BackupPlan'));

test('every hour, with every backup plan as it was deployed', () => {
  const rules = Object.values(template.findResources('AWS::Events::Rule')).filter(({ Properties }) =>
    /as it was deployed/.test(String(Properties.Description)),
  );
  assert.equal(rules.length, 1);
  assert.equal(rules[0]!['Properties'].ScheduleExpression, 'rate(1 hour)');
  const input = JSON.stringify(rules[0]!['Properties'].Targets[0].Input);
  assert.ok(plans.length >= 2, `${plans.length}`);
  for (const plan of plans) {
    assert.ok(input.includes(`{"Ref":"${plan}"}`) || input.includes(`["${plan}","BackupPlanId"]`), input);
    assert.ok(input.includes(`["${plan}","VersionId"]`), input);
  }
});

test('an alarm that is told when it clears', () => {
  const topic = fixture.stack.resolve(recovery.failureTopic.topicArn) as unknown;
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmName: 'Is/Recovery/DriftWatch/Drift',
    Namespace: 'WSO2IS/Recovery',
    MetricName: 'RecoveryDrift',
    Dimensions: [{ Name: 'Deployment', Value: 'prod' }],
    Statistic: 'Maximum',
    Period: 3600,
    Threshold: 1,
    EvaluationPeriods: 1,
    TreatMissingData: 'ignore',
    AlarmActions: [topic],
    OKActions: [topic],
  });
  const { metricName, dimensions } = recovery.metricRecoveryDrift();
  assert.deepEqual([metricName, dimensions], ['RecoveryDrift', { Deployment: 'prod' }]);
});

test('reads its plan, one archive, its note and the backup plans; writes its note alone', () => {
  assert.deepEqual(
    statementsOf(template).map(({ Action, Resource }) =>
      [
        [Action].flat().join(' '),
        ...(JSON.stringify(Resource).match(
          /plans\/[^"]*|archives[^"]*|watched[^"]*|BackupPlan\w+?(?=[A-F0-9]{8})|Topic/g,
        ) ?? []),
      ].join(': '),
    ),
    [
      's3:GetObject: plans/prod.json: archives/prod/repository/*',
      's3:GetObject s3:PutObject: watched/prod/drift.json',
      's3:ListBucket',
      `backup:GetBackupPlan backup:ListBackupSelections backup:GetBackupSelection: ${plans.map((id) => id.replace(/^Recovery(Continuous)?|[A-F0-9]{8}$/g, '')).join(': ')}`,
      'cloudwatch:PutMetricData',
      'kms:VerifyMac',
      'sns:Publish: Topic',
      'kms:Decrypt kms:GenerateDataKey*',
    ],
  );
});

test('no volume holds deployment.toml: no archive may be read', () => {
  const other = new Fixture();
  other.addRecovery({ volumes: [Volume.fromAccessPoint(other.accessPoint, { mountedAt: 'repository/tenants' })] });
  assert.doesNotMatch(JSON.stringify(statementsOf(Template.fromStack(other.stack))), /archives/);
  Template.fromStack(other.stack).hasResourceProperties('AWS::Lambda::Function', {
    Description: 'Looks whether what recovery protects is still what was deployed',
    Environment: { Variables: { BUCKET: Match.anyValue(), TOPIC_ARN: Match.anyValue() } },
  });
});
