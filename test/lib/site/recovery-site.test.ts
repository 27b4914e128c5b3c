import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, type CfnElement, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { RecoverySite, type RecoverySiteProps } from '../../../lib';

function siteWith(props?: RecoverySiteProps, region: string | undefined = 'eu-west-1') {
  const stack = new Stack(new App(), 'Site', { env: { account: '111122223333', region } });
  const site = new RecoverySite(stack, 'RecoverySite', props);
  return { stack, site, template: Template.fromStack(stack) };
}

/** Of every policy, with ARNs as texts. */
/** Of functions; what is too large for an inline policy the CDK puts into a managed one. */
const policiesOf = (template: Template) => ({
  ...template.findResources('AWS::IAM::Policy'),
  ...template.findResources('AWS::IAM::ManagedPolicy'),
});

function statementsOf(template: Template): Record<string, unknown>[] {
  const text = JSON.stringify(
    Object.values(policiesOf(template)).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement as Record<string, unknown>[],
    ),
  );
  return JSON.parse(text, (_, value: unknown) => {
    const joined = (value as { 'Fn::Join'?: [string, (string | { Ref?: string })[]] } | null)?.['Fn::Join'];
    return joined ? joined[1].map((part) => (typeof part === 'string' ? part : `<${part.Ref}>`)).join('') : value;
  }) as Record<string, unknown>[];
}

