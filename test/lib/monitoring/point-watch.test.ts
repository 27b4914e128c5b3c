import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, type Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { watchIntervalMinutes } from '../../../lib/monitoring/recovery-point-age';
import { Fixture, objectives } from '../fixture';

type Properties = Record<string, never>;

function synthesized() {
  const fixture = new Fixture();
  const recovery = fixture.addRecovery({
    deploymentName: 'prod',
    objectives: objectives(Duration.hours(1), Duration.hours(7)),
  });
  return { fixture, recovery, primary: Template.fromStack(fixture.stack), dr: Template.fromStack(fixture.siteStack) };
}

const { fixture, recovery, primary, dr } = synthesized();
const SITES = [
  { site: 'in-region', template: primary, stack: fixture.stack, topic: recovery.failureTopic, rpoSeconds: 3600 },
  { site: 'dr-site', template: dr, stack: fixture.siteStack, topic: fixture.site.failureTopic, rpoSeconds: 25_200 },
] as const;

const alarmsOf = (template: Template, MetricName: string): Properties[] =>
  Object.values(template.findResources('AWS::CloudWatch::Alarm', { Properties: { MetricName } })).map(
    ({ Properties }) => Properties as Properties,
  );

/** Action and resource, as short as they can be told apart. */
function permissions(template: Template): string[] {
  const policies = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) => /PointWatch/.test(id));
  assert.equal(policies.length, 1);
  const statements = policies[0]![1]['Properties'].PolicyDocument.Statement as {
    Action: string | string[];
    Resource: unknown;
  }[];
  return statements.map(({ Action, Resource }) => {
    const names =
      JSON.stringify(Resource).match(
        /plans[^"]*|suspicious[^"]*|archives[^"]*|:[\w-]+:\*|:file-system\/\*|(Vault|Bucket|Database|ManifestKey)(?=[A-F0-9]{8})|"\*"/g,
      ) ?? [];
    return `${[Action].flat().join(' ')}: ${names.join(' ')}`;
  });
}

for (const { site, template, stack, topic, rpoSeconds } of SITES) {
  describe(`the watch of recovery points: ${site}`, () => {
    const resolved = (stack as Stack).resolve(topic.topicArn) as unknown;

    test('looks every five minutes, by itself', () => {
      template.hasResourceProperties('AWS::Events::Rule', {
        Description: 'Looks how old the recovery points of prod are',
        ScheduleExpression: 'rate(5 minutes)',
        Targets: [Match.objectLike({ Input: '{"deployment":"prod"}' })],
      });
      template.hasResourceProperties('AWS::Lambda::Function', {
        Description: 'Measures how old the newest recovery points are',
        MemorySize: 512,
        Environment: { Variables: { SITE: site } },
      });
    });

    test('an alarm a component, above the objective of this site; it is told when it clears', () => {
      const alarms = alarmsOf(template, 'RecoveryPointAge');
      assert.deepEqual(
        alarms.map(({ Dimensions }) =>
          (Dimensions as { Name: string; Value: string }[]).map(({ Name, Value }) => `${Name}=${Value}`),
        ),
        [
          ['Component=database', 'Deployment=prod', `Site=${site}`],
          ['Component=repository', 'Deployment=prod', `Site=${site}`],
        ],
      );
      for (const alarm of alarms) {
        const { Namespace, Statistic, Period, Threshold, EvaluationPeriods, ComparisonOperator, TreatMissingData } =
          alarm;
        assert.deepEqual(
          { Namespace, Statistic, Period, Threshold, EvaluationPeriods, ComparisonOperator, TreatMissingData },
          {
            Namespace: 'WSO2IS/Recovery',
            Statistic: 'Maximum',
            Period: 300,
            Threshold: rpoSeconds,
            EvaluationPeriods: 1,
            ComparisonOperator: 'GreaterThanThreshold',
            TreatMissingData: 'ignore',
          },
        );
        assert.deepEqual([alarm['AlarmActions'], alarm['OKActions']], [[resolved], [resolved]]);
      }
    });

    test('an alarm where nobody looks, or not everything is seen', () => {
      const [alarm, ...others] = alarmsOf(template, 'RecoveryComponentsSeen');
      assert.equal(others.length, 0);
      const { Threshold, Period, EvaluationPeriods, ComparisonOperator, TreatMissingData } = alarm!;
      assert.deepEqual(
        { Threshold, Period, EvaluationPeriods, ComparisonOperator, TreatMissingData },
        {
          Threshold: 2,
          Period: 300,
          EvaluationPeriods: 3,
          ComparisonOperator: 'LessThanThreshold',
          TreatMissingData: 'breaching',
        },
      );
      assert.deepEqual([alarm!['AlarmActions'], alarm!['OKActions']], [[resolved], [resolved]]);
    });
  });
}

describe('what the watch may do', () => {
  const common = [
    's3:ListBucket s3:ListBucketVersions: Bucket',
    'backup:ListRecoveryPointsByBackupVault: Vault',
    'cloudwatch:PutMetricData: "*"',
    'kms:VerifyMac: ManifestKey',
    's3:GetObject: Bucket plans/prod.json Bucket suspicious/prod/* Bucket archives/prod/repository/manifests/* Bucket archives/prod/repository/trusted/*',
  ];

  test('in the primary Region', () =>
    assert.deepEqual(permissions(primary), [...common, 'rds:DescribeDBInstances: Database']));

  test('at the DR site', () => assert.deepEqual(permissions(dr), common));

  test('at the DR site, what RDS and EFS replicate, where the plan counts on it', () => {
    const { site, siteStack } = new Fixture();
    site._register(
      {
        deployment: 'prod',
        databases: ['db'],
        volumes: ['repository'],
        notMeasured: [],
        rpoSeconds: 3600,
        rtoSeconds: 14_400,
        techniques: ['rds-automated-backup-replication', 'efs-replication'],
      },
      undefined,
    );
    assert.deepEqual(permissions(Template.fromStack(siteStack)), [
      ...common,
      'rds:DescribeDBInstanceAutomatedBackups: :auto-backup:* :db:*',
      'elasticfilesystem:DescribeReplicationConfigurations: :file-system/*',
    ]);
  });
});

describe('metrics', () => {
  test('name what the watch puts', () => {
    const dimensions = (metric: { dimensions?: object }) => metric.dimensions;
    assert.deepEqual(dimensions(recovery.metricRecoveryPointAge('database')), {
      Deployment: 'prod',
      Site: 'in-region',
      Component: 'database',
    });
    const dr = fixture.site.metricRecoveryPointAge('prod', 'database', { period: Duration.hours(1) });
    assert.deepEqual(dimensions(dr), { Deployment: 'prod', Site: 'dr-site', Component: 'database' });
    assert.deepEqual(
      [dr.namespace, dr.metricName, dr.statistic, dr.period.toSeconds()],
      ['WSO2IS/Recovery', 'RecoveryPointAge', 'Maximum', 3600],
    );
  });
});

test('how often is looked: every minute where five are more than a sixth of the objective', () => {
  assert.deepEqual([300, 1799, 1800, 86_400].map(watchIntervalMinutes), [1, 1, 5, 5]);
});
