import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Fixture } from '../fixture';
import { ProtectedDatabase, type RowCountOptions } from '../../../lib';

function withCounts(rowCounts?: RowCountOptions) {
  const fixture = new Fixture();
  const recovery = fixture.addRecovery({ deploymentName: 'prod', ...(rowCounts && { rowCounts }) });
  return { fixture, recovery, template: () => Template.fromStack(fixture.stack) };
}

describe('counts of rows', () => {
  test('are not made unless they are asked for', () => {
    const { recovery, template } = withCounts();
    assert.equal(recovery.rowCountSecurityGroup, undefined);
    assert.equal(
      Object.keys(template().findResources('AWS::Lambda::Function')).filter((id) => /RowCount/.test(id)).length,
      0,
    );
  });

  const { fixture, recovery, template } = withCounts({});
  const given = template();
  const rule = Object.entries(given.findResources('AWS::Events::Rule')).find(([id]) => /RowCount/.test(id))![1];

  test('come every hour, each database with where it is and which databases it holds', () => {
    assert.equal(rule['Properties'].ScheduleExpression, 'rate(1 hour)');
    const input = JSON.stringify(rule['Properties'].Targets[0].Input);
    assert.match(input, /\{\\"deployment\\":\\"prod\\",\\"databases\\":\[\{\\"name\\":\\"database\\",\\"host\\":/);
    assert.match(input, /Endpoint\.Address/);
    assert.match(input, /\\"port\\":5432/);
    assert.match(
      input,
      /\\"datasource\\":\\"identity_db\\",\\"type\\":\\"postgre\\",\\"databaseName\\":\\"identity\\"/,
    );
  });

  test('may write counts of their deployment, read the credentials, and nothing else', () => {
    const [, policy] = Object.entries(given.findResources('AWS::IAM::Policy')).find(([id]) => /RowCount/.test(id))!;
    const statements = policy['Properties'].PolicyDocument.Statement as {
      Action: string | string[];
      Resource: unknown;
    }[];
    assert.deepEqual(
      statements.map(({ Action }) => Action),
      [
        's3:PutObject',
        ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
        // Its failures reach the encrypted topic.
        'sns:Publish',
        ['kms:Decrypt', 'kms:GenerateDataKey*'],
      ],
    );
    assert.match(JSON.stringify(statements[0]!.Resource), /counts\/prod\/\*/);
  });

  test('reach the database through its security group', () => {
    const group = fixture.stack.resolve(recovery.rowCountSecurityGroup!.securityGroupId) as unknown;
    given.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      SourceSecurityGroupId: group,
      Description: 'Counts of rows',
    });
  });

  for (const [interval, fits] of [
    [Duration.minutes(4), false],
    [Duration.minutes(5), true],
    [Duration.seconds(330), false],
    [Duration.hours(12), true],
    [Duration.hours(13), false],
  ] as const) {
    test(`interval ${interval.toHumanString()}: ${fits ? 'fits' : 'is refused'}`, () => {
      if (fits) withCounts({ interval });
      else assert.throws(() => withCounts({ interval }), /`rowCounts\.interval` must be whole minutes from 5 minutes/);
    });
  }

  test('need to know where a database is', () => {
    const one = new Fixture();
    const databases = [
      ProtectedDatabase.fromInstanceArn('arn:aws:rds:eu-central-1:111122223333:db:is', {
        datasources: ['identity_db', 'shared_db'],
        credentials: one.database.secret!,
      }),
    ];
    assert.throws(
      () => one.addRecovery({ databases, rowCounts: {} }),
      /`hostnames` of database is must hold its endpoint/,
    );
  });
});
