import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { ManifestAuthentication } from '../../../lib';
import { Fixture } from '../fixture';

const OURS = 'arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab';

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** What the policies of a stack allow over MACs, by the role. */
function macStatements(stack: Stack): [string, Statement][] {
  const types = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'];
  const template = Template.fromStack(stack);
  return types
    .flatMap((type) => Object.entries(template.findResources(type)))
    .flatMap(([id, { Properties }]) =>
      (Properties as { PolicyDocument: { Statement: Statement[] } }).PolicyDocument.Statement.filter(({ Action }) =>
        JSON.stringify(Action).includes('Mac"'),
      ).map((statement): [string, Statement] => [id.replace(/^(RecoverySite|Recovery)|Service.*$/g, ''), statement]),
    );
}

const environments = (stack: Stack, variable: string) =>
  Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'))
    .map(({ Properties }) => (Properties as { Environment?: { Variables: Record<string, unknown> } }).Environment)
    .flatMap((environment) => environment?.Variables[variable] ?? []);

describe('the key of manifests, by default', () => {
  const fixture = new Fixture();
  fixture.addRecovery({ inRegionRecovery: {} });
  const site = Template.fromStack(fixture.siteStack);
  const primary = Template.fromStack(fixture.stack);
  const condition = { StringEquals: { 'kms:MacAlgorithm': 'HMAC_SHA_256' } };

  test('is made at the DR site, under a name, for all Regions; there nobody signs', () => {
    site.hasResource('AWS::KMS::Key', {
      DeletionPolicy: 'Retain',
      Properties: {
        KeySpec: 'HMAC_256',
        KeyUsage: 'GENERATE_VERIFY_MAC',
        MultiRegion: true,
        KeyPolicy: {
          Statement: Match.arrayWith([
            {
              Sid: 'NobodySignsHere',
              Effect: 'Deny',
              Principal: { AWS: '*' },
              Action: 'kms:GenerateMac',
              Resource: '*',
            },
          ]),
        },
      },
    });
    site.hasResourceProperties('AWS::KMS::Alias', { AliasName: 'alias/wso2is-recovery/wso2is-recovery-manifests' });
  });

  test('the primary Region gets a replica, by the name, and nothing of it goes with the stack', () => {
    primary.resourceCountIs('Custom::ManifestKey', 1);
    const [replica] = Object.values(primary.findResources('Custom::ManifestKeyReplica'));
    assert.match(JSON.stringify(replica!['Properties'].Create), /replicateKey.*eu-west-1.*ReplicaRegion.*eu-central-1/);
    assert.equal(replica!['Properties'].Delete, undefined);
  });

  test('the run of the export signs, what decides about points verifies, nobody else does either', () => {
    const actions = (stack: Stack) => macStatements(stack).map(([role, { Action }]) => [role, [Action].flat()]);
    assert.deepEqual(actions(fixture.stack).sort(), [
      ['DriftWatchFunction', ['kms:VerifyMac']],
      ['ExportrepositoryRun', ['kms:GenerateMac', 'kms:VerifyMac']],
      ['InRegionDrill', ['kms:VerifyMac']],
      ['PointWatchFunction', ['kms:VerifyMac']],
    ]);
    assert.deepEqual(actions(fixture.siteStack).sort(), [
      ['Drill', ['kms:VerifyMac']],
      ['PointWatchFunction', ['kms:VerifyMac']],
    ]);
    for (const [, { Condition, Resource }] of [...macStatements(fixture.stack), ...macStatements(fixture.siteStack)]) {
      assert.deepEqual(Condition, condition);
      assert.doesNotMatch(JSON.stringify(Resource), /\*/);
    }
  });

  test('points without a signature are not accepted', () => {
    assert.equal(environments(fixture.stack, 'MAC_KEYS').length, 4);
    assert.equal(environments(fixture.siteStack, 'MAC_KEYS').length, 2);
    assert.deepEqual(environments(fixture.stack, 'ACCEPT_UNSIGNED'), []);
    assert.deepEqual(environments(fixture.siteStack, 'ACCEPT_UNSIGNED'), []);
  });
});

test('for trying out, the replica is scheduled for deletion with its stack', () => {
  const fixture = new Fixture();
  fixture.addRecovery({ removalPolicy: RemovalPolicy.DESTROY });
  const [replica] = Object.values(Template.fromStack(fixture.stack).findResources('Custom::ManifestKeyReplica'));
  assert.match(JSON.stringify(replica!['Properties'].Delete), /scheduleKeyDeletion.*PendingWindowInDays.*7/);
});

test('a key of yours: the one in each Region, former ones trusted, nothing made', () => {
  const former = OURS.replace('mrk-1', 'mrk-2');
  const manifestAuthentication = ManifestAuthentication.withKey(OURS, {
    formerKeyArns: [former],
    acceptUnsigned: true,
  });
  const fixture = new Fixture({ site: { manifestAuthentication } });
  fixture.addRecovery();
  assert.deepEqual(environments(fixture.siteStack, 'MAC_KEYS'), Array(2).fill(`${OURS},${former}`));
  const here = (arn: string) => arn.replace('eu-west-1', 'eu-central-1');
  assert.deepEqual(environments(fixture.stack, 'MAC_KEYS'), Array(3).fill(`${here(OURS)},${here(former)}`));
  assert.deepEqual(environments(fixture.stack, 'ACCEPT_UNSIGNED'), ['true', 'true', 'true']);
  assert.deepEqual(macStatements(fixture.stack)[0]![1].Resource, [here(OURS), here(former)]);
  Template.fromStack(fixture.stack).resourceCountIs('Custom::ManifestKeyReplica', 0);
  Template.fromStack(fixture.siteStack).resourceCountIs('AWS::KMS::Key', 1);
});

test('none: no key, no permission, no environment', () => {
  const fixture = new Fixture({ site: { manifestAuthentication: ManifestAuthentication.none() } });
  fixture.addRecovery();
  for (const stack of [fixture.stack, fixture.siteStack]) {
    assert.deepEqual(macStatements(stack), []);
    assert.deepEqual(environments(stack, 'MAC_KEYS'), []);
    Template.fromStack(stack).resourceCountIs('AWS::KMS::Key', 1);
  }
});

test('a key of one Region, or of another Region than the site, is refused', () => {
  assert.throws(() => ManifestAuthentication.withKey(OURS.replace('mrk-', '')), {
    message:
      '`keyArn` of manifestAuthentication must be the ARN of a multi-Region key, arn:PARTITION:kms:REGION:ACCOUNT:key/mrk-..., ' +
      `got '${OURS.replace('mrk-', '')}': both Regions use the same key, by an ARN that is known when the app is synthesized`,
  });
  const elsewhere = OURS.replace('eu-west-1', 'eu-north-1');
  assert.throws(() => new Fixture({ site: { manifestAuthentication: ManifestAuthentication.withKey(elsewhere) } }), {
    message:
      `Site/RecoverySite: \`manifestAuthentication\` must name the key in the DR Region, eu-west-1, got ${elsewhere}: ` +
      'give the ARN of its replica there',
  });
});
