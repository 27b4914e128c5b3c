import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Fixture } from '../fixture';

describe('the baseline of the first deployment', () => {
  test('is not made unless it is asked for', () => {
    const fixture = new Fixture();
    fixture.addRecovery();
    const template = Template.fromStack(fixture.stack);
    template.resourceCountIs('Custom::FirstBaseline', 0);
    assert.doesNotMatch(JSON.stringify(template.toJSON()), /baselineFunction/);
  });

  const fixture = new Fixture();
  fixture.addRecovery({ baseline: { serverDirectory: fixture.accessPoint, productVersion: '7.1.0' } });
  const template = Template.fromStack(fixture.stack);
  const [[id]] = Object.entries(
    template.findResources('AWS::Lambda::Function', {
      Properties: { Environment: { Variables: { MOUNT_PATH: '/mnt/server' } } },
    }),
  ) as [[string, object]];

  test('reads the server directory through its access point, in the network of the exports', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          BUCKET: Match.objectLike({ Ref: Match.stringLikeRegexp('^RecoveryArtifactBucket') }),
          DEPLOYMENT: 'production',
          MOUNT_PATH: '/mnt/server',
          PRODUCT_VERSION: '7.1.0',
        },
      },
      FileSystemConfigs: [{ LocalMountPath: '/mnt/server' }],
      VpcConfig: Match.anyValue(),
    });
  });

  test('is called by the first deployment and not waited for; no update calls it', () => {
    const [first] = Object.values(template.findResources('Custom::FirstBaseline'));
    const { Create, Update, Delete } = first!['Properties'] as Record<string, unknown>;
    assert.match(JSON.stringify(Create), /invoke.*InvocationType\\":\\"Event/);
    assert.deepEqual([Update, Delete], [undefined, undefined]);
    // S3 replicates nothing that was there before.
    assert.ok((first!['DependsOn'] as string[]).some((each) => each.startsWith('RecoveryReplicationRole')));
  });

  test('is looked for once a day after that', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 day)',
      Targets: [{ Arn: { 'Fn::GetAtt': [id, 'Arn'] } }],
    });
  });

  test('may add to the baselines of its deployment and lock them, and delete nothing', () => {
    const [policy] = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([name]) =>
      /^RecoveryBaselineServiceRole/.test(name),
    );
    const statements = policy![1]['Properties'].PolicyDocument.Statement as {
      Action: string | string[];
      Resource: unknown;
    }[];
    const s3 = statements.filter(({ Action }) => [Action].flat().some((action) => action.startsWith('s3:')));
    assert.deepEqual(
      s3.map(({ Action }) => Action),
      [
        ['s3:GetObject', 's3:PutObject', 's3:PutObjectRetention'],
        ['s3:ListBucket', 's3:GetBucketObjectLockConfiguration'],
      ],
    );
    assert.match(JSON.stringify(s3[0]!.Resource), /\/baselines\/production\/\*/);
  });

  test('is named in the recovery plan, for `status`', () => {
    assert.match(JSON.stringify(template.findResources('Custom::RecoveryPlanDocument')), /baselineFunction/);
  });

  test('a product version that is no part of a key stops the synth', () => {
    const other = new Fixture();
    assert.throws(
      () => other.addRecovery({ baseline: { serverDirectory: other.accessPoint, productVersion: '7/1' } }),
      /`baseline\.productVersion` must be letters, digits, .*, got '7\/1': write it like 7\.1\.0/,
    );
  });
});