describe('a site without props', () => {
  const { stack, site, template } = siteWith();

  test('stateful resources keep their logical ids, and outlive the stack', () => {
    const types = ['AWS::KMS::Key', 'AWS::Backup::BackupVault', 'AWS::S3::Bucket'];
    assert.deepEqual(
      types.flatMap((type) => Object.keys(template.findResources(type))),
      [
        'RecoverySiteKey3F24DFE8',
        'RecoverySiteManifestKey4778FF1E',
        'RecoverySiteVault5ABD6332',
        'RecoverySiteReplicaBucketAB87D559',
      ],
    );
    for (const type of types) template.hasResource(type, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  test('vault: named after the site, encrypted with the own key, which rotates', () => {
    template.hasResourceProperties('AWS::Backup::BackupVault', {
      BackupVaultName: 'wso2is-recovery',
      EncryptionKeyArn: { 'Fn::GetAtt': ['RecoverySiteKey3F24DFE8', 'Arn'] },
    });
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });

  test('network: no way out but the two endpoints', () => {
    template.resourceCountIs('AWS::EC2::InternetGateway', 0);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::Subnet', 2);
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' });
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
      VpcEndpointType: 'Interface',
      ServiceName: 'com.amazonaws.eu-west-1.secretsmanager',
      SecurityGroupIds: [Match.anyValue()],
    });
  });

  test('restored databases: reachable by the check function alone, and without a way out', () => {
    const database = /DatabaseSecurityGroup/;
    const groups = template.findResources('AWS::EC2::SecurityGroup');
    const [, group] = Object.entries(groups).find(([id]) => database.test(id))!;
    assert.deepEqual(
      group['Properties'].SecurityGroupEgress.map(({ CidrIp }: { CidrIp: string }) => CidrIp),
      ['255.255.255.255/32'],
    );
    assert.equal(group['Properties'].SecurityGroupIngress, undefined);
    const ingress = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).filter(({ Properties }) =>
      database.test(JSON.stringify(Properties.GroupId)),
    );
    assert.equal(ingress.length, 1);
    assert.match(JSON.stringify(ingress[0]!['Properties'].SourceSecurityGroupId), /CheckSecurityGroup/);
  });

  test('drill: durable, invoked by a version, with all that its contract names', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      DurableConfig: { ExecutionTimeout: 86400, RetentionPeriodInDays: 30 },
      VpcConfig: Match.absent(),
      FunctionName: 'wso2is-recovery-drill',
      Environment: {
        Variables: {
          SITE: 'dr-site',
          TIMEOUT_SECONDS: '86400',
          RESTORE_ROOT: '/drills',
          RESTORE_FILE_SYSTEM_ID: Match.anyValue(),
          BUCKET: stack.resolve(site.replicaBucket.bucketName),
          VAULT_NAME: stack.resolve(site.vault.backupVaultName),
          RESTORE_ROLE_ARN: Match.anyValue(),
          DB_SUBNET_GROUP: Match.anyValue(),
          DB_SECURITY_GROUP_ID: Match.anyValue(),
          RESTORE_FUNCTION: Match.anyValue(),
          CHECK_FUNCTION: Match.anyValue(),
          TOPIC_ARN: stack.resolve(site.failureTopic.topicArn),
        },
      },
    });
    template.hasResourceProperties('AWS::Lambda::Alias', { Name: 'live' });
  });

  test('restore, check and adopt: in the network, the restore volume mounted, the last as root and at its root', () => {
    const mounted = template.findResources('AWS::Lambda::Function', {
      Properties: {
        FileSystemConfigs: [Match.objectLike({ LocalMountPath: '/mnt/restore' })],
        Environment: { Variables: { MOUNT_PATH: '/mnt/restore' } },
        VpcConfig: Match.anyValue(),
      },
    });
    const accessPoints = template.findResources('AWS::EFS::AccessPoint');
    const seen = Object.entries(mounted).map(([id, { Properties }]) => {
      const arn = JSON.stringify(Properties.FileSystemConfigs[0].Arn);
      const [, accessPoint] = Object.entries(accessPoints).find(([logicalId]) => arn.includes(logicalId))!;
      const { RootDirectory, PosixUser } = accessPoint['Properties'];
      return [/RecoverySite(Restore|Check|Adopt)/.exec(id)?.[1], RootDirectory.Path, PosixUser];
    });
    assert.deepEqual(seen.sort(), [
      ['Adopt', '/', { Uid: '0', Gid: '0' }],
      ['Check', '/drills', { Uid: '1000', Gid: '1000' }],
      ['Restore', '/drills', { Uid: '1000', Gid: '1000' }],
    ]);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          ADOPT_FUNCTION: { Ref: Match.stringLikeRegexp('Adopt') },
          RESTORE_UID: '1000',
          RESTORE_GID: '1000',
        },
      },
    });
    template.hasResourceProperties('AWS::EFS::FileSystem', { Encrypted: true });
  });

  test('the check function reads secrets with the tag of the site only', () => {
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'secretsmanager:GetSecretValue',
            Condition: { StringEquals: { 'aws:ResourceTag/wso2is-recovery:site': 'wso2is-recovery' } },
          }),
        ]),
      },
    });
  });

  test('the reaper runs every hour, knows how long a drill may live, and tells when it fails', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Description: Match.stringLikeRegexp('Removes what drills left'),
      Environment: {
        Variables: {
          SITE: 'dr-site',
          BUCKET: stack.resolve(site.replicaBucket.bucketName),
          RESTORE_FUNCTION: Match.anyValue(),
          RESTORE_ROLE_ARN: Match.anyValue(),
          DB_SUBNET_GROUP: { Ref: 'RecoverySiteDatabaseSubnets438201C7' },
          TOPIC_ARN: stack.resolve(site.failureTopic.topicArn),
          TIMEOUT_SECONDS: '86400',
        },
      },
    });
    template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(1 hour)' });
  });

  test('the reaper lists reports of drills and reads nothing, and gives no tags but its own to what has a drill’s name', () => {
    const statements = statementsOf(template).filter(({ Sid }) =>
      ['FindReports', 'TagLeftovers'].includes(String(Sid)),
    );
    const rds = 'arn:<AWS::Partition>:rds:eu-west-1:111122223333:';
    assert.deepEqual(
      statements.map(({ Sid, Action, Resource, Condition }) => [Sid, Action, Resource, Condition]),
      [
        [
          'TagLeftovers',
          'rds:AddTagsToResource',
          [`${rds}db:drill-*`, `${rds}cluster:drill-*`],
          {
            'ForAllValues:StringEquals': { 'aws:TagKeys': ['wso2is-recovery:drill', 'wso2is-recovery:told'] },
            Null: { 'aws:TagKeys': 'false' },
          },
        ],
        [
          'FindReports',
          's3:ListBucket',
          stack.resolve(site.replicaBucket.bucketArn),
          { StringLike: { 's3:prefix': 'drills/*' } },
        ],
      ],
    );
  });

  test('drill and reaper delete only what carries the tag and the name of a drill', () => {
    const arn = 'arn:<AWS::Partition>:rds:eu-west-1:111122223333:';
    const deleting = statementsOf(template).filter(({ Action }) => /delete/i.test(JSON.stringify(Action)));
    assert.deepEqual(
      deleting.map(({ Sid, Resource, Condition }) => [Sid, Resource, Condition]).sort(),
      ['CleanUpDrillInstances', 'RemoveInstances'].map((sid) => [
        sid,
        ['db:drill-*', 'cluster:drill-*', 'auto-backup:*', 'cluster-auto-backup:*'].map((name) => arn + name),
        { Null: { 'aws:ResourceTag/wso2is-recovery:drill': 'false' } },
      ]),
    );
  });

  test('the drill restores automated backups, and creates instances in clusters, in the isolated subnets only, tagged, and with the key of the site', () => {
    const statements = Object.values(policiesOf(template))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Record<string, unknown>[])
      .map(({ Effect, ...statement }) => ({ ...statement, ...(Effect === 'Allow' ? {} : { Effect }) }));
    const statement = (sid: string) => {
      const [found, ...more] = statements.filter(({ Sid }: Record<string, unknown>) => Sid === sid);
      assert.deepEqual(more, []);
      return found;
    };
    const arn = (...rest: unknown[]) => ({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ...rest]],
    });
    const rds = (name: string) => arn(`:rds:eu-west-1:111122223333:${name}`);
    assert.deepEqual(statement('FindAutomatedBackups'), {
      Sid: 'FindAutomatedBackups',
      Action: 'rds:DescribeDBInstanceAutomatedBackups',
      Resource: [rds('auto-backup:*'), rds('db:*')],
    });
    for (const [sid, kind] of [
      ['CreateDrillInstances', 'drill'],
      ['CreateRecoveryInstances', 'recovery'],
    ] as const) {
      assert.deepEqual(statement(sid), {
        Sid: sid,
        Action: 'rds:CreateDBInstance',
        Resource: [
          rds(`db:${kind}-*`),
          rds(`cluster:${kind}-*`),
          arn(':rds:eu-west-1:111122223333:subgrp:', { Ref: 'RecoverySiteDatabaseSubnets438201C7' }),
          rds('pg:*'),
          rds('og:*'),
        ],
        Condition: {
          Null: { [`aws:RequestTag/wso2is-recovery:${kind}`]: 'false' },
          'ForAllValues:StringEquals': { 'aws:TagKeys': [`wso2is-recovery:${kind}`] },
          Bool: { 'rds:PubliclyAccessible': 'false' },
        },
      });
    }
    for (const [sid, kind] of [
      ['RestoreAutomatedBackups', 'drill'],
      ['RecoverAutomatedBackups', 'recovery'],
    ] as const) {
      assert.deepEqual(statement(sid), {
        Sid: sid,
        Action: 'rds:RestoreDBInstanceToPointInTime',
        Resource: [
          rds(`db:${kind}-*`),
          rds('auto-backup:*'),
          arn(':rds:eu-west-1:111122223333:subgrp:', { Ref: 'RecoverySiteDatabaseSubnets438201C7' }),
          rds('pg:*'),
          rds('og:*'),
        ],
        Condition: {
          Null: { [`aws:RequestTag/wso2is-recovery:${kind}`]: 'false' },
          'ForAllValues:StringEquals': { 'aws:TagKeys': [`wso2is-recovery:${kind}`] },
          Bool: { 'rds:PubliclyAccessible': 'false' },
        },
      });
    }
    const Resource = { 'Fn::GetAtt': ['RecoverySiteKey3F24DFE8', 'Arn'] };
    const throughRds = { StringEquals: { 'kms:ViaService': 'rds.eu-west-1.amazonaws.com' } };
    assert.deepEqual(statement('UseKeyThroughRds'), {
      Sid: 'UseKeyThroughRds',
      Action: ['kms:DescribeKey', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext'],
      Resource,
      Condition: throughRds,
    });
    assert.deepEqual(statement('GrantKeyToRds'), {
      Sid: 'GrantKeyToRds',
      Action: 'kms:CreateGrant',
      Resource,
      Condition: { ...throughRds, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    });
    // The tag at creation is added by a permission of its own, which knows no other key.
    for (const [sid, kind] of [
      ['TagInstances', 'drill'],
      ['TagRecoveries', 'recovery'],
    ] as const) {
      assert.deepEqual(statement(sid), {
        Sid: sid,
        Action: 'rds:AddTagsToResource',
        Resource: [rds(`db:${kind}-*`), rds(`cluster:${kind}-*`)],
        Condition: {
          'ForAllValues:StringEquals': { 'aws:TagKeys': [`wso2is-recovery:${kind}`] },
          Null: { 'aws:TagKeys': 'false' },
        },
      });
    }
  });

  test('what fails tells once: a drill by itself, its end without a verdict by a rule; the topic takes TLS only', () => {
    const topic = stack.resolve(site.failureTopic.topicArn);
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        'detail-type': ['Durable Execution Status Change'],
        detail: { status: ['FAILED', 'TIMED_OUT', 'STOPPED'] },
      },
      Targets: [Match.objectLike({ Arn: topic })],
    });
    const alarms = Object.values(
      template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmActions: [topic] } }),
    );
    assert.deepEqual(
      alarms
        .map(({ Properties: { MetricName, Dimensions } }) => [MetricName, Dimensions[0].Value.Ref as string])
        .map(([metric, ref]) => `${metric} of ${/RecoverySite(Drill|Reaper|Messages)/.exec(ref!)?.[1]}`)
        .sort(),
      // An invocation that never became a drill; the reaper and what tells, which nobody else speaks for.
      ['AsyncEventsDropped of Drill', 'Errors of Messages', 'Errors of Reaper'],
    );
    const rules = Object.values(template.findResources('AWS::Events::Rule'));
    assert.deepEqual(
      rules.filter(({ Properties }) => /Restore Job/.test(JSON.stringify(Properties.EventPattern ?? ''))),
      [],
    );
    template.hasResourceProperties('AWS::SNS::Topic', {
      KmsMasterKeyId: { 'Fn::GetAtt': ['RecoverySiteKey3F24DFE8', 'Arn'] },
    });
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });
});

