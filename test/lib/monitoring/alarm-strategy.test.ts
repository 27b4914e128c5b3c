import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import { OpsItemCategory, OpsItemSeverity, SsmIncidentAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as sns from 'aws-cdk-lib/aws-sns';
import { AlarmStrategy, type IAlarmStrategy } from '../../../lib';
import { Fixture } from '../fixture';

interface AlarmProperties {
  readonly AlarmName: string;
  readonly MetricName: string;
  readonly AlarmActions?: readonly unknown[];
  readonly OKActions?: readonly unknown[];
  readonly InsufficientDataActions?: readonly unknown[];
}

const alarmsOf = (template: Template): AlarmProperties[] =>
  Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
    ({ Properties }) => Properties as AlarmProperties,
  );

function templates(alarmStrategies?: IAlarmStrategy[]) {
  const fixture = new Fixture({ site: alarmStrategies ? { alarmStrategies } : {} });
  const recovery = fixture.addRecovery(alarmStrategies ? { alarmStrategies } : {});
  return { fixture, recovery, primary: Template.fromStack(fixture.stack), dr: Template.fromStack(fixture.siteStack) };
}

describe('alarm strategies', () => {
  test('by itself every alarm of both constructs writes to its own topic', () => {
    const { fixture, recovery, primary, dr } = templates();
    for (const [template, stack, topic] of [
      [primary, fixture.stack, recovery.failureTopic],
      [dr, fixture.siteStack, fixture.site.failureTopic],
    ] as const) {
      const arn = stack.resolve(topic.topicArn) as unknown;
      const alarms = alarmsOf(template);
      assert.ok(alarms.length >= 8, `${alarms.length}`);
      for (const { AlarmActions, AlarmName } of alarms) assert.deepEqual(AlarmActions, [arn], AlarmName);
      const toldWhenClear = alarms.filter(({ OKActions }) => OKActions);
      assert.ok(toldWhenClear.some(({ MetricName }) => MetricName === 'RecoveryPointAge'));
      for (const { OKActions } of toldWhenClear) assert.deepEqual(OKActions, [arn]);
    }
  });

  test('their names are what a person reads: the stack and where in it', () => {
    const { dr } = templates();
    const names = alarmsOf(dr).map(({ AlarmName }) => AlarmName);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes('Site/RecoverySite/PointWatch/Age-production-database'), names.join('\n'));
    assert.ok(names.includes('Site/RecoverySite/Drill/DroppedAlarm'), names.join('\n'));
  });

  test('OpsItems beside the topic, for every alarm; none when it clears', () => {
    const { primary, dr } = templates([
      AlarmStrategy.failureTopic(),
      AlarmStrategy.opsItem({ severity: OpsItemSeverity.CRITICAL, category: OpsItemCategory.AVAILABILITY }),
    ]);
    for (const { AlarmActions, OKActions, AlarmName } of [...alarmsOf(primary), ...alarmsOf(dr)]) {
      assert.equal(AlarmActions?.length, 2, AlarmName);
      assert.match(JSON.stringify(AlarmActions[1]), /:opsitem:1#CATEGORY=Availability"/);
      assert.doesNotMatch(JSON.stringify(OKActions ?? []), /opsitem/);
    }
  });

  test('by itself an OpsItem is severe, and of recovery', () => {
    const [alarm] = alarmsOf(templates([AlarmStrategy.opsItem()]).dr);
    assert.match(JSON.stringify(alarm?.AlarmActions), /:opsitem:2#CATEGORY=Recovery"/);
  });

  test('a topic of one own, and any action of CloudWatch', () => {
    const fixture = new Fixture();
    const topic = new sns.Topic(fixture.stack, 'OnCall');
    fixture.addRecovery({
      alarmStrategies: [AlarmStrategy.topic(topic), AlarmStrategy.action(new SsmIncidentAction('recovery'))],
    });
    const template = Template.fromStack(fixture.stack);
    for (const { AlarmActions, AlarmName } of alarmsOf(template)) {
      assert.deepEqual(AlarmActions?.[0], fixture.stack.resolve(topic.topicArn), AlarmName);
      assert.match(JSON.stringify(AlarmActions?.[1]), /:response-plan\/recovery"/);
    }
  });

  test('a strategy of one own is given each alarm once, with when it is worth telling', () => {
    const told: string[] = [];
    templates([
      {
        applyTo: (alarm, { failureTopic, tellsWhenClear, tellsWithoutData }) =>
          void told.push(`${alarm.node.path} ${failureTopic.node.path} ${tellsWhenClear} ${tellsWithoutData}`),
      },
    ]);
    assert.equal(new Set(told).size, told.length);
    assert.ok(
      told.includes('Is/Recovery/PointWatch/Age-production-database Is/Recovery/FailureTopic true false'),
      told.join('\n'),
    );
    assert.ok(
      told.includes('Site/RecoverySite/DrillWatch/Overdue-production Site/RecoverySite/FailureTopic false true'),
      told.join('\n'),
    );
  });

  test('no strategy: alarms without actions', () => {
    for (const { AlarmActions } of alarmsOf(templates([]).dr)) assert.equal(AlarmActions, undefined);
  });
});
