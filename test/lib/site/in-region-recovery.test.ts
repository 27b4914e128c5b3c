import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { InRegionRecoveryOptions } from '../../../lib';
import { Fixture } from '../fixture';

function synthesized(inRegionRecovery?: InRegionRecoveryOptions) {
  const fixture = new Fixture();
  const recovery = fixture.addRecovery({ inRegionRecovery });
  return {
    fixture,
    recovery,
    stack: fixture.stack,
    template: Template.fromStack(fixture.stack),
    site: Template.fromStack(fixture.siteStack),
  };
}

type Resource = { readonly Properties: Record<string, unknown> };

const ofInRegion = (template: Template, type: string): [string, Resource][] =>
  Object.entries(template.findResources(type) as Record<string, Resource>).filter(([id]) => id.includes('InRegion'));

/** Of the drill, by their ids. */
/** Of a role's inline policy, and of the managed one that takes what does not fit into it. */
function statements(template: Template, policy: RegExp) {
  const policies = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
    Object.entries(template.findResources(type)).filter(([id]) => policy.test(id)),
  ) as [string, Resource][];
  return new Map(
    policies
      .flatMap(
        ([, { Properties }]) => (Properties['PolicyDocument'] as { Statement: Record<string, unknown>[] }).Statement,
      )
      .map((statement) => [statement['Sid'] as string | undefined, statement]),
  );
}

