import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as events from 'aws-cdk-lib/aws-events';
import type { DrillOptions } from '../../../lib';
import { Fixture } from '../fixture';

function siteWith(drill: DrillOptions) {
  const fixture = new Fixture({ site: { drillTimeout: Duration.hours(12) } });
  fixture.addRecovery({ deploymentName: 'prod', drill });
  return { fixture, template: Template.fromStack(fixture.siteStack) };
}

describe('the watch of scheduled drills', () => {
  const { fixture, template } = siteWith({ schedule: events.Schedule.rate(Duration.days(30)) });

  test('looks every hour, with how far drills are apart and how long one may take', () => {
    const rules = Object.values(template.findResources('AWS::Events::Rule')).filter(({ Properties }) =>
      /Looks whether/.test(String(Properties.Description)),
    );
    assert.equal(rules.length, 1);
    assert.equal(rules[0]!['Properties'].ScheduleExpression, 'rate(1 hour)');
    assert.deepEqual(JSON.parse(rules[0]!['Properties'].Targets[0].Input as string), {
      deployment: 'prod',
      longestGapSeconds: 30 * 86_400,
      drillTimeoutSeconds: 12 * 3600,
    });
  });

  test('an alarm where the verdict is overdue, and where nobody looks', () => {
    const topic = fixture.siteStack.resolve(fixture.site.failureTopic.topicArn);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'WSO2IS/Recovery',
      MetricName: 'DrillOverdue',
      Dimensions: [{ Name: 'Deployment', Value: 'prod' }],
      Statistic: 'Maximum',
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'missing',
      AlarmActions: [topic],
      InsufficientDataActions: [topic],
      EvaluationPeriods: 3,
      DatapointsToAlarm: 1,
      Period: 3600,
    });
  });

  test('may read the reports of its deployment, and write nothing but when it began', () => {
    const policies = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) => /DrillWatch/.test(id));
    assert.equal(policies.length, 1);
    const statements = policies[0]![1]['Properties'].PolicyDocument.Statement as {
      Action: string | string[];
      Resource: unknown;
    }[];
    const allowed = statements.map(({ Action, Resource }) => [
      Action,
      /(drills\/[^"]*)"/.exec(JSON.stringify(Resource))?.[1],
    ]);
    assert.deepEqual(allowed, [
      ['s3:ListBucket', undefined],
      ['cloudwatch:PutMetricData', undefined],
      ['s3:GetObject', 'drills/prod/*'],
      ['s3:PutObject', 'drills/prod/watched-since.json'],
    ]);
  });

  test('an execution that fails reaches the topic at once, as a sentence', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.lambda'],
        'detail-type': ['Durable Execution Status Change'],
        detail: { functionArn: [{ prefix: Match.anyValue() }], status: ['FAILED', 'TIMED_OUT', 'STOPPED'] },
      },
      Targets: [
        Match.objectLike({
          InputTransformer: {
            InputTemplate: Match.stringLikeRegexp('^"A recovery drill ended <detail-status> without a whole report'),
          },
        }),
      ],
    });
  });

  test('two deployments share the function, each has its alarm', () => {
    const one = new Fixture();
    one.addRecovery({ deploymentName: 'prod' });
    one.site._register(
      {
        deployment: 'other',
        databases: ['db'],
        volumes: [],
        notMeasured: [],
        rpoSeconds: 3600,
        rtoSeconds: 7200,
        techniques: [],
      },
      events.Schedule.rate(Duration.days(1)),
    );
    const both = Template.fromStack(one.siteStack);
    assert.equal(
      Object.keys(both.findResources('AWS::CloudWatch::Alarm', { Properties: { MetricName: 'DrillOverdue' } })).length,
      2,
    );
    assert.equal(
      Object.keys(both.findResources('AWS::Lambda::Function')).filter((id) => /DrillWatch/.test(id)).length,
      1,
    );
  });
});

describe('what is not watched', () => {
  test('drills that are not scheduled: nobody expects one', () => {
    const { template } = siteWith({ scheduled: false });
    assert.equal(
      Object.keys(template.findResources('AWS::CloudWatch::Alarm', { Properties: { MetricName: 'DrillOverdue' } }))
        .length,
      0,
    );
    assert.equal(
      Object.keys(template.findResources('AWS::Lambda::Function')).filter((id) => /DrillWatch/.test(id)).length,
      0,
    );
  });

  test('a schedule that does not tell how far apart its drills are warns', () => {
    const { fixture } = siteWith({ schedule: events.Schedule.expression('cron(0 3 L * ? *)') });
    Annotations.fromStack(fixture.siteStack).hasWarning(
      '*',
      Match.stringLikeRegexp('no alarm is raised where one is missing.*cdk-wso2is-recovery:drillsNotWatched'),
    );
  });
});
