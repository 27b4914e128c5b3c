import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { type BootOptions, RecoverySite, type RecoverySiteProps } from '../../../lib';

function booting(options: Partial<BootOptions> = {}, props?: RecoverySiteProps) {
  const stack = new Stack(new App(), 'Site', { env: { account: '111122223333', region: 'eu-west-1' } });
  const site = new RecoverySite(stack, 'RecoverySite', props);
  const image = ecs.ContainerImage.fromEcrRepository(ecr.Repository.fromRepositoryName(stack, 'Is', 'is'), '7.1.0');
  const tokenClient = new secretsmanager.Secret(stack, 'Client');
  site.addBoot({ image, tokenClient, ...options });
  return { stack, site, image };
}

type Properties = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- of a template

describe('a site that boots', () => {
  const template = Template.fromStack(booting().stack);
  const only = (type: string, id: RegExp): [string, Properties] => {
    const found = Object.entries(template.findResources(type)).filter(([name]) => id.test(name));
    assert.equal(found.length, 1, `${type} ${id}`);
    return [found[0]![0], found[0]![1]['Properties'] as Properties];
  };
  const [groupId, group] = only('AWS::EC2::SecurityGroup', /BootSecurityGroup/);
  const [taskId, task] = only('AWS::ECS::TaskDefinition', /BootTask/);
  const statements = (id: RegExp) => only('AWS::IAM::Policy', id)[1]['PolicyDocument'].Statement as Properties[];

  test('task: Fargate, two cores and 4 GiB, the restore volume by its access point and read-only', () => {
    assert.deepEqual([task['Cpu'], task['Memory'], task['NetworkMode']], ['2048', '4096', 'awsvpc']);
    const [volume] = task['Volumes'];
    assert.deepEqual(
      [volume.EFSVolumeConfiguration.TransitEncryption, volume.EFSVolumeConfiguration.AuthorizationConfig.IAM],
      ['ENABLED', 'ENABLED'],
    );
    assert.match(volume.EFSVolumeConfiguration.AuthorizationConfig.AccessPointId.Ref, /RestoreVolumeDrills/);
    const [container] = task['ContainerDefinitions'];
    assert.equal(container.Name, 'identity-server');
    assert.deepEqual(container.MountPoints, [
      { ContainerPath: '/mnt/restored', ReadOnly: true, SourceVolume: 'restored' },
    ]);
    assert.deepEqual(container.EntryPoint, ['/bin/sh', '-c']);
    assert.match(container.Command[0], /wso2is-recovery-boot\/deployment\.toml" "\$WSO2_SERVER_HOME\/repository\/conf/);
  });

  test('network: databases, volume and endpoints alone; only the check function reaches it', () => {
    assert.deepEqual(
      group['SecurityGroupEgress'].map(({ CidrIp, FromPort }: Properties) => [CidrIp, FromPort]),
      [['0.0.0.0/0', 443]],
      'layers of the image: through the S3 endpoint, since there is no other way out',
    );
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::InternetGateway', 0);
    const isOf = (id: unknown) => JSON.stringify(id ?? '').includes(groupId);
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(
      ({ Properties }) => Properties as Properties,
    );
    assert.deepEqual(
      rules
        .filter(({ SourceSecurityGroupId }) => isOf(SourceSecurityGroupId))
        .map(({ FromPort, ToPort }) => [FromPort, ToPort])
        .sort(),
      [
        [0, 65_535],
        [2049, 2049],
        [443, 443],
      ],
    );
    const into = rules.filter(({ GroupId }) => isOf(GroupId));
    assert.deepEqual(
      into.map(({ FromPort, ToPort }) => [FromPort, ToPort]),
      [[9443, 65_535]],
    );
    assert.match(JSON.stringify(into[0]!['SourceSecurityGroupId']), /RecoverySiteCheckSecurityGroup/);
  });

  test('endpoints of ECR and logs, each in one Availability Zone', () => {
    for (const service of ['ecr.api', 'ecr.dkr', 'logs']) {
      template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
        ServiceName: `com.amazonaws.eu-west-1.${service}`,
        SubnetIds: [Match.anyValue()],
      });
    }
  });

  test('the copy may mount the restored files, and nothing else at AWS', () => {
    assert.deepEqual(
      statements(/BootTaskTaskRole/).map(({ Action, Condition }) => [Action, Object.keys(Condition.StringEquals)]),
      [['elasticfilesystem:ClientMount', ['elasticfilesystem:AccessPointArn']]],
    );
  });

  test('the drill may run this definition with its tag, pass its roles to ECS, and stop what carries the tag', () => {
    // What does not fit into the policy of the role overflows into a managed one.
    const all = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
      Object.entries(template.findResources(type, { Properties: { Roles: Match.anyValue() } }))
        .filter(([id]) => /RecoverySiteDrill/.test(id))
        .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as Properties[]),
    );
    const bySid = (sid: string) => all.find(({ Sid }) => Sid === sid)!;
    const run = bySid('BootCopy');
    assert.deepEqual([run['Action'], run['Resource']], ['ecs:RunTask', { Ref: taskId }]);
    assert.deepEqual(run['Condition'].Null, { 'aws:RequestTag/wso2is-recovery:drill': 'false' });
    assert.match(JSON.stringify(run['Condition'].ArnEquals['ecs:cluster']), /BootCluster/);
    const pass = bySid('PassRolesOfBootedCopy');
    assert.equal(pass['Resource'].length, 2);
    assert.deepEqual(pass['Condition'], { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
    const stop = bySid('FollowAndStopBootedCopy');
    assert.deepEqual(stop['Action'], ['ecs:DescribeTasks', 'ecs:StopTask']);
    assert.deepEqual(stop['Condition'], { Null: { 'aws:ResourceTag/wso2is-recovery:drill': 'false' } });
    assert.deepEqual(bySid('TagBootedCopy')['Condition'].StringEquals, { 'ecs:CreateAction': 'RunTask' });
  });

  test('the reaper knows the cluster, and may stop what carries the tag, but start nothing', () => {
    const [, reaper] = only('AWS::Lambda::Function', /Reaper/);
    assert.match(JSON.stringify(reaper['Environment'].Variables.BOOT_CLUSTER), /BootCluster/);
    const actions = statements(/Reaper.*DefaultPolicy/).flatMap(({ Action }) => Action as string | string[]);
    assert.deepEqual(
      actions.filter((action) => action.startsWith('ecs:')),
      ['ecs:DescribeTasks', 'ecs:StopTask', 'ecs:ListTasks'],
    );
  });

  test('the drill is told, and the check function reads the client', () => {
    const functions = Object.entries(template.findResources('AWS::Lambda::Function'));
    const told = JSON.stringify(
      functions.find(([id]) => /RecoverySiteDrill[0-9A-F]{8}$/.test(id))![1]['Properties'].Environment.Variables.BOOT,
    );
    for (const part of [
      'BootCluster',
      'BootTask',
      'BootSecurityGroup',
      '/api/health-check/v1.0/health',
      '600',
      'Client',
    ]) {
      assert.ok(told.includes(part), `${part} in ${told}`);
    }
    const reads = statements(/RecoverySiteCheckServiceRole/).filter(({ Resource }) =>
      /"Client/.test(JSON.stringify(Resource)),
    );
    assert.equal(reads.length, 1);
  });
});