describe('recovery in the primary Region', () => {
  test('is not made unless it is asked for', () => {
    const { recovery, template } = synthesized();
    assert.equal(recovery.inRegionDrillFunction, undefined);
    for (const type of ['AWS::Lambda::Function', 'AWS::IAM::Role', 'AWS::EC2::SecurityGroup', 'AWS::CloudWatch::Alarm'])
      assert.deepEqual(ofInRegion(template, type), []);
  });

  test('drills run when they are asked for, unless they have a schedule: with the alarm of the DR site then', () => {
    const rules = (given: Template) =>
      ofInRegion(given, 'AWS::Events::Rule').filter(([id]) => /DrillSchedule|DrillWatchSchedule/.test(id));
    assert.deepEqual(rules(template), []);

    const scheduled = synthesized({ drillSchedule: Schedule.rate(Duration.days(30)) }).template;
    assert.deepEqual(
      rules(scheduled).map(([, { Properties }]) => Properties['ScheduleExpression']),
      ['rate(1 hour)', 'rate(30 days)'],
    );
    const inputs = rules(scheduled).map(
      ([, { Properties }]) => (Properties['Targets'] as { Input: string }[])[0]!.Input,
    );
    assert.deepEqual(
      inputs.map((input) => JSON.parse(input) as unknown),
      [
        {
          deployment: 'production',
          site: 'in-region',
          longestGapSeconds: 30 * 86_400,
          drillTimeoutSeconds: 86_400,
        },
        { deployment: 'production' },
      ],
    );
    scheduled.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'DrillOverdue',
      Dimensions: [
        { Name: 'Deployment', Value: 'production' },
        { Name: 'Site', Value: 'in-region' },
      ],
    });
    assert.match(
      JSON.stringify([...statements(scheduled, /InRegionDrillWatchFunction/).values()]),
      /\/in-region-drills\/production\/watched-since\.json/,
    );
  });

  const { fixture, recovery, stack, template, site } = synthesized({});

  test('the drill works on the vault and the artifact bucket, under the name that the command knows', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'production-in-region-drill',
      VpcConfig: Match.absent(),
      DurableConfig: { ExecutionTimeout: 86400, RetentionPeriodInDays: 30 },
      Environment: {
        Variables: {
          SITE: 'in-region',
          BUCKET: stack.resolve(recovery.artifactBucket.bucketName),
          VAULT_NAME: stack.resolve(recovery.vault.backupVaultName),
          TOPIC_ARN: stack.resolve(recovery.failureTopic.topicArn),
          TIMEOUT_SECONDS: '86400',
        },
      },
    });
    template.hasResourceProperties('AWS::Lambda::Alias', { Name: 'live' });
    assert.ok(
      ofInRegion(template, 'AWS::EC2::SecurityGroup').some(([id]) =>
        JSON.stringify(stack.resolve(recovery.inRegionCheckSecurityGroup!.securityGroupId)).includes(id),
      ),
    );
    assert.match(JSON.stringify(stack.resolve(recovery.inRegionDrillFunction!.functionArn)), /DrillAlias/);
  });

  test('it is allowed what it is at the DR site, and to restore clusters to a moment; its reports have a prefix of their own', () => {
    const here = statements(template, /InRegionDrill/);
    const there = statements(site, /SiteDrill/);
    assert.deepEqual(
      [...there.keys()].filter((sid) => !here.has(sid)),
      [],
    );
    assert.deepEqual(
      [...here.keys()].filter((sid) => !there.has(sid)),
      ['RestoreClusters', 'RecoverClusters'],
    );
    for (const [sid, { Action, Condition }] of here) {
      // The first asks for clusters too, the others name the Region.
      const differ = ['FindAutomatedBackups', 'UseKeyThroughRds', 'GrantKeyToRds'];
      if (sid === undefined || !there.has(sid) || differ.includes(sid)) continue;
      assert.deepEqual([Action, Condition], [there.get(sid)!['Action'], there.get(sid)!['Condition']], sid);
    }
    const bucket = stack.resolve(recovery.artifactBucket.bucketArn) as unknown;
    assert.deepEqual(
      here.get('WriteReports')!['Resource'],
      ['in-region-drills/*', 'recoveries/*', 'locks/*'].map((keys) => ({ 'Fn::Join': ['', [bucket, `/${keys}`]] })),
    );
    assert.doesNotMatch(JSON.stringify([...here.values()]), /"\/drills\/\*"/);
    assert.doesNotMatch(JSON.stringify([...there.values()]), /in-region-drills/);
  });

  test('of what is made of production, name and tag are its own; groups are any, keys those that RDS uses', () => {
    const here = statements(template, /InRegionDrill/);
    for (const [sid, kind, names, tag] of [
      ['RestoreAutomatedBackups', 'db', 'drill', 'drill'],
      ['RecoverAutomatedBackups', 'db', 'recovery', 'recovery'],
      ['RestoreClusters', 'cluster', 'drill', 'drill'],
      ['RecoverClusters', 'cluster', 'recovery', 'recovery'],
    ] as const) {
      const { Condition, Resource } = here.get(sid)!;
      assert.deepEqual((Condition as { Null: unknown }).Null, { [`aws:RequestTag/wso2is-recovery:${tag}`]: 'false' });
      const text = JSON.stringify(Resource);
      assert.ok(text.includes(`:${kind}:${names}-*"`), sid);
      assert.ok(text.includes(JSON.stringify(stack.resolve(fixture.database.instanceArn))), sid);
    }
    assert.deepEqual(here.get('FindAutomatedBackups')!['Action'], [
      'rds:DescribeDBInstanceAutomatedBackups',
      'rds:DescribeDBClusterAutomatedBackups',
    ]);
    assert.match(JSON.stringify(here.get('UseKeyThroughRds')!['Resource']), /:key\/\*"/);
    assert.match(JSON.stringify(here.get('UseKeyThroughRds')!['Condition']), /"kms:ViaService":.*rds\./);
  });

  test('the reaper finds the reports of drills of the primary Region, and no other', () => {
    const { Condition } = statements(template, /InRegionReaper/).get('FindReports')!;
    assert.deepEqual(Condition, { StringLike: { 's3:prefix': 'in-region-drills/*' } });
  });

  test('production is out of reach: nothing is deleted or changed but by name and tag', () => {
    const here = [
      ...statements(template, /InRegionDrill/).values(),
      ...statements(template, /InRegionReaper/).values(),
    ];
    const changing = here.filter(({ Action }) => /rds:(Delete|Modify|Add|Stop)/.test(JSON.stringify(Action)));
    assert.deepEqual(
      changing.map(({ Sid }) => Sid),
      ['TagInstances', 'TagRecoveries', 'CleanUpDrillInstances', 'TagLeftovers', 'RemoveInstances'],
    );
    for (const { Resource: resources } of changing) {
      const databases = JSON.stringify(resources).match(/:db:[^"]*/g)!;
      for (const name of databases) assert.match(name, /^:db:(drill|recovery)-\*$/);
    }
  });

  test('restored databases are in the network of the servers, reachable by the check function alone, without a way out', () => {
    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
    template.hasResourceProperties('AWS::RDS::DBSubnetGroup', {
      DBSubnetGroupDescription: Match.stringLikeRegexp('Restored databases'),
      SubnetIds: stack.resolve(fixture.vpc.privateSubnets.map(({ subnetId }) => subnetId)) as unknown[],
    });
    const groups = ofInRegion(template, 'AWS::EC2::SecurityGroup');
    assert.deepEqual(
      groups.map(([id]) => /InRegion(\w+)SecurityGroup/.exec(id)![1]),
      ['Restore', 'Check', 'Database', 'Volume'],
    );
    const [databaseGroup, { Properties }] = groups[2]!;
    assert.deepEqual(
      (Properties['SecurityGroupEgress'] as { CidrIp: string }[]).map(({ CidrIp }) => CidrIp),
      ['255.255.255.255/32'],
    );
    const rules = (type: string) =>
      ofInRegion(template, type).map(([, resource]) => JSON.stringify(resource.Properties));
    const ingress = rules('AWS::EC2::SecurityGroupIngress').filter((rule) =>
      rule.includes(`"GroupId":{"Fn::GetAtt":["${databaseGroup}"`),
    );
    assert.equal(ingress.length, 1);
    assert.match(ingress[0]!, /"SourceSecurityGroupId":\{"Fn::GetAtt":\["RecoveryInRegionCheckSecurityGroup/);
    // No function opens connections to anything that is production's.
    for (const rule of rules('AWS::EC2::SecurityGroupEgress'))
      assert.match(rule, /"DestinationSecurityGroupId":\{"Fn::GetAtt":\["RecoveryInRegion(Database|Volume)/);
  });

  test('the credentials are read by the tag of the site, which the secret in this Region has too', () => {
    const check = JSON.stringify(ofInRegion(template, 'AWS::IAM::Policy').find(([id]) => /Check/.test(id)));
    assert.match(check, /"aws:ResourceTag\/wso2is-recovery:site":"wso2is-recovery"/);
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      Tags: [{ Key: 'wso2is-recovery:site', Value: 'wso2is-recovery' }],
    });
  });

  test('failures reach the topic of the Region; what was left is removed by the hour; no drill runs by itself', () => {
    const topic = stack.resolve(recovery.failureTopic.topicArn) as unknown;
    assert.equal(
      ofInRegion(template, 'AWS::CloudWatch::Alarm').filter(
        ([, resource]) => JSON.stringify(resource.Properties['AlarmActions']) === JSON.stringify([topic]),
      ).length,
      2,
    );
    assert.deepEqual(
      ofInRegion(template, 'AWS::Events::Rule').map(([, resource]) => resource.Properties['Description']),
      ['Drills that ended without a verdict', 'Leftovers of drills'],
    );
  });
});

test('every option is used', () => {
  const fixture = new Fixture();
  const vpc = new ec2.Vpc(fixture.stack, 'Apart', {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: ['First', 'Second'].map((name) => ({ name, subnetType: ec2.SubnetType.PRIVATE_ISOLATED })),
  });
  fixture.addRecovery({
    inRegionRecovery: { vpc, vpcSubnets: { subnetGroupName: 'Second' }, drillTimeout: Duration.hours(6) },
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const template = Template.fromStack(fixture.stack);
  template.hasResourceProperties('AWS::Lambda::Function', {
    FunctionName: 'production-in-region-drill',
    DurableConfig: { ExecutionTimeout: 21600 },
  });
  template.hasResourceProperties('AWS::RDS::DBSubnetGroup', {
    SubnetIds: fixture.stack.resolve(
      vpc.selectSubnets({ subnetGroupName: 'Second' }).subnets.map(({ subnetId }) => subnetId),
    ) as unknown[],
  });
});

test('subnets without their network stop the synth', () => {
  assert.throws(
    () => new Fixture().addRecovery({ inRegionRecovery: { vpcSubnets: {} } }),
    /`inRegionRecovery\.vpcSubnets` must come with `inRegionRecovery\.vpc`, got no `vpc`/,
  );
});