test('every prop is used; a network of the user is taken as it is', () => {
  const stack = new Stack(new App(), 'Site', { env: { account: '111122223333', region: 'eu-west-1' } });
  const vpc = new ec2.Vpc(stack, 'Given');
  new RecoverySite(stack, 'RecoverySite', {
    siteName: 'second-site',
    vpc,
    vpcSubnets: { subnets: vpc.privateSubnets },
    noncurrentVersionRetention: Duration.days(7),
    drillTimeout: Duration.hours(6),
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::EC2::VPC', 1);
  template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
  template.hasResource('AWS::Backup::BackupVault', {
    DeletionPolicy: 'Delete',
    Properties: { BackupVaultName: 'second-site' },
  });
  template.hasResourceProperties('AWS::Lambda::Function', { DurableConfig: { ExecutionTimeout: 21600 } });
  template.hasResourceProperties('AWS::RDS::DBSubnetGroup', {
    SubnetIds: stack.resolve(vpc.privateSubnets.map(({ subnetId }) => subnetId)),
  });
});

describe("checks of the user's own", () => {
  const newSite = () => {
    const stack = new Stack(new App(), 'Site', { env: { account: '111122223333', region: 'eu-west-1' } });
    return { stack, site: new RecoverySite(stack, 'RecoverySite') };
  };
  const smoke = (stack: Stack, site: RecoverySite) =>
    new lambda.Function(stack, 'Smoke', {
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = async () => ({})'),
      vpc: site.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      securityGroups: [site.checkSecurityGroup],
    });

  test('the drill knows the functions, may invoke them, and they may read the credentials of the site', () => {
    const { stack, site } = newSite();
    const fn = smoke(stack, site);
    site.addCheck('smoke', fn);
    const template = Template.fromStack(stack);
    const arn = { 'Fn::GetAtt': [stack.getLogicalId(fn.node.defaultChild as CfnElement), 'Arn'] };
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: { OWN_CHECKS: { 'Fn::Join': ['', ['{"smoke":"', arn, '"}']] } } },
    });
    const policies = Object.entries(policiesOf(template));
    const statementsOf = (name: RegExp) =>
      policies.filter(([id]) => name.test(id)).flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
    const invoke = statementsOf(/SiteDrill/).filter(({ Action }) => Action === 'lambda:InvokeFunction');
    assert.ok(invoke.some(({ Resource }) => JSON.stringify(Resource).includes(JSON.stringify(arn))));
    const [read] = statementsOf(/^Smoke/).filter(({ Action }) => Action === 'secretsmanager:GetSecretValue');
    assert.deepEqual(read.Condition, {
      StringEquals: { 'aws:ResourceTag/wso2is-recovery:site': 'wso2is-recovery' },
    });
  });

  test('without them the drill is told of none', () => {
    const drills = Object.values(siteWith().template.findResources('AWS::Lambda::Function')).filter(({ Properties }) =>
      Boolean(Properties.DurableConfig),
    );
    assert.equal(drills.length, 1);
    assert.equal('OWN_CHECKS' in drills[0]!['Properties'].Environment.Variables, false);
  });

  test('a name that is taken, or is none, stops the synth', () => {
    const { stack, site } = newSite();
    const fn = smoke(stack, site);
    site.addCheck('a'.repeat(40), fn);
    assert.throws(
      () => site.addCheck('a'.repeat(40), fn),
      /`name` of a check must be unique at its site, got 'a+' twice/,
    );
    for (const name of ['Smoke', '', 'a'.repeat(41)])
      assert.throws(() => site.addCheck(name, fn), /`name` must be 1 to 40/);
  });
});

describe('what stops the synth', () => {
  test('a stack without a Region', () => {
    assert.throws(() => new RecoverySite(new Stack(new App(), 'Site'), 'RecoverySite'), {
      message:
        "Site/RecoverySite: `env.region` of the site's stack must be a Region's name, got none: write " +
        "new Stack(app, 'Site', { env: { region: 'eu-west-1' } })",
    });
  });

  test('subnets without their network', () => {
    assert.throws(() => siteWith({ vpcSubnets: {} }), {
      message:
        'Site/RecoverySite: `vpcSubnets` must come with `vpc`, got no `vpc`: the own VPC has one kind of subnet only',
    });
  });

  for (const siteName of ['', 'Site', '-site', 'a'.repeat(36)]) {
    test(`the name '${siteName}'`, () => {
      assert.throws(() => siteWith({ siteName }), {
        message:
          'Site/RecoverySite: `siteName` must be 1 to 35 lower-case letters, digits and hyphens that do not begin with a ' +
          `hyphen, got '${siteName}': it becomes a part of S3 keys and physical names`,
      });
    });
  }

  test('but not a name of 35 characters', () => {
    siteWith({ siteName: 'a'.repeat(35) });
  });
});