test('a site that does not boot has none of it', () => {
  const stack = new Stack(new App(), 'Site', { env: { account: '111122223333', region: 'eu-west-1' } });
  new RecoverySite(stack, 'RecoverySite');
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::ECS::Cluster', 0);
  assert.ok(!JSON.stringify(template.toJSON()).includes('"BOOT"'));
});

describe('what is refused', () => {
  const message = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return (error as Error).message;
    }
    return assert.fail('it was not refused');
  };

  test('a time-out outside of 1 to 13 minutes', () => {
    for (const timeout of [Duration.seconds(59), Duration.seconds(781)]) {
      assert.match(
        message(() => booting({ timeout })),
        /`timeout` must be 1 to 13 minutes, got/,
      );
    }
    booting({ timeout: Duration.minutes(1), cpu: 4096, memory: Size.gibibytes(8) });
    booting({ timeout: Duration.minutes(13) });
  });

  test('a path that is none', () => {
    assert.match(
      message(() => booting({ healthPath: 'health' })),
      /`healthPath` must be a path, got 'health'/,
    );
  });

  test('a second boot, and a network that leads elsewhere', () => {
    const { site, image } = booting();
    assert.match(
      message(() => site.addBoot({ image })),
      /`addBoot` must be called once/,
    );
    const stack = new Stack(new App(), 'Other', { env: { account: '111122223333', region: 'eu-west-1' } });
    const other = new RecoverySite(stack, 'RecoverySite', { vpc: new ec2.Vpc(stack, 'Vpc') });
    assert.match(
      message(() => other.addBoot({ image })),
      /`addBoot` must find the own, isolated network of the site/,
    );
  });
});
